//! Spreadsheets as a source: Excel (.xlsx, .xlsm, .xlsb) and OpenDocument (.ods). The first row that holds anything names
//! the columns.

mod bomb;

use std::io::Cursor;
use std::path::{Path, PathBuf};

use calamine::{CellType, Data, Ods, Range, Reader, Xlsb, Xlsx};

use super::guard::contained;
use super::{PROGRESS_ROWS, Place, Progress, SourceError, did_you_mean, locate};

/// One sheet of a spreadsheet.
#[derive(Clone, Debug)]
pub struct SpreadsheetSource {
    /// The file.
    pub path: PathBuf,
    /// The sheet's name; the first sheet where there is none.
    pub sheet: Option<String>,
}

type Bytes = Cursor<Vec<u8>>;

/// A cell that holds something.
struct Found {
    /// Row and column, from 0.
    row: u32,
    column: u32,
    /// What stands in it, or that its formula was never computed: an error only to whoever has bound the column.
    text: Result<String, SourceError>,
}

/// Takes a cell; false where no more are wanted.
type Give<'a, E> = &'a mut dyn FnMut(Found) -> Result<bool, E>;

/// The most bytes of text in one row: many cells may share one long text in the file, and have it each in memory.
const MAX_ROW_TEXT: usize = 1 << 24;

impl SpreadsheetSource {
    pub(super) fn columns(&self) -> Result<Vec<String>, SourceError> {
        let mut head = Vec::new();
        self.cells(&mut |cell: Found| {
            let first = *head.first().map_or(&cell.row, |(row, _, _): &Known| row);
            let of_head = cell.row == first;
            if of_head {
                head.push((cell.row, cell.column, cell.text?));
            }
            Ok::<_, SourceError>(of_head)
        })?;
        Ok(Table::names(&head))
    }

    pub(super) fn read<E: From<SourceError>>(
        &self,
        columns: &[String],
        progress: &mut dyn FnMut(Progress),
        row: impl FnMut(Place, &[&[u8]]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut table = Table { columns, row, slots: None, pending: Vec::new(), so_far: Progress::default(), progress };
        self.cells(&mut |cell| table.cell(cell).map(|()| true))?;
        table.finish()
    }

    /// Gives every cell that holds something, row by row, until told to stop.
    fn cells<E: From<SourceError>>(&self, give: Give<'_, E>) -> Result<(), E> {
        let (mut of_row, mut text) = (None, 0_usize);
        let give: Give<'_, E> = &mut |cell: Found| {
            if of_row.replace(cell.row) != Some(cell.row) {
                text = 0;
            }
            text = text.saturating_add(cell.text.as_ref().map_or(0, String::len));
            if text > MAX_ROW_TEXT {
                let (what, limit) =
                    (format!("the text of row {}", u64::from(cell.row) + 1), format!("{MAX_ROW_TEXT} bytes"));
                return Err(SourceError::TooLarge { path: self.path.clone(), what, limit }.into());
            }
            give(cell)
        };
        let bytes = bomb::read(&self.path)?;
        let kind = self.path.extension().and_then(|text| text.to_str()).unwrap_or_default().to_ascii_lowercase();
        match kind.as_str() {
            "xlsx" | "xlsm" => self.excel(bytes, give),
            "xlsb" => self.binary_excel(bytes, give),
            "ods" => self.open_document(bytes, give),
            _ => {
                let what = "only .xlsx, .xlsm, .xlsb and .ods files are read; save it as one of them, or as CSV";
                Err(SourceError::Unsupported { path: self.path.clone(), what }.into())
            }
        }
    }

    fn excel<E: From<SourceError>>(&self, bytes: Vec<u8>, give: Give<'_, E>) -> Result<(), E> {
        let mut book: Xlsx<Bytes> = self.sound(contained(|| Xlsx::new(Cursor::new(bytes))))?;
        let sheet = self.sheet(book.sheet_names())?;
        let mut cells = self.sound(contained(|| book.worksheet_cells_reader(&sheet)))?;
        while let Some(cell) = self.sound(contained(|| cells.next_cell_with_formula_metadata()))? {
            let value = Data::from(cell.value);
            let goes_on = if value == Data::Empty && cell.formula.is_some() {
                give(self.not_computed(&sheet, cell.pos))?
            } else {
                self.give(cell.pos, value, give)?
            };
            if !goes_on {
                break;
            }
        }
        Ok(())
    }

