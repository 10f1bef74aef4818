//! What a chart of a release shows: bars for categories, a line for years, and what has no number as just that.

use optelsom_codebook::Lang;
use optelsom_disclosure::{Bounds, CellValue, Decimal, ProtectedTable, Release, Row};

use super::about::figure_heading;
use super::cells::{Look, cell_text, look};
use crate::words::words;

/// More bars than this cannot be read on a page or two.
pub const MOST_BARS: usize = 120;
/// More panels with lines than this cannot be read on a page.
pub const MOST_PANELS: usize = 24;

/// A chart of one figure.
pub struct Chart {
    /// The figure with its unit.
    pub heading: String,
    /// What is drawn.
    pub plot: Plot,
}

/// What is drawn.
pub enum Plot {
    /// A bar per category, in groups.
    Bars(Vec<Series>),
    /// A panel per series, over these years in ascending order.
    Lines(Vec<i32>, Vec<Series>),
}

/// Marks that belong together.
pub struct Series {
    /// What they are of; nothing where there is one series.
    pub heading: Option<String>,
    /// The marks: per bar, or per year.
    pub marks: Vec<Mark>,
}

/// What there is to see of one cell.
pub struct Mark {
    /// The category, or the year.
    pub label: String,
    /// The cell in words or digits.
    pub text: String,
    /// Where it stands.
    pub place: Place,
}

/// Where a mark stands on the scale.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Place {
    /// A number.
    At(f64),
    /// Between two numbers; an open side has none.
    Within(Option<f64>, Option<f64>),
    /// A number with noise: the number, and the lower and upper end of its interval.
    Around(f64, f64, f64),
    /// Something was counted and is hidden: a gap that is marked.
    Hidden,
    /// There is no figure.
    Missing,
}

/// A table that no chart can show.
#[derive(Debug, thiserror::Error)]
#[error("{0} bars or lines in one chart cannot be read, at most {1} can")]
pub struct TooMany(usize, usize);

/// The axis of years, if there is one: all its codes are years of four digits in ascending order, and there are two or more.
pub fn years(table: &ProtectedTable) -> Option<usize> {
    table.axes().iter().position(|axis| {
        let years: Option<Vec<i32>> = axis.places.iter().map(|place| year(&place.code)).collect();
        years.is_some_and(|years| years.len() > 1 && years.is_sorted_by(|a, b| a < b))
    })
}

fn year(code: &str) -> Option<i32> {
    (code.len() == 4).then(|| code.parse().ok()).flatten().filter(|year| (1000..=9999).contains(year))
}

/// One chart per figure, of the finest rows; totals are in the table.
///
/// # Errors
/// When there would be more bars or lines than anybody can read.
pub fn charts(release: &Release, lang: Lang) -> Result<Vec<Chart>, TooMany> {
    let table = release.table();
    let rows = finest(table);
    let over = years(table).filter(|&axis| rows.iter().all(|row| place(row, axis).is_some()));
    let figures = table.figures().iter().enumerate();
    let chart = |(figure, heading)| {
        let plot = match over {
            Some(axis) => lines(table, &rows, axis, figure, lang)?,
            None => bars(table, &rows, figure, lang)?,
        };
        Ok(Chart { heading: figure_heading(heading, lang), plot })
    };
    figures.map(chart).collect()
}

/// The rows with the fewest totals in them; of several such kinds the first.
fn finest(table: &ProtectedTable) -> Vec<&Row> {
    let totals = |row: &Row| -> Vec<bool> { row.places().iter().map(Option::is_none).collect() };
    let count = |row: &&Row| row.places().iter().filter(|place| place.is_none()).count();
    let Some(first) = table.rows().iter().min_by_key(count).map(totals) else { return Vec::new() };
    table.rows().iter().filter(|row| totals(row) == first).collect()
}

fn place(row: &Row, axis: usize) -> Option<u32> {
    row.places().get(axis).copied().flatten()
}

fn bars(table: &ProtectedTable, rows: &[&Row], figure: usize, lang: Lang) -> Result<Plot, TooMany> {
    if rows.len() > MOST_BARS {
        return Err(TooMany(rows.len(), MOST_BARS));
    }
    let mut groups: Vec<(Vec<u32>, Series)> = Vec::new();
    for row in rows {
        let mut axes: Vec<usize> = (0..table.axes().len()).filter(|&axis| place(row, axis).is_some()).collect();
        let label = match axes.pop() {
            Some(last) => label(table, row, &[last], lang).unwrap_or_default(),
            None => words(lang, "totaal", "total").to_owned(),
        };
        let key: Vec<u32> = axes.iter().filter_map(|&axis| place(row, axis)).collect();
        let series = series(&mut groups, key, || label_of_group(table, row, &axes, lang));
        series.marks.extend(mark(row, figure, label, lang));
    }
    Ok(Plot::Bars(groups.into_iter().map(|(_, series)| series).collect()))
}

