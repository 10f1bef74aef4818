//! Datasets: what a row is, and what is known of it.

use std::sync::Arc;

use crate::code_list::CodeList;
use crate::label::{Label, Lang};
use crate::suggest::Candidate;

/// The largest bound of a measure, scaled to an integer: 2^40. Four million rows at the bound still sum within 63 bits.
pub const MAX_MEASURE_BOUND: u64 = 1 << 40;

/// What one row of a dataset is. Reports are never called persons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    /// A registration: one person may be in several, with one supplier or with several.
    Report,
    /// A person, once per supplier and period.
    Person,
}

impl Unit {
    /// The word used in codebooks and files.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Report => "report",
            Self::Person => "person",
        }
    }

    /// The plural for people.
    pub const fn label(self, lang: Lang) -> &'static str {
        match (self, lang) {
            (Self::Report, Lang::Nl) => "meldingen",
            (Self::Report, Lang::En) => "reports",
            (Self::Person, Lang::Nl) => "personen",
            (Self::Person, Lang::En) => "persons",
        }
    }
}

/// A dataset: rows of one unit, with variables, measures and a period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dataset {
    pub(crate) name: String,
    pub(crate) label: Label,
    pub(crate) unit: Unit,
    pub(crate) period: usize,
    pub(crate) minimum_frequency: u64,
    pub(crate) minimum_suppliers: u64,
    pub(crate) dominance_percent: Option<u64>,
    pub(crate) rounding_base: Option<u64>,
    pub(crate) variables: Vec<Variable>,
    pub(crate) measures: Vec<Measure>,
}

impl Dataset {
    /// The name in questions.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the dataset is about.
    pub fn label(&self) -> &Label {
        &self.label
    }

    /// What a row is.
    pub fn unit(&self) -> Unit {
        self.unit
    }

    /// The name of the variable that says to which year a row belongs.
    pub fn period(&self) -> &str {
        self.period_variable().map_or("", Variable::name)
    }

    /// The variable that says to which year a row belongs. A codebook always has one.
    pub fn period_variable(&self) -> Option<&Variable> {
        self.variables.get(self.period)
    }

    /// The position of the period among the variables.
    pub fn period_index(&self) -> usize {
        self.period
    }

    /// k: a cell with fewer rows, but not none, is hidden. At least 3.
    pub fn minimum_frequency(&self) -> u64 {
        self.minimum_frequency
    }

    /// s: a cell to which fewer suppliers contributed, but some, is hidden. At least 1, which hides nothing.
    pub fn minimum_suppliers(&self) -> u64 {
        self.minimum_suppliers
    }

    /// p of the p% rule, by which sums are hidden that one row makes up too much of; 1 to 100.
    pub fn dominance_percent(&self) -> Option<u64> {
        self.dominance_percent
    }

    /// What counts are rounded to a multiple of, if they are; at least 2.
    pub fn rounding_base(&self) -> Option<u64> {
        self.rounding_base
    }

    /// The variables in the order of the codebook.
    pub fn variables(&self) -> &[Variable] {
        &self.variables
    }

    /// The variable of this name.
    pub fn variable(&self, name: &str) -> Option<&Variable> {
        self.variables.iter().find(|variable| variable.name == name)
    }

    /// The position of the variable of this name.
    pub fn variable_index(&self, name: &str) -> Option<usize> {
        self.variables.iter().position(|variable| variable.name == name)
    }

    /// The measures in the order of the codebook.
    pub fn measures(&self) -> &[Measure] {
        &self.measures
    }

    /// The measure of this name.
    pub fn measure(&self, name: &str) -> Option<&Measure> {
        self.measures.iter().find(|measure| measure.name == name)
    }

    /// The position of the measure of this name.
    pub fn measure_index(&self, name: &str) -> Option<usize> {
        self.measures.iter().position(|measure| measure.name == name)
    }
}

/// Something known of every row, as one code of a list, or several.
///
/// Every row has at least one code: where nothing is known it has the list's missing code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    pub(crate) name: String,
    pub(crate) label: Label,
    pub(crate) list: Arc<CodeList>,
    pub(crate) multiple: bool,
}

impl Variable {
    /// The name in questions.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the variable says.
    pub fn label(&self) -> &Label {
        &self.label
    }

    /// The codes it can take.
    pub fn list(&self) -> &Arc<CodeList> {
        &self.list
    }

    pub(crate) fn candidate(&self) -> Candidate<'_> {
        Candidate::labelled(&self.name, &self.label)
    }

    /// Whether a row may have several codes. Such a row counts in several cells, so the margins do not add up.
    pub fn multiple(&self) -> bool {
        self.multiple
    }
}

/// A number known of a row, held as an integer scaled by 10^decimals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measure {
    pub(crate) name: String,
    pub(crate) label: Label,
    pub(crate) unit: String,
    pub(crate) decimals: u8,
    pub(crate) minimum: i64,
    pub(crate) maximum: i64,
    pub(crate) optional: bool,
}

impl Measure {
    /// The name in questions.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What is measured.
    pub fn label(&self) -> &Label {
        &self.label
    }

    pub(crate) fn candidate(&self) -> Candidate<'_> {
        Candidate::labelled(&self.name, &self.label)
    }

    /// What it is measured in: `EUR`, `days`.
    pub fn unit(&self) -> &str {
        &self.unit
    }

    /// Digits after the point that are kept, 0 to 6.
    pub fn decimals(&self) -> u32 {
        u32::from(self.decimals)
    }

    /// The smallest value a row may have, scaled by 10^decimals.
    pub fn minimum(&self) -> i64 {
        self.minimum
    }

    /// The largest value a row may have, scaled by 10^decimals.
    pub fn maximum(&self) -> i64 {
        self.maximum
    }

    /// Whether a row may have no value.
    pub fn optional(&self) -> bool {
        self.optional
    }

    /// The largest absolute value a row may have, scaled; at most [`MAX_MEASURE_BOUND`].
    pub fn bound(&self) -> u64 {
        self.minimum.unsigned_abs().max(self.maximum.unsigned_abs())
    }
}
