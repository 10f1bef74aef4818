//! Local values and the codes that they stand for.

use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use optelsom_codebook::{CodeIndex, CodeList, Node};
use toml::Spanned;

use super::document::{TransformDocument, VariableDocument};
use super::problems::Problems;
use super::transform::{Bins, DateFormat};
use crate::source::{CsvSource, Source, SourceError, did_you_mean};

/// What a local value stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Local {
    /// This code.
    Mapped(CodeIndex),
    /// Nothing was filled in: the list's missing code.
    Missing(CodeIndex),
    /// No code, so the one that the binding names for such values.
    Otherwise(CodeIndex),
    /// No code, and the binding names none for such values.
    Unknown,
}

/// Why a value stands for no code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lack {
    /// It is neither in the map nor a code.
    Code,
    /// It should be a date, and is none.
    Date,
    /// It is a date in a year that the codebook does not have.
    Year,
    /// It is no number in one of the bins.
    Bin,
}

#[derive(Clone, Debug)]
enum Step {
    AsItIs,
    Year(DateFormat),
    Bins(Bins),
}

/// How the values of one column become codes.
#[derive(Clone, Debug)]
pub struct ValueMap {
    trim: bool,
    ignore_case: bool,
    step: Step,
    codes: HashMap<String, CodeIndex>,
    fallback: Fallback,
}

/// Codes for values that are not there, or that no code stands for.
#[derive(Clone, Copy, Debug)]
pub struct Fallback {
    missing: Option<CodeIndex>,
    otherwise: Option<CodeIndex>,
}

impl Fallback {
    pub(super) fn resolve(document: &VariableDocument, list: &CodeList, problems: &mut Problems) -> Option<Self> {
        let otherwise = match &document.otherwise {
            Some(code) => Some(find_code(list, code.get_ref(), code.span(), problems)?),
            None => None,
        };
        Some(Self { missing: list.missing(), otherwise })
    }

    /// For nothing at all.
    pub fn absent(self) -> Local {
        self.missing.map_or(self.unmapped(), Local::Missing)
    }

    /// For a value without a code.
    pub fn unmapped(self) -> Local {
        self.otherwise.map_or(Local::Unknown, Local::Otherwise)
    }
}

impl ValueMap {
    pub(super) fn resolve(
        document: &VariableDocument,
        list: &CodeList,
        folder: &Path,
        problems: &mut Problems,
    ) -> Option<Self> {
        let step = match document.transform.as_ref().map(Spanned::get_ref) {
            None | Some(TransformDocument::AgeGroup(_)) => Some(Step::AsItIs),
            Some(TransformDocument::YearOfDate(date)) => {
                DateFormat::resolve(date.format.as_ref(), problems).map(Step::Year)
            }
            Some(TransformDocument::Bins(bins)) => Bins::resolve(bins, list, problems).map(Step::Bins),
        };
        let fallback = Fallback::resolve(document, list, problems);
        let entries = entries(document, list, folder, problems);
        let (trim, ignore_case) = (document.trim.unwrap_or(true), document.ignore_case.unwrap_or(true));
        let mut map = Self { trim, ignore_case, step: step?, codes: HashMap::new(), fallback: fallback? };
        for (local, code, place) in entries? {
            map.add(&local, code, place, problems)?;
        }
        // A value that is itself a code needs no line in the map, and gives way to one.
        for (code, index) in list.codes().iter().zip(list.indices()) {
            let key = map.key(code.code());
            map.codes.entry(key).or_insert(index);
        }
        Some(map)
    }

    fn add(&mut self, local: &str, code: CodeIndex, place: Range<usize>, problems: &mut Problems) -> Option<()> {
        let key = self.key(local);
        match self.codes.insert(key, code) {
            Some(other) if other != code => {
                let message =
                    format!("{local:?} stands for two codes, since trimming and case make it equal to another");
                problems.report(place, message, "set `ignore_case = false` or `trim = false`, or take one of them out");
                None
            }
            _ => Some(()),
        }
    }

    fn key(&self, text: &str) -> String {
        let text = if self.trim { text.trim() } else { text };
        if self.ignore_case { text.to_lowercase() } else { text.to_owned() }
    }

    /// What one local value stands for.
    pub fn look_up(&self, text: &str) -> Local {
        let key = self.key(text);
        if let (Step::AsItIs, Some(&code)) = (&self.step, self.codes.get(&key)) {
            return Local::Mapped(code);
        }
        if key.is_empty() {
            return self.fallback.absent();
        }
        let code = match &self.step {
            Step::AsItIs => None,
            Step::Year(format) => {
                let year = format.read(text.trim()).map(|date| date.year().to_string());
                year.and_then(|year| self.codes.get(&year).copied())
            }
            Step::Bins(bins) => whole_number(&key).and_then(|number| bins.code(number)),
        };
        code.map_or_else(|| self.fallback.unmapped(), Local::Mapped)
    }

