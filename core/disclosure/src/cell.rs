//! What one cell of a protected table says: never a value alone, never a hidden value.

use optelsom_codebook::Lang;
use serde::{Deserialize, Serialize};

use crate::decimal::Decimal;

/// Why a cell shows what it shows. The names are stable: files and scripts rely on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Status {
    /// The value is shown.
    Shown,
    /// Nothing was counted: a true zero, which hides nobody.
    TrueZero,
    /// Some were counted, but fewer than the minimum frequency, or the figure rests on a cell of which that is so.
    HiddenTooFew,
    /// Some were counted, but by fewer suppliers than may share a cell.
    HiddenTooFewSuppliers,
    /// A sum, or a figure made of it, of which too much may be a single row's.
    HiddenDominance,
    /// Hidden since it would give a hidden cell away, or since the figure rests on such a cell.
    HiddenProtectsOthers,
    /// Hidden with its whole grouping, since together with earlier releases that is too much to be checked. It says
    /// nothing of the figure.
    HiddenUnchecked,
    /// A count rounded to a multiple of a base, each by itself: parts need not add up to their total.
    Rounded,
    /// The total with noise added to it, for differential privacy.
    Noised,
    /// None of the suppliers asked collects what the cell is about: there is no figure, and no nought either.
    NotCollected,
    /// Nobody that took part has any, and a supplier that was asked took no part: it may have some.
    SupplierAbsent,
    /// There is nothing to compute the figure from, as for the mean of no values.
    NotApplicable,
}

impl Status {
    /// The stable name in files.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Shown => "shown",
            Self::TrueZero => "true-zero",
            Self::HiddenTooFew => "hidden-too-few",
            Self::HiddenTooFewSuppliers => "hidden-too-few-suppliers",
            Self::HiddenDominance => "hidden-dominance",
            Self::HiddenUnchecked => "hidden-unchecked",
            Self::Rounded => "rounded",
            Self::Noised => "noised",
            Self::NotCollected => "not-collected",
            Self::SupplierAbsent => "supplier-absent",
            Self::HiddenProtectsOthers => "hidden-protects-others",
            Self::NotApplicable => "not-applicable",
        }
    }

    /// What it means, for people.
    pub const fn label(self, lang: Lang) -> &'static str {
        match (self, lang) {
            (Self::Shown, Lang::En) => "shown",
            (Self::Shown, Lang::Nl) => "getoond",
            (Self::TrueZero, Lang::En) => "true zero",
            (Self::TrueZero, Lang::Nl) => "echte nul",
            (Self::HiddenTooFew, Lang::En) => "hidden: too few",
            (Self::HiddenTooFew, Lang::Nl) => "verborgen: te weinig",
            (Self::HiddenTooFewSuppliers, Lang::En) => "hidden: too few suppliers",
            (Self::HiddenTooFewSuppliers, Lang::Nl) => "verborgen: te weinig leveranciers",
            (Self::HiddenDominance, Lang::En) => "hidden: dominance",
            (Self::HiddenDominance, Lang::Nl) => "verborgen: overheersing",
            (Self::HiddenUnchecked, Lang::En) => "hidden: too large to check",
            (Self::HiddenUnchecked, Lang::Nl) => "verborgen: te groot om na te gaan",
            (Self::Rounded, Lang::En) => "rounded",
            (Self::Rounded, Lang::Nl) => "afgerond",
            (Self::Noised, Lang::En) => "with noise",
            (Self::Noised, Lang::Nl) => "met ruis",
            (Self::NotCollected, Lang::En) => "not collected by any supplier",
            (Self::NotCollected, Lang::Nl) => "door geen leverancier bijgehouden",
            (Self::SupplierAbsent, Lang::En) => "supplier absent",
            (Self::SupplierAbsent, Lang::Nl) => "leverancier afwezig",
            (Self::HiddenProtectsOthers, Lang::En) => "hidden: protects others",
            (Self::HiddenProtectsOthers, Lang::Nl) => "verborgen: beschermt andere",
            (Self::NotApplicable, Lang::En) => "not applicable",
            (Self::NotApplicable, Lang::Nl) => "niet van toepassing",
        }
    }
}

/// The bin that a figure lies in: the honest precision of a quantile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bounds {
    /// Below this.
    Below(Decimal),
    /// At least the first, below the second.
    Between(Decimal, Decimal),
    /// At least this.
    From(Decimal),
}

impl Bounds {
    fn new(lower: Option<Decimal>, upper: Option<Decimal>) -> Option<Self> {
        match (lower, upper) {
            (None, Some(upper)) => Some(Self::Below(upper)),
            (Some(lower), Some(upper)) => Some(Self::Between(lower, upper)),
            (Some(lower), None) => Some(Self::From(lower)),
            (None, None) => None,
        }
    }
}

