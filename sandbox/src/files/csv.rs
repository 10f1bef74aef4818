//! Comma- or semicolon-separated text, in the encoding of the agency's old system.

use std::path::Path;

use encoding_rs::Encoding;

use super::{Rows, WriteError};

/// Writes the rows with this delimiter in this encoding.
///
/// # Errors
/// The file could not be written.
pub fn write(path: &Path, rows: &Rows, delimiter: u8, encoding: &'static Encoding) -> Result<(), WriteError> {
    let mut writer = ::csv::WriterBuilder::new().delimiter(delimiter).from_writer(Vec::new());
    let refused = |cause: ::csv::Error| WriteError::file(path, cause.into());
    writer.write_record(rows.columns()).map_err(refused)?;
    for row in rows.rows() {
        writer.write_record(row).map_err(refused)?;
    }
    let bytes = writer.into_inner().map_err(|cause| WriteError::file(path, cause.into_error()))?;
    let text = String::from_utf8_lossy(&bytes);
    let (encoded, _, _) = encoding.encode(&text);
    std::fs::write(path, encoded).map_err(|cause| WriteError::file(path, cause))
}