fn lines(table: &ProtectedTable, rows: &[&Row], over: usize, figure: usize, lang: Lang) -> Result<Plot, TooMany> {
    let places = table.axes().get(over).map_or(&[][..], |axis| &axis.places);
    let years: Vec<i32> = places.iter().filter_map(|place| year(&place.code)).collect();
    let mut panels: Vec<(Vec<u32>, Series)> = Vec::new();
    for row in rows {
        let others: Vec<usize> =
            (0..table.axes().len()).filter(|&axis| axis != over && place(row, axis).is_some()).collect();
        let key: Vec<u32> = others.iter().filter_map(|&axis| place(row, axis)).collect();
        let panel = series(&mut panels, key, || label_of_group(table, row, &others, lang));
        if panel.marks.is_empty() {
            // A year without a row is a gap.
            let gap = |year: &i32| Mark { label: year.to_string(), text: String::new(), place: Place::Missing };
            panel.marks.extend(years.iter().map(gap));
        }
        let slot = place(row, over).and_then(|year| panel.marks.get_mut(usize::try_from(year).ok()?));
        if let Some(slot) = slot
            && let Some(mark) = mark(row, figure, slot.label.clone(), lang)
        {
            *slot = mark;
        }
    }
    if panels.len() > MOST_PANELS {
        return Err(TooMany(panels.len(), MOST_PANELS));
    }
    Ok(Plot::Lines(years, panels.into_iter().map(|(_, series)| series).collect()))
}

/// The series of this key, made where there is none yet.
fn series(all: &mut Vec<(Vec<u32>, Series)>, key: Vec<u32>, heading: impl FnOnce() -> Option<String>) -> &mut Series {
    let at = all.iter().position(|(known, _)| *known == key).unwrap_or_else(|| {
        all.push((key, Series { heading: heading(), marks: Vec::new() }));
        all.len() - 1
    });
    // It was found or pushed just now.
    &mut all[at].1
}

fn label_of_group(table: &ProtectedTable, row: &Row, axes: &[usize], lang: Lang) -> Option<String> {
    if axes.is_empty() { None } else { label(table, row, axes, lang) }
}

/// The row's labels on these axes.
fn label(table: &ProtectedTable, row: &Row, axes: &[usize], lang: Lang) -> Option<String> {
    let places: Vec<_> = table.places(row).collect();
    let labels: Option<Vec<&str>> =
        axes.iter().map(|&axis| places.get(axis).copied().flatten().map(|place| place.label.get(lang))).collect();
    Some(labels?.join(" · "))
}

fn mark(row: &Row, figure: usize, label: String, lang: Lang) -> Option<Mark> {
    let cell = row.figures().get(figure)?;
    Some(Mark { label, text: cell_text(cell, lang), place: position(cell) })
}

fn position(cell: &CellValue) -> Place {
    // A decimal in digits is a number.
    let number = |decimal: Decimal| decimal.to_string().parse().unwrap_or(0.0);
    match look(cell) {
        Look::Number(value) => Place::At(number(value)),
        Look::Interval(Bounds::Below(upper)) => Place::Within(None, Some(number(upper))),
        Look::Interval(Bounds::Between(lower, upper)) => Place::Within(Some(number(lower)), Some(number(upper))),
        Look::Interval(Bounds::From(lower)) => Place::Within(Some(number(lower)), None),
        Look::Estimate(estimate) => {
            Place::Around(number(estimate.value()), number(estimate.lower()), number(estimate.upper()))
        }
        Look::Hidden => Place::Hidden,
        Look::Missing => Place::Missing,
    }
}

/// The chart in words, for those who do not see it.
pub fn description(charts: &[Chart]) -> String {
    let mut text = String::new();
    for chart in charts {
        let series = match &chart.plot {
            Plot::Bars(series) | Plot::Lines(_, series) => series,
        };
        text.push_str(&chart.heading);
        for series in series {
            text.push_str(". ");
            if let Some(heading) = &series.heading {
                text.push_str(heading);
                text.push_str(": ");
            }
            let marks: Vec<String> =
                series.marks.iter().map(|mark| format!("{} {}", mark.label, mark.text).trim().to_owned()).collect();
            text.push_str(&marks.join("; "));
        }
        text.push_str(". ");
    }
    text.trim_end().to_owned()
}
