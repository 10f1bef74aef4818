//! Parquet files as a source: flat columns of any type, turned into text.

use std::fmt::Write as _;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::parquet::errors::ParquetError;
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::record::Field;
use ::parquet::schema::types::Type;

use super::guard::contained;
use super::{PROGRESS_ROWS, Place, Progress, SourceError, locate};

/// A Parquet file, or a folder whose `.parquet` files are read one after the other, by name.
#[derive(Clone, Debug)]
pub struct ParquetSource {
    /// The file or folder.
    pub path: PathBuf,
}

impl ParquetSource {
    pub(super) fn columns(&self) -> Result<Vec<String>, SourceError> {
        match self.parts()?.first() {
            Some(part) => Ok(names(&*open(part)?)),
            None => Err(SourceError::NoParquet { path: self.path.clone() }),
        }
    }

    pub(super) fn read<E: From<SourceError>>(
        &self,
        columns: &[String],
        progress: &mut dyn FnMut(Progress),
        mut row: impl FnMut(Place, &[&[u8]]) -> Result<(), E>,
    ) -> Result<(), E> {
        let parts = self.parts()?;
        let total_bytes = parts.iter().filter_map(|part| part.metadata().ok()).map(|data| data.len()).sum();
        let mut so_far = Progress { total_bytes: Some(total_bytes), ..Progress::default() };
        for part in &parts {
            let reader = open(part)?;
            let projection = projection(&*reader, part, columns).map_err(|cause| match parts.as_slice() {
                [_] => cause,
                _ => SourceError::InFile { path: part.clone(), cause: Box::new(cause) },
            })?;
            read_part(&*reader, part, projection, &mut so_far, progress, &mut row)?;
            so_far.bytes += part.metadata().map_or(0, |data| data.len());
            progress(so_far);
        }
        Ok(())
    }

    fn parts(&self) -> Result<Vec<PathBuf>, SourceError> {
        let unreadable = |cause| SourceError::Unreadable { path: self.path.clone(), cause };
        if !std::fs::metadata(&self.path).map_err(unreadable)?.is_dir() {
            return Ok(vec![self.path.clone()]);
        }
        let mut parts = Vec::new();
        for entry in std::fs::read_dir(&self.path).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("parquet")) {
                parts.push(path);
            }
        }
        parts.sort();
        if parts.is_empty() { Err(SourceError::NoParquet { path: self.path.clone() }) } else { Ok(parts) }
    }
}

fn open(path: &Path) -> Result<Box<dyn FileReader>, SourceError> {
    let file = File::open(path).map_err(|cause| SourceError::Unreadable { path: path.to_owned(), cause })?;
    let reader = whole(path, contained(|| SerializedFileReader::new(file)))?;
    Ok(Box::new(reader))
}

/// Turns what the Parquet reader said, or that it gave up, into an error of the file.
fn whole<T>(path: &Path, read: Option<Result<T, ParquetError>>) -> Result<T, SourceError> {
    let broken = |cause| SourceError::Parquet { path: path.to_owned(), cause };
    match read {
        Some(Ok(value)) => Ok(value),
        Some(Err(error)) => Err(broken(error.to_string())),
        None => Err(broken("its contents contradict each other".to_owned())),
    }
}

fn names(reader: &dyn FileReader) -> Vec<String> {
    let schema = reader.metadata().file_metadata().schema_descr();
    schema.root_schema().get_fields().iter().map(|field| field.name().to_owned()).collect()
}

