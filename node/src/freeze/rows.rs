//! One row after the other: local values to codes and numbers.

use std::collections::HashMap;
use std::convert::Infallible;

use encoding_rs::{Encoding, UTF_8};
use optelsom_codebook::CodeIndex;

use super::cache::Cache;
use super::complaint::{Complaints, Fault};
use super::error::FreezeError;
use crate::configuration::{
    AgeDate, AgeReading, Binding, Lack, Local, MeasureBinding, NumberProblem, Reading, ValueMap, VariableBinding,
};
use crate::edition::{Batch, MeasureSummary, Summary, VariableSummary};
use crate::source::Place;

/// The most different combinations of codes of one variable.
const MAX_SETS: usize = 1 << 20;

/// Reads rows into batches, counting and complaining as it goes.
pub(super) struct RowReader<'a> {
    variables: Vec<VariableReader<'a>>,
    measures: Vec<(&'a MeasureBinding, MeasureSummary)>,
    encoding: &'static Encoding,
    batch: Batch,
    rows: u64,
    complaints: Complaints,
}

struct VariableReader<'a> {
    binding: &'a VariableBinding,
    kind: Kind<'a>,
    summary: VariableSummary,
}

enum Kind<'a> {
    /// One code, or for a multiple-valued variable the one set that holds it.
    Constant {
        code: CodeIndex,
        number: i32,
    },
    Column {
        column: usize,
        values: &'a ValueMap,
        known: Cache<Local>,
    },
    Several {
        column: usize,
        separator: Option<&'a str>,
        values: &'a ValueMap,
        known: Cache<SetOf>,
        sets: Sets,
    },
    Age {
        reading: &'a AgeReading,
        births: Cache<AgeDate>,
        moments: Cache<AgeDate>,
    },
}

/// What a value of a multiple-valued variable stands for.
#[derive(Clone, Copy)]
enum SetOf {
    Known { set: u32, how: How },
    Unknown,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum How {
    Mapped,
    Missing,
    Otherwise,
}

/// The different combinations of codes, numbered as they come.
#[derive(Default)]
struct Sets {
    numbers: HashMap<Vec<CodeIndex>, u32>,
    list: Vec<Vec<CodeIndex>>,
}

impl<'a> RowReader<'a> {
    pub(super) fn new(binding: &'a Binding) -> Self {
        let variables: Vec<_> = binding.variables().iter().map(VariableReader::new).collect();
        let measures: Vec<_> =
            binding.measures().iter().map(|measure| (measure, MeasureSummary::new(measure.name.clone()))).collect();
        Self {
            batch: Batch::new(variables.len(), binding.measures().iter().map(|measure| measure.optional)),
            variables,
            measures,
            encoding: binding.source().encoding(),
            rows: 0,
            complaints: Complaints::default(),
        }
    }

    pub(super) fn batch(&self) -> &Batch {
        &self.batch
    }

    pub(super) fn clear(&mut self) {
        self.batch.clear();
    }

    pub(super) fn complaints(&self) -> &Complaints {
        &self.complaints
    }

    /// Reads one row into the batch.
    pub(super) fn read(&mut self, place: Place, fields: &[&[u8]]) -> Result<(), FreezeError> {
        let row = Row { fields, place, encoding: self.encoding };
        for (variable, codes) in self.variables.iter_mut().zip(self.batch.codes_mut()) {
            codes.push(variable.read(&row, &mut self.complaints)?);
        }
        for ((measure, summary), values) in self.measures.iter_mut().zip(self.batch.values_mut()) {
            match number(measure, row.field(measure.column)) {
                Ok(value) => {
                    summary.count(value.is_some());
                    values.push(value);
                }
                Err(problem) => {
                    let text = row.text(measure.column);
                    self.complaints.add(&measure.name, Fault::Number(problem), text.trim(), place);
                    values.push(Some(0));
                }
            }
        }
        self.batch.end_row();
        self.rows += 1;
        Ok(())
    }

