//! Small files of every kind, made for the tests.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{Cursor, Write as _};
use std::path::Path;
use std::sync::Arc;

use ::parquet::basic::{ConvertedType, Repetition, Type as Physical};
use ::parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int32Type, Int64Type};
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::SerializedFileWriter;
use ::parquet::schema::types::Type;
use sqlx::{ConnectOptions as _, Executor as _};

/// Rows of five columns, the first their head.
pub type Cells = &'static [[&'static str; 5]];

/// A zip archive of these parts.
pub fn zip(parts: &[(&str, &str)]) -> Vec<u8> {
    zip_of(&parts.iter().map(|(name, text)| (*name, text.as_bytes())).collect::<Vec<_>>())
}

fn zip_of(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = ::zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in parts {
        archive.start_file(*name, ::zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// A binary Excel workbook ([MS-XLSB]) with the sheet `Blad1`; numbers are numbers, all else is text.
pub fn xlsb(rows: &[[&str; 5]]) -> Vec<u8> {
    const RELATIONS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006/relationships";
    let relations = format!(
        "<?xml version=\"1.0\"?><Relationships xmlns=\"{PACKAGE}\"><Relationship Id=\"rId1\" Type=\"{RELATIONS}/worksheet\" Target=\"worksheets/sheet1.bin\"/></Relationships>"
    );
    // BrtBundleSh, BrtEndBundleShs, BrtEndBook.
    let bundle = [&[0; 4][..], &1u32.to_le_bytes(), &wide("rId1"), &wide("Blad1")].concat();
    let workbook = [record(0x9C, &bundle), record(0x90, &[]), record(0x84, &[])].concat();
    let number = |value: usize| u32::try_from(value).unwrap().to_le_bytes();
    // BrtWsDim, BrtBeginSheetData, then BrtRowHdr and the cells of each row, BrtEndSheetData.
    let extent = [number(0), number(rows.len() - 1), number(0), number(4)].concat();
    let mut sheet = [record(0x94, &extent), record(0x91, &[])].concat();
    for (row, cells) in rows.iter().enumerate() {
        sheet.extend(record(0x00, &[&number(row)[..], &[0; 13]].concat()));
        for (column, cell) in cells.iter().enumerate().filter(|(_, cell)| !cell.is_empty()) {
            let place = [number(column), [0; 4]].concat();
            sheet.extend(match cell.parse::<f64>() {
                Ok(value) => record(0x05, &[place, value.to_le_bytes().to_vec()].concat()),
                Err(_) => record(0x06, &[place, wide(cell)].concat()),
            });
        }
    }
    sheet.extend(record(0x92, &[]));
    zip_of(&[
        ("xl/workbook.bin", &workbook),
        ("xl/_rels/workbook.bin.rels", relations.as_bytes()),
        ("xl/worksheets/sheet1.bin", &sheet),
    ])
}

/// A record: its type and its length, seven bits to a byte, and its bytes.
fn record(kind: u16, bytes: &[u8]) -> Vec<u8> {
    let seven_bits = |mut value: usize| {
        let mut encoded = Vec::new();
        loop {
            let byte = u8::try_from(value & 0x7F).unwrap();
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
    let length = u32::try_from(units.len()).unwrap().to_le_bytes();
    length.into_iter().chain(units.into_iter().flat_map(u16::to_le_bytes)).collect()
}

/// A Parquet file of one row whose column `vorm` is what this says, with these levels of definition and repetition.
pub fn nested_parquet(vorm: &str, definitions: Option<&[i16]>, repetitions: Option<&[i16]>) -> Vec<u8> {
    let schema = format!(
        "message records {{ required int32 datum (DATE); required binary geslacht (UTF8); {vorm} required int64 dagen; required double schade; }}"
    );
    let schema = Arc::new(::parquet::schema::parser::parse_message_type(&schema).unwrap());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(WriterProperties::default())).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut writing = group.next_column().unwrap().unwrap();
    writing.typed::<Int32Type>().write_batch(&[19_723], None, None).unwrap();
    writing.close().unwrap();
    let mut writing = group.next_column().unwrap().unwrap();
    writing.typed::<ByteArrayType>().write_batch(&[ByteArray::from("F")], None, None).unwrap();
    writing.close().unwrap();
    let forms: Vec<ByteArray> = ["labour", "sexual"].iter().map(|text| ByteArray::from(*text)).collect();
    let forms = &forms[..definitions.map_or(1, <[i16]>::len)];
    let mut writing = group.next_column().unwrap().unwrap();
    writing.typed::<ByteArrayType>().write_batch(forms, definitions, repetitions).unwrap();
    writing.close().unwrap();
    let mut writing = group.next_column().unwrap().unwrap();
    writing.typed::<Int64Type>().write_batch(&[12], None, None).unwrap();
    writing.close().unwrap();
    let mut writing = group.next_column().unwrap().unwrap();
    writing.typed::<DoubleType>().write_batch(&[0.5], None, None).unwrap();
    writing.close().unwrap();
    group.close().unwrap();
    writer.into_inner().unwrap()
}

/// An Excel workbook with the sheet `Blad1`; numbers are numbers, all else is text.
pub fn xlsx(rows: &[[&str; 5]]) -> Vec<u8> {
    let mut text = String::new();
    for (row, cells) in rows.iter().enumerate() {
        text += &format!("<row r=\"{}\">", row + 1);
        for (cell, column) in cells.iter().zip(["A", "B", "C", "D", "E"]) {
            let place = format!("{column}{}", row + 1);
            text += &match (cell.is_empty(), cell.parse::<f64>()) {
                (true, _) => String::new(),
                (_, Ok(number)) => format!("<c r=\"{place}\"><v>{number}</v></c>"),
                (_, Err(_)) => format!("<c r=\"{place}\" t=\"inlineStr\"><is><t>{cell}</t></is></c>"),
            };
        }
        text += "</row>";
    }
    xlsx_of(&text)
}

/// An Excel workbook with these rows.
pub fn xlsx_of(rows: &str) -> Vec<u8> {
    workbook(rows, "", &[])
}

/// An Excel workbook with these rows, whose cells may share this text.
pub fn xlsx_sharing(rows: &str, text: &str) -> Vec<u8> {
    let shared = format!(
        "<?xml version=\"1.0\"?><sst xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><si><t>{text}</t></si></sst>"
    );
    let relation = "<Relationship Id=\"rId2\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings\" Target=\"sharedStrings.xml\"/>";
    workbook(rows, relation, &[("xl/sharedStrings.xml", &shared)])
}

fn workbook(rows: &str, relation: &str, parts: &[(&str, &str)]) -> Vec<u8> {
    const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    const RELATIONS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let workbook = format!(
        "<?xml version=\"1.0\"?><workbook xmlns=\"{MAIN}\" xmlns:r=\"{RELATIONS}\"><sheets><sheet name=\"Blad1\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>"
    );
    const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006/relationships";
    let root = format!(
        "<?xml version=\"1.0\"?><Relationships xmlns=\"{PACKAGE}\"><Relationship Id=\"rId1\" Type=\"{RELATIONS}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
    );
    let relations = format!(
        "<?xml version=\"1.0\"?><Relationships xmlns=\"{PACKAGE}\"><Relationship Id=\"rId1\" Type=\"{RELATIONS}/worksheet\" Target=\"worksheets/sheet1.xml\"/>{relation}</Relationships>"
    );
    let sheet = format!("<?xml version=\"1.0\"?><worksheet xmlns=\"{MAIN}\"><sheetData>{rows}</sheetData></worksheet>");
    let own: [(&str, &str); 4] = [
        ("_rels/.rels", &root),
        ("xl/workbook.xml", &workbook),
        ("xl/_rels/workbook.xml.rels", &relations),
        ("xl/worksheets/sheet1.xml", &sheet),
    ];
    zip(&[&own[..], parts].concat())
}

/// An OpenDocument sheet `Blad1`; numbers are numbers, all else is text.
pub fn ods(rows: &[[&str; 5]]) -> Vec<u8> {
    let mut text = String::new();
    for cells in rows {
        text += "<table:table-row>";
        for cell in cells {
            text += &match (cell.is_empty(), cell.parse::<f64>()) {
                (true, _) => "<table:table-cell/>".to_owned(),
                (_, Ok(number)) => format!(
                    "<table:table-cell office:value-type=\"float\" office:value=\"{number}\"><text:p>{number}</text:p></table:table-cell>"
                ),
                (_, Err(_)) => {
                    format!("<table:table-cell office:value-type=\"string\"><text:p>{cell}</text:p></table:table-cell>")
                }
            };
        }
        text += "<table:table-cell table:number-columns-repeated=\"16379\"/></table:table-row>";
    }
    ods_of(
        &(text
            + "<table:table-row table:number-rows-repeated=\"1048572\"><table:table-cell table:number-columns-repeated=\"16384\"/></table:table-row>"),
    )
}

/// An OpenDocument sheet with these rows.
pub fn ods_of(rows: &str) -> Vec<u8> {
    let content = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><office:document-content xmlns:office=\"urn:oasis:names:tc:opendocument:xmlns:office:1.0\" xmlns:table=\"urn:oasis:names:tc:opendocument:xmlns:table:1.0\" xmlns:text=\"urn:oasis:names:tc:opendocument:xmlns:text:1.0\"><office:body><office:spreadsheet><table:table table:name=\"Blad1\">{rows}</table:table></office:spreadsheet></office:body></office:document-content>"
    );
    let manifest = "<?xml version=\"1.0\"?><manifest:manifest xmlns:manifest=\"urn:oasis:names:tc:opendocument:xmlns:manifest:1.0\"/>";
    zip(&[
        ("mimetype", "application/vnd.oasis.opendocument.spreadsheet"),
        ("META-INF/manifest.xml", manifest),
        ("content.xml", &content),
    ])
}

/// A Parquet file with a date, two texts, an optional integer and a double.
pub fn parquet(rows: &[[&str; 5]]) -> Vec<u8> {
    let field = |name: &str, physical, converted, repetition| {
        Arc::new(
            Type::primitive_type_builder(name, physical)
                .with_converted_type(converted)
                .with_repetition(repetition)
                .build()
                .unwrap(),
        )
    };
    let fields = vec![
        field("datum", Physical::INT32, ConvertedType::DATE, Repetition::REQUIRED),
        field("geslacht", Physical::BYTE_ARRAY, ConvertedType::UTF8, Repetition::OPTIONAL),
        field("vorm", Physical::BYTE_ARRAY, ConvertedType::UTF8, Repetition::REQUIRED),
        field("dagen", Physical::INT64, ConvertedType::NONE, Repetition::OPTIONAL),
        field("schade", Physical::DOUBLE, ConvertedType::NONE, Repetition::REQUIRED),
    ];
    let schema = Arc::new(Type::group_type_builder("records").with_fields(fields).build().unwrap());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(WriterProperties::default())).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let column = |at: usize| rows.iter().map(move |row| row[at]);
    let levels = |at: usize| -> Vec<i16> { column(at).map(|text| i16::from(!text.is_empty())).collect() };
    let texts = |at: usize, empty: bool| -> Vec<ByteArray> {
        column(at).filter(|text| empty || !text.is_empty()).map(ByteArray::from).collect()
    };
    let days: Vec<i32> = column(0)
        .map(|text| {
            let date: jiff::civil::Date = text.parse().unwrap();
            date.since(jiff::civil::date(1970, 1, 1)).unwrap().get_days()
        })
        .collect();
    let mut writing = group.next_column().unwrap().unwrap();
    writing.typed::<Int32Type>().write_batch(&days, None, None).unwrap();
    writing.close().unwrap();
    let mut writing = group.next_column().unwrap().unwrap();
    writing.typed::<ByteArrayType>().write_batch(&texts(1, false), Some(&levels(1)), None).unwrap();
    writing.close().unwrap();
    let mut writing = group.next_column().unwrap().unwrap();
    writing.typed::<ByteArrayType>().write_batch(&texts(2, true), None, None).unwrap();
    writing.close().unwrap();
    let numbers: Vec<i64> = column(3).filter_map(|text| text.parse().ok()).collect();
    let mut writing = group.next_column().unwrap().unwrap();
    writing.typed::<Int64Type>().write_batch(&numbers, Some(&levels(3)), None).unwrap();
    writing.close().unwrap();
    let numbers: Vec<f64> = column(4).map(|text| text.parse().unwrap()).collect();
    let mut writing = group.next_column().unwrap().unwrap();
    writing.typed::<DoubleType>().write_batch(&numbers, None, None).unwrap();
    writing.close().unwrap();
    group.close().unwrap();
    writer.into_inner().unwrap()
}

/// A SQLite file with the view `meldingen`.
pub fn sqlite(path: &Path, rows: Cells) {
    tell_sqlite(
        path,
        "CREATE TABLE records (datum TEXT, geslacht TEXT, vorm TEXT, dagen INTEGER, schade REAL);
        CREATE VIEW meldingen AS SELECT * FROM records;"
            .to_owned(),
    );
    for row in &rows[1..] {
        let value = |text: &str| if text.is_empty() { "NULL".to_owned() } else { format!("'{text}'") };
        let values = row.map(value).join(", ");
        tell_sqlite(path, format!("INSERT INTO records VALUES ({values});"));
    }
}

/// Has a SQLite file, made where there is none, carry out these statements.
pub fn tell_sqlite(path: &Path, statements: String) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path).create_if_missing(true);
        let mut connection = options.connect().await.unwrap();
        connection.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(statements))).await.unwrap();
    });
}