    /// Here a formula cannot be without a value.
    fn binary_excel<E: From<SourceError>>(&self, bytes: Vec<u8>, give: Give<'_, E>) -> Result<(), E> {
        let mut book: Xlsb<Bytes> = self.sound(contained(|| Xlsb::new(Cursor::new(bytes))))?;
        let sheet = self.sheet(book.sheet_names())?;
        let mut cells = self.sound(contained(|| book.worksheet_cells_reader(&sheet)))?;
        while let Some(cell) = self.sound(contained(|| cells.next_cell()))? {
            if !self.give(cell.get_position(), cell.get_value().clone().into(), give)? {
                break;
            }
        }
        Ok(())
    }

    fn open_document<E: From<SourceError>>(&self, bytes: Vec<u8>, give: Give<'_, E>) -> Result<(), E> {
        bomb::check_repetitions(&self.path, &bytes)?;
        let mut book: Ods<Bytes> = self.sound(contained(|| Ods::new(Cursor::new(bytes))))?;
        let sheet = self.sheet(book.sheet_names())?;
        let range = self.sound(contained(|| book.worksheet_range(&sheet)))?;
        let formulas = self.sound(contained(|| book.worksheet_formula(&sheet)))?;
        let without_value =
            |(place, _): &((u32, u32), &String)| range.get_value(*place).is_none_or(|value| *value == Data::Empty);
        let mut not_computed = used(&formulas).filter(without_value).map(|(place, _)| place).peekable();
        for (place, value) in used(&range) {
            while let Some(before) = not_computed.next_if(|before| *before < place) {
                if !give(self.not_computed(&sheet, before))? {
                    return Ok(());
                }
            }
            if !self.give(place, value.clone(), give)? {
                return Ok(());
            }
        }
        for place in not_computed {
            if !give(self.not_computed(&sheet, place))? {
                break;
            }
        }
        Ok(())
    }

    fn give<E: From<SourceError>>(&self, (row, column): (u32, u32), value: Data, give: Give<'_, E>) -> Result<bool, E> {
        let text = self.sound(contained(|| Ok::<_, std::convert::Infallible>(text(&value))))?;
        if text.is_empty() { Ok(true) } else { give(Found { row, column, text: Ok(text) }) }
    }

    fn not_computed(&self, sheet: &str, (row, column): (u32, u32)) -> Found {
        let (path, sheet) = (self.path.clone(), sheet.to_owned());
        let why = SourceError::NotComputed { path, sheet, row: u64::from(row) + 1, column: letters(column) };
        Found { row, column, text: Err(why) }
    }

    /// The sheet to read, by the name that is bound.
    fn sheet(&self, sheets: Vec<String>) -> Result<String, SourceError> {
        let wanted = self.sheet.clone().or_else(|| sheets.first().cloned()).unwrap_or_default();
        if sheets.contains(&wanted) {
            return Ok(wanted);
        }
        let suggestion = did_you_mean(&wanted, sheets.iter().map(String::as_str)).map(str::to_owned);
        Err(SourceError::NoSheet { path: self.path.clone(), sheet: wanted, suggestion, sheets })
    }

    fn sound<T, C: std::fmt::Display>(&self, read: Option<Result<T, C>>) -> Result<T, SourceError> {
        broken(
            &self.path,
            match read {
                Some(Ok(value)) => return Ok(value),
                Some(Err(cause)) => cause.to_string(),
                None => "its contents contradict each other".to_owned(),
            },
        )
    }
}

fn broken<T>(path: &Path, cause: String) -> Result<T, SourceError> {
    Err(SourceError::Spreadsheet { path: path.to_owned(), cause })
}

/// What a sheet holds, row by row, each with its place.
fn used<T: CellType>(range: &Range<T>) -> impl Iterator<Item = ((u32, u32), &T)> {
    let (top, left) = range.start().unwrap_or_default();
    let offset = |start: u32, by: usize| u32::try_from(by).map_or(u32::MAX, |by| start.saturating_add(by));
    range.used_cells().map(move |(row, column, value)| ((offset(top, row), offset(left, column)), value))
}

