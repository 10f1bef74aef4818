//! The agreement: what one supplier's node answers, for whom, and until when.

mod admit;
mod document;
mod refusal;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

pub use admit::{Admission, Admitted, PendingApproval, ProtectionRules, Request};
pub use refusal::{Refusal, RefusalReason, UnknownReason};

use crate::codebook::Codebook;
use crate::document::{Problem, Reader, write_problems};
use crate::encoding::Encoder;
use crate::ids::{Hash256, SupplierId};
use crate::query::PrivacyBudget;
use crate::timestamp::Timestamp;

/// What one supplier has agreed to: dated, versioned and hashed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreement {
    supplier: SupplierId,
    version: String,
    from: Timestamp,
    until: Timestamp,
    datasets: BTreeMap<String, DatasetTerms>,
    hash: Hash256,
}

/// What was agreed for one dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatasetTerms {
    pub(crate) variables: Scope,
    pub(crate) measures: Scope,
    pub(crate) purposes: BTreeSet<String>,
    pub(crate) years: Option<(u64, u64)>,
    pub(crate) minimum_suppliers: u64,
    pub(crate) maximum_cells: u64,
    pub(crate) queries_per_day: u64,
    pub(crate) minimum_frequency: Option<u64>,
    pub(crate) minimum_suppliers_per_cell: Option<u64>,
    pub(crate) dominance_percent: Option<u64>,
    pub(crate) rounding_base: Option<u64>,
    pub(crate) every_query_waits_for_approval: bool,
    pub(crate) own_figure_may_become_known: bool,
    pub(crate) privacy_budget: Option<PrivacyBudget>,
}

/// All names, or only some.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    All,
    Only(BTreeSet<String>),
}

impl Scope {
    fn contains(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => names.contains(name),
        }
    }

    fn encode(&self, encoder: &mut Encoder) {
        match self {
            Self::All => encoder.flag(true),
            Self::Only(names) => {
                encoder.flag(false);
                encoder.count(names.len());
                names.iter().for_each(|name| encoder.text(name));
            }
        }
    }
}

/// Every mistake in an agreement's document, in the order of its lines. The supplier's operator is at fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgreementErrors(Vec<Problem>);

impl AgreementErrors {
    /// The mistakes, at least one.
    pub fn problems(&self) -> &[Problem] {
        &self.0
    }
}

impl fmt::Display for AgreementErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_problems(f, "the agreement", &self.0)
    }
}

impl std::error::Error for AgreementErrors {}

impl Agreement {
    /// Reads and checks an agreement in TOML against the codebook that it speaks of.
    ///
    /// # Errors
    /// All mistakes, each with its line, what is wrong and how to mend it.
    pub fn parse(toml: &str, codebook: &Codebook) -> Result<Self, AgreementErrors> {
        Reader::read(toml, |reader, top| document::read_agreement(reader, top, codebook)).map_err(AgreementErrors)
    }

    pub(crate) fn new(
        supplier: SupplierId,
        version: String,
        (from, until): (Timestamp, Timestamp),
        datasets: BTreeMap<String, DatasetTerms>,
    ) -> Self {
        let mut encoder = Encoder::new("agreement");
        encoder.text(supplier.as_str());
        encoder.text(&version);
        encoder.number(from.as_millis());
        encoder.number(until.as_millis());
        encoder.count(datasets.len());
        for (name, terms) in &datasets {
            encoder.text(name);
            terms.encode(&mut encoder);
        }
        // Left out where nobody has one, so that other agreements keep their digests.
        let budgets: Vec<_> = datasets.iter().filter_map(|(name, terms)| Some((name, terms.privacy_budget?))).collect();
        if !budgets.is_empty() {
            encoder.count(budgets.len());
            for (name, budget) in budgets {
                encoder.text(name);
                encoder.number(u64::from(budget.thousandths()));
            }
        }
        let hash = encoder.hash();
        Self { supplier, version, from, until, datasets, hash }
    }

    /// Whose agreement it is.
    pub fn supplier(&self) -> &SupplierId {
        &self.supplier
    }

    /// The version its authors gave it.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The digest of its content: the same for every text that says the same.
    pub fn hash(&self) -> Hash256 {
        self.hash
    }

    /// From this moment on it holds: the first moment of its first day, in UTC.
    pub fn from(&self) -> Timestamp {
        self.from
    }

