//! One record of CSV found in a piece of text.

use std::borrow::Cow;
use std::ops::Range;

use super::super::CsvProblem;

/// Where one value stands in the text.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Value {
    start: usize,
    end: usize,
    /// It holds doubled quotes.
    pub(super) escaped: bool,
}

impl Value {
    pub(super) fn range(self) -> Range<usize> {
        self.start..self.end
    }

    /// The value itself, doubled quotes made single.
    pub(super) fn of(self, text: &[u8]) -> Cow<'_, [u8]> {
        let bytes = text.get(self.range()).unwrap_or_default();
        if !self.escaped {
            return Cow::Borrowed(bytes);
        }
        let mut plain = Vec::with_capacity(bytes.len());
        let mut after_quote = false;
        for &byte in bytes {
            if byte == QUOTE && after_quote {
                after_quote = false;
                continue;
            }
            after_quote = byte == QUOTE;
            plain.push(byte);
        }
        Cow::Owned(plain)
    }
}

/// What was found at the start of a piece of text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Split {
    /// A record of so many bytes, its line end included, with so many line feeds.
    Record { used: usize, newlines: u64 },
    /// A line with nothing on it, where a record has several values.
    Blank { used: usize },
    /// The record may go on behind the text.
    More,
    /// The record breaks the rules.
    Bad(CsvProblem),
    /// Nothing is left.
    End,
}

const QUOTE: u8 = b'"';

/// How a value ended.
enum End {
    Delimiter,
    Line { length: usize },
    Text,
}

/// Knows the rules of one file.
pub(super) struct Splitter {
    delimiter: u8,
    quote: bool,
    /// Whether a byte can end an unquoted value.
    special: [bool; 256],
    columns: Option<usize>,
}

impl Splitter {
    pub(super) fn new(delimiter: u8, quote: bool) -> Self {
        let mut special = [false; 256];
        for (byte, place) in (0u8..=255).zip(special.iter_mut()) {
            *place = byte == delimiter || byte == b'\n' || byte == b'\r' || (quote && byte == QUOTE);
        }
        Self { delimiter, quote, special, columns: None }
    }

    /// Every further record must have so many values.
    pub(super) fn expect(&mut self, columns: usize) {
        self.columns = Some(columns);
    }

    /// Reads the record at the start of `text`; `last` says that nothing comes after it. Each value is given with its
    /// column's position.
    pub(super) fn record(&self, text: &[u8], last: bool, mut value: impl FnMut(usize, Value)) -> Split {
        let (mut at, mut column, mut newlines) = (0, 0, 0);
        loop {
            let quoted = self.quote && text.get(at) == Some(&QUOTE);
            let found = if quoted { self.quoted(text, at, last, &mut newlines) } else { self.plain(text, at, last) };
            let (found, next, end) = match found {
                Ok(found) => found,
                Err(split) => return split,
            };
            let nothing = column == 0 && !quoted && found.start == found.end;
            match end {
                End::Text if nothing => return Split::End,
                End::Line { length } if nothing && self.columns != Some(1) => {
                    return Split::Blank { used: next + length };
                }
                _ => value(column, found),
            }
            column += 1;
            let (used, line) = match end {
                End::Delimiter => {
                    at = next + 1;
                    continue;
                }
                End::Line { length } => (next + length, 1),
                End::Text => (next, 0),
            };
            return match self.columns {
                Some(expected) if expected != column => Split::Bad(CsvProblem::Values { found: column, expected }),
                _ => Split::Record { used, newlines: newlines + line },
            };
        }
    }

    /// A value without quotes that starts at `at`: itself, where its end stands, and how it ended.
    fn plain(&self, text: &[u8], at: usize, last: bool) -> Result<(Value, usize, End), Split> {
        let rest = text.get(at..).unwrap_or_default();
        let Some(length) = rest.iter().position(|&byte| self.special.get(usize::from(byte)) == Some(&true)) else {
            let end = text.len();
            return if last {
                Ok((Value { start: at, end, escaped: false }, end, End::Text))
            } else {
                Err(Split::More)
            };
        };
        let end = at + length;
        let how = self.end(text, end, last)?.ok_or(Split::Bad(CsvProblem::StrayQuote))?;
        Ok((Value { start: at, end, escaped: false }, end, how))
    }