/// A total with noise, and the interval around it in which the truth lies in at least 95 of 100 cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Estimate {
    value: Decimal,
    lower: Decimal,
    upper: Decimal,
}

impl Estimate {
    /// The interval from `half_width` below the value to as much above it; none where the two have not as many digits.
    pub(crate) fn around(value: Decimal, half_width: Decimal) -> Option<Self> {
        let same_digits = value.decimals() == half_width.decimals() && half_width.scaled() >= 0;
        let lower = value.scaled().checked_sub(half_width.scaled()).map(|scaled| value.with_scaled(scaled))?;
        let upper = value.scaled().checked_add(half_width.scaled()).map(|scaled| value.with_scaled(scaled))?;
        same_digits.then_some(Self { value, lower, upper })
    }

    /// The total with noise.
    pub const fn value(&self) -> Decimal {
        self.value
    }

    /// The lower end of the interval, which is within it.
    pub const fn lower(&self) -> Decimal {
        self.lower
    }

    /// The upper end of the interval, which is within it.
    pub const fn upper(&self) -> Decimal {
        self.upper
    }

    pub(crate) fn half_width(&self) -> Option<Decimal> {
        self.upper.scaled().checked_sub(self.value.scaled()).map(|scaled| self.value.with_scaled(scaled))
    }
}

/// One figure of one row: a value with its status, or a status that says why there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "CellDocument", into = "CellDocument")]
pub enum CellValue {
    /// An exact figure, rounded to the digits that its heading names.
    Shown(Decimal),
    /// A figure known to lie in a bin, as a quantile is.
    Within(Bounds),
    /// Nothing was counted; the value is this zero.
    TrueZero(Decimal),
    /// Hidden since too few were counted.
    HiddenTooFew,
    /// Hidden since too few suppliers contributed.
    HiddenTooFewSuppliers,
    /// Hidden since too much of it may be a single row's.
    HiddenDominance,
    /// Hidden since it would give a hidden cell away.
    HiddenProtectsOthers,
    /// Hidden with its whole grouping, which is too much to be checked.
    HiddenUnchecked,
    /// A count, rounded by itself.
    Rounded(Decimal),
    /// A total with noise, and how far off it may be.
    Noised(Estimate),
    /// No supplier asked collects it.
    NotCollected,
    /// Nothing was counted, and not all that were asked took part.
    SupplierAbsent,
    /// Nothing to compute it from.
    NotApplicable,
}

impl CellValue {
    /// Why the cell shows what it shows.
    pub const fn status(&self) -> Status {
        match self {
            Self::Shown(_) | Self::Within(_) => Status::Shown,
            Self::TrueZero(_) => Status::TrueZero,
            Self::HiddenTooFew => Status::HiddenTooFew,
            Self::HiddenTooFewSuppliers => Status::HiddenTooFewSuppliers,
            Self::HiddenDominance => Status::HiddenDominance,
            Self::HiddenProtectsOthers => Status::HiddenProtectsOthers,
            Self::HiddenUnchecked => Status::HiddenUnchecked,
            Self::Rounded(_) => Status::Rounded,
            Self::Noised(_) => Status::Noised,
            Self::NotCollected => Status::NotCollected,
            Self::SupplierAbsent => Status::SupplierAbsent,
            Self::NotApplicable => Status::NotApplicable,
        }
    }

    /// The single value, where one is shown.
    pub const fn value(&self) -> Option<Decimal> {
        match self {
            Self::Shown(value) | Self::TrueZero(value) | Self::Rounded(value) => Some(*value),
            Self::Noised(estimate) => Some(estimate.value),
            Self::Within(_)
            | Self::HiddenTooFew
            | Self::HiddenTooFewSuppliers
            | Self::HiddenDominance
            | Self::HiddenProtectsOthers
            | Self::HiddenUnchecked
            | Self::NotCollected
            | Self::SupplierAbsent
            | Self::NotApplicable => None,
        }
    }

    /// The bounds of a quantile: lower (inclusive), upper (exclusive); those of a figure with noise: both included.
    pub const fn bounds(&self) -> (Option<Decimal>, Option<Decimal>) {
        match self {
            Self::Within(Bounds::Below(upper)) => (None, Some(*upper)),
            Self::Within(Bounds::Between(lower, upper)) => (Some(*lower), Some(*upper)),
            Self::Within(Bounds::From(lower)) => (Some(*lower), None),
            Self::Noised(estimate) => (Some(estimate.lower), Some(estimate.upper)),
            _ => (None, None),
        }
    }
}

/// The form in JSON: `{"status": "shown", "value": "12"}`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CellDocument {
    status: Status,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<Decimal>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lower: Option<Decimal>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    upper: Option<Decimal>,
}

impl From<CellValue> for CellDocument {
    fn from(cell: CellValue) -> Self {
        let (lower, upper) = cell.bounds();
        Self { status: cell.status(), value: cell.value(), lower, upper }
    }
}

