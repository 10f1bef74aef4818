//! The policy by which totals are protected.

use optelsom_codebook::{Dataset, DatasetTerms, Hash256};
use thiserror::Error;

/// The least that any minimum frequency may be.
pub const LEAST_MINIMUM_FREQUENCY: u64 = 3;

/// The rules for one dataset, known before a total is opened: a query's entry names their hash.
///
/// A cell that holds some rows, but fewer than k, is hidden, and so are the cells that would give it away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    dataset: String,
    minimum_frequency: u64,
    minimum_suppliers: u64,
    dominance_percent: u64,
    rounding_base: u64,
}

/// Why there is no such policy.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum PolicyError {
    /// Below 3 a member of the cell knows the other one.
    #[error("a minimum frequency of {0} protects nobody: the codebook or the configuration has to say 3 or more")]
    MinimumFrequency(u64),
    /// A share is at most the whole.
    #[error("a p% rule with p = {0}: it has to be from 1 to 100")]
    DominancePercent(u64),
    /// What is not hidden would be shown as nought.
    #[error(
        "counts of {minimum_frequency} and more are shown, but rounded to multiples of {rounding_base} some of them would \
         be shown as nought: lower the rounding base to twice the minimum frequency, or raise that"
    )]
    RoundedToNought {
        /// k.
        minimum_frequency: u64,
        /// The base.
        rounding_base: u64,
    },
    /// The plan has no column for it.
    #[error(
        "an agreement asks to hide cells of fewer than {0} suppliers, or sums that one row dominates, and the codebook \
         counts neither for this dataset: give it `minimum_suppliers = 2` and `dominance_percent` there"
    )]
    NotCounted(u64),
}

/// The fewest suppliers that may share a sum of a measure, where suppliers are counted at all: of two, each could work out
/// the other's.
pub const LEAST_SUPPLIERS_OF_A_SUM: u64 = 3;

impl Policy {
    /// The policy with this k for the dataset of this name.
    ///
    /// # Errors
    /// When k < 3.
    pub fn new(dataset: &str, minimum_frequency: u64) -> Result<Self, PolicyError> {
        if minimum_frequency < LEAST_MINIMUM_FREQUENCY {
            return Err(PolicyError::MinimumFrequency(minimum_frequency));
        }
        let dataset = dataset.to_owned();
        Ok(Self { dataset, minimum_frequency, minimum_suppliers: 1, dominance_percent: 0, rounding_base: 1 })
    }

    /// The codebook's policy for a dataset. Its further rules hold in any case: see [`Policy::with_codebook`].
    ///
    /// # Errors
    /// When its k < 3, which no codebook says that was read from a document.
    pub fn for_dataset(dataset: &Dataset) -> Result<Self, PolicyError> {
        Self::new(dataset.name(), dataset.minimum_frequency())
    }

    /// This policy, with whatever of the codebook's rules for the dataset is stricter.
    ///
    /// # Errors
    /// When they contradict each other.
    pub fn with_codebook(&self, dataset: &Dataset) -> Result<Self, PolicyError> {
        let policy = self.clone().stricter(Some(dataset.minimum_frequency()));
        policy.with(dataset.minimum_suppliers(), dataset.dominance_percent(), dataset.rounding_base())
    }

    /// This policy, made stricter by what an agreement says of the dataset.
    ///
    /// # Errors
    /// When the two contradict each other, or the codebook does not count what the agreement asks to look at.
    pub fn with_terms(&self, dataset: &Dataset, terms: &DatasetTerms) -> Result<Self, PolicyError> {
        let policy = self.clone().stricter(terms.minimum_frequency());
        let suppliers = terms.minimum_suppliers_per_cell().unwrap_or(1);
        let uncounted = suppliers > 1 && dataset.minimum_suppliers() <= 1;
        if uncounted || terms.dominance_percent().is_some() && dataset.dominance_percent().is_none() {
            return Err(PolicyError::NotCounted(suppliers));
        }
        policy.with(suppliers, terms.dominance_percent(), terms.rounding_base())
    }

    /// The strictest of this policy and these rules.
    ///
    /// # Errors
    /// When p > 100, or the base rounds what is shown to nought.
    pub fn with(
        mut self,
        minimum_suppliers: u64,
        dominance_percent: Option<u64>,
        rounding_base: Option<u64>,
    ) -> Result<Self, PolicyError> {
        self.minimum_suppliers = self.minimum_suppliers.max(minimum_suppliers);
        self.dominance_percent = self.dominance_percent.max(dominance_percent.unwrap_or(0));
        self.rounding_base = self.rounding_base.max(rounding_base.unwrap_or(1));
        let (minimum_frequency, rounding_base) = (self.minimum_frequency, self.rounding_base);
        if self.dominance_percent > 100 {
            return Err(PolicyError::DominancePercent(self.dominance_percent));
        }
        if rounding_base > minimum_frequency.saturating_mul(2) {
            return Err(PolicyError::RoundedToNought { minimum_frequency, rounding_base });
        }
        Ok(self)
    }

