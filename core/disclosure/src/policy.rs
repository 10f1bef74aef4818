//! The policy by which totals are protected.

use optelsom_codebook::{Agreement, Dataset, DatasetTerms, Hash256, ProtectionRules};
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
        "the policy asks to hide {}, and the codebook does not count that for this dataset: have it say `{}` there",
        if *suppliers { "cells of too few suppliers" } else { "sums that one row dominates" },
        if *suppliers { "minimum_suppliers = 2" } else { "dominance_percent = 10" }
    )]
    NotCounted {
        /// Whether it is the suppliers that are not counted; the squares of values otherwise.
        suppliers: bool,
    },
    /// Not the bytes of a policy, or not the only bytes that say the same.
    #[error("not a disclosure policy in its canonical form")]
    Form,
}

/// The longest document of a policy, in bytes.
const LONGEST_DOCUMENT: usize = 1024;

/// The fewest suppliers that may share a sum of a measure, where suppliers are counted at all: of two, each could work out
/// the other's.
pub const LEAST_SUPPLIERS_OF_A_SUM: u64 = 3;

/// At least so many percent of a hidden sum lie between the ends of what can be known of it.
const LEAST_PERCENT_OF_A_SUM: u64 = 10;

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

    /// The codebook's policy for a dataset, with all its rules.
    ///
    /// # Errors
    /// When they are no policy, which no codebook says that was read from a document.
    pub fn for_dataset(dataset: &Dataset) -> Result<Self, PolicyError> {
        Self::new(dataset.name(), dataset.minimum_frequency())?.with_codebook(dataset)
    }

    /// This policy, with whatever of the codebook's rules for the dataset is stricter.
    ///
    /// # Errors
    /// When they contradict each other, or the codebook does not count what the policy asks to look at.
    pub fn with_codebook(&self, dataset: &Dataset) -> Result<Self, PolicyError> {
        let policy = self.counted(dataset)?.stricter(Some(dataset.minimum_frequency()));
        policy.with(dataset.minimum_suppliers(), dataset.dominance_percent(), dataset.rounding_base())
    }

    /// This policy, made stricter by what an agreement says of the dataset.
    ///
    /// # Errors
    /// When the two contradict each other, or the codebook does not count what the agreement asks to look at.
    pub fn with_terms(&self, dataset: &Dataset, terms: &DatasetTerms) -> Result<Self, PolicyError> {
        let policy = self.clone().stricter(terms.minimum_frequency());
        let suppliers = terms.minimum_suppliers_per_cell().unwrap_or(1);
        policy.with(suppliers, terms.dominance_percent(), terms.rounding_base())?.counted(dataset)
    }

    /// This policy, if the plans of the dataset have the columns that it looks at.
    fn counted(&self, dataset: &Dataset) -> Result<Self, PolicyError> {
        let suppliers = self.minimum_suppliers > 1 && dataset.minimum_suppliers() <= 1;
        if suppliers || self.dominance_percent > 0 && dataset.dominance_percent().is_none() {
            return Err(PolicyError::NotCounted { suppliers });
        }
        Ok(self.clone())
    }

    /// This policy, made stricter by whatever these agreements say of the dataset: the strictest of each rule holds.
    ///
    /// # Errors
    /// As [`Policy::with_terms`]; never for agreements that were read under the codebook of the dataset.
    pub fn with_agreements<'a>(
        &self,
        dataset: &Dataset,
        agreements: impl IntoIterator<Item = &'a Agreement>,
    ) -> Result<Self, PolicyError> {
        let terms = agreements.into_iter().filter_map(|agreement| agreement.dataset(dataset.name()));
        terms.into_iter().try_fold(self.clone(), |policy, terms| policy.with_terms(dataset, terms))
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

    /// The protection interval of a hidden sum, as a part of it: at least so many percent of it lie between the ends of
    /// what can be worked out. The p of the p% rule, and at least 10.
    pub(crate) fn protection_percent(&self) -> u64 {
        self.dominance_percent.max(LEAST_PERCENT_OF_A_SUM)
    }

    /// Whether any rule but k is stricter than the codebook's.
    pub(crate) fn has_further_rules_than(&self, dataset: &Dataset) -> bool {
        self.minimum_suppliers > dataset.minimum_suppliers()
            || self.dominance_percent() > dataset.dominance_percent()
            || self.rounding_base() > dataset.rounding_base()
    }

    /// What agreements are compared with.
    pub fn rules(&self) -> ProtectionRules {
        ProtectionRules {
            minimum_frequency: self.minimum_frequency,
            minimum_suppliers: self.minimum_suppliers,
            dominance_percent: self.dominance_percent(),
            rounding_base: self.rounding_base(),
        }
    }

    /// The policy as it travels, and stands beside the log: fields, each led by its length as 4 bytes big-endian; numbers as 8 bytes
    /// big-endian. The first two fields name version and statement.
    pub fn canonical_bytes(&self) -> Vec<u8> {
        let mut canonical = Vec::with_capacity(96);
        let mut field = |field: &[u8]| {
            let length = u32::try_from(field.len()).unwrap_or(u32::MAX);
            canonical.extend_from_slice(&length.to_be_bytes());
            canonical.extend_from_slice(field);
        };
        for text in [b"optelsom/1".as_slice(), b"disclosure-policy", self.dataset.as_bytes()] {
            field(text);
        }
        let values = [self.minimum_frequency, self.minimum_suppliers, self.dominance_percent, self.rounding_base];
        // A rule that asks for nothing is left out.
        for ((name, value), least) in RULES.into_iter().zip(values).zip([0, 1, 0, 1]) {
            if value > least {
                field(name);
                field(&value.to_be_bytes());
            }
        }
        canonical
    }

    /// Reads what [`Policy::canonical_bytes`] writes: one policy has one document.
    ///
    /// # Errors
    /// When they are other bytes, or the policy is none.
    pub fn from_canonical(bytes: &[u8]) -> Result<Self, PolicyError> {
        if bytes.len() > LONGEST_DOCUMENT {
            return Err(PolicyError::Form);
        }
        let mut rest = bytes;
        let mut fields = std::iter::from_fn(|| field(&mut rest));
        let dataset = fields.nth(2).and_then(|name| std::str::from_utf8(name).ok()).ok_or(PolicyError::Form)?;
        let mut rules = [0; 4];
        while let Some(name) = fields.next() {
            let known = RULES.iter().position(|rule| *rule == name);
            let value = fields.next().and_then(|value| value.try_into().ok()).map(u64::from_be_bytes);
            let slot = known.and_then(|at| rules.get_mut(at)).ok_or(PolicyError::Form)?;
            *slot = value.ok_or(PolicyError::Form)?;
        }
        let [frequency, suppliers, percent, base] = rules;
        let policy = Self::new(dataset, frequency)?.with(suppliers, Some(percent), Some(base))?;
        // What stands in another order, twice or needlessly is not this policy's document, and neither is a part of it.
        if policy.canonical_bytes() == bytes { Ok(policy) } else { Err(PolicyError::Form) }
    }

    /// SHA-256 of [`Policy::canonical_bytes`].
    pub fn hash(&self) -> Hash256 {
        Hash256::of(&self.canonical_bytes())
    }
}