    pub(super) fn finish(mut self) -> (Summary, Complaints) {
        self.complaints.set_rows_read(self.rows);
        let variables = self.variables.into_iter().map(VariableReader::finish).collect();
        let measures = self.measures.into_iter().map(|(_, summary)| summary).collect();
        (Summary { rows: self.rows, variables, measures }, self.complaints)
    }
}

struct Row<'r> {
    fields: &'r [&'r [u8]],
    place: Place,
    encoding: &'static Encoding,
}

impl Row<'_> {
    fn field(&self, column: usize) -> &[u8] {
        self.fields.get(column).copied().unwrap_or_default()
    }

    fn text(&self, column: usize) -> std::borrow::Cow<'_, str> {
        decode(self.encoding, self.field(column))
    }
}

fn decode<'b>(encoding: &'static Encoding, bytes: &'b [u8]) -> std::borrow::Cow<'b, str> {
    // Sources have checked UTF-8 already; every byte means something in the other encodings that come here.
    if encoding == UTF_8 { String::from_utf8_lossy(bytes) } else { encoding.decode_without_bom_handling(bytes).0 }
}

fn number(measure: &MeasureBinding, field: &[u8]) -> Result<Option<i64>, NumberProblem> {
    if field.trim_ascii().is_empty() {
        return if measure.optional { Ok(None) } else { Err(NumberProblem::Absent) };
    }
    let value = measure.format.read(field)?;
    if measure.bounds.contains(&value) { Ok(Some(value)) } else { Err(NumberProblem::OutOfBounds) }
}

fn never<T>(result: Result<T, Infallible>) -> T {
    let Ok(value) = result;
    value
}

impl<'a> VariableReader<'a> {
    fn new(binding: &'a VariableBinding) -> Self {
        let kind = match &binding.reading {
            Reading::Constant(code) => {
                Kind::Constant { code: *code, number: if binding.multiple { 0 } else { i32::from(*code) } }
            }
            Reading::Column { column, values } => Kind::Column { column: *column, values, known: Cache::new() },
            Reading::Several { column, separator, values } => Kind::Several {
                column: *column,
                separator: separator.as_deref(),
                values,
                known: Cache::new(),
                sets: Sets::default(),
            },
            Reading::Age(reading) => Kind::Age { reading, births: Cache::new(), moments: Cache::new() },
        };
        Self { binding, kind, summary: VariableSummary::new(binding.name.clone()) }
    }

    /// The code of this row, or the number of its set of codes.
    fn read(&mut self, row: &Row<'_>, complaints: &mut Complaints) -> Result<i32, FreezeError> {
        let local = match &mut self.kind {
            Kind::Constant { code, number } => {
                let (code, number) = (*code, *number);
                self.single(Local::Mapped(code), row, complaints);
                return Ok(number);
            }
            Kind::Column { column, values, known } => {
                let field = row.field(*column);
                never(known.get(field, || Ok(values.look_up(&decode(row.encoding, field)))))
            }
            Kind::Age { reading, births, moments } => {
                let date = |column: usize, known: &mut Cache<AgeDate>| {
                    let field = row.field(column);
                    never(known.get(field, || Ok(age_date(reading, &decode(row.encoding, field)))))
                };
                reading.code(date(reading.birth, births), date(reading.at, moments))
            }
            Kind::Several { column, separator, values, known, sets } => {
                let field = row.field(*column);
                let work_out = || set_of(&decode(row.encoding, field), *separator, values, sets);
                let found = known
                    .get(field, work_out)
                    .map_err(|limit| FreezeError::TooManySets { variable: self.binding.name.clone(), limit })?;
                return Ok(match found {
                    SetOf::Known { set, how } => {
                        self.summary.count(how == How::Missing, how == How::Otherwise);
                        i32::try_from(set).unwrap_or(i32::MAX)
                    }
                    SetOf::Unknown => {
                        for part in parts(&row.text(*column), *separator) {
                            if values.look_up(part) == Local::Unknown {
                                let fault = Fault::Lacks(values.lack(part));
                                complaints.add(&self.binding.name, fault, part.trim(), row.place);
                            }
                        }
                        0
                    }
                });
            }
        };
        Ok(self.single(local, row, complaints))
    }