    /// From this moment on it holds no more: the first moment after its last day, in UTC.
    pub fn until(&self) -> Timestamp {
        self.until
    }

    /// What was agreed for each dataset, by name.
    pub fn datasets(&self) -> impl Iterator<Item = (&str, &DatasetTerms)> {
        self.datasets.iter().map(|(name, terms)| (name.as_str(), terms))
    }

    /// What was agreed for this dataset.
    pub fn dataset(&self, name: &str) -> Option<&DatasetTerms> {
        self.datasets.get(name)
    }
}

impl DatasetTerms {
    fn encode(&self, encoder: &mut Encoder) {
        self.variables.encode(encoder);
        self.measures.encode(encoder);
        encoder.count(self.purposes.len());
        self.purposes.iter().for_each(|purpose| encoder.text(purpose));
        encoder.flag(self.years.is_some());
        let (first, last) = self.years.unwrap_or_default();
        encoder.number(first);
        encoder.number(last);
        encoder.number(self.minimum_suppliers);
        encoder.number(self.maximum_cells);
        encoder.number(self.queries_per_day);
        encoder.flag(self.minimum_frequency.is_some());
        encoder.number(self.minimum_frequency.unwrap_or_default());
        for rule in [self.minimum_suppliers_per_cell, self.dominance_percent, self.rounding_base] {
            encoder.number(rule.unwrap_or_default());
        }
        encoder.flag(self.every_query_waits_for_approval);
        encoder.flag(self.own_figure_may_become_known);
    }

    /// Whether questions may look at this variable.
    pub fn allows_variable(&self, name: &str) -> bool {
        self.variables.contains(name)
    }

    /// Whether questions may look at this measure.
    pub fn allows_measure(&self, name: &str) -> bool {
        self.measures.contains(name)
    }

    /// Whether questions may be asked for this purpose.
    pub fn allows_purpose(&self, purpose: &str) -> bool {
        self.purposes.contains(purpose)
    }

    /// The purposes agreed.
    pub fn purposes(&self) -> impl Iterator<Item = &str> {
        self.purposes.iter().map(String::as_str)
    }

    /// The first and last year that may be asked, if there are such bounds.
    pub fn years(&self) -> Option<(u64, u64)> {
        self.years
    }

    /// Whether rows of this period may be asked. Where years are bounded, a code that is no year may not.
    pub fn allows_period(&self, code: &str) -> bool {
        match self.years {
            None => true,
            Some((first, last)) => code.parse::<u64>().is_ok_and(|year| (first..=last).contains(&year)),
        }
    }

    /// The fewest suppliers in a sum that this supplier takes part in; at least 3.
    pub fn minimum_suppliers(&self) -> u64 {
        self.minimum_suppliers
    }

    /// The most cells of one question.
    pub fn maximum_cells(&self) -> u64 {
        self.maximum_cells
    }

    /// The most questions that are answered in one day.
    pub fn queries_per_day(&self) -> u64 {
        self.queries_per_day
    }

    /// A stricter k than the codebook's, if one was agreed.
    pub fn minimum_frequency(&self) -> Option<u64> {
        self.minimum_frequency
    }

    /// A stricter s than the codebook's, if one was agreed: cells of fewer suppliers are hidden.
    pub fn minimum_suppliers_per_cell(&self) -> Option<u64> {
        self.minimum_suppliers_per_cell
    }

    /// A stricter p of the p% rule than the codebook's, if one was agreed.
    pub fn dominance_percent(&self) -> Option<u64> {
        self.dominance_percent
    }

    /// What counts have to be rounded to a multiple of, if that was agreed.
    pub fn rounding_base(&self) -> Option<u64> {
        self.rounding_base
    }

    /// How much ε all noised answers of this supplier about the dataset may have together, over all its editions. Without
    /// one, none is given.
    pub fn privacy_budget(&self) -> Option<PrivacyBudget> {
        self.privacy_budget
    }

    /// Whether a person approves each question before it is answered.
    pub fn every_query_waits_for_approval(&self) -> bool {
        self.every_query_waits_for_approval
    }

    /// Whether this supplier waives the guard for itself: totals may be opened that, put together, tell the bureau its
    /// own figure of this dataset.
    pub fn own_figure_may_become_known(&self) -> bool {
        self.own_figure_may_become_known
    }
}
