//! What a logged question asks, in the words of the codebook that it was read with.

use std::collections::BTreeMap;

use optelsom_codebook::{
    CodeSet, Codebook, Dataset, Detail, Figure, GroupAxis, Hash256, Lang, Query, RowFilter, Variable,
};
use optelsom_ledger::QueryEntry;
use optelsom_ledger::audit::{Account, Files, document_path};
use optelsom_ledger::entry::Subject;

use crate::browse::unit_sentence;
use crate::words::words;

/// More codes than this are told by the first, the last, and how many.
const MOST_CODES: usize = 6;

/// A question that could be read.
#[derive(Clone, Debug)]
pub struct Question {
    /// The question as SQL.
    pub sql: String,
    /// What a row is.
    pub unit: String,
    /// What is counted, and by what it is broken down.
    pub asks: String,
    /// Which rows, where not all.
    pub selection: Option<String>,
    /// The names of the variables and measures that it looks at.
    pub looks_at: Vec<String>,
}

/// The codebooks of a log, for reading its questions.
#[derive(Debug)]
pub struct Questions<'a> {
    files: &'a Files,
    codebooks: BTreeMap<Hash256, Codebook>,
    lang: Lang,
}

impl<'a> Questions<'a> {
    /// Takes the codebooks out of the documents that the log names.
    pub fn new(files: &'a Files, account: &Account, lang: Lang) -> Self {
        let changes = account.documents().iter().map(|logged| &logged.fact);
        let codebooks = changes.filter(|change| change.subject == Subject::Codebook).filter_map(|change| {
            let text = std::str::from_utf8(files.get(&document_path(&change.document))?).ok()?;
            Codebook::parse(text).ok().filter(|codebook| codebook.hash() == change.named)
        });
        let codebooks = codebooks.map(|codebook| (codebook.hash(), codebook)).collect();
        Self { files, codebooks, lang }
    }

    /// What an entry asks; none if its document or codebook is not there, or is another.
    pub fn read(&self, entry: &QueryEntry) -> Option<Question> {
        let document =
            self.files.get(&document_path(&entry.query)).filter(|bytes| Hash256::of(bytes) == entry.query)?;
        let codebook = self.codebooks.get(&entry.codebook)?;
        let query = Query::from_json(codebook, std::str::from_utf8(document).ok()?).ok()?;
        let (dataset, lang) = (query.dataset().as_ref(), self.lang);
        let reader = Reader { dataset, lang };
        Some(Question {
            sql: query.to_sql(),
            unit: unit_sentence(dataset.unit(), lang).to_owned(),
            asks: reader.asks(&query),
            selection: (*query.filter() != RowFilter::All).then(|| reader.condition(query.filter(), false)),
            looks_at: reader.looks_at(&query),
        })
    }
}

struct Reader<'d> {
    dataset: &'d Dataset,
    lang: Lang,
}

