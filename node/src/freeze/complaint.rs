//! Values that stand for nothing, gathered so that all of them can be mended at once.

use std::collections::{BTreeSet, HashMap};
use std::fmt;

use crate::configuration::{Lack, NumberProblem};
use crate::source::Place;

/// Different values remembered per column.
const REMEMBERED: usize = 1000;
/// Different values shown per column.
const SHOWN: usize = 20;
/// Characters of a value that are shown.
const EXCERPT: usize = 60;

/// What is wrong with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// It stands for no code.
    Lacks(Lack),
    /// It is no number that the measure can take.
    Number(NumberProblem),
    /// Its year is not among those that the binding says are held.
    YearNotHeld,
}

/// One value that stands for nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// The variable or measure.
    pub name: String,
    /// What is wrong.
    pub fault: Fault,
    /// The value, shortened.
    pub value: String,
    /// Where it stands first.
    pub first: Place,
    /// In how many rows it stands.
    pub rows: u64,
}

/// All values of a source that stand for nothing.
#[derive(Debug, Default)]
pub struct Complaints {
    columns: Vec<Column>,
    rows_read: u64,
}

#[derive(Debug)]
struct Column {
    name: String,
    values: HashMap<(Fault, String), (Place, u64)>,
    further_rows: u64,
}

impl Complaints {
    /// Whether there is nothing to complain of.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// Every value that was remembered; per variable by place.
    pub fn all(&self) -> Vec<Complaint> {
        self.columns.iter().flat_map(Column::sorted).collect()
    }

    pub(super) fn add(&mut self, name: &str, fault: Fault, value: &str, place: Place) {
        let known = self.columns.iter().position(|column| column.name == name);
        let at = known.unwrap_or_else(|| {
            self.columns.push(Column { name: name.to_owned(), values: HashMap::new(), further_rows: 0 });
            self.columns.len() - 1
        });
        let Some(column) = self.columns.get_mut(at) else { return };
        let key = (fault, excerpt(value));
        if column.values.len() >= REMEMBERED && !column.values.contains_key(&key) {
            column.further_rows += 1;
            return;
        }
        column.values.entry(key).or_insert((place, 0)).1 += 1;
    }

    pub(super) fn set_rows_read(&mut self, rows: u64) {
        self.rows_read = rows;
    }
}

impl Column {
    fn sorted(&self) -> Vec<Complaint> {
        let mut complaints: Vec<Complaint> = self
            .values
            .iter()
            .map(|((fault, value), (first, rows))| Complaint {
                name: self.name.clone(),
                fault: *fault,
                value: value.clone(),
                first: *first,
                rows: *rows,
            })
            .collect();
        complaints.sort_by(|a, b| (a.first, &a.value, a.fault).cmp(&(b.first, &b.value, b.fault)));
        complaints
    }
}

fn excerpt(value: &str) -> String {
    match value.char_indices().nth(EXCERPT) {
        Some((end, _)) => format!("{}…", value.get(..end).unwrap_or_default()),
        None => value.to_owned(),
    }
}

impl fmt::Display for Complaints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "nothing was frozen: of {} rows read, some have values that stand for nothing", self.rows_read)?;
        for column in &self.columns {
            let complaints = column.sorted();
            write!(f, "\n{}", column.name)?;
            for complaint in complaints.iter().take(SHOWN) {
                let rows = complaint.rows;
                let plural = if rows == 1 { "row" } else { "rows" };
                write!(
                    f,
                    "\n  {:?}: {} ({rows} {plural}, first on {})",
                    complaint.value, complaint.fault, complaint.first
                )?;
            }
            if complaints.len() > SHOWN || column.further_rows > 0 {
                let more = if column.further_rows > 0 { "at least " } else { "" };
                write!(f, "\n  and {more}{} more values", complaints.len().saturating_sub(SHOWN).max(1))?;
            }
        }
        let faults = self.columns.iter().flat_map(|column| column.values.keys().map(|(fault, _)| *fault));
        // One advice for several faults is given once.
        let mut advice: Vec<&str> = faults.collect::<BTreeSet<_>>().into_iter().map(Fault::mend).collect();
        advice.dedup();
        advice.iter().try_for_each(|mend| write!(f, "\n{mend}"))
    }
}

impl Fault {
    fn mend(self) -> &'static str {
        match self {
            Self::Lacks(Lack::Code) => {
                "Values that stand for no code: add them to the binding's `map`, name a code as `otherwise`, or correct them \
                 at the source."
            }
            Self::Lacks(Lack::Date) => {
                "Dates that cannot be read: set the transform's `format` to how they are written, name a code as \
                 `otherwise`, or correct them at the source."
            }
            Self::Lacks(Lack::Year) => {
                "Years that the codebook does not have: leave those rows out at the source, name a code as `otherwise`, or \
                 correct the dates there."
            }
            Self::Lacks(Lack::Bin) => {
                "Values in no bin: add a bin to the transform, name a code as `otherwise`, or correct them at the source."
            }
            Self::Number(NumberProblem::NotANumber) => {
                "Values that are no numbers: set the measure's `decimal` and `thousands` to how they are written, or correct \
                 them at the source."
            }
            Self::Number(NumberProblem::TooPrecise | NumberProblem::OutOfBounds) => {
                "Numbers that do not fit the codebook's measure: if the column holds another unit, such as cents, set \
                 `scale`; otherwise correct them at the source."
            }
            Self::Number(NumberProblem::Absent) => "Missing numbers: fill them in at the source.",
            Self::YearNotHeld => {
                "Years that are not held: widen `years` in node.toml if you hold them in full, or leave those rows out at the \
                 source."
            }
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lacks(lack) => f.write_str(match lack {
                Lack::Code => "stands for no code",
                Lack::Date => "not a date as the binding says that they are written",
                Lack::Year => "in a year that the codebook does not have",
                Lack::Bin => "in none of the binding's bins",
            }),
            Self::Number(problem) => problem.fmt(f),
            Self::YearNotHeld => f.write_str("a year outside the `years` that the binding says are held"),
        }
    }
}