    fn single(&mut self, local: Local, row: &Row<'_>, complaints: &mut Complaints) -> i32 {
        let code = match local {
            Local::Mapped(code) | Local::Missing(code) | Local::Otherwise(code) => code,
            Local::Unknown => {
                complaints.add(&self.binding.name, Fault::Lacks(self.lack(row)), &self.shown(row), row.place);
                return 0;
            }
        };
        let held = self.binding.held.as_ref().is_none_or(|held| held.get(usize::from(code)) == Some(&true));
        if held {
            self.summary.count(matches!(local, Local::Missing(_)), matches!(local, Local::Otherwise(_)));
        } else {
            complaints.add(&self.binding.name, Fault::YearNotHeld, &self.shown(row), row.place);
        }
        i32::from(code)
    }

    /// Why the value stands for no code.
    fn lack(&self, row: &Row<'_>) -> Lack {
        match &self.kind {
            Kind::Constant { .. } => Lack::Code,
            Kind::Column { column, values, .. } | Kind::Several { column, values, .. } => {
                values.lack(&row.text(*column))
            }
            Kind::Age { reading, .. } => {
                let date = |column: usize| age_date(reading, &row.text(column));
                reading.lack(date(reading.birth), date(reading.at))
            }
        }
    }

    /// The value as a complaint shows it.
    fn shown(&self, row: &Row<'_>) -> String {
        match &self.kind {
            Kind::Constant { .. } => "(constant)".to_owned(),
            Kind::Column { column, .. } | Kind::Several { column, .. } => row.text(*column).trim().to_owned(),
            Kind::Age { reading, .. } => {
                format!("born {}, at {}", row.text(reading.birth).trim(), row.text(reading.at).trim())
            }
        }
    }

    fn finish(mut self) -> VariableSummary {
        match self.kind {
            Kind::Several { sets, .. } => self.summary.set_sets(sets.list),
            Kind::Constant { code, .. } if self.binding.multiple => self.summary.set_sets(vec![vec![code]]),
            _ => {}
        }
        self.summary
    }
}

fn age_date(reading: &AgeReading, text: &str) -> AgeDate {
    let text = text.trim();
    if text.is_empty() { Ok(None) } else { reading.format.read(text).map(Some).ok_or(()) }
}

/// The values in a text; at least one, empty ones only if there are no others.
fn parts<'t>(text: &'t str, separator: Option<&str>) -> Vec<&'t str> {
    let Some(separator) = separator else { return vec![text] };
    let parts: Vec<&str> = text.split(separator).filter(|part| !part.trim().is_empty()).collect();
    if parts.is_empty() { vec![""] } else { parts }
}

/// Works out the set of codes of a text. An error names the limit of sets.
fn set_of(text: &str, separator: Option<&str>, values: &ValueMap, sets: &mut Sets) -> Result<SetOf, usize> {
    let (mut codes, mut how) = (Vec::new(), How::Mapped);
    for part in parts(text, separator) {
        match values.look_up(part) {
            Local::Mapped(code) => codes.push(code),
            Local::Missing(code) => {
                codes.push(code);
                how = how.max(How::Missing);
            }
            Local::Otherwise(code) => {
                codes.push(code);
                how = how.max(How::Otherwise);
            }
            Local::Unknown => return Ok(SetOf::Unknown),
        }
    }
    codes.sort_unstable();
    codes.dedup();
    if let Some(&set) = sets.numbers.get(&codes) {
        return Ok(SetOf::Known { set, how });
    }
    let set = u32::try_from(sets.list.len()).ok().filter(|_| sets.list.len() < MAX_SETS).ok_or(MAX_SETS)?;
    sets.numbers.insert(codes.clone(), set);
    sets.list.push(codes);
    Ok(SetOf::Known { set, how })
}
