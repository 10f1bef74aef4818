//! Rows on their way into an extract, column by column.

/// Rows of one row group.
pub const BATCH_ROWS: usize = 128 * 1024;

/// Some rows: per variable a code (or the number of a set of codes), per measure a value or none.
#[derive(Debug)]
pub struct Batch {
    codes: Vec<Vec<i32>>,
    values: Vec<Values>,
    rows: usize,
}

/// The values of one measure: those that are there, and for each row whether it has one.
#[derive(Debug)]
pub struct Values {
    pub(super) present: Vec<i64>,
    /// Definition levels of Parquet: 1 where there is a value. Empty for a measure that every row has.
    pub(super) levels: Vec<i16>,
    optional: bool,
}

impl Values {
    /// Adds the next row's value.
    pub fn push(&mut self, value: Option<i64>) {
        self.present.extend(value);
        if self.optional {
            self.levels.push(i16::from(value.is_some()));
        }
    }
}

impl Batch {
    /// No rows, of so many variables and these measures, each optional or not.
    pub fn new(variables: usize, measures: impl Iterator<Item = bool>) -> Self {
        let values = measures.map(|optional| Values { present: Vec::new(), levels: Vec::new(), optional });
        Self { codes: vec![Vec::with_capacity(BATCH_ROWS); variables], values: values.collect(), rows: 0 }
    }

    /// The codes of each variable. Whoever adds a row adds one to each, then ends the row.
    pub fn codes_mut(&mut self) -> impl Iterator<Item = &mut Vec<i32>> {
        self.codes.iter_mut()
    }

    /// The values of each measure.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Values> {
        self.values.iter_mut()
    }

    /// Counts the row whose codes and values were added.
    pub fn end_row(&mut self) {
        self.rows += 1;
    }

    /// Whether it is time to write.
    pub fn is_full(&self) -> bool {
        self.rows >= BATCH_ROWS
    }

    /// Forgets all rows.
    pub fn clear(&mut self) {
        self.rows = 0;
        self.codes.iter_mut().for_each(Vec::clear);
        for values in &mut self.values {
            values.present.clear();
            values.levels.clear();
        }
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn codes(&self) -> &[Vec<i32>] {
        &self.codes
    }

    pub(super) fn values(&self) -> &[Values] {
        &self.values
    }
}