impl Reader<'_> {
    fn variable(&self, index: usize) -> &str {
        self.dataset.variables().get(index).map_or("?", |variable| variable.label().get(self.lang))
    }

    fn measure(&self, index: usize) -> &str {
        self.dataset.measures().get(index).map_or("?", |measure| measure.label().get(self.lang))
    }

    fn asks(&self, query: &Query) -> String {
        let figures: Vec<String> = query.select().iter().map(|figure| self.figure(figure)).collect();
        let axes: Vec<String> = query.axes().iter().map(|axis| self.axis(axis)).collect();
        let mut text = format!("{}: {}", self.dataset.label().get(self.lang), figures.join(", "));
        if !axes.is_empty() {
            text.push_str(words(self.lang, ", naar ", ", by "));
            text.push_str(&axes.join(words(self.lang, " en ", " and ")));
        }
        if let Some(epsilon) = query.epsilon() {
            text.push_str(words(
                self.lang,
                "; met ruis in plaats van verbergen, ε = ",
                "; with noise in place of hiding, ε = ",
            ));
            text.push_str(&epsilon.to_string());
        }
        text
    }

    fn axis(&self, axis: &GroupAxis) -> String {
        match axis {
            GroupAxis::Variable(index, Detail::Codes) => self.variable(*index).to_owned(),
            GroupAxis::Variable(index, Detail::Level(level)) => {
                format!("{} ({} {level})", self.variable(*index), words(self.lang, "niveau", "level"))
            }
            GroupAxis::Histogram(histogram) => self.measure(histogram.measure()).to_owned(),
        }
    }

    fn figure(&self, figure: &Figure) -> String {
        let of = |nl: &str, en: &str, measure: usize| format!("{} {}", words(self.lang, nl, en), self.measure(measure));
        match figure {
            Figure::Count => words(self.lang, "aantal", "number").to_owned(),
            Figure::Sum { measure } => of("som van", "sum of", *measure),
            Figure::Mean { measure } => of("gemiddelde van", "mean of", *measure),
            Figure::Variance { measure, .. } => of("variantie van", "variance of", *measure),
            Figure::StandardDeviation { measure, .. } => {
                of("standaardafwijking van", "standard deviation of", *measure)
            }
            Figure::Share { .. } => words(self.lang, "aandeel", "share").to_owned(),
            Figure::Quantile { histogram, probability } => {
                format!("{} ({probability})", of("kwantiel van", "quantile of", histogram.measure()))
            }
        }
    }

    fn condition(&self, filter: &RowFilter, nested: bool) -> String {
        let joined = |parts: &[RowFilter], nl: &str, en: &str| {
            let parts: Vec<String> = parts.iter().map(|part| self.condition(part, true)).collect();
            let text = parts.join(words(self.lang, nl, en));
            if nested { format!("({text})") } else { text }
        };
        match filter {
            RowFilter::All => String::new(),
            RowFilter::Has { variable, codes } => {
                format!("{}: {}", self.variable(*variable), self.codes(*variable, codes))
            }
            RowFilter::HasNone { variable, codes } => {
                let none = words(self.lang, "geen van", "none of");
                format!("{}: {none} {}", self.variable(*variable), self.codes(*variable, codes))
            }
            RowFilter::And(parts) => joined(parts, " en ", " and "),
            RowFilter::Or(parts) => joined(parts, " of ", " or "),
        }
    }

    fn codes(&self, variable: usize, codes: &CodeSet) -> String {
        let list = self.dataset.variables().get(variable).map(Variable::list);
        let labels = codes.iter().filter_map(|code| list?.code(code));
        let labels: Vec<&str> = labels.map(|code| code.label().get(self.lang)).collect();
        match labels.as_slice() {
            [first, _, .., last] if consecutive(&labels) => format!("{first}–{last}"),
            [first, .., last] if labels.len() > MOST_CODES => format!("{first} … {last} ({})", labels.len()),
            labels => labels.join(", "),
        }
    }

    fn looks_at(&self, query: &Query) -> Vec<String> {
        let grouped = query.axes().iter().map(|axis| match axis {
            GroupAxis::Variable(index, _) => self.dataset.variables().get(*index).map(Variable::name),
            GroupAxis::Histogram(histogram) => self.dataset.measures().get(histogram.measure()).map(|m| m.name()),
        });
        let filtered = query.filter().variables();
        let filtered = filtered.iter().map(|index| self.dataset.variables().get(*index).map(Variable::name));
        let measured = query.select().iter().filter_map(Figure::measure);
        let measured = measured.map(|index| self.dataset.measures().get(index).map(|measure| measure.name()));
        let mut names: Vec<String> = grouped.chain(filtered).chain(measured).flatten().map(str::to_owned).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// Whether these are numbers one after the other, such as years.
fn consecutive(labels: &[&str]) -> bool {
    let numbers: Option<Vec<u32>> = labels.iter().map(|label| label.parse().ok()).collect();
    let follows = |pair: &[u32]| matches!(pair, [a, b] if a.checked_add(1) == Some(*b));
    numbers.is_some_and(|numbers| numbers.windows(2).all(follows))
}