    /// A value in quotes that starts with the one at `at`.
    fn quoted(&self, text: &[u8], at: usize, last: bool, newlines: &mut u64) -> Result<(Value, usize, End), Split> {
        let unfinished = || if last { Split::Bad(CsvProblem::Unclosed) } else { Split::More };
        let start = at + 1;
        let (mut end, mut escaped) = (start, false);
        loop {
            match text.get(end) {
                None => return Err(unfinished()),
                Some(&QUOTE) => match text.get(end + 1) {
                    Some(&QUOTE) => {
                        escaped = true;
                        end += 2;
                    }
                    None if !last => return Err(Split::More),
                    _ => break,
                },
                Some(byte) => {
                    *newlines += u64::from(*byte == b'\n');
                    end += 1;
                }
            }
        }
        let how = self.end(text, end + 1, last)?.ok_or(Split::Bad(CsvProblem::AfterQuote))?;
        Ok((Value { start, end, escaped }, end + 1, how))
    }

    /// What stands at `at`, if a value can end there.
    fn end(&self, text: &[u8], at: usize, last: bool) -> Result<Option<End>, Split> {
        Ok(match (text.get(at), text.get(at + 1)) {
            (Some(&byte), _) if byte == self.delimiter => Some(End::Delimiter),
            (Some(b'\n'), _) => Some(End::Line { length: 1 }),
            (Some(b'\r'), Some(b'\n')) => Some(End::Line { length: 2 }),
            (Some(b'\r'), None) if !last => return Err(Split::More),
            (Some(b'\r'), _) => return Err(Split::Bad(CsvProblem::LoneReturn)),
            (None, _) if last => Some(End::Text),
            (None, _) => return Err(Split::More),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn split(text: &str) -> Result<Vec<Vec<String>>, CsvProblem> {
        let splitter = Splitter::new(b';', true);
        let (mut records, mut rest) = (Vec::new(), text.as_bytes());
        loop {
            let mut values = Vec::new();
            match splitter.record(rest, true, |_, value| values.push(String::from_utf8_lossy(&value.of(rest)).into())) {
                Split::Record { used, .. } => {
                    records.push(values);
                    rest = &rest[used..];
                }
                Split::Blank { used } => rest = &rest[used..],
                Split::Bad(problem) => return Err(problem),
                Split::End => return Ok(records),
                Split::More => unreachable!("the text was said to be whole"),
            }
        }
    }

    #[test]
    fn reads_what_rfc_4180_allows() {
        let records = split("a;\"b;\"\"c\"\"\r\nd\";\r\n\r\n;\n\"\"").unwrap_or_default();
        assert_eq!(records, [vec!["a", "b;\"c\"\r\nd", ""], vec!["", ""], vec![""]]);
    }

    #[test]
    fn refuses_what_it_does_not() {
        assert_eq!(split("a\n\"b"), Err(CsvProblem::Unclosed));
        assert_eq!(split("a\"b\n"), Err(CsvProblem::StrayQuote));
        assert_eq!(split("\"a\"b\n"), Err(CsvProblem::AfterQuote));
        assert_eq!(split("a\rb\n"), Err(CsvProblem::LoneReturn));
    }

    proptest! {
        /// However the text is cut, a record is found whole, found broken, or waited for.
        #[test]
        fn a_cut_never_changes_a_record(text in "[a;\"\r\n]{0,24}", cut in 0usize..24) {
            let splitter = Splitter::new(b';', true);
            let bytes = text.as_bytes();
            let part = &bytes[..cut.min(bytes.len())];
            let (mut early, mut whole) = (Vec::new(), Vec::new());
            let cut_short = splitter.record(part, false, |_, value| early.push(value.of(part).into_owned()));
            let complete = splitter.record(bytes, true, |_, value| whole.push(value.of(bytes).into_owned()));
            if cut_short != Split::More {
                prop_assert_eq!(cut_short, complete);
                prop_assert_eq!(early, whole);
            }
        }

        #[test]
        fn reads_back_what_a_writer_wrote(rows in prop::collection::vec(prop::collection::vec(".{0,6}", 2..4), 0..6)) {
            let mut writer = csv::WriterBuilder::new().delimiter(b';').flexible(true).from_writer(Vec::new());
            for row in &rows {
                writer.write_record(row).map_err(|error| TestCaseError::fail(error.to_string()))?;
            }
            let text = writer.into_inner().map_err(|error| TestCaseError::fail(error.to_string()))?;
            prop_assert_eq!(split(&String::from_utf8_lossy(&text)), Ok(rows));
        }
    }
}
