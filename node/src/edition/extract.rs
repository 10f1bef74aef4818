//! `extract.parquet`: codes as plain 32-bit integers and measures as plain 64-bit ones, uncompressed, so that counting is
//! bound by memory and not by decoding.

use std::io::{self, Write};
use std::sync::Arc;

use optelsom_codebook::Hash256;
use parquet::basic::{Compression, Repetition, Type as Physical};
use parquet::data_type::{Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesPtr};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{Type, TypePtr};
use sha2::{Digest, Sha256};

use super::batch::{BATCH_ROWS, Batch};
use super::{ExtractFacts, Layout};

/// Writes an extract, one row group a batch.
pub(super) struct ExtractWriter<W: Write + Send> {
    parquet: SerializedFileWriter<Hashing<W>>,
}

impl<W: Write + Send> ExtractWriter<W> {
    pub(super) fn new(to: W, layout: &Layout) -> Result<Self, ParquetError> {
        let to = Hashing { inner: to, digest: Sha256::new(), bytes: 0 };
        Ok(Self { parquet: SerializedFileWriter::new(to, schema(layout)?, properties())? })
    }

    pub(super) fn write(&mut self, batch: &Batch) -> Result<(), ParquetError> {
        if batch.rows() == 0 {
            return Ok(());
        }
        let mut group = self.parquet.next_row_group()?;
        for codes in batch.codes() {
            let mut column = group.next_column()?.ok_or_else(too_few_columns)?;
            column.typed::<Int32Type>().write_batch(codes, None, None)?;
            column.close()?;
        }
        for values in batch.values() {
            let mut column = group.next_column()?.ok_or_else(too_few_columns)?;
            let levels = if values.levels.is_empty() { None } else { Some(values.levels.as_slice()) };
            column.typed::<Int64Type>().write_batch(&values.present, levels, None)?;
            column.close()?;
        }
        group.close()?;
        Ok(())
    }

    /// Ends the file; gives back where it went, and by what it is known.
    pub(super) fn finish(self) -> Result<(W, ExtractFacts), ParquetError> {
        let hashing = self.parquet.into_inner()?;
        let sha256 = Hash256::from_bytes(hashing.digest.finalize().into());
        Ok((hashing.inner, ExtractFacts { bytes: hashing.bytes, sha256 }))
    }
}

fn too_few_columns() -> ParquetError {
    ParquetError::General("a batch has more columns than its extract".to_owned())
}

fn schema(layout: &Layout) -> Result<TypePtr, ParquetError> {
    let field = |name: &str, physical, repetition| {
        Type::primitive_type_builder(name, physical).with_repetition(repetition).build().map(Arc::new)
    };
    let mut fields = Vec::new();
    for name in &layout.variables {
        fields.push(field(name, Physical::INT32, Repetition::REQUIRED)?);
    }
    for (name, optional) in &layout.measures {
        let repetition = if *optional { Repetition::OPTIONAL } else { Repetition::REQUIRED };
        fields.push(field(name, Physical::INT64, repetition)?);
    }
    Ok(Arc::new(Type::group_type_builder("edition").with_fields(fields).build()?))
}

fn properties() -> WriterPropertiesPtr {
    Arc::new(
        WriterProperties::builder()
            .set_compression(Compression::UNCOMPRESSED)
            .set_dictionary_enabled(false)
            .set_statistics_enabled(EnabledStatistics::None)
            .set_data_page_row_count_limit(BATCH_ROWS)
            .set_write_batch_size(8192)
            .build(),
    )
}

/// Digests what passes through.
struct Hashing<W> {
    inner: W,
    digest: Sha256,
    bytes: u64,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.digest.update(bytes.get(..written).unwrap_or_default());
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    use super::super::EditionError;
    use super::*;

    /// A disk with room for so many bytes.
    struct Small(usize);

    impl Write for Small {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_full_disk_is_said_to_be_full() {
        let layout = Layout { variables: vec!["year".to_owned()], measures: Vec::new() };
        let mut batch = Batch::new(1, std::iter::empty());
        for _ in 0..1000 {
            batch.codes_mut().for_each(|codes| codes.push(1));
            batch.end_row();
        }
        for room in [0, 10, 3000, 4010] {
            let outcome = ExtractWriter::new(Small(room), &layout).and_then(|mut writer| {
                writer.write(&batch)?;
                writer.finish().map(|_| ())
            });
            let error = EditionError::parquet_writing(Path::new("extract.parquet"))(outcome.unwrap_err());
            assert!(error.to_string().contains("The disk is full"), "{room}: {error}");
        }
    }
}
