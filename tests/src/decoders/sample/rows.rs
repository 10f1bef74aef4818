//! A supplier's records, in every kind of file that a node reads.

use std::fs;
use std::io::{Cursor, Write as _};
use std::path::Path;
use std::sync::Arc;

use encoding_rs::Encoding;
use optelsom_sandbox::files::{Rows, csv, parquet as text_parquet, spreadsheet, sqlite};
use parquet::basic::{Compression, ConvertedType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int32Type, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::{good, there};

/// The sheet of all spreadsheets.
pub(in crate::decoders) const SHEET: &str = "Blad1";
/// The view of all databases.
pub(in crate::decoders) const VIEW: &str = "meldingen";

const COLUMNS: [&str; 6] = ["geslacht", "geboren", "datum", "vormen", "dagen", "schade"];

/// The records.
pub(in crate::decoders) const RECORDS: [[&str; 6]; 4] = [
    ["vrouw", "01-05-1990", "31-12-2023", "seksueel|arbeid", "12", "1.234,50"],
    ["man", "", "01-01-2024", "ge\u{eb}ist", "", "-3"],
    ["", "29-02-2012", "28-02-2024", "", "20000", "0,00"],
    ["M", "31-12-2024", "31-12-2024", "labour", "0", "1.000.000"],
];

fn rows() -> Rows {
    let mut rows = Rows::under(&COLUMNS);
    RECORDS.iter().for_each(|row| rows.push(row.map(str::to_owned).to_vec()));
    rows
}

/// What a writer writes into a file.
fn written(write: impl FnOnce(&Path)) -> Vec<u8> {
    let folder = good(tempfile::tempdir());
    let path = folder.path().join("records");
    write(&path);
    good(fs::read(path))
}

/// A CSV file with semicolons.
pub(in crate::decoders) fn csv_file(encoding: &'static Encoding) -> Vec<u8> {
    written(|path| good(csv::write(path, &rows(), b';', encoding)))
}

/// A workbook as an agency's program writes it.
pub(in crate::decoders) fn xlsx_file() -> Vec<u8> {
    written(|path| good(spreadsheet::write(path, &rows(), SHEET)))
}

/// A database with one table and a view of it.
pub(in crate::decoders) fn sqlite_file() -> Vec<u8> {
    let runtime = good(tokio::runtime::Builder::new_current_thread().enable_all().build());
    written(|path| good(runtime.block_on(sqlite::write(path, &rows(), "records", VIEW))))
}

/// A Parquet file of texts alone, and compressed.
pub(in crate::decoders) fn text_parquet_file() -> Vec<u8> {
    written(|path| good(text_parquet::write(path, &rows())))
}

/// A Parquet file with a column of each type that is turned into text, uncompressed.
pub(in crate::decoders) fn typed_parquet_file() -> Vec<u8> {
    let field = |(name, physical, converted, repetition)| {
        let builder = Type::primitive_type_builder(name, physical).with_converted_type(converted);
        Arc::new(good(builder.with_repetition(repetition).build()))
    };
    let fields = [
        ("datum", Physical::INT32, ConvertedType::DATE, Repetition::REQUIRED),
        ("tijd", Physical::INT64, ConvertedType::TIMESTAMP_MICROS, Repetition::REQUIRED),
        ("geslacht", Physical::BYTE_ARRAY, ConvertedType::UTF8, Repetition::OPTIONAL),
        ("dagen", Physical::INT64, ConvertedType::NONE, Repetition::OPTIONAL),
        ("schade", Physical::DOUBLE, ConvertedType::NONE, Repetition::REQUIRED),
    ];
    let fields = fields.into_iter().map(field).collect();
    let schema = Arc::new(good(Type::group_type_builder("records").with_fields(fields).build()));
    let properties = WriterProperties::builder().set_compression(Compression::UNCOMPRESSED).build();
    let mut writer = good(SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties)));
    let mut group = good(writer.next_row_group());
    macro_rules! column {
        ($kind:ty, $values:expr, $levels:expr) => {
            let mut column = there(good(group.next_column()));
            good(column.typed::<$kind>().write_batch($values, $levels, None));
            good(column.close());
        };
    }
    column!(Int32Type, &[19_723, 19_724, -1], None);
    column!(Int64Type, &[1_700_000_000_000_000, 0, -1], None);
    column!(ByteArrayType, &[ByteArray::from("vrouw"), ByteArray::from("man")], Some(&[1, 0, 1]));
    column!(Int64Type, &[12], Some(&[0, 1, 0]));
    column!(DoubleType, &[0.5, -3.0, 1e6], None);
    good(group.close());
    good(writer.into_inner())
}

