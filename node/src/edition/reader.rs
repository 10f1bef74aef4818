//! Reading an edition, a piece of a few thousand rows at a time, and only the columns that a question needs.

use std::fs::File;
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use optelsom_codebook::{CodeIndex, Codebook, Dataset, Hash256};
use parquet::basic::Type as Physical;
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{DataType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use sha2::{Digest, Sha256};

use super::{EditionError, Manifest};

/// Rows in a piece: the columns of a question stay within the processor's nearer caches.
const PIECE: usize = 8192;

/// An opened edition.
pub struct Edition {
    path: PathBuf,
    manifest: Manifest,
    reader: SerializedFileReader<File>,
    /// For each variable that is held how many different numbers its column may have: codes, or sets of codes.
    numbers: Vec<usize>,
    /// For each measure that is held the least and the most that a row may have.
    bounds: Vec<(i64, i64)>,
}

/// The columns that a question needs, by position among those that the edition holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Variables.
    pub variables: Vec<usize>,
    /// Measures.
    pub measures: Vec<usize>,
}

/// A piece of an edition.
#[derive(Debug, Default)]
pub struct EditionRows {
    /// How many rows.
    pub rows: usize,
    /// For each variable wanted one number a row: its code, or the number of its set of codes. All are within bounds.
    pub codes: Vec<Vec<i32>>,
    /// For each measure wanted one value a row; 0 where there is none.
    pub values: Vec<Vec<i64>>,
    /// For each measure wanted 1 for a row with a value, else 0. Empty if every row has one.
    pub present: Vec<Vec<i16>>,
}

impl Edition {
    pub(super) fn open(path: PathBuf, manifest: Manifest, codebook: &Codebook) -> Result<Self, EditionError> {
        let file = File::open(&path).map_err(EditionError::reading(&path))?;
        let length = file.metadata().map_err(EditionError::reading(&path))?.len();
        if length != manifest.extract().bytes {
            let what = format!("it is {length} bytes long, its manifest says {}", manifest.extract().bytes);
            return Err(EditionError::damaged(&path, what));
        }
        let reader = sound(&path, || SerializedFileReader::new(file))?;
        let dataset = codebook.dataset(&manifest.origin().dataset);
        let fitting = dataset.and_then(|dataset| numbers(dataset, &manifest).zip(bounds(dataset, &manifest)));
        let (numbers, bounds) =
            fitting.ok_or_else(|| EditionError::damaged(&path, "its manifest does not fit the codebook"))?;
        let edition = Self { path, manifest, reader, numbers, bounds };
        edition.check_form()?;
        Ok(edition)
    }

    /// Whether rows and columns are as the manifest says.
    fn check_form(&self) -> Result<(), EditionError> {
        let summary = self.manifest.summary();
        let metadata = self.reader.metadata();
        let columns = metadata.file_metadata().schema_descr().columns();
        let variables = summary.variables.iter().map(|variable| (&variable.name, Physical::INT32));
        let measures = summary.measures.iter().map(|measure| (&measure.name, Physical::INT64));
        let expected: Vec<_> = variables.chain(measures).collect();
        let as_expected = expected.len() == columns.len()
            && expected.iter().zip(columns).all(|((name, physical), column)| {
                column.name() == name.as_str()
                    && column.physical_type() == *physical
                    && column.max_rep_level() == 0
                    && column.max_def_level() <= 1
            });
        let rows: i64 = metadata.row_groups().iter().map(|group| group.num_rows()).sum();
        if as_expected && u64::try_from(rows) == Ok(summary.rows) {
            Ok(())
        } else {
            Err(EditionError::damaged(&self.path, "its columns or rows are not as its manifest says"))
        }
    }

    /// What the edition says of itself.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The position of a variable among those held.
    pub fn variable(&self, name: &str) -> Option<usize> {
        self.manifest.summary().variables.iter().position(|variable| variable.name == name)
    }

