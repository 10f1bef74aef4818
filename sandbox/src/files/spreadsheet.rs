//! A spreadsheet as ECMA-376 (Office Open XML) describes it: the fewest parts that a reader wants, all cells text.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::{Rows, WriteError};

const CONTENT_TYPES: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>"#;
const PACKAGE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;
const WORKBOOK_PARTS: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#;

/// Writes the rows to one sheet of this name.
///
/// # Errors
/// The file could not be written.
pub fn write(path: &Path, rows: &Rows, sheet: &str) -> Result<(), WriteError> {
    let file = std::fs::File::create(path).map_err(|cause| WriteError::file(path, cause))?;
    let workbook = format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="{}" sheetId="1" r:id="rId1"/></sheets></workbook>"#,
        escaped(sheet)
    );
    let parts = [
        ("[Content_Types].xml", CONTENT_TYPES),
        ("_rels/.rels", PACKAGE),
        ("xl/workbook.xml", &workbook),
        ("xl/_rels/workbook.xml.rels", WORKBOOK_PARTS),
        ("xl/worksheets/sheet1.xml", &worksheet(rows)),
    ];
    let mut archive = ZipWriter::new(file);
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let refused = |cause| WriteError::Spreadsheet { path: path.display().to_string(), cause };
    for (name, text) in parts {
        archive.start_file(name, options).map_err(refused)?;
        archive.write_all(text.as_bytes()).map_err(|cause| WriteError::file(path, cause))?;
    }
    archive.finish().map(|_| ()).map_err(refused)
}

fn worksheet(rows: &Rows) -> String {
    let mut text = String::from(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>"#,
    );
    let header: Vec<String> = rows.columns().iter().map(|&name| name.to_owned()).collect();
    for (above, row) in std::iter::once(&header).chain(rows.rows()).enumerate() {
        let number = above + 1;
        // Writing to a String cannot fail.
        let _ = write!(text, r#"<row r="{number}">"#);
        for (letter, value) in ('A'..='Z').zip(row) {
            if !value.is_empty() {
                let value = escaped(value);
                let _ = write!(text, r#"<c r="{letter}{number}" t="inlineStr"><is><t>{value}</t></is></c>"#);
            }
        }
        text.push_str("</row>");
    }
    text.push_str("</sheetData></worksheet>");
    text
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
