//! Spreadsheets that would grow out of hand, refused before they do: small files that unpack to very large ones, and
//! sheets that repeat a cell a billion times.

use std::io::{Cursor, Read};
use std::path::Path;

use zip::ZipArchive;

use super::super::SourceError;
use super::super::guard::contained;

/// The largest file, as it lies on disk.
const MAX_FILE: u64 = 32 << 20;
/// The most bytes of all its parts together, unpacked.
const MAX_UNPACKED: u64 = 64 << 20;
/// The most cells of a sheet, repetitions counted.
const MAX_CELLS: u64 = 2_000_000;
/// The deepest that elements lie in each other.
const MAX_DEPTH: usize = 1000;

/// The file's bytes, once it is sure that all its parts unpack to little enough. What the parts say of their size is not
/// believed: they are unpacked and counted.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, SourceError> {
    let unreadable = |cause| SourceError::Unreadable { path: path.to_owned(), cause };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(too_large(path, "the file", format!("{MAX_FILE} bytes")));
    }
    let mut archive = unzip(path, &bytes)?;
    let mut unpacked = 0;
    for index in 0..archive.len() {
        let counted = contained(|| {
            let part = archive.by_index(index).map_err(|error| error.to_string())?;
            let room = MAX_UNPACKED - unpacked + 1;
            std::io::copy(&mut part.take(room), &mut std::io::sink()).map_err(|error| error.to_string())
        });
        unpacked += sound(path, counted)?;
        if unpacked > MAX_UNPACKED {
            return Err(too_large(path, "its parts, unpacked", format!("{MAX_UNPACKED} bytes")));
        }
    }
    Ok(bytes)
}

fn too_large(path: &Path, what: &str, limit: String) -> SourceError {
    SourceError::TooLarge { path: path.to_owned(), what: what.to_owned(), limit }
}

fn sound<T>(path: &Path, read: Option<Result<T, String>>) -> Result<T, SourceError> {
    let broken = |cause| SourceError::Spreadsheet { path: path.to_owned(), cause };
    read.unwrap_or_else(|| Err("its contents contradict each other".to_owned())).map_err(broken)
}

fn unzip<'a>(path: &Path, bytes: &'a [u8]) -> Result<ZipArchive<Cursor<&'a [u8]>>, SourceError> {
    sound(path, contained(|| ZipArchive::new(Cursor::new(bytes)).map_err(|error| error.to_string())))
}

/// Refuses an OpenDocument sheet whose repeated cells, rows and spaces come to too much, since its reader lays them all out;
/// and one whose elements are not closed, since its reader would wait for their end for ever.
pub(super) fn check_repetitions(path: &Path, bytes: &[u8]) -> Result<(), SourceError> {
    let mut archive = unzip(path, bytes)?;
    let content = sound(
        path,
        contained(|| {
            let part = archive.by_name("content.xml").map_err(|error| error.to_string())?;
            let mut text = Vec::new();
            part.take(MAX_UNPACKED).read_to_end(&mut text).map_err(|error| error.to_string())?;
            Ok(text)
        }),
    )?;
    let broken = |cause: &str| SourceError::Spreadsheet { path: path.to_owned(), cause: cause.to_owned() };
    let text = std::str::from_utf8(&content).map_err(|_| broken("its content is not UTF-8"))?;
    let laid_out = laid_out(text).ok_or_else(|| broken("its content is not XML as spreadsheets have it"))?;
    if laid_out.cells > MAX_CELLS {
        return Err(too_large(path, "its cells, repeated ones counted", MAX_CELLS.to_string()));
    }
    if laid_out.bytes > MAX_UNPACKED {
        return Err(too_large(path, "its text, repeated cells counted", format!("{MAX_UNPACKED} bytes")));
    }
    Ok(())
}

/// What the tables come to when repeated rows and columns are laid out. Empty cells and rows at the end are not laid out,
/// and every sheet has many of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct LaidOut {
    cells: u64,
    /// At least as many as the text of the cells has.
    bytes: u64,
}