/// A zip archive of these parts, not compressed, so that what is in them stands in its bytes.
pub(in crate::decoders) fn archive(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in parts {
        good(archive.start_file(*name, SimpleFileOptions::default().compression_method(CompressionMethod::Stored)));
        good(archive.write_all(bytes));
    }
    good(archive.finish()).into_inner()
}

/// The sheet of a workbook: numbers, texts and truths, and a cell that the sheet says the place of.
pub(in crate::decoders) fn xlsx_sheet() -> Vec<u8> {
    const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    format!(
        "<?xml version=\"1.0\"?><worksheet xmlns=\"{MAIN}\"><dimension ref=\"A1:C3\"/><sheetData>\
         <row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t>datum</t></is></c><c r=\"B1\" t=\"str\"><v>dagen</v></c>\
         <c r=\"C1\" t=\"inlineStr\"><is><t>waar</t></is></c></row>\
         <row r=\"2\"><c r=\"A2\" t=\"d\"><v>2024-12-31</v></c><c r=\"B2\"><v>12.5</v></c><c r=\"C2\" t=\"b\"><v>1</v></c></row>\
         <row r=\"3\"><c r=\"A3\"><f>1+1</f><v>2</v></c><c r=\"C3\" t=\"e\"><v>#DIV/0!</v></c></row>\
         </sheetData></worksheet>"
    )
    .into_bytes()
}

/// A workbook with this sheet.
pub(in crate::decoders) fn xlsx_around(sheet: &[u8]) -> Vec<u8> {
    const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let workbook = format!(
        "<?xml version=\"1.0\"?><workbook xmlns=\"{MAIN}\" xmlns:r=\"{RELATIONS}\"><sheets>\
         <sheet name=\"{SHEET}\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>"
    );
    let root = relations("officeDocument", "xl/workbook.xml");
    let sheets = relations("worksheet", "worksheets/sheet1.xml");
    archive(&[
        ("_rels/.rels", root.as_bytes()),
        ("xl/workbook.xml", workbook.as_bytes()),
        ("xl/_rels/workbook.xml.rels", sheets.as_bytes()),
        ("xl/worksheets/sheet1.xml", sheet),
    ])
}

const RELATIONS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

fn relations(kind: &str, target: &str) -> String {
    const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006/relationships";
    format!(
        "<?xml version=\"1.0\"?><Relationships xmlns=\"{PACKAGE}\">\
         <Relationship Id=\"rId1\" Type=\"{RELATIONS}/{kind}\" Target=\"{target}\"/></Relationships>"
    )
}

/// The sheet of a binary workbook ([MS-XLSB]).
pub(in crate::decoders) fn xlsb_sheet() -> Vec<u8> {
    let number = |value: u32| value.to_le_bytes();
    let place = |column: u32| [number(column), [0; 4]].concat();
    let row = |row: u32| record(0x00, &[&number(row)[..], &[0; 13]].concat());
    // BrtWsDim, BrtBeginSheetData; BrtRowHdr, BrtCellSt; BrtCellReal, BrtCellBool, BrtCellRk; BrtEndSheetData.
    [
        record(0x94, &[number(0), number(1), number(0), number(2)].concat()),
        record(0x91, &[]),
        row(0),
        record(0x06, &[place(0), wide("datum")].concat()),
        record(0x06, &[place(1), wide("waar")].concat()),
        record(0x06, &[place(2), wide("dagen")].concat()),
        row(1),
        record(0x05, &[place(0), 12.5_f64.to_le_bytes().to_vec()].concat()),
        record(0x04, &[place(1), vec![1]].concat()),
        record(0x02, &[place(2), (7_u32 << 2 | 2).to_le_bytes().to_vec()].concat()),
        record(0x92, &[]),
    ]
    .concat()
}