    /// This policy, made stricter by what an agreement asks for. A k below the one in force changes nothing.
    #[must_use]
    pub fn stricter(mut self, minimum_frequency: Option<u64>) -> Self {
        self.minimum_frequency = self.minimum_frequency.max(minimum_frequency.unwrap_or_default());
        self
    }

    /// The dataset that it is about.
    pub fn dataset(&self) -> &str {
        &self.dataset
    }

    /// k: a cell with 0 < count < k is hidden. At least 3.
    pub fn minimum_frequency(&self) -> u64 {
        self.minimum_frequency
    }

    /// s: a cell to which some, but fewer suppliers contributed is hidden. 1 where suppliers are not counted.
    pub fn minimum_suppliers(&self) -> u64 {
        self.minimum_suppliers
    }

    /// The same for sums of a measure: at least [`LEAST_SUPPLIERS_OF_A_SUM`] where suppliers are counted.
    pub fn minimum_suppliers_of_a_sum(&self) -> u64 {
        if self.minimum_suppliers > 1 { self.minimum_suppliers.max(LEAST_SUPPLIERS_OF_A_SUM) } else { 1 }
    }

    /// p: a sum is hidden unless all rows but the two largest certainly make up p percent of the largest.
    pub fn dominance_percent(&self) -> Option<u64> {
        (self.dominance_percent > 0).then_some(self.dominance_percent)
    }

    /// What counts are rounded to a multiple of, if they are.
    pub fn rounding_base(&self) -> Option<u64> {
        (self.rounding_base > 1).then_some(self.rounding_base)
    }

    /// The protection interval: at least so far apart are the ends of what can be worked out of a hidden count. Half of
    /// the range that *too few* stands for, rounded up, so that at least half of 1 to k − 1 remains possible; at least 1.
    pub fn protection_interval(&self) -> u64 {
        (self.minimum_frequency - 1) / 2
    }

    /// The policy as it stands beside the log: fields, each led by its length as 4 bytes big-endian; numbers as 8 bytes
    /// big-endian. The first two fields name version and statement.
    pub fn canonical_bytes(&self) -> Vec<u8> {
        let mut canonical = Vec::with_capacity(96);
        let mut field = |field: &[u8]| {
            let length = u32::try_from(field.len()).unwrap_or(u32::MAX);
            canonical.extend_from_slice(&length.to_be_bytes());
            canonical.extend_from_slice(field);
        };
        for text in [b"optelsom/1".as_slice(), b"disclosure-policy", self.dataset.as_bytes(), b"minimum-frequency"] {
            field(text);
        }
        field(&self.minimum_frequency.to_be_bytes());
        // Rules that the codebook alone can ask for are left out where nobody asks for more.
        for (name, value, least) in self.optional_rules() {
            if value > least {
                field(name);
                field(&value.to_be_bytes());
            }
        }
        canonical
    }

    /// The rules beside k: name, value, and the value that asks for nothing.
    fn optional_rules(&self) -> [(&'static [u8], u64, u64); 3] {
        [
            (b"minimum-suppliers", self.minimum_suppliers, 1),
            (b"dominance-percent", self.dominance_percent, 0),
            (b"rounding-base", self.rounding_base, 1),
        ]
    }

    /// SHA-256 of [`Policy::canonical_bytes`].
    pub fn hash(&self) -> Hash256 {
        Hash256::of(&self.canonical_bytes())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn refuses_less_than_three() {
        for k in 0..3 {
            assert_eq!(Policy::new("victims", k), Err(PolicyError::MinimumFrequency(k)));
        }
        assert!(Policy::new("victims", 3).is_ok());
    }

    #[test]
    fn the_strictest_holds() {
        let policy = Policy::new("victims", 10).unwrap();
        assert_eq!(policy.clone().stricter(Some(5)).stricter(None), policy);
        assert_eq!(policy.stricter(Some(12)).minimum_frequency(), 12);
    }

    #[test]
    fn the_hash_tells_policies_apart() {
        let hash = |dataset, k| Policy::new(dataset, k).unwrap().hash();
        assert_eq!(hash("victims", 10), hash("victims", 10));
        assert_ne!(hash("victims", 10), hash("victims", 11));
        assert_ne!(hash("victims", 10), hash("suspects", 10));
    }
}