/// Counts without a parser of all of XML, so it errs on the side of too many. `None` for a repetition that is no plain
/// number, and for XML that the sheet's reader might take otherwise than this does.
fn laid_out(content: &str) -> Option<LaidOut> {
    let mut tags = Tags { rest: content.strip_prefix('\u{feff}').unwrap_or(content), at_start: true };
    let (mut sheet, mut open) = (Sheet::default(), Vec::new());
    while !tags.rest.is_empty() {
        let before = tags.rest.len();
        let Some(tag) = tags.next_tag()? else { break };
        sheet.bytes_passed((before - tags.rest.len()) as u64);
        if let Some(name) = tag.strip_prefix('/') {
            if open.pop() != Some(name.trim_end()) {
                return None;
            }
            continue;
        }
        let name = name(tag);
        if !tag.ends_with('/') {
            open.push(name);
            (open.len() <= MAX_DEPTH).then_some(())?;
        }
        match name {
            "table:table-row" => sheet.row(repetition(tag, "number-rows-repeated")?),
            "table:table-cell" | "table:covered-table-cell" => {
                let says_nothing = tag.ends_with('/') && !tag.contains("value") && !tag.contains("formula");
                sheet.cell(repetition(tag, "number-columns-repeated")?, tag.len() as u64, says_nothing);
            }
            "text:s" => sheet.bytes_passed(repetition(tag, "text:c")?),
            _ => {}
        }
    }
    sheet.end_cell();
    open.is_empty()
        .then_some(LaidOut { cells: sheet.held.max(sheet.rows.saturating_mul(sheet.width)), bytes: sheet.bytes })
}

/// What stands between `<` and `>`, tag after tag.
struct Tags<'c> {
    rest: &'c str,
    at_start: bool,
}

impl<'c> Tags<'c> {
    /// The next tag, some of it perhaps in quotes; inner `None` after the last. Outer `None` for what no sheet has:
    /// declarations and instructions (but for the first), a `<` within a tag, a tag that does not end.
    fn next_tag(&mut self) -> Option<Option<&'c str>> {
        loop {
            let Some((_, after)) = self.rest.split_once('<') else {
                self.rest = "";
                return Some(None);
            };
            let first = std::mem::replace(&mut self.at_start, false) && self.rest.starts_with('<');
            let (tag, rest) = if let Some(comment) = after.strip_prefix("!--") {
                (None, comment.split_once("-->")?.1)
            } else if let Some(text) = after.strip_prefix("![CDATA[") {
                (None, text.split_once("]]>")?.1)
            } else if let Some(declaration) = after.strip_prefix("?xml").filter(|_| first) {
                let (declaration, rest) = declaration.split_once('>')?;
                (None, declaration.ends_with('?').then_some(rest)?)
            } else if after.starts_with(['!', '?']) {
                return None;
            } else {
                let (tag, rest) = after.split_at(end_of_tag(after)?);
                (Some(tag), rest.get(1..)?)
            };
            self.rest = rest;
            if tag.is_some() {
                return Some(tag);
            }
        }
    }
}

/// Where the `>` stands that ends a tag.
fn end_of_tag(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, sign) in text.bytes().enumerate() {
        match (quote, sign) {
            (_, b'<') => return None,
            (None, b'>') => return Some(at),
            (None, b'"' | b'\'') => quote = Some(sign),
            (Some(open), _) if open == sign => quote = None,
            _ => {}
        }
    }
    None
}

fn name(tag: &str) -> &str {
    tag.split(|c: char| c == '/' || c.is_whitespace()).next().unwrap_or_default()
}

/// How often something is repeated: the most that the tag says anywhere.
fn repetition(tag: &str, attribute: &str) -> Option<u64> {
    let mut most = 1;
    for rest in tag.split(attribute).skip(1) {
        // Otherwise it is part of a longer name.
        let Some(value) = rest.trim_start().strip_prefix('=') else { continue };
        let value = value.trim_start();
        let quoted = value.strip_prefix('"').map(|value| value.split_once('"'));
        let quoted = quoted.or_else(|| value.strip_prefix('\'').map(|value| value.split_once('\'')));
        most = most.max(quoted??.0.parse().ok()?);
    }
    Some(most)
}

/// The cells of all tables, as far as they have been met.
#[derive(Default)]
struct Sheet {
    rows: u64,
    width: u64,
    held: u64,
    bytes: u64,
    /// Rows, and columns of the row, that are laid out only if something follows.
    pending_rows: u64,
    pending_columns: u64,
    columns: u64,
    repeats_of_row: u64,
    /// How often the cell that is being read is repeated, and its bytes so far.
    cell: Option<(u64, u64)>,
}

impl Sheet {
    fn row(&mut self, repeats: u64) {
        self.end_cell();
        (self.columns, self.pending_columns) = (0, 0);
        self.repeats_of_row = repeats;
        self.pending_rows = self.pending_rows.saturating_add(repeats);
    }

    fn cell(&mut self, repeats: u64, bytes: u64, says_nothing: bool) {
        self.end_cell();
        self.pending_columns = self.pending_columns.saturating_add(repeats);
        if !says_nothing {
            self.held = self.held.saturating_add(self.pending_columns);
            self.columns = self.columns.saturating_add(std::mem::take(&mut self.pending_columns));
            self.rows = self.rows.saturating_add(std::mem::take(&mut self.pending_rows));
            self.width = self.width.max(self.columns);
            self.cell = Some((repeats.saturating_mul(self.repeats_of_row.max(1)), bytes));
        }
    }

