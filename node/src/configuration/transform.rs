//! What agencies' columns need before their values can be looked up: years of dates, ages, bins.

use jiff::civil::Date;
use optelsom_codebook::{CodeIndex, CodeList};
use toml::Spanned;

use super::document::BinDocument;
use super::problems::Problems;
use super::values::find_code;

/// How the dates of a column are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DateFormat {
    /// `2024-12-31`, perhaps followed by `T` or a space and a time of day.
    Iso,
    /// A pattern of `strftime`.
    Pattern(String),
}

impl DateFormat {
    pub(super) fn resolve(format: Option<&Spanned<String>>, problems: &mut Problems) -> Option<Self> {
        let Some(format) = format else { return Some(Self::Iso) };
        // A pattern is sound when a date written with it reads back as itself.
        let sample = jiff::civil::date(2023, 11, 27);
        let written = jiff::fmt::strtime::format(format.get_ref().as_str(), sample);
        let sound = written.is_ok_and(|text| Date::strptime(format.get_ref(), text).is_ok_and(|date| date == sample));
        if !sound {
            let message = format!("{:?} does not say how a whole date is written", format.get_ref());
            problems.report(format.span(), message, "use %d, %m and %Y, as in \"%d-%m-%Y\"");
            return None;
        }
        Some(Self::Pattern(format.get_ref().clone()))
    }

    /// Reads a date.
    pub fn read(&self, text: &str) -> Option<Date> {
        match self {
            Self::Pattern(pattern) => Date::strptime(pattern, text).ok(),
            Self::Iso => {
                let rest = text.get(10..)?;
                let alone = rest.is_empty() || rest.starts_with(['T', ' ']);
                if alone { Date::strptime("%Y-%m-%d", text.get(..10)?).ok() } else { None }
            }
        }
    }
}

/// Ranges of whole numbers, each with its code; they do not overlap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bins(Vec<(i64, i64, CodeIndex)>);

impl Bins {
    pub(super) fn resolve(bins: &[Spanned<BinDocument>], list: &CodeList, problems: &mut Problems) -> Option<Self> {
        let mut resolved: Vec<(i64, i64, CodeIndex)> = Vec::with_capacity(bins.len());
        let mut sound = true;
        for bin in bins {
            let (from, to, code) = bin.get_ref();
            let overlaps = resolved.iter().any(|(other_from, other_to, _)| from <= other_to && other_from <= to);
            if from > to || overlaps {
                let message = format!("the bin [{from}, {to}] is empty or overlaps one before it");
                problems.report(bin.span(), message, "write [first, last, \"code\"], both ends included");
                sound = false;
            }
            match find_code(list, code, bin.span(), problems) {
                Some(code) => resolved.push((*from, *to, code)),
                None => sound = false,
            }
        }
        sound.then_some(Self(resolved))
    }

    /// The code of the bin that holds this number.
    pub fn code(&self, number: i64) -> Option<CodeIndex> {
        self.0.iter().find(|(from, to, _)| (*from..=*to).contains(&number)).map(|(_, _, code)| *code)
    }
}

/// Age in completed years; none before birth.
pub fn completed_years(birth: Date, at: Date) -> Option<i64> {
    let had_birthday = (at.month(), at.day()) >= (birth.month(), birth.day());
    let years = i64::from(at.year()) - i64::from(birth.year()) - i64::from(!had_birthday);
    (birth <= at).then_some(years)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn ages_count_completed_years() {
        assert_eq!(completed_years(date(2000, 2, 29), date(2018, 2, 28)), Some(17));
        assert_eq!(completed_years(date(2000, 2, 29), date(2018, 3, 1)), Some(18));
        assert_eq!(completed_years(date(2000, 5, 1), date(2000, 5, 1)), Some(0));
        assert_eq!(completed_years(date(2000, 5, 2), date(2000, 5, 1)), None);
    }

    #[test]
    fn dates_are_read_whole() {
        assert_eq!(DateFormat::Iso.read("2024-02-29"), Some(date(2024, 2, 29)));
        assert_eq!(DateFormat::Iso.read("2024-02-29T10:00:00"), Some(date(2024, 2, 29)));
        for bad in ["2024-02-30", "2024-02-291", "2024-2-9", "29-02-2024", "", "2024-02-2é"] {
            assert_eq!(DateFormat::Iso.read(bad), None, "{bad}");
        }
        let dutch = DateFormat::Pattern("%d-%m-%Y".to_owned());
        assert_eq!(dutch.read("31-12-2024"), Some(date(2024, 12, 31)));
        assert_eq!(dutch.read("12-31-2024"), None);
        assert_eq!(dutch.read("31-12-2024 "), None);
    }
}
