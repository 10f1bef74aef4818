//! The policy by which totals are protected.

use optelsom_codebook::{Dataset, Hash256};
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
}

/// Why there is no such policy.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum PolicyError {
    /// Below 3 a member of the cell knows the other one.
    #[error("a minimum frequency of {0} protects nobody: the codebook or the configuration has to say 3 or more")]
    MinimumFrequency(u64),
}

impl Policy {
    /// The policy with this k for the dataset of this name.
    ///
    /// # Errors
    /// When k < 3.
    pub fn new(dataset: &str, minimum_frequency: u64) -> Result<Self, PolicyError> {
        if minimum_frequency < LEAST_MINIMUM_FREQUENCY {
            return Err(PolicyError::MinimumFrequency(minimum_frequency));
        }
        Ok(Self { dataset: dataset.to_owned(), minimum_frequency })
    }

    /// The codebook's policy for a dataset.
    ///
    /// # Errors
    /// When its k < 3, which no codebook says that was read from a document.
    pub fn for_dataset(dataset: &Dataset) -> Result<Self, PolicyError> {
        Self::new(dataset.name(), dataset.minimum_frequency())
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

    /// The protection interval: at least so far apart are the ends of what can be worked out of a hidden count. Half of
    /// the range that *too few* stands for, rounded up, so that at least half of 1 to k − 1 remains possible; at least 1.
    pub fn protection_interval(&self) -> u64 {
        (self.minimum_frequency - 1) / 2
    }

    /// SHA-256 over a canonical form: fields, each led by its length as 4 bytes big-endian; numbers as 8 bytes
    /// big-endian. The first two fields name version and statement.
    pub fn hash(&self) -> Hash256 {
        let mut canonical = Vec::with_capacity(96);
        let k = self.minimum_frequency.to_be_bytes();
        for field in [b"optelsom/1".as_slice(), b"disclosure-policy", self.dataset.as_bytes(), b"minimum-frequency", &k]
        {
            let length = u32::try_from(field.len()).unwrap_or(u32::MAX);
            canonical.extend_from_slice(&length.to_be_bytes());
            canonical.extend_from_slice(field);
        }
        Hash256::of(&canonical)
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
