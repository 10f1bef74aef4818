//! A release as Parquet: the columns of the CSV, typed, and what goes with the table as key-value metadata of the file.
//!
//! Codes, labels and statuses are UTF-8 text; a code is null for the total. Whole figures are 64-bit integers, others
//! decimals with the digits of their heading, and null where there is no number: the status column beside says why.
//! Written by column writers (docs/decisions/0001).

use std::sync::Arc;

use optelsom_codebook::Lang;
use optelsom_disclosure::{CellValue, Decimal, Release};
use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, FixedLenByteArray, FixedLenByteArrayType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::{Type, TypePtr};

use super::about::About;
use super::columns::{Column, Content, columns};
use crate::failure::Failure;
use crate::words::words;

/// Digits of a decimal of 16 bytes.
const PRECISION: i32 = 38;

/// The release as a Parquet file.
///
/// # Errors
/// None that a release can cause; the writer's are passed on.
pub fn file(release: &Release, lang: Lang) -> Result<Vec<u8>, Failure> {
    write(release, lang).map_err(|cause| Failure::Output(std::io::Error::other(cause)))
}

/// The values of a column, each `None` where it is null.
enum Values {
    Texts(Vec<Option<ByteArray>>),
    Whole(Vec<Option<i64>>),
    /// Values times 10^scale.
    Decimals(Vec<Option<i128>>, i32),
}

fn write(release: &Release, lang: Lang) -> Result<Vec<u8>, ParquetError> {
    let columns = columns(release.table(), &[]);
    let values: Vec<Values> = columns.iter().map(|column| values(release, column.content, lang)).collect();
    let fields = columns.iter().zip(&values).map(|(column, values)| field(column, values));
    let fields: Vec<TypePtr> = fields.collect::<Result<_, _>>()?;
    let schema = Arc::new(Type::group_type_builder("release").with_fields(fields).build()?);
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_created_by(format!("optelsom {}", env!("CARGO_PKG_VERSION")))
        .set_key_value_metadata(Some(metadata(release, lang)))
        .build();
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties))?;
    let mut group = writer.next_row_group()?;
    for values in &values {
        write_column(&mut group, values)?;
    }
    group.close()?;
    writer.into_inner()
}

fn metadata(release: &Release, lang: Lang) -> Vec<KeyValue> {
    let facts = About::new(release, lang).facts();
    let language = words(lang, "nl", "en").to_owned();
    let facts = facts.into_iter().map(|fact| KeyValue::new(format!("optelsom.{}", fact.key), fact.content));
    facts.chain([KeyValue::new("optelsom.language".to_owned(), language)]).collect()
}

fn field(column: &Column, values: &Values) -> Result<TypePtr, ParquetError> {
    let repetition = match column.content {
        Content::Label(_) | Content::Status(_) | Content::Constant(_) => Repetition::REQUIRED,
        Content::Code(_) | Content::Value(_) | Content::Lower(_) | Content::Upper(_) => Repetition::OPTIONAL,
    };
    let builder = match values {
        Values::Texts(_) => Type::primitive_type_builder(&column.name, Physical::BYTE_ARRAY)
            .with_logical_type(Some(LogicalType::String)),
        Values::Whole(_) => Type::primitive_type_builder(&column.name, Physical::INT64),
        Values::Decimals(_, scale) => Type::primitive_type_builder(&column.name, Physical::FIXED_LEN_BYTE_ARRAY)
            .with_length(16)
            .with_logical_type(Some(LogicalType::decimal(*scale, PRECISION)))
            .with_precision(PRECISION)
            .with_scale(*scale),
    };
    builder.with_repetition(repetition).build().map(Arc::new)
}

fn values(release: &Release, content: Content, lang: Lang) -> Values {
    let table = release.table();
    let text = |text: &str| Some(ByteArray::from(text));
    let cell = |row: usize, figure: usize| {
        let cell = table.rows().get(row).and_then(|row| row.figures().get(figure));
        cell.unwrap_or(&CellValue::NotApplicable)
    };
    let rows = 0..table.rows().len();
    match content {
        Content::Code(axis) => {
            let place = |row| table.places(row).nth(axis).flatten().and_then(|place| text(&place.code));
            Values::Texts(table.rows().iter().map(place).collect())
        }
        Content::Label(axis) => {
            let total = words(lang, "totaal", "total");
            let label = |row| text(table.places(row).nth(axis).flatten().map_or(total, |place| place.label.get(lang)));
            Values::Texts(table.rows().iter().map(label).collect())
        }
        Content::Status(figure) => Values::Texts(rows.map(|row| text(cell(row, figure).status().code())).collect()),
        Content::Value(figure) => numbers(rows.map(|row| cell(row, figure).value()).collect()),
        Content::Lower(figure) => numbers(rows.map(|row| cell(row, figure).bounds().0).collect()),
        Content::Upper(figure) => numbers(rows.map(|row| cell(row, figure).bounds().1).collect()),
        // There are none: what is the same in every row is metadata here.
        Content::Constant(_) => Values::Texts(Vec::new()),
    }
}

/// Whole numbers where all are, else decimals of the most digits that one of them has.
fn numbers(numbers: Vec<Option<Decimal>>) -> Values {
    let digits = numbers.iter().flatten().map(Decimal::decimals).max().unwrap_or(0);
    let scaled: Vec<Option<i128>> = numbers.iter().map(|number| scaled_to(number.as_ref()?, digits)).collect();
    let fits = |number: &Option<i128>| number.is_none_or(|number| i64::try_from(number).is_ok());
    if digits == 0 && scaled.iter().all(fits) {
        return Values::Whole(
            scaled.iter().map(|number| number.and_then(|number| i64::try_from(number).ok())).collect(),
        );
    }
    Values::Decimals(scaled, i32::try_from(digits).unwrap_or(0))
}

/// The value times 10^digits. All figures of a column have the same digits; bounds of a quantile may have fewer.
fn scaled_to(number: &Decimal, digits: u32) -> Option<i128> {
    let more = digits.checked_sub(number.decimals())?;
    number.scaled().checked_mul(10_i128.checked_pow(more)?)
}

fn write_column<W: std::io::Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    values: &Values,
) -> Result<(), ParquetError> {
    let mut column = group.next_column()?.ok_or_else(|| ParquetError::General("a column too many".to_owned()))?;
    match values {
        Values::Texts(texts) => {
            let (present, levels) = present(texts.iter().cloned());
            column.typed::<ByteArrayType>().write_batch(&present, Some(&levels), None)?;
        }
        Values::Whole(numbers) => {
            let (present, levels) = present(numbers.iter().copied());
            column.typed::<Int64Type>().write_batch(&present, Some(&levels), None)?;
        }
        Values::Decimals(numbers, _) => {
            let bytes = |number: i128| FixedLenByteArray::from(number.to_be_bytes().to_vec());
            let (present, levels) = present(numbers.iter().map(|number| number.map(bytes)));
            column.typed::<FixedLenByteArrayType>().write_batch(&present, Some(&levels), None)?;
        }
    }
    column.close()
}

/// The values that are there, and for each place whether one is. Levels of a column that is never null are not looked at.
fn present<T>(values: impl Iterator<Item = Option<T>>) -> (Vec<T>, Vec<i16>) {
    let (mut present, mut levels) = (Vec::new(), Vec::new());
    for value in values {
        levels.push(i16::from(value.is_some()));
        present.extend(value);
    }
    (present, levels)
}
