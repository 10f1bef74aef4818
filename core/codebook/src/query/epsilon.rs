//! ε: how much a noised answer may tell of one row.

use std::fmt;
use std::str::FromStr;

use crate::decimal::{format_decimal_short, parse_decimal};

const DECIMALS: u32 = 3;

/// The ε of differential privacy, in thousandths, so exact: from 0.001 to 10.
///
/// With or without any one row of the data, no answer is more than e^ε times as likely.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epsilon(u32);

/// A text that is no ε.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("ε is a decimal from 0.001 to 10 with at most three digits after the point")]
pub struct NotAnEpsilon;

impl Epsilon {
    /// 10.
    pub const LARGEST: Self = Self(10_000);

    /// In thousandths: 1 to 10,000.
    pub const fn thousandths(self) -> u32 {
        self.0
    }
}

impl FromStr for Epsilon {
    type Err = NotAnEpsilon;

    fn from_str(text: &str) -> Result<Self, NotAnEpsilon> {
        let thousandths = parse_decimal(text, DECIMALS).ok().and_then(|epsilon| u32::try_from(epsilon).ok());
        thousandths.filter(|epsilon| (1..=Self::LARGEST.0).contains(epsilon)).map(Self).ok_or(NotAnEpsilon)
    }
}

impl fmt::Display for Epsilon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format_decimal_short(i64::from(self.0), DECIMALS))
    }
}

/// How much ε one supplier lets all noised answers about one of its datasets have together, in thousandths: from 0.001 to
/// 1,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PrivacyBudget(u32);

impl PrivacyBudget {
    /// Of so many thousandths, 1 to 1,000,000; none for others.
    pub(crate) fn new(thousandths: i64) -> Option<Self> {
        u32::try_from(thousandths).ok().filter(|budget| (1..=1_000_000).contains(budget)).map(Self)
    }

    /// In thousandths: 1 to 1,000,000.
    pub const fn thousandths(self) -> u32 {
        self.0
    }

    /// Whether there is room for this ε once so many thousandths are spent.
    pub fn has(self, epsilon: Epsilon, spent: u64) -> bool {
        spent.saturating_add(u64::from(epsilon.0)) <= u64::from(self.0)
    }
}

impl fmt::Display for PrivacyBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format_decimal_short(i64::from(self.0), DECIMALS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epsilon_is_exact_and_within_its_range() {
        for (text, thousandths, written) in [("0.5", 500, "0.5"), ("10", 10_000, "10"), ("0.0010", 1, "0.001")] {
            let epsilon: Result<Epsilon, _> = text.parse();
            assert_eq!(epsilon.map(Epsilon::thousandths), Ok(thousandths));
            assert_eq!(epsilon.map(|epsilon| epsilon.to_string()).as_deref(), Ok(written));
        }
        for bad in ["0", "-1", "10.001", "0.0005", "1e-1", "", "ε", "0,5"] {
            assert_eq!(bad.parse::<Epsilon>(), Err(NotAnEpsilon), "{bad}");
        }
    }

    #[test]
    fn a_budget_is_spent_to_the_last_thousandth_and_no_further() {
        let has = |epsilon, spent| PrivacyBudget::new(1500).is_some_and(|budget| budget.has(Epsilon(epsilon), spent));
        assert!(has(500, 1000) && !has(501, 1000) && has(1500, 0) && !has(1, 1500) && !has(1, u64::MAX));
        assert_eq!(PrivacyBudget::new(1500).map(|budget| budget.to_string()).as_deref(), Some("1.5"));
        assert_eq!([-1, 0, 1_000_001].map(PrivacyBudget::new), [None; 3]);
    }
}