/// The part of the file's schema that has just these columns, in this order.
fn projection(reader: &dyn FileReader, path: &Path, columns: &[String]) -> Result<Type, SourceError> {
    let root = reader.metadata().file_metadata().schema_descr().root_schema();
    let mut fields: Vec<Arc<Type>> = Vec::with_capacity(columns.len());
    for (column, place) in columns.iter().zip(locate(columns, &names(reader))?) {
        let field = root.get_fields().get(place).cloned();
        let nested = |kind| SourceError::Nested { path: path.to_owned(), column: column.clone(), kind };
        match field {
            Some(field) if !field.is_primitive() => return Err(nested("a list or structure")),
            Some(field) => fields.push(field),
            None => return Err(SourceError::RepeatedColumn { column: column.clone() }),
        }
    }
    whole(path, Some(Type::group_type_builder(root.name()).with_fields(fields).build()))
}

fn read_part<E: From<SourceError>>(
    reader: &dyn FileReader,
    path: &Path,
    projection: Type,
    so_far: &mut Progress,
    progress: &mut dyn FnMut(Progress),
    row: &mut impl FnMut(Place, &[&[u8]]) -> Result<(), E>,
) -> Result<(), E> {
    let names: Vec<String> = projection.get_fields().iter().map(|field| field.name().to_owned()).collect();
    let mut rows = whole(path, contained(|| reader.get_row_iter(Some(projection))))?;
    let mut texts = vec![String::new(); names.len()];
    let rows_told: i64 = reader.metadata().row_groups().iter().map(|group| group.num_rows()).sum();
    let mut rows_found = 0i64;
    while let Some(read) = contained(|| rows.next()).unwrap_or(Some(Err(ParquetError::General(GAVE_UP.into())))) {
        let record = whole(path, Some(read))?;
        for ((column, field), text) in record.get_column_iter().zip(&mut texts) {
            text.clear();
            if let Err(kind) = write_text(field, text) {
                return Err(SourceError::Nested { path: path.to_owned(), column: column.clone(), kind }.into());
            }
        }
        so_far.rows += 1;
        rows_found += 1;
        let values: Vec<&[u8]> = texts.iter().map(String::as_bytes).collect();
        row(Place::Row(so_far.rows), &values)?;
        if so_far.rows.is_multiple_of(PROGRESS_ROWS) {
            progress(*so_far);
        }
    }
    if rows_found != rows_told && !names.is_empty() {
        let cause = format!("it announces {rows_told} rows and holds {rows_found}");
        return Err(SourceError::Parquet { path: path.to_owned(), cause }.into());
    }
    Ok(())
}

const GAVE_UP: &str = "its contents contradict each other";

/// A value as text: dates and moments in ISO 8601, numbers with a point, nothing for NULL.
fn write_text(field: &Field, text: &mut String) -> Result<(), &'static str> {
    let written = match field {
        Field::Null => Ok(()),
        Field::Str(value) => {
            text.push_str(value);
            Ok(())
        }
        Field::Bytes(bytes) => match std::str::from_utf8(bytes.data()) {
            Ok(value) => {
                text.push_str(value);
                Ok(())
            }
            Err(_) => return Err("binary data"),
        },
        // Without an exponent, which `Field` itself would write.
        Field::Float(value) => write!(text, "{value}"),
        Field::Double(value) => write!(text, "{value}"),
        Field::Date(days) => moment(i64::from(*days).checked_mul(86_400_000_000), text, true),
        Field::TimestampMillis(millis) => moment(millis.checked_mul(1000), text, false),
        Field::TimestampMicros(micros) => moment(Some(*micros), text, false),
        Field::Group(_) | Field::ListInternal(_) | Field::MapInternal(_) => return Err("a list or structure"),
        plain => write!(text, "{plain}"),
    };
    written.map_err(|_| "a date that no calendar has")
}

/// A moment in microseconds since 1970.
fn moment(micros: Option<i64>, text: &mut String, date_only: bool) -> std::fmt::Result {
    let moment = micros.and_then(|micros| jiff::Timestamp::from_microsecond(micros).ok()).ok_or(std::fmt::Error)?;
    let civil = jiff::tz::Offset::UTC.to_datetime(moment);
    if date_only { write!(text, "{}", civil.date()) } else { write!(text, "{civil}") }
}
