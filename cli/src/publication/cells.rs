//! What a cell says to people: the one place that knows every kind of cell, so that a new kind does not build until each
//! format has words and codes for it.

use optelsom_codebook::Lang;
use optelsom_disclosure::{Bounds, CellValue, Decimal, Estimate};

use crate::words::{grouped, words};

/// What there is to see of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// A number, zero among them.
    Number(Decimal),
    /// A number between two others.
    Interval(Bounds),
    /// A number with noise, in the middle of an interval.
    Estimate(Estimate),
    /// Something was counted, and is not shown.
    Hidden,
    /// There is nothing that could be shown.
    Missing,
}

/// What there is to see.
pub const fn look(cell: &CellValue) -> Look {
    match cell {
        CellValue::Shown(value) | CellValue::TrueZero(value) | CellValue::Rounded(value) => Look::Number(*value),
        CellValue::Within(bounds) => Look::Interval(*bounds),
        CellValue::Noised(estimate) => Look::Estimate(*estimate),
        CellValue::HiddenTooFew
        | CellValue::HiddenTooFewSuppliers
        | CellValue::HiddenDominance
        | CellValue::HiddenProtectsOthers
        | CellValue::HiddenUnchecked => Look::Hidden,
        CellValue::NotCollected | CellValue::SupplierAbsent | CellValue::NotApplicable => Look::Missing,
    }
}

/// A cell without a number, in words short enough for a table.
pub const fn word(cell: &CellValue, lang: Lang) -> Option<&'static str> {
    match cell {
        CellValue::Shown(_)
        | CellValue::TrueZero(_)
        | CellValue::Rounded(_)
        | CellValue::Within(_)
        | CellValue::Noised(_) => None,
        CellValue::HiddenTooFew => Some(words(lang, "te weinig", "too few")),
        CellValue::HiddenTooFewSuppliers => Some(words(lang, "te weinig leveranciers", "too few suppliers")),
        CellValue::HiddenDominance => Some(words(lang, "overheersing", "dominance")),
        CellValue::HiddenProtectsOthers => Some(words(lang, "beschermt andere", "protects others")),
        CellValue::HiddenUnchecked => Some(words(lang, "niet na te gaan", "too large to check")),
        CellValue::NotCollected => Some(words(lang, "niet bijgehouden", "not collected")),
        CellValue::SupplierAbsent => Some(words(lang, "leverancier afwezig", "supplier absent")),
        CellValue::NotApplicable => Some(words(lang, "n.v.t.", "n/a")),
    }
}

/// What a cell says. Hidden is never written as a number.
pub fn cell_text(cell: &CellValue, lang: Lang) -> String {
    let number = |decimal: &dyn ToString| grouped(lang, &decimal.to_string());
    match (word(cell, lang), look(cell)) {
        (Some(word), _) => word.to_owned(),
        (None, Look::Number(value)) => number(&value),
        (None, Look::Interval(Bounds::Below(upper))) => format!("< {}", number(&upper)),
        (None, Look::Interval(Bounds::Between(lower, upper))) => format!("{} – < {}", number(&lower), number(&upper)),
        (None, Look::Interval(Bounds::From(lower))) => format!("≥ {}", number(&lower)),
        (None, Look::Estimate(estimate)) => {
            let (lower, upper) = (number(&estimate.lower()), number(&estimate.upper()));
            format!("{} ({lower} … {upper})", number(&estimate.value()))
        }
        // Each kind without a number has words.
        (None, Look::Hidden | Look::Missing) => cell.status().label(lang).to_owned(),
    }
}

/// `OBS_STATUS` (SDMX code list CL_OBS_STATUS 2.2) and `CONF_STATUS` (CL_CONF_STATUS 1.2) of a cell.
///
/// `A` normal, `E` estimated, `Q` missing since suppressed, `L` missing since not collected, `O` missing, `M` missing since it cannot
/// exist; `F` free, `A` primary confidentiality due to small counts (of rows or of suppliers), `G` due to dominance,
/// `D` secondary confidentiality set by the sender.
pub const fn sdmx_status(cell: &CellValue) -> (&'static str, &'static str) {
    match cell {
        CellValue::Shown(_) | CellValue::TrueZero(_) | CellValue::Rounded(_) | CellValue::Within(_) => ("A", "F"),
        CellValue::Noised(_) => ("E", "F"),
        CellValue::HiddenTooFew | CellValue::HiddenTooFewSuppliers => ("Q", "A"),
        CellValue::HiddenDominance => ("Q", "G"),
        CellValue::HiddenProtectsOthers | CellValue::HiddenUnchecked => ("Q", "D"),
        CellValue::NotCollected => ("L", "F"),
        CellValue::SupplierAbsent => ("O", "F"),
        CellValue::NotApplicable => ("M", "F"),
    }
}