/// A column as sheets call it: `A` to `Z`, `AA` and so on.
fn letters(column: u32) -> String {
    let mut letters = Vec::new();
    let mut rest = u64::from(column) + 1;
    while rest > 0 {
        rest -= 1;
        letters.extend(char::from_digit(u32::try_from(rest % 26).unwrap_or(0) + 10, 36));
        rest /= 26;
    }
    letters.iter().rev().map(char::to_ascii_uppercase).collect()
}

/// A cell as text: dates in ISO 8601, numbers with a point, nothing for an empty cell.
fn text(value: &Data) -> String {
    match value {
        Data::Empty => String::new(),
        Data::Int(number) => number.to_string(),
        Data::Float(number) => number.to_string(),
        Data::Bool(truth) => truth.to_string(),
        Data::String(text) => text.clone(),
        Data::DateTimeIso(text) | Data::DurationIso(text) => text.clone(),
        Data::Error(error) => error.to_string(),
        Data::DateTime(moment) if moment.is_duration() => moment.as_f64().to_string(),
        Data::DateTime(moment) => {
            let (year, month, day, hour, minute, second, _) = moment.to_ymd_hms_milli();
            let date = format!("{year:04}-{month:02}-{day:02}");
            match (hour, minute, second) {
                (0, 0, 0) => date,
                _ => format!("{date}T{hour:02}:{minute:02}:{second:02}"),
            }
        }
    }
}

/// Row and column of a cell, from 0, and its text.
type Known = (u32, u32, String);

/// Cells put together to rows.
struct Table<'a, R> {
    columns: &'a [String],
    row: R,
    /// For each column of the sheet the value that it is, once the head has been read.
    slots: Option<Vec<(u32, usize)>>,
    /// The cells of the row that is being read.
    pending: Vec<Known>,
    so_far: Progress,
    progress: &'a mut dyn FnMut(Progress),
}

impl Table<'_, ()> {
    /// The columns' names by position; one without a name is empty.
    fn names(head: &[Known]) -> Vec<String> {
        head.iter().map(|(_, _, text)| text.trim().to_owned()).collect()
    }
}

impl<E: From<SourceError>, R: FnMut(Place, &[&[u8]]) -> Result<(), E>> Table<'_, R> {
    fn cell(&mut self, cell: Found) -> Result<(), E> {
        let Found { row, column, text } = cell;
        if self.pending.first().is_some_and(|(pending, _, _)| *pending != row) {
            self.end_row()?;
        }
        let bound = self.slots.as_ref().is_none_or(|slots| slots.iter().any(|(wanted, _)| *wanted == column));
        match text {
            Ok(text) => self.pending.push((row, column, text)),
            Err(why) if bound => return Err(why.into()),
            Err(_) => {}
        }
        Ok(())
    }

    fn end_row(&mut self) -> Result<(), E> {
        let cells = std::mem::take(&mut self.pending);
        let Some(slots) = &self.slots else {
            let places = locate(self.columns, &Table::names(&cells))?;
            let column_of = |place: &usize| cells.get(*place).map_or(0, |(_, column, _)| *column);
            self.slots = Some(places.iter().map(column_of).zip(0..).collect());
            return Ok(());
        };
        let Some(&(row, _, _)) = cells.first() else { return Ok(()) };
        let mut values: Vec<&[u8]> = vec![&[]; self.columns.len()];
        for (_, column, text) in &cells {
            for (_, slot) in slots.iter().filter(|(wanted, _)| wanted == column) {
                if let Some(value) = values.get_mut(*slot) {
                    *value = text.as_bytes();
                }
            }
        }
        (self.row)(Place::Row(u64::from(row) + 1), &values)?;
        self.so_far.rows += 1;
        if self.so_far.rows.is_multiple_of(PROGRESS_ROWS) {
            (self.progress)(self.so_far);
        }
        Ok(())
    }

    fn finish(mut self) -> Result<(), E> {
        self.end_row()?;
        if self.slots.is_none() {
            locate(self.columns, &[])?;
        }
        (self.progress)(self.so_far);
        Ok(())
    }
}