/// The names of the rules in a policy's document, in their order.
const RULES: [&[u8]; 4] = [b"minimum-frequency", b"minimum-suppliers", b"dominance-percent", b"rounding-base"];

/// Takes the next field; none at the end, or where the bytes end within one.
fn field<'b>(rest: &mut &'b [u8]) -> Option<&'b [u8]> {
    let (length, after) = rest.split_first_chunk()?;
    let (field, after) = after.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    *rest = after;
    Some(field)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

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

    fn policies() -> impl Strategy<Value = Policy> {
        let rules = (3_u64..100, 0_u64..9, 0_u64..=100, 0_u64..7);
        ("[a-z]{1,12}", rules).prop_map(|(dataset, (k, s, p, base))| {
            Policy::new(&dataset, k).unwrap().with(s, Some(p), Some(base)).unwrap()
        })
    }

    proptest! {
        #[test]
        fn reads_what_it_writes(policy in policies()) {
            prop_assert_eq!(Policy::from_canonical(&policy.canonical_bytes()), Ok(policy));
        }

        /// Whatever is read writes itself as it was: no two documents say the same.
        #[test]
        fn no_other_bytes_are_a_policy(policy in policies(), at: prop::sample::Index, byte: u8, cut: prop::sample::Index) {
            let bytes = policy.canonical_bytes();
            let mut mutated = bytes.clone();
            mutated[at.index(bytes.len())] = byte;
            if let Ok(read) = Policy::from_canonical(&mutated) {
                prop_assert_eq!(read.canonical_bytes(), mutated);
            }
            prop_assert!(cut.index(bytes.len()) == 0 || Policy::from_canonical(&bytes[..cut.index(bytes.len())]) != Ok(policy.clone()));
            let longer: Vec<u8> = bytes.iter().copied().chain([byte]).collect();
            prop_assert_eq!(Policy::from_canonical(&longer), Err(PolicyError::Form));
            prop_assert!(Policy::from_canonical(&bytes.repeat(2)).is_err());
        }
    }

    /// A document of these fields.
    fn document(fields: &[&[u8]]) -> Vec<u8> {
        fields.iter().flat_map(|field| [&u32::try_from(field.len()).unwrap().to_be_bytes(), *field].concat()).collect()
    }

    #[test]
    fn a_document_that_is_no_policy_is_refused() {
        let number = |number: u64| number.to_be_bytes();
        let head: [&[u8]; 3] = [b"optelsom/1", b"disclosure-policy", b"d"];
        let read = |rules: &[(&[u8], u64)]| {
            let numbers: Vec<_> = rules.iter().map(|(_, value)| number(*value)).collect();
            let rules = rules.iter().zip(&numbers).flat_map(|((name, _), value)| [*name, value.as_slice()]);
            Policy::from_canonical(&document(&head.into_iter().chain(rules).collect::<Vec<_>>()))
        };
        let k: (&[u8], u64) = (b"minimum-frequency", 10);
        assert_eq!(read(&[k]), Policy::new("d", 10));
        for few in 0..3 {
            assert_eq!(read(&[(k.0, few)]), Err(PolicyError::MinimumFrequency(few)));
        }
        assert_eq!(read(&[k, (b"dominance-percent", 101)]), Err(PolicyError::DominancePercent(101)));
        let nought = PolicyError::RoundedToNought { minimum_frequency: 10, rounding_base: 21 };
        assert_eq!(read(&[k, (b"rounding-base", 21)]), Err(nought));
        let suppliers: (&[u8], u64) = (b"minimum-suppliers", 3);
        assert!(read(&[k, suppliers]).is_ok());
        for other in [&[suppliers, k][..], &[k, k], &[k, (b"minimum-suppliers", 1)], &[k, (b"unknown", 3)]] {
            assert_eq!(read(other), Err(PolicyError::Form));
        }
        let other: [&[u8]; 5] = [b"optelsom/2", b"disclosure-policy", b"d", k.0, &number(10)];
        assert_eq!(Policy::from_canonical(&document(&other)), Err(PolicyError::Form));
        assert_eq!(Policy::from_canonical(&[0; 2000]), Err(PolicyError::Form));
    }
}
