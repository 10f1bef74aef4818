//! What can be asked in the simulated world: a small codebook, a few questions of it, and which sums each of them shows.

use std::sync::LazyLock;

use optelsom_codebook::{Codebook, Hash256, Query, SupplierId};

/// The codebook as it is logged.
pub const CODEBOOK_DOCUMENT: &str = r#"
version = "1"
name = { nl = "Proef", en = "Trial" }

[lists.year]
years = [2023, 2024]

[lists.sex]
codes = [{ code = "F", nl = "vrouw", en = "female" }, { code = "M", nl = "man", en = "male" }]

[datasets.victims]
unit = "report"
label = { nl = "meldingen", en = "reports" }
period = "year"
[datasets.victims.variables]
year = { list = "year", label = { nl = "jaar", en = "year" } }
sex = { list = "sex", label = { nl = "geslacht", en = "sex" } }

[datasets.suspects]
unit = "report"
label = { nl = "verdachten", en = "suspects" }
period = "year"
[datasets.suspects.variables]
year = { list = "year", label = { nl = "jaar", en = "year" } }
"#;

/// The codebook that all questions are asked by.
pub static CODEBOOK: LazyLock<Codebook> = LazyLock::new(|| match Codebook::parse(CODEBOOK_DOCUMENT) {
    Ok(codebook) => codebook,
    #[expect(clippy::panic, reason = "a failure of the test")]
    Err(errors) => panic!("{errors}"),
});

static DOCUMENTS: LazyLock<Vec<Vec<u8>>> =
    LazyLock::new(|| Question::ALL.iter().map(|question| question.canonical()).collect());

/// What a supplier holds for one dataset and year, as one figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Figure {
    /// The dataset.
    pub dataset: &'static str,
    /// The year.
    pub year: u16,
}

/// A question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Question {
    /// Victims of both years, by year.
    VictimsByYear,
    /// Victims of both years, by sex.
    VictimsBySex,
    /// Victims of both years, by year and sex.
    VictimsByBoth,
    /// Victims of 2024.
    VictimsOf2024,
    /// Victims of 2023.
    VictimsOf2023,
    /// Suspects of 2024.
    Suspects,
}

impl Question {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::VictimsByYear,
        Self::VictimsBySex,
        Self::VictimsByBoth,
        Self::VictimsOf2024,
        Self::VictimsOf2023,
        Self::Suspects,
    ];

    /// The dataset that it is about.
    pub fn dataset(self) -> &'static str {
        if self == Self::Suspects { "suspects" } else { "victims" }
    }

    /// The sums that its table tells, each over some figures. Sums over sexes are left out, but for all of them.
    pub fn sums(self) -> Vec<Vec<Figure>> {
        let figure = |year| Figure { dataset: self.dataset(), year };
        match self {
            Self::VictimsByYear | Self::VictimsByBoth => vec![vec![figure(2023)], vec![figure(2024)]],
            Self::VictimsBySex => vec![vec![figure(2023), figure(2024)]],
            Self::VictimsOf2023 => vec![vec![figure(2023)]],
            Self::VictimsOf2024 | Self::Suspects => vec![vec![figure(2024)]],
        }
    }

    /// Its canonical document.
    pub fn document(self) -> &'static [u8] {
        DOCUMENTS.get(self as usize).map_or(&[], Vec::as_slice)
    }

    /// What an entry names it by.
    pub fn hash(self) -> Hash256 {
        Hash256::of(self.document())
    }

    /// The question with this document.
    pub fn of(document: &Hash256) -> Option<Self> {
        Self::ALL.into_iter().find(|question| question.hash() == *document)
    }

    fn canonical(self) -> Vec<u8> {
        let sql = match self {
            Self::VictimsByYear => "SELECT year, COUNT(*) FROM victims WHERE year BETWEEN 2023 AND 2024 GROUP BY year",
            Self::VictimsBySex => "SELECT sex, COUNT(*) FROM victims WHERE year BETWEEN 2023 AND 2024 GROUP BY sex",
            Self::VictimsByBoth => {
                "SELECT year, sex, COUNT(*) FROM victims WHERE year BETWEEN 2023 AND 2024 GROUP BY year, sex"
            }
            Self::VictimsOf2024 => "SELECT COUNT(*) FROM victims WHERE year = 2024",
            Self::VictimsOf2023 => "SELECT COUNT(*) FROM victims WHERE year = 2023",
            Self::Suspects => "SELECT COUNT(*) FROM suspects WHERE year = 2024",
        };
        match Query::from_sql(&CODEBOOK, sql) {
            Ok(query) => query.canonical_bytes(),
            #[expect(clippy::panic, reason = "a failure of the test")]
            Err(error) => panic!("{sql}: {error}"),
        }
    }
}

/// A supplier's agreement on victims, in which it waives the guard for itself, or doesn't.
pub fn agreement(supplier: &SupplierId, version: u32, waives: bool) -> String {
    format!(
        "supplier = \"{supplier}\"\nversion = \"{version}\"\nvalid = {{ from = \"2024-01-01\", until = \"2028-12-31\" }}\n\
         [[datasets]]\nname = \"victims\"\nvariables = \"all\"\npurposes = [\"monitor\"]\nqueries_per_day = 100\n\
         own_figure_may_become_known = {waives}\n"
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use optelsom_codebook::{Agreement, Hash256};

    use super::{CODEBOOK, Question, agreement};
    use crate::federation::supplier;

    #[test]
    fn every_question_has_a_document_of_its_own() {
        for question in Question::ALL {
            assert_eq!(Question::of(&question.hash()), Some(question));
        }
        assert_eq!(Question::of(&Hash256::of(b"")), None);
    }

    #[test]
    fn agreements_waive_or_not() {
        for waives in [true, false] {
            let agreement = Agreement::parse(&agreement(&supplier(1), 1, waives), &CODEBOOK).unwrap();
            let terms = agreement.datasets().next().unwrap();
            assert_eq!((terms.0, terms.1.own_figure_may_become_known()), ("victims", waives));
        }
    }
}
