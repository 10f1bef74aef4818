//! What goes with the figures in every format: what they are of, by whose sum, under which rules, and how to cite them.

use std::collections::BTreeSet;

use optelsom_codebook::{Label, Lang};
use optelsom_disclosure::{FigureHeading, FigureKind, Note, Release, Row, Status};

use super::selection::selection;
use crate::browse::unit_sentence;
use crate::words::words;

/// One thing to know of a table. The key is stable: files and scripts rely on it.
pub struct Fact {
    /// The name in files.
    pub key: &'static str,
    /// The name for people.
    pub heading: &'static str,
    /// What it says.
    pub content: String,
}

/// All that belongs to a table, in one language.
pub struct About<'r> {
    release: &'r Release,
    lang: Lang,
}

impl<'r> About<'r> {
    pub fn new(release: &'r Release, lang: Lang) -> Self {
        Self { release, lang }
    }

    /// What the figures are of: `Reports of victims, by year and sex`.
    pub fn title(&self) -> String {
        let table = self.release.table();
        let mut title = self.release.dataset_label().get(self.lang).to_owned();
        if table.figures().iter().any(|figure| figure.kind != FigureKind::Count) {
            title.push_str(": ");
            title.push_str(&self.list(table.figures().iter().map(|figure| &figure.label)));
        }
        if !table.axes().is_empty() {
            title.push_str(words(self.lang, ", naar ", ", by "));
            title.push_str(&self.list(table.axes().iter().map(|axis| &axis.label)));
        }
        title
    }

