//! Spreadsheets as a source: Excel (.xlsx, .xlsm, .xlsb) and OpenDocument (.ods). The first row that holds anything names
//! the columns.

mod bomb;

use std::io::Cursor;
use std::path::{Path, PathBuf};

use calamine::{Data, Ods, Reader, Xlsb, Xlsx};

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

/// A cell that holds something: row and column from 0, and its text.
type Found = (u32, u32, String);

/// The most bytes of text in one row: many cells may share one long text in the file, and have it each in memory.
const MAX_ROW_TEXT: usize = 1 << 24;

impl SpreadsheetSource {
    pub(super) fn columns(&self) -> Result<Vec<String>, SourceError> {
        let mut head = Vec::new();
        self.cells(&mut |(row, column, text)| {
            let first = *head.first().map_or(&row, |(row, _, _): &Found| row);
            if row == first {
                head.push((row, column, text));
            }
            Ok::<_, SourceError>(row == first)
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
    fn cells<E: From<SourceError>>(&self, give: &mut dyn FnMut(Found) -> Result<bool, E>) -> Result<(), E> {
        let (mut of_row, mut text) = (None, 0_usize);
        let give: &mut dyn FnMut(Found) -> Result<bool, E> = &mut |cell: Found| {
            if of_row.replace(cell.0) != Some(cell.0) {
                text = 0;
            }
            text = text.saturating_add(cell.2.len());
            if text > MAX_ROW_TEXT {
                let (what, limit) =
                    (format!("the text of row {}", u64::from(cell.0) + 1), format!("{MAX_ROW_TEXT} bytes"));
                return Err(SourceError::TooLarge { path: self.path.clone(), what, limit }.into());
            }
            give(cell)
        };
        let bytes = bomb::read(&self.path)?;
        let kind = self.path.extension().and_then(|text| text.to_str()).unwrap_or_default().to_ascii_lowercase();
        match kind.as_str() {
            "xlsx" | "xlsm" => {
                let mut book: Xlsx<Bytes> = self.sound(contained(|| Xlsx::new(Cursor::new(bytes))))?;
                let sheet = self.sheet(book.sheet_names())?;
                let mut cells = self.sound(contained(|| book.worksheet_cells_reader(&sheet)))?;
                while let Some(cell) = self.sound(contained(|| cells.next_cell()))? {
                    if !self.give(cell.get_position(), cell.get_value().clone().into(), give)? {
                        break;
                    }
                }
            }
            "xlsb" => {
                let mut book: Xlsb<Bytes> = self.sound(contained(|| Xlsb::new(Cursor::new(bytes))))?;
                let sheet = self.sheet(book.sheet_names())?;
                let mut cells = self.sound(contained(|| book.worksheet_cells_reader(&sheet)))?;
                while let Some(cell) = self.sound(contained(|| cells.next_cell()))? {
                    if !self.give(cell.get_position(), cell.get_value().clone().into(), give)? {
                        break;
                    }
                }
            }
            "ods" => {
                bomb::check_repetitions(&self.path, &bytes)?;
                let mut book: Ods<Bytes> = self.sound(contained(|| Ods::new(Cursor::new(bytes))))?;
                let sheet = self.sheet(book.sheet_names())?;
                let range = self.sound(contained(|| book.worksheet_range(&sheet)))?;
                let (top, left) = range.start().unwrap_or_default();
                for (row, column, value) in range.used_cells() {
                    let offset =
                        |start: u32, by: usize| u32::try_from(by).map_or(u32::MAX, |by| start.saturating_add(by));
                    if !self.give((offset(top, row), offset(left, column)), value.clone(), give)? {
                        break;
                    }
                }
            }
            _ => {
                let what = "only .xlsx, .xlsm, .xlsb and .ods files are read; save it as one of them, or as CSV";
                return Err(SourceError::Unsupported { path: self.path.clone(), what }.into());
            }
        }
        Ok(())
    }

    fn give<E: From<SourceError>>(
        &self,
        (row, column): (u32, u32),
        value: Data,
        give: &mut dyn FnMut(Found) -> Result<bool, E>,
    ) -> Result<bool, E> {
        let text = self.sound(contained(|| Ok::<_, std::convert::Infallible>(text(&value))))?;
        if text.is_empty() { Ok(true) } else { give((row, column, text)) }
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

/// Cells put together to rows.
struct Table<'a, R> {
    columns: &'a [String],
    row: R,
    /// For each column of the sheet the value that it is, once the head has been read.
    slots: Option<Vec<(u32, usize)>>,
    /// The cells of the row that is being read.
    pending: Vec<Found>,
    so_far: Progress,
    progress: &'a mut dyn FnMut(Progress),
}

impl Table<'_, ()> {
    /// The columns' names by position; one without a name is empty.
    fn names(head: &[Found]) -> Vec<String> {
        head.iter().map(|(_, _, text)| text.trim().to_owned()).collect()
    }
}

impl<E: From<SourceError>, R: FnMut(Place, &[&[u8]]) -> Result<(), E>> Table<'_, R> {
    fn cell(&mut self, cell: Found) -> Result<(), E> {
        if self.pending.first().is_some_and(|(row, _, _)| *row != cell.0) {
            self.end_row()?;
        }
        self.pending.push(cell);
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