impl TryFrom<CellDocument> for CellValue {
    type Error = &'static str;

    fn try_from(document: CellDocument) -> Result<Self, Self::Error> {
        if document.status == Status::Noised {
            let (Some(value), Some(lower), Some(upper)) = (document.value, document.lower, document.upper) else {
                return Err("a figure with noise without its interval");
            };
            let estimate = Estimate { value, lower, upper };
            return match estimate.half_width() {
                Some(half_width) if Estimate::around(value, half_width) == Some(estimate) => Ok(Self::Noised(estimate)),
                _ => Err("a figure with noise that is not in the middle of its interval"),
            };
        }
        match (document.status, document.value, Bounds::new(document.lower, document.upper)) {
            (Status::Shown, Some(value), None) => Ok(Self::Shown(value)),
            (Status::Shown, None, Some(bounds)) => Ok(Self::Within(bounds)),
            (Status::TrueZero, Some(zero), None) if zero.scaled() == 0 => Ok(Self::TrueZero(zero)),
            (Status::HiddenTooFew, None, None) => Ok(Self::HiddenTooFew),
            (Status::HiddenTooFewSuppliers, None, None) => Ok(Self::HiddenTooFewSuppliers),
            (Status::HiddenDominance, None, None) => Ok(Self::HiddenDominance),
            (Status::HiddenUnchecked, None, None) => Ok(Self::HiddenUnchecked),
            (Status::Rounded, Some(value), None) => Ok(Self::Rounded(value)),
            (Status::NotCollected, None, None) => Ok(Self::NotCollected),
            (Status::SupplierAbsent, None, None) => Ok(Self::SupplierAbsent),
            (Status::HiddenProtectsOthers, None, None) => Ok(Self::HiddenProtectsOthers),
            (Status::NotApplicable, None, None) => Ok(Self::NotApplicable),
            _ => Err("a cell whose status and value contradict each other"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn reads_back_what_it_writes() {
        let edge = Decimal::from_scaled(125, 1).unwrap();
        let cells = [
            (CellValue::Shown(Decimal::whole(12)), r#"{"status":"shown","value":"12"}"#),
            (CellValue::Within(Bounds::From(edge)), r#"{"status":"shown","lower":"12.5"}"#),
            (CellValue::TrueZero(Decimal::whole(0)), r#"{"status":"true-zero","value":"0"}"#),
            (CellValue::HiddenTooFew, r#"{"status":"hidden-too-few"}"#),
            (CellValue::HiddenTooFewSuppliers, r#"{"status":"hidden-too-few-suppliers"}"#),
            (CellValue::HiddenDominance, r#"{"status":"hidden-dominance"}"#),
            (CellValue::HiddenProtectsOthers, r#"{"status":"hidden-protects-others"}"#),
            (CellValue::HiddenUnchecked, r#"{"status":"hidden-unchecked"}"#),
            (CellValue::Rounded(Decimal::whole(15)), r#"{"status":"rounded","value":"15"}"#),
            (
                CellValue::Noised(Estimate::around(Decimal::whole(-3), Decimal::whole(12)).unwrap()),
                r#"{"status":"noised","value":"-3","lower":"-15","upper":"9"}"#,
            ),
            (CellValue::NotCollected, r#"{"status":"not-collected"}"#),
            (CellValue::SupplierAbsent, r#"{"status":"supplier-absent"}"#),
            (CellValue::NotApplicable, r#"{"status":"not-applicable"}"#),
        ];
        for (cell, json) in cells {
            assert_eq!(serde_json::to_string(&cell).unwrap(), json);
            assert_eq!(serde_json::from_str::<CellValue>(json).unwrap(), cell);
        }
    }

    #[test]
    fn a_hidden_cell_with_a_value_is_no_cell() {
        for bad in [
            r#"{"status":"hidden-too-few","value":"4"}"#,
            r#"{"status":"hidden-protects-others","value":"40"}"#,
            r#"{"status":"true-zero","value":"4"}"#,
            r#"{"status":"shown"}"#,
            r#"{"status":"shown","value":"4","lower":"3"}"#,
            r#"{"status":"shown","value":"4","note":"x"}"#,
            r#"{"status":"seen","value":"4"}"#,
            r#"{"status":"noised","value":"4"}"#,
            r#"{"status":"noised","lower":"3","upper":"5"}"#,
            r#"{"status":"noised","value":"4","lower":"3","upper":"6"}"#,
            r#"{"status":"noised","value":"4","lower":"5","upper":"3"}"#,
            r#"{"status":"noised","value":"4","lower":"3","upper":"5.0"}"#,
            r#"{"status":"shown","value":"4","lower":"3","upper":"5"}"#,
        ] {
            assert!(serde_json::from_str::<CellValue>(bad).is_err(), "{bad}");
        }
    }
}