    /// `year, sex and form`.
    fn list<'l>(&self, labels: impl Iterator<Item = &'l Label>) -> String {
        let labels: Vec<&str> = labels.map(|label| label.get(self.lang)).collect();
        match labels.as_slice() {
            [] => String::new(),
            [one] => (*one).to_owned(),
            [first @ .., last] => format!("{} {} {last}", first.join(", "), words(self.lang, "en", "and")),
        }
    }

    /// Which rows were counted, in words.
    pub fn selection(&self) -> Option<String> {
        selection(self.release, self.lang)
    }

    /// What is counted, plainly.
    pub fn unit(&self) -> &'static str {
        unit_sentence(self.release.unit(), self.lang)
    }

    /// Suppliers in the sum out of those asked: `5 of 6`.
    pub fn suppliers(&self) -> String {
        let (taking_part, asked) = (self.release.suppliers_taking_part().len(), self.release.suppliers_asked().len());
        format!("{taking_part} {} {asked}", words(self.lang, "van", "of"))
    }

    /// ε of a table with noise.
    pub fn epsilon(&self) -> Option<&'r str> {
        self.release.notes().iter().find_map(|note| match note {
            Note::Noised { epsilon, .. } => Some(epsilon.as_str()),
            _ => None,
        })
    }

    /// k, where cells are hidden by it.
    pub fn minimum_frequency(&self) -> Option<String> {
        (!self.release.is_noised()).then(|| self.release.minimum_frequency().to_string())
    }

    /// How much noise the figures have.
    fn noise(&self, epsilon: &str) -> String {
        let of_figure = |figure: &FigureHeading| {
            let noise = figure.noise.as_ref()?;
            let (name, deviation, half_width) =
                (figure.label.get(self.lang), &noise.standard_deviation, &noise.half_width);
            Some(match self.lang {
                Lang::Nl => format!("{name}: standaardafwijking {deviation}, 95 %-interval ± {half_width}"),
                Lang::En => format!("{name}: standard deviation {deviation}, 95 % interval ± {half_width}"),
            })
        };
        let figures: Vec<String> = self.release.table().figures().iter().filter_map(of_figure).collect();
        let figures = figures.join("; ");
        match self.lang {
            Lang::Nl => {
                format!("Ruis in plaats van verbergen, ε = {epsilon}. {figures}. Niets is verborgen of afgerond.")
            }
            Lang::En => format!("Noise in place of hiding, ε = {epsilon}. {figures}. Nothing is hidden or rounded."),
        }
    }

    /// By which rules cells are hidden, as far as they came to bear on this table; never their parameters but k.
    pub fn rules(&self) -> String {
        if let Some(epsilon) = self.epsilon() {
            return self.noise(epsilon);
        }
        let any =
            |wanted| self.release.table().rows().iter().flat_map(Row::figures).any(|cell| cell.status() == wanted);
        let k = self.release.minimum_frequency();
        let mut rules = match self.lang {
            Lang::Nl => format!("Verborgen zijn cellen die er minder dan {k} tellen (“te weinig”)"),
            Lang::En => format!("Hidden are cells that count fewer than {k} (“too few”)"),
        };
        if any(Status::HiddenTooFewSuppliers) {
            rules.push_str(words(
                self.lang,
                "; cellen van te weinig leveranciers (“te weinig leveranciers”)",
                "; cells of too few suppliers (“too few suppliers”)",
            ));
        }
        if any(Status::HiddenDominance) {
            rules.push_str(words(
                self.lang,
                "; sommen waarvan te veel van één rij kan zijn (“overheersing”)",
                "; sums of which too much may be a single row's (“dominance”)",
            ));
        }
        if any(Status::HiddenUnchecked) {
            rules.push_str(words(
                self.lang,
                "; uitsplitsingen die met eerdere tabellen samen te groot zijn om na te gaan (“niet na te gaan”)",
                "; groupings that are too large to be checked beside earlier tables (“too large to check”)",
            ));
        }
        rules.push_str(words(
            self.lang,
            "; en cellen die een verborgen cel zouden prijsgeven (“beschermt andere”). Verborgen is nooit 0.",
            "; and cells that would give a hidden one away (“protects others”). Hidden is never 0.",
        ));
        rules
    }

    /// The day of release, `2024-12-31`.
    pub fn released(&self) -> String {
        self.release.released_at().to_string().chars().take(10).collect()
    }

    /// What a reader has to know besides, a sentence each.
    pub fn notes(&self) -> Vec<String> {
        self.release.notes().iter().map(|note| note.text(self.lang)).collect()
    }

    /// The notes by their stable names.
    pub fn note_codes(&self) -> String {
        let codes: BTreeSet<&str> = self.release.notes().iter().map(Note::code).collect();
        codes.into_iter().collect::<Vec<_>>().join(" ")
    }

    /// How to cite the table: everything that is needed to find and check it again.
    pub fn citation(&self) -> String {
        let (release, suppliers) = (self.release, self.suppliers());
        let title = self.selection().map_or(self.title(), |selection| format!("{} ({selection})", self.title()));
        let codebook = release.codebook();
        let (name, version, edition) = (codebook.name.get(self.lang), &codebook.version, release.edition());
        let (released, query) = (self.released(), release.query());
        match self.lang {
            Lang::Nl => format!(
                "{name}. {title}. Editie {edition}, codeboek {version}, {suppliers} leveranciers. Vrijgegeven op {released}. \
                 Vraag {query}."
            ),
            Lang::En => format!(
                "{name}. {title}. Edition {edition}, codebook {version}, {suppliers} suppliers. Released on {released}. \
                 Query {query}."
            ),
        }
    }

    /// Everything, in order.
    pub fn facts(&self) -> Vec<Fact> {
        let (release, lang) = (self.release, self.lang);
        let codebook = release.codebook();
        let names = |suppliers: &BTreeSet<_>| suppliers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let fact = |key, nl, en, content: String| Fact { key, heading: words(lang, nl, en), content };
        let mut facts = vec![fact("title", "Titel", "Title", self.title())];
        facts.extend(self.selection().map(|selection| fact("selection", "Selectie", "Selection", selection)));
        facts.extend([
            fact("unit", "Eenheid", "Unit", self.unit().to_owned()),
            fact("suppliers", "Leveranciers", "Suppliers", self.suppliers()),
            fact("suppliers_taking_part", "Deden mee", "Took part", names(release.suppliers_taking_part())),
            fact("suppliers_asked", "Gevraagd", "Asked", names(release.suppliers_asked())),
            fact("rules", "Regels", "Rules", self.rules()),
        ]);
        facts.extend(
            self.minimum_frequency().map(|k| fact("minimum_frequency", "Minimumaantal", "Minimum frequency", k)),
        );
        facts.extend(self.epsilon().map(|epsilon| fact("epsilon", "Epsilon", "Epsilon", epsilon.to_owned())));
        facts.extend([
            fact("notes", "Opmerkingen", "Notes", self.notes().join(" ")),
            fact("note_codes", "Opmerkingen (codes)", "Notes (codes)", self.note_codes()),
            fact("question", "Vraag in SQL", "Question in SQL", release.question().to_owned()),
            fact("query", "Vraagnummer", "Query", release.query().to_string()),
            fact("purpose", "Doel", "Purpose", release.purpose().to_owned()),
            fact("dataset", "Dataset", "Dataset", release.dataset().to_owned()),
            fact("edition", "Editie", "Edition", release.edition().to_string()),
            fact("codebook", "Codeboek", "Codebook", codebook.name.get(lang).to_owned()),
            fact("codebook_version", "Versie van het codeboek", "Codebook version", codebook.version.clone()),
            fact("codebook_hash", "Controlegetal van het codeboek", "Codebook digest", codebook.hash.to_string()),
            fact(
                "policy",
                "Controlegetal van de regels",
                "Digest of the rules",
                release.disclosure_policy().to_string(),
            ),
            fact("asked_at", "Gevraagd op", "Asked on", release.asked_at().to_string()),
            fact("released_at", "Vrijgegeven op", "Released on", release.released_at().to_string()),
            fact("citation", "Verwijzing", "How to cite", self.citation()),
        ]);
        facts
    }
}

/// A figure's name with its unit: `mean of duration (days)`.
pub fn figure_heading(figure: &FigureHeading, lang: Lang) -> String {
    let (label, unit) = (figure.label.get(lang), figure.unit.get(lang));
    // Counts are of the dataset's unit, which goes with the table.
    if unit.is_empty() || figure.kind == FigureKind::Count { label.to_owned() } else { format!("{label} ({unit})") }
}