    /// Bytes that belong to the cell that is being read, if one is.
    fn bytes_passed(&mut self, bytes: u64) {
        if let Some((_, so_far)) = &mut self.cell {
            *so_far = so_far.saturating_add(bytes);
        }
    }

    fn end_cell(&mut self) {
        if let Some((repeats, bytes)) = self.cell.take() {
            self.bytes = self.bytes.saturating_add(repeats.saturating_mul(bytes));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(rows: &str) -> Option<LaidOut> {
        laid_out(&format!("<?xml version=\"1.0\"?><table:table>{rows}</table:table>"))
    }

    fn cells(rows: &str) -> Option<u64> {
        all(rows).map(|laid_out| laid_out.cells)
    }

    #[test]
    fn counts_what_a_reader_would_lay_out() {
        let ordinary = "<table:table-row><table:table-cell office:value=\"1\"><text:p>1</text:p></table:table-cell>\
            <table:table-cell table:number-columns-repeated=\"16383\"/></table:table-row>\
            <table:table-row table:number-rows-repeated=\"1048575\"><table:table-cell/></table:table-row>";
        assert_eq!(cells(ordinary), Some(1));
        let wide = "<table:table-row><table:table-cell table:number-columns-repeated='16383'/>\
            <table:table-cell office:value='1'/></table:table-row>";
        assert_eq!(cells(wide), Some(16384));
        let tall = "<table:table-row table:number-rows-repeated='1000000'><table:table-cell office:value='>' \
            table:number-columns-repeated='16000'/></table:table-row>";
        assert_eq!(cells(tall), Some(16_000_000_000));
        assert_eq!(cells("<table:table-row table:number-rows-repeated='&#57;'/>"), None);
    }

    #[test]
    fn repetitions_are_found_wherever_they_stand() {
        let row = |cell: &str| format!("<table:table-row>{cell}</table:table-row>");
        for cell in [
            "<table:table-cell x=\"number-columns-repeated='1'\" table:number-columns-repeated='16000' office:value='1'/>",
            "<table:table-cell table:number-columns-repeated='16000' x='number-columns-repeated=\"1\"' office:value='1'/>",
            "<table:table-cell table:formula='of:=1' table:number-columns-repeated='16000'/>",
            "<table:table-cell\ttable:number-columns-repeated = '16000' office:value='1'></table:table-cell>",
        ] {
            assert_eq!(cells(&row(cell)), Some(16_000), "{cell}");
        }
        let hidden = "<table:table-cell x='<' table:number-columns-repeated='16000' office:value='1'/>";
        assert_eq!(cells(&row(hidden)), None);
    }

    #[test]
    fn repeated_text_is_counted_as_often_as_it_is_repeated() {
        let long = "a".repeat(1000);
        let repeated = format!(
            "<table:table-row table:number-rows-repeated='10'><table:table-cell office:value-type='string' \
             table:number-columns-repeated='100'><text:p>{long}</text:p></table:table-cell></table:table-row>"
        );
        assert!(all(&repeated).is_some_and(|laid_out| laid_out.cells == 1000 && laid_out.bytes >= 1_000_000));
        let spaces = "<table:table-row><table:table-cell office:value-type='string'><text:p><text:s text:style-name='x' \
            text:c='5000000000'/></text:p></table:table-cell></table:table-row>";
        assert!(all(spaces).is_some_and(|laid_out| laid_out.bytes > 5_000_000_000));
    }

    #[test]
    fn what_a_reader_might_take_otherwise_is_refused() {
        assert!(all("<!-- a > b --><![CDATA[ < ]]><x a='>' b=\"'\"/>").is_some());
        for other in [
            "<table:table-row>",
            "</table:table-row>",
            "<a></b>",
            "<a",
            "<a b='>",
            "<!DOCTYPE x>",
            "<?x?>",
            "<!-- ->",
            "<![CDATA[ ]>",
            "</a'></a>",
        ] {
            assert_eq!(all(other), None, "{other}");
        }
        let deep = ["<a>".repeat(MAX_DEPTH + 1), "</a>".repeat(MAX_DEPTH + 1)].concat();
        for unfinished in ["<table:table>", "<?xml version='1.0'?><table:table>", "<?xml > ?>", "<?x?>", &deep] {
            assert_eq!(laid_out(unfinished), None, "{unfinished}");
        }
    }
}