    /// The position of a measure among those held.
    pub fn measure(&self, name: &str) -> Option<usize> {
        self.manifest.summary().measures.iter().position(|measure| measure.name == name)
    }

    /// The sets of codes of a multiple-valued variable; none for another.
    pub fn sets(&self, variable: usize) -> Option<&[Vec<CodeIndex>]> {
        self.manifest.summary().variables.get(variable)?.sets.as_deref()
    }

    /// Reads the whole extract and compares its digest with the manifest's.
    ///
    /// # Errors
    /// When it cannot be read, or a bit of it has changed.
    pub fn verify(&self) -> Result<(), EditionError> {
        let mut file = File::open(&self.path).map_err(EditionError::reading(&self.path))?;
        let (mut digest, mut piece) = (Sha256::new(), vec![0; 1 << 18]);
        loop {
            let length = file.read(&mut piece).map_err(EditionError::reading(&self.path))?;
            if length == 0 {
                break;
            }
            digest.update(piece.get(..length).unwrap_or_default());
        }
        if Hash256::from_bytes(digest.finalize().into()) == self.manifest.extract().sha256 {
            Ok(())
        } else {
            Err(EditionError::damaged(&self.path, "its SHA-256 is not the manifest's"))
        }
    }

    /// Gives the wanted columns piece by piece, all rows in order.
    ///
    /// # Errors
    /// When the extract is damaged, or `take` fails.
    pub fn read<E: From<EditionError>>(
        &self,
        wanted: &Wanted,
        mut take: impl FnMut(&EditionRows) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut piece = EditionRows {
            rows: 0,
            codes: vec![Vec::with_capacity(PIECE); wanted.variables.len()],
            values: vec![Vec::with_capacity(PIECE); wanted.measures.len()],
            present: vec![Vec::with_capacity(PIECE); wanted.measures.len()],
        };
        let mut packed = Vec::with_capacity(PIECE);
        for group in 0..self.reader.num_row_groups() {
            let mut columns = self.columns(group, wanted)?;
            let mut left = self.group_rows(group);
            while left > 0 {
                piece.rows = left.min(PIECE);
                self.fill(&mut columns, wanted, &mut piece, &mut packed)?;
                take(&piece)?;
                left -= piece.rows;
            }
        }
        Ok(())
    }

    fn group_rows(&self, group: usize) -> usize {
        let rows = self.reader.metadata().row_groups().get(group).map_or(0, |group| group.num_rows());
        usize::try_from(rows).unwrap_or(0)
    }

    fn columns(&self, group: usize, wanted: &Wanted) -> Result<Columns, EditionError> {
        let variables_held = self.manifest.summary().variables.len();
        sound(&self.path, || {
            let group = self.reader.get_row_group(group)?;
            let typed = |column| group.get_column_reader(column);
            let codes = wanted.variables.iter().map(|&variable| match typed(variable)? {
                ColumnReader::Int32ColumnReader(reader) => Ok(reader),
                _ => Err(ParquetError::General("a column has another type".to_owned())),
            });
            let codes = codes.collect::<Result<_, _>>()?;
            let values = wanted.measures.iter().map(|&measure| match typed(variables_held + measure)? {
                ColumnReader::Int64ColumnReader(reader) => Ok(reader),
                _ => Err(ParquetError::General("a column has another type".to_owned())),
            });
            Ok(Columns { codes, values: values.collect::<Result<_, _>>()? })
        })
    }