    /// Why a value stands for no code.
    pub fn lack(&self, text: &str) -> Lack {
        match &self.step {
            Step::AsItIs => Lack::Code,
            Step::Year(format) => format.read(text.trim()).map_or(Lack::Date, |_| Lack::Year),
            Step::Bins(_) => Lack::Bin,
        }
    }

    /// What nothing at all stands for.
    pub fn absent(&self) -> Local {
        self.look_up("")
    }
}

/// A local value, its code, and where the two are written.
type Entry = (String, CodeIndex, Range<usize>);

/// The lines of a binding's map, or the codes themselves where it has none. Every wrong code is reported.
fn entries(document: &VariableDocument, list: &CodeList, folder: &Path, problems: &mut Problems) -> Option<Vec<Entry>> {
    let written: Vec<(String, String, Range<usize>)> = match (&document.map, &document.map_file) {
        (Some(map), _) => {
            let lines = map.iter().map(|(local, code)| (local.get_ref().clone(), code.get_ref().clone(), code.span()));
            lines.collect()
        }
        (None, Some(file)) => {
            let lines = read_map(&folder.join(file.get_ref()), file.span(), problems)?;
            lines.into_iter().map(|(local, code)| (local, code, file.span())).collect()
        }
        (None, None) => {
            let place = document.column.as_ref().map_or(0..0, Spanned::span);
            list.codes().iter().map(|code| (code.code().to_owned(), code.code().to_owned(), place.clone())).collect()
        }
    };
    let found: Vec<Option<Entry>> = written
        .into_iter()
        .map(|(local, code, place)| Some((local, find_code(list, &code, place.clone(), problems)?, place)))
        .collect();
    found.into_iter().collect()
}

/// A whole number, perhaps written as `12.0`, as databases and spreadsheets do.
fn whole_number(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let only_zeros = !fraction.is_empty() && fraction.bytes().all(|digit| digit == b'0');
    if only_zeros { whole.parse().ok() } else { None }
}

/// The position of a code, or a mistake that names the nearest one.
pub(super) fn find_code(
    list: &CodeList,
    code: &str,
    place: Range<usize>,
    problems: &mut Problems,
) -> Option<CodeIndex> {
    let (message, mend) = match list.find(code) {
        Some(Node::Code(index)) => return Some(index),
        Some(group) => {
            let within = list.codes_of(group);
            let names =
                within.iter().take(8).filter_map(|index| list.code(index)).map(|code| format!("{:?}", code.code()));
            let names: Vec<String> = names.collect();
            let message =
                format!("{code:?} is a group of the list `{}`, and no row belongs to a group as such", list.name());
            (message, format!("name a code within it, such as {}", names.join(", ")))
        }
        None => {
            let near = did_you_mean(code, list.codes().iter().map(|code| code.code()));
            let mend = near.map(|near| format!("did you mean {near:?}?"));
            let mend = mend.unwrap_or_else(|| "look the codes up in the codebook".to_owned());
            (format!("the list `{}` has no code {code:?}", list.name()), mend)
        }
    };
    problems.report(place, message, mend);
    None
}

/// The columns of a map's file.
const MAP_HEAD: [&str; 2] = ["local", "code"];

/// Reads a table of local values and codes: a CSV file in UTF-8 with the head `local,code` or `local;code`.
fn read_map(path: &Path, place: Range<usize>, problems: &mut Problems) -> Option<Vec<(String, String)>> {
    let columns = MAP_HEAD.map(str::to_owned);
    let table = |delimiter| CsvSource {
        path: PathBuf::from(path),
        delimiter,
        quote: true,
        encoding: encoding_rs::UTF_8,
        header: true,
    };
    let fits = |source: &Source| source.find(&columns).is_ok();
    let mut tables = [b',', b';', b'\t'].into_iter().map(|delimiter| Source::Csv(table(delimiter)));
    let Some(source) = tables.find(fits) else {
        let message = match Source::Csv(table(b',')).columns() {
            Ok(found) => format!("{}: its head is {:?}", path.display(), found.join(",")),
            Err(error) => error.to_string(),
        };
        problems.report(place, message, "begin the file with the line local,code or local;code");
        return None;
    };
    let mut entries = Vec::new();
    let text = |bytes: Option<&&[u8]>| String::from_utf8_lossy(bytes.copied().unwrap_or_default()).into_owned();
    let read = source.read(&columns, &mut |_| {}, |_, values| {
        entries.push((text(values.first()), text(values.get(1)).trim().to_owned()));
        Ok::<(), SourceError>(())
    });
    if let Err(error) = read {
        problems.report(place, error.to_string(), "correct the file: a value and its code on each line");
        return None;
    }
    Some(entries)
}