/// A binary workbook with this sheet.
pub(in crate::decoders) fn xlsb_around(sheet: &[u8]) -> Vec<u8> {
    // BrtBundleSh, BrtEndBundleShs, BrtEndBook.
    let bundle = [&[0; 4][..], &1u32.to_le_bytes(), &wide("rId1"), &wide(SHEET)].concat();
    let workbook = [record(0x9C, &bundle), record(0x90, &[]), record(0x84, &[])].concat();
    let sheets = relations("worksheet", "worksheets/sheet1.bin");
    archive(&[
        ("xl/workbook.bin", &workbook),
        ("xl/_rels/workbook.bin.rels", sheets.as_bytes()),
        ("xl/worksheets/sheet1.bin", sheet),
    ])
}

/// A record: its type and its length, seven bits to a byte, and its bytes.
fn record(kind: u16, bytes: &[u8]) -> Vec<u8> {
    let seven_bits = |mut value: usize| {
        let mut encoded = Vec::new();
        loop {
            let byte = u8::try_from(value & 0x7F).unwrap_or(0);
            value >>= 7;
            encoded.push(if value == 0 { byte } else { byte | 0x80 });
            if value == 0 {
                return encoded;
            }
        }
    };
    [seven_bits(usize::from(kind)), seven_bits(bytes.len()), bytes.to_vec()].concat()
}

/// Text as UTF-16 after its length in units.
fn wide(text: &str) -> Vec<u8> {
    let units: Vec<u16> = text.encode_utf16().collect();
    let length = u32::try_from(units.len()).unwrap_or(0).to_le_bytes();
    length.into_iter().chain(units.into_iter().flat_map(u16::to_le_bytes)).collect()
}

/// The content of an OpenDocument sheet, with the repetitions that every such sheet ends in.
pub(in crate::decoders) fn ods_content() -> Vec<u8> {
    const SPACE: &str = "urn:oasis:names:tc:opendocument:xmlns";
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><office:document-content xmlns:office=\"{SPACE}:office:1.0\" \
         xmlns:table=\"{SPACE}:table:1.0\" xmlns:text=\"{SPACE}:text:1.0\"><office:body><office:spreadsheet>\
         <table:table table:name=\"{SHEET}\">\
         <table:table-row><table:table-cell office:value-type=\"string\"><text:p>datum</text:p></table:table-cell>\
         <table:table-cell office:value-type=\"string\"><text:p>dagen</text:p></table:table-cell></table:table-row>\
         <table:table-row table:number-rows-repeated=\"2\">\
         <table:table-cell office:value-type=\"date\" office:date-value=\"2024-12-31\"><text:p>31-12-2024</text:p></table:table-cell>\
         <table:table-cell office:value-type=\"float\" office:value=\"12.5\"><text:p>12,5</text:p></table:table-cell>\
         <table:table-cell table:number-columns-repeated=\"16382\"/></table:table-row>\
         <table:table-row table:number-rows-repeated=\"1048573\"><table:table-cell table:number-columns-repeated=\"16384\"/></table:table-row>\
         </table:table></office:spreadsheet></office:body></office:document-content>"
    )
    .into_bytes()
}

/// An OpenDocument spreadsheet with this content.
pub(in crate::decoders) fn ods_around(content: &[u8]) -> Vec<u8> {
    let manifest = b"<?xml version=\"1.0\"?><manifest:manifest xmlns:manifest=\"urn:oasis:names:tc:opendocument:xmlns:manifest:1.0\"/>";
    archive(&[
        ("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"),
        ("META-INF/manifest.xml", manifest),
        ("content.xml", content),
    ])
}
