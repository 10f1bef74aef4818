//! One dataset's binding: which column, and what its values mean.

use std::ops::RangeInclusive;
use std::path::Path;

use optelsom_codebook::{CodeIndex, CodeList, Codebook, Dataset, Measure, Variable};
use toml::Spanned;

use super::document::{
    AgeDocument, DatasetDocument, FreezeWhen, MeasureDocument, SourceDocument, TransformDocument, VariableDocument,
};
use super::number_format::NumberFormat;
use super::problems::Problems;
use super::source;
use super::transform::{Bins, DateFormat, completed_years};
use super::values::{Fallback, Lack, Local, ValueMap, find_code};
use crate::source::{Identifier, Source, did_you_mean};

/// How a supplier's columns speak of one dataset. Columns are named by their position in [`Binding::columns`].
#[derive(Clone, Debug)]
pub struct Binding {
    dataset: String,
    source: Source,
    freeze: FreezeWhen,
    years: Option<RangeInclusive<i32>>,
    columns: Vec<String>,
    variables: Vec<VariableBinding>,
    measures: Vec<MeasureBinding>,
}

/// How one variable is read.
#[derive(Clone, Debug)]
pub struct VariableBinding {
    /// The variable's name.
    pub name: String,
    /// Whether a row may have several codes.
    pub multiple: bool,
    /// Where its codes come from.
    pub reading: Reading,
    /// For the period: whether each code of its list is one of the years held.
    pub held: Option<Vec<bool>>,
}

/// Where a variable's codes come from.
#[derive(Clone, Debug)]
pub enum Reading {
    /// Every row has the same.
    Constant(CodeIndex),
    /// One column, one code.
    Column {
        /// The column.
        column: usize,
        /// What its values stand for.
        values: ValueMap,
    },
    /// One column, any number of codes.
    Several {
        /// The column.
        column: usize,
        /// What stands between two values; a value alone where there is none.
        separator: Option<String>,
        /// What the values stand for.
        values: ValueMap,
    },
    /// The age between two dates.
    Age(AgeReading),
}

/// How an age group is made of two dates.
#[derive(Clone, Debug)]
pub struct AgeReading {
    /// The column with the date of birth.
    pub birth: usize,
    /// The column with the date at which the age is meant.
    pub at: usize,
    /// How both are written.
    pub format: DateFormat,
    bins: Bins,
    fallback: Fallback,
}

impl AgeReading {
    /// The code for two dates, each of them nothing, unreadable (`Err`) or a date.
    pub fn code(&self, birth: AgeDate, at: AgeDate) -> Local {
        match (birth, at) {
            (Ok(Some(birth)), Ok(Some(at))) => {
                let code = completed_years(birth, at).and_then(|age| self.bins.code(age));
                code.map_or_else(|| self.fallback.unmapped(), Local::Mapped)
            }
            (Err(()), _) | (_, Err(())) => self.fallback.unmapped(),
            (Ok(None), _) | (_, Ok(None)) => self.fallback.absent(),
        }
    }

    /// Why two dates stand for no code.
    pub fn lack(&self, birth: AgeDate, at: AgeDate) -> Lack {
        match (birth, at) {
            (Ok(Some(_)), Ok(Some(_))) => Lack::Bin,
            _ => Lack::Date,
        }
    }
}

/// A date that was read, found absent, or found unreadable.
pub type AgeDate = Result<Option<jiff::civil::Date>, ()>;

/// How one measure is read.
#[derive(Clone, Debug)]
pub struct MeasureBinding {
    /// The measure's name.
    pub name: String,
    /// The column.
    pub column: usize,
    /// How its numbers are written.
    pub format: NumberFormat,
    /// The least and the most that a row may have, scaled.
    pub bounds: RangeInclusive<i64>,
    /// Whether a row may have none.
    pub optional: bool,
}

impl Binding {
    /// The dataset's name.
    pub fn dataset(&self) -> &str {
        &self.dataset
    }

    /// Where the records stand.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// When an edition is frozen.
    pub fn freeze(&self) -> FreezeWhen {
        self.freeze
    }

    /// The years that this supplier holds in full, if it says so.
    pub fn years(&self) -> Option<&RangeInclusive<i32>> {
        self.years.as_ref()
    }

    /// The columns that are read, each once.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The variables in the codebook's order; those that are not bound are not held.
    pub fn variables(&self) -> &[VariableBinding] {
        &self.variables
    }

    /// The measures in the codebook's order; those that are not bound are not held.
    pub fn measures(&self) -> &[MeasureBinding] {
        &self.measures
    }
}

