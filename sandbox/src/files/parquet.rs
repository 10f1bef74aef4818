//! Parquet, as a data warehouse exports it: one nullable text column each.

use std::path::Path;
use std::sync::Arc;

use ::parquet::basic::{Compression, ConvertedType, Repetition, Type as Physical};
use ::parquet::data_type::{ByteArray, ByteArrayType};
use ::parquet::errors::ParquetError;
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::SerializedFileWriter;
use ::parquet::schema::types::Type;

use super::{Rows, WriteError};

/// Writes the rows as one row group; an empty value is a null.
///
/// # Errors
/// The file could not be written.
pub fn write(path: &Path, rows: &Rows) -> Result<(), WriteError> {
    let file = std::fs::File::create(path).map_err(|cause| WriteError::file(path, cause))?;
    write_to(file, rows).map_err(|cause| WriteError::Parquet { path: path.display().to_string(), cause })
}

fn write_to(file: std::fs::File, rows: &Rows) -> Result<(), ParquetError> {
    let column = |name: &&'static str| {
        Type::primitive_type_builder(name, Physical::BYTE_ARRAY)
            .with_converted_type(ConvertedType::UTF8)
            .with_repetition(Repetition::OPTIONAL)
            .build()
            .map(Arc::new)
    };
    let fields = rows.columns().iter().map(column).collect::<Result<Vec<_>, _>>()?;
    let schema = Arc::new(Type::group_type_builder("registrations").with_fields(fields).build()?);
    let properties = Arc::new(WriterProperties::builder().set_compression(Compression::SNAPPY).build());
    let mut writer = SerializedFileWriter::new(file, schema, properties)?;
    let mut group = writer.next_row_group()?;
    for position in 0..rows.columns().len() {
        let values = || rows.rows().iter().filter_map(|row| row.get(position));
        let present: Vec<ByteArray> =
            values().filter(|value| !value.is_empty()).map(|value| ByteArray::from(value.as_str())).collect();
        let definition: Vec<i16> = values().map(|value| i16::from(!value.is_empty())).collect();
        let Some(mut column) = group.next_column()? else { break };
        column.typed::<ByteArrayType>().write_batch(&present, Some(&definition), None)?;
        column.close()?;
    }
    group.close()?;
    writer.close().map(|_| ())
}