    fn fill(
        &self,
        columns: &mut Columns,
        wanted: &Wanted,
        piece: &mut EditionRows,
        packed: &mut Vec<i64>,
    ) -> Result<(), EditionError> {
        let rows = piece.rows;
        for ((reader, codes), &variable) in columns.codes.iter_mut().zip(&mut piece.codes).zip(&wanted.variables) {
            codes.clear();
            self.records(reader, rows, None, codes)?;
            let numbers = self.numbers.get(variable).copied().unwrap_or(0);
            // One pass without branches: a negative number is a very large one.
            let largest = codes.iter().map(|&code| code.cast_unsigned()).max().unwrap_or(0);
            if codes.len() != rows || largest as usize >= numbers {
                return Err(EditionError::damaged(&self.path, "a code is outside its list"));
            }
        }
        let measures = columns.values.iter_mut().zip(&mut piece.values).zip(&mut piece.present).zip(&wanted.measures);
        for (((reader, values), present), &measure) in measures {
            values.clear();
            present.clear();
            packed.clear();
            self.records(reader, rows, Some(&mut *present), packed)?;
            let (least, most) = self.bounds.get(measure).copied().unwrap_or_default();
            let span = most.wrapping_sub(least).cast_unsigned();
            // One pass without branches: a value below the least is a very large one. Sums are wide enough for what is within.
            let beyond = |beyond, value: &i64| beyond | (value.wrapping_sub(least).cast_unsigned() > span);
            if packed.iter().fold(false, beyond) {
                return Err(EditionError::damaged(&self.path, "a value is beyond its measure's bounds"));
            }
            if present.is_empty() && packed.len() == rows {
                values.extend_from_slice(packed);
                continue;
            }
            if present.len() != rows {
                return Err(EditionError::damaged(&self.path, "a measure has too few rows"));
            }
            let mut next = 0;
            values.extend(present.iter().map(|&level| {
                let value = packed.get(next).copied().unwrap_or(0) * i64::from(level);
                next += usize::from(level != 0);
                value
            }));
        }
        Ok(())
    }

    fn records<T: DataType>(
        &self,
        reader: &mut ColumnReaderImpl<T>,
        rows: usize,
        mut levels: Option<&mut Vec<i16>>,
        values: &mut Vec<T::T>,
    ) -> Result<(), EditionError> {
        let mut read = 0;
        while read < rows {
            let levels = levels.as_deref_mut();
            let (records, _, _) = sound(&self.path, || reader.read_records(rows - read, levels, None, values))?;
            if records == 0 {
                return Err(EditionError::damaged(&self.path, "a column ends too early"));
            }
            read += records;
        }
        Ok(())
    }
}

struct Columns {
    codes: Vec<ColumnReaderImpl<Int32Type>>,
    values: Vec<ColumnReaderImpl<Int64Type>>,
}

/// The least and the most that a row may have of each measure; `None` if the manifest speaks of something unknown.
fn bounds(dataset: &Dataset, manifest: &Manifest) -> Option<Vec<(i64, i64)>> {
    let measures = manifest.summary().measures.iter().map(|held| dataset.measure(&held.name));
    measures.map(|measure| measure.map(|measure| (measure.minimum(), measure.maximum()))).collect()
}

/// How many different numbers each variable's column may have; `None` if the manifest speaks of something unknown.
fn numbers(dataset: &Dataset, manifest: &Manifest) -> Option<Vec<usize>> {
    let held = manifest.summary().variables.iter().map(|held| {
        let variable = dataset.variable(&held.name)?;
        let codes = variable.list().len();
        let sound = |set: &Vec<CodeIndex>| {
            !set.is_empty() && set.is_sorted_by(|a, b| a < b) && set.iter().all(|code| usize::from(*code) < codes)
        };
        match (&held.sets, variable.multiple()) {
            (Some(sets), true) if sets.iter().all(sound) => Some(sets.len()),
            (None, false) => Some(codes),
            _ => None,
        }
    });
    held.collect()
}

/// Runs the Parquet reader, whose errors and panics alike mean that the file is not what was written.
fn sound<T>(path: &std::path::Path, read: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, EditionError> {
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(EditionError::damaged(path, error.to_string())),
        Err(_) => Err(EditionError::damaged(path, "its contents contradict each other")),
    }
}