pub(super) fn resolve(
    name: &Spanned<String>,
    document: &DatasetDocument,
    codebook: &Codebook,
    folder: &Path,
    problems: &mut Problems,
) -> Option<Binding> {
    let Some(dataset) = codebook.dataset(name.get_ref()) else {
        let known: Vec<&str> = codebook.datasets().map(|dataset| dataset.name()).collect();
        let message = format!("the codebook has no dataset `{}`", name.get_ref().escape_debug());
        problems.report(name.span(), message, suggest(name.get_ref(), &known));
        return None;
    };
    let source = source::resolve(document.source.get_ref(), folder, problems);
    let kind = document.source.get_ref();
    let plain_names = matches!(kind, SourceDocument::Sqlite(_) | SourceDocument::Postgresql(_));
    let columns = Columns { names: Vec::new(), plain_names };
    let mut resolver = Resolver { dataset, folder, columns, problems, years: document.years.as_ref() };
    resolver.check_names(document);
    if !document.variables.keys().any(|key| key.get_ref() == dataset.period()) {
        let mend = format!("add [datasets.{}.variables.{}]", dataset.name(), dataset.period());
        resolver.problems.report(name.span(), "the period is not bound, so no row would belong to a year", mend);
    }
    let variables: Vec<_> =
        dataset.variables().iter().filter_map(|variable| resolver.bound_variable(variable, document)).collect();
    let from_text = matches!(kind, SourceDocument::Csv(_));
    let measures: Vec<_> =
        dataset.measures().iter().filter_map(|measure| resolver.bound_measure(measure, document, from_text)).collect();
    Some(Binding {
        dataset: dataset.name().to_owned(),
        source: source?,
        freeze: document.freeze,
        years: document.years.as_ref().map(|years| years.get_ref().0..=years.get_ref().1),
        columns: resolver.columns.names,
        variables: variables.into_iter().collect::<Option<_>>()?,
        measures: measures.into_iter().collect::<Option<_>>()?,
    })
}

fn suggest(text: &str, known: &[&str]) -> String {
    match did_you_mean(text, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("it has {}", known.join(", ")),
    }
}

/// The columns that are needed, each once.
struct Columns {
    names: Vec<String>,
    /// They are put into an SQL statement.
    plain_names: bool,
}

struct Resolver<'a> {
    dataset: &'a Dataset,
    folder: &'a Path,
    columns: Columns,
    years: Option<&'a Spanned<(i32, i32)>>,
    problems: &'a mut Problems,
}

impl Resolver<'_> {
    fn check_names(&mut self, document: &DatasetDocument) {
        let variables: Vec<&str> = self.dataset.variables().iter().map(Variable::name).collect();
        let measures: Vec<&str> = self.dataset.measures().iter().map(Measure::name).collect();
        let keys = document.variables.keys().map(|key| (key, "variable", &variables));
        for (key, kind, known) in keys.chain(document.measures.keys().map(|key| (key, "measure", &measures))) {
            if !known.contains(&key.get_ref().as_str()) {
                let message = format!("`{}` has no {kind} `{}`", self.dataset.name(), key.get_ref().escape_debug());
                self.problems.report(key.span(), message, suggest(key.get_ref(), known));
            }
        }
    }

    /// The position of a column; a mistake if the database could not be asked for it.
    fn column(&mut self, name: &Spanned<String>) -> Option<usize> {
        if self.columns.plain_names
            && let Err(error) = Identifier::new(name.get_ref(), "column")
        {
            self.problems.report(name.span(), error.to_string(), "");
            return None;
        }
        let names = &mut self.columns.names;
        let found = names.iter().position(|known| known == name.get_ref());
        Some(found.unwrap_or_else(|| {
            names.push(name.get_ref().clone());
            names.len() - 1
        }))
    }

    /// `None` when the variable is not bound, `Some(None)` when its binding has mistakes.
    fn bound_variable(&mut self, variable: &Variable, document: &DatasetDocument) -> Option<Option<VariableBinding>> {
        let (key, bound) = document.variables.iter().find(|(key, _)| key.get_ref() == variable.name())?;
        let reading = self.reading(variable, key, bound);
        let held = match self.years {
            Some(years) if variable.name() == self.dataset.period() => self.held(variable.list(), years),
            _ => Some(None),
        };
        Some(reading.zip(held).map(|(reading, held)| VariableBinding {
            name: variable.name().to_owned(),
            multiple: variable.multiple(),
            reading,
            held,
        }))
    }

    fn held(&mut self, list: &CodeList, years: &Spanned<(i32, i32)>) -> Option<Option<Vec<bool>>> {
        let (from, to) = *years.get_ref();
        let missing = list.missing();
        let is_held = |(code, index): (&optelsom_codebook::Code, CodeIndex)| {
            code.code().parse().is_ok_and(|year: i32| (from..=to).contains(&year)) || Some(index) == missing
        };
        let held: Vec<bool> = list.codes().iter().zip(list.indices()).map(is_held).collect();
        if from > to || !held.contains(&true) {
            let message = format!("the period has none of the years {from} to {to}");
            self.problems.report(years.span(), message, "write years = [first, last]");
            return None;
        }
        Some(Some(held))
    }

    fn reading(&mut self, variable: &Variable, key: &Spanned<String>, bound: &VariableDocument) -> Option<Reading> {
        let list = variable.list();
        let age = match bound.transform.as_ref().map(Spanned::get_ref) {
            Some(TransformDocument::AgeGroup(age)) => Some(age),
            _ => None,
        };
        if bound.separator.is_some() && !variable.multiple() {
            let message = format!("`{}` takes one value, so a separator means nothing", variable.name());
            self.problems.report(key.span(), message, "take `separator` out");
        }
        if bound.map.is_some() && bound.map_file.is_some() {
            self.problems.report(key.span(), "both `map` and `map_file`", "keep one of them");
            return None;
        }
        match (&bound.column, &bound.constant, age) {
            (Some(column), None, None) => {
                let column = self.column(column);
                let values = ValueMap::resolve(bound, list, self.folder, self.problems)?;
                let column = column?;
                Some(if variable.multiple() {
                    let separator = bound.separator.as_ref().map(|text| text.get_ref().clone());
                    let separator = separator.filter(|text| !text.is_empty());
                    Reading::Several { column, separator, values }
                } else {
                    Reading::Column { column, values }
                })
            }
            (None, Some(code), None)
                if bound.transform.is_none() && bound.map.is_none() && bound.map_file.is_none() =>
            {
                find_code(list, code.get_ref(), code.span(), self.problems).map(Reading::Constant)
            }
            (None, None, Some(age)) if !variable.multiple() => self.age(bound, list, age).map(Reading::Age),
            _ => {
                let message = format!("`{}` does not say plainly where its values come from", variable.name());
                let mend = "give it either `column`, or `constant` alone, or `transform = { age_group = { birth, at, bins } }`";
                self.problems.report(key.span(), message, mend);
                None
            }
        }
    }

    fn age(&mut self, bound: &VariableDocument, list: &CodeList, age: &AgeDocument) -> Option<AgeReading> {
        let (birth, at) = (self.column(&age.birth), self.column(&age.at));
        let format = DateFormat::resolve(age.format.as_ref(), self.problems);
        let bins = Bins::resolve(&age.bins, list, self.problems);
        let fallback = Fallback::resolve(bound, list, self.problems);
        Some(AgeReading { birth: birth?, at: at?, format: format?, bins: bins?, fallback: fallback? })
    }

    /// `None` when the measure is not bound, `Some(None)` when its binding has mistakes.
    fn bound_measure(
        &mut self,
        measure: &Measure,
        document: &DatasetDocument,
        from_text: bool,
    ) -> Option<Option<MeasureBinding>> {
        let (_, bound) = document.measures.iter().find(|(key, _)| key.get_ref() == measure.name())?;
        let column = self.column(&bound.column);
        let format = self.number_format(measure, bound, from_text);
        Some(column.zip(format).map(|(column, format)| MeasureBinding {
            name: measure.name().to_owned(),
            column,
            format,
            bounds: measure.minimum()..=measure.maximum(),
            optional: measure.optional(),
        }))
    }

    fn number_format(&mut self, measure: &Measure, bound: &MeasureDocument, from_text: bool) -> Option<NumberFormat> {
        if let (false, Some(text)) = (from_text, bound.decimal.as_ref().or(bound.thousands.as_ref())) {
            let message = "this source gives numbers as numbers, so how they are written is not asked";
            self.problems.report(text.span(), message, "take `decimal` and `thousands` out");
        }
        let decimal = self.mark(bound.decimal.as_ref(), &[".", ","], "decimal");
        let thousands = self.mark(bound.thousands.as_ref(), &[".", ",", " ", "'"], "thousands");
        let scale = bound.scale.as_ref().map_or(0, |scale| *scale.get_ref());
        if !(-9..=9).contains(&scale) {
            let place = bound.scale.as_ref().map_or(0..0, Spanned::span);
            let mend = "scale = 2 says that the column holds hundredths";
            self.problems.report(place, "the scale is not within -9 to 9", mend);
        }
        let (decimal, thousands) = (decimal?.unwrap_or(b'.'), thousands?);
        if thousands == Some(decimal) {
            let message = "`decimal` and `thousands` are the same mark";
            self.problems.report(bound.column.span(), message, "use two different marks");
        }
        let decimals = i32::try_from(measure.decimals()).unwrap_or(0);
        Some(NumberFormat { decimal, thousands, shift: decimals.saturating_sub(scale) })
    }

    /// A mark of one byte out of those allowed; `None` after a mistake.
    fn mark(&mut self, text: Option<&Spanned<String>>, allowed: &[&str], key: &str) -> Option<Option<u8>> {
        let Some(text) = text else { return Some(None) };
        if allowed.contains(&text.get_ref().as_str()) {
            return Some(text.get_ref().bytes().next());
        }
        let message = format!("{:?} is no `{key}` mark", text.get_ref());
        self.problems.report(text.span(), message, format!("use one of {allowed:?}"));
        None
    }
}
