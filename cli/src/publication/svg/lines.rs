//! A line over the years, a panel per series on the same scale. A line stops where there is no number: what is hidden is
//! hatched from top to bottom, what does not exist is outlined.

use optelsom_codebook::Lang;

use super::canvas::{Anchor, Canvas, FAINT, FILL, INK, Style, WIDTH};
use super::scale::Scale;
use crate::publication::chart::{Mark, Place, Series};
use crate::words::words;

const TICK: Style = Style::plain(11.0);
const HEADING: Style = Style::bold(12.0);
const GAP: f64 = 26.0;
/// Between the border of a panel and its first and last year.
const MARGIN: f64 = 16.0;

/// Where a panel is.
struct Panel<'p> {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    scale: &'p Scale,
    years: &'p [i32],
}

impl Panel<'_> {
    fn x(&self, year: i32) -> f64 {
        let (first, last) = (self.years.first().copied().unwrap_or(year), self.years.last().copied().unwrap_or(year));
        let part = f64::from(year - first) / f64::from((last - first).max(1));
        self.left + MARGIN + part * (self.right - self.left - 2.0 * MARGIN)
    }

    fn y(&self, value: f64) -> f64 {
        self.bottom - self.scale.part(value) * (self.bottom - self.top)
    }

    /// From one year to the next, at least.
    fn spacing(&self) -> f64 {
        let places: Vec<f64> = self.years.iter().map(|&year| self.x(year)).collect();
        let gaps = places.windows(2).map(|pair| pair.iter().rev().copied().reduce(|a, b| a - b).unwrap_or(0.0));
        gaps.fold(self.right - self.left, f64::min)
    }
}

/// Draws the panels below what is drawn.
pub fn draw(canvas: &mut Canvas, years: &[i32], series: &[Series], lang: Lang) {
    let columns: usize = match series.len() {
        0 | 1 => 1,
        2..=4 => 2,
        _ => 3,
    };
    let height = if columns == 1 { 260.0 } else { 120.0 };
    let scale = Scale::new(series, if columns == 1 { 5 } else { 3 });
    let ticks = scale.ticks(lang).iter().map(|(_, text)| TICK.width(text)).fold(0.0_f64, f64::max) + 8.0;
    let width = (WIDTH - (columns as f64 - 1.0) * GAP) / columns as f64;
    for row in series.chunks(columns) {
        let headings: Vec<Vec<String>> =
            row.iter().map(|series| HEADING.wrap(series.heading.as_deref().unwrap_or(""), width)).collect();
        let lines = headings.iter().map(Vec::len).max().unwrap_or(0) as f64;
        let top = canvas.y + lines * HEADING.line_height() + 14.0;
        for ((column, series), heading) in (0_u32..).zip(row).zip(&headings) {
            let left = f64::from(column) * (width + GAP);
            for (number, line) in (1_u32..).zip(heading) {
                let y = canvas.y + f64::from(number) * HEADING.line_height();
                canvas.text(left, y, Anchor::Start, HEADING, line);
            }
            let (right, bottom) = (left + width, top + height);
            let panel = Panel { left: left + ticks, right, top, bottom, scale: &scale, years };
            draw_panel(canvas, &panel, &series.marks, columns == 1, lang);
        }
        canvas.y = top + height + TICK.line_height() + 14.0;
    }
    legend(canvas, series, lang);
}

fn draw_panel(canvas: &mut Canvas, panel: &Panel<'_>, marks: &[Mark], with_numbers: bool, lang: Lang) {
    for (value, text) in panel.scale.ticks(lang) {
        let y = panel.y(value);
        let colour = if value.abs() < f64::EPSILON { INK } else { FAINT };
        canvas.line((panel.left, y), (panel.right, y), colour, 0.8);
        canvas.text(panel.left - 5.0, y + 4.0, Anchor::End, TICK, &text);
    }
    name_years(canvas, panel);
    // As wide as a year, so that it looks like paper without a line and not like a high bar.
    let band = panel.spacing().min(2.0 * MARGIN);
    let mut run: Vec<(f64, f64)> = Vec::new();
    for (&year, mark) in panel.years.iter().zip(marks) {
        let x = panel.x(year);
        let corner = (x - band / 2.0, panel.top);
        let whole = (band, panel.bottom - panel.top);
        match mark.place {
            Place::At(value) => {
                run.push((x, panel.y(value)));
                continue;
            }
            Place::Around(value, lower, upper) => {
                whisker(canvas, x, (panel.y(lower), panel.y(upper)));
                run.push((x, panel.y(value)));
                continue;
            }
            Place::Hidden => canvas.rectangle(corner, whole, "url(#faint-hatch)"),
            Place::Missing => canvas.outline(corner, whole),
            Place::Within(lower, upper) => within(canvas, panel, x, lower, upper),
        }
        end_run(canvas, &mut run);
    }
    end_run(canvas, &mut run);
    if with_numbers {
        write_numbers(canvas, panel, marks);
    }
}

/// Years below the panel, as many as there is room for, from the first on.
fn name_years(canvas: &mut Canvas, panel: &Panel<'_>) {
    let half = TICK.width("0000") / 2.0;
    let mut free_from = f64::MIN;
    for &year in panel.years {
        let x = panel.x(year);
        if x - half >= free_from {
            canvas.text(x, panel.bottom + TICK.line_height() + 2.0, Anchor::Middle, TICK, &year.to_string());
            free_from = x + half + 8.0;
        }
    }
}

/// A bin: from its lower to its upper end, without a cap where it is open.
fn within(canvas: &mut Canvas, panel: &Panel<'_>, x: f64, lower: Option<f64>, upper: Option<f64>) {
    let from = panel.y(lower.unwrap_or(panel.scale.low()));
    let to = panel.y(upper.unwrap_or(panel.scale.high()));
    canvas.rectangle((x - 2.5, to), (5.0, (from - to).max(2.0)), FILL);
    for end in [lower.map(|_| from), upper.map(|_| to)].into_iter().flatten() {
        canvas.line((x - 6.0, end), (x + 6.0, end), FILL, 2.0);
    }
}

/// The interval of a figure with noise.
fn whisker(canvas: &mut Canvas, x: f64, (from, to): (f64, f64)) {
    canvas.line((x, from), (x, to), INK, 1.2);
    for end in [from, to] {
        canvas.line((x - 4.0, end), (x + 4.0, end), INK, 1.2);
    }
}

fn end_run(canvas: &mut Canvas, run: &mut Vec<(f64, f64)>) {
    if run.len() > 1 {
        canvas.path(run);
    }
    for point in run.drain(..) {
        canvas.dot(point);
    }
}

/// Numbers above the points, where each has room beside the next.
fn write_numbers(canvas: &mut Canvas, panel: &Panel<'_>, marks: &[Mark]) {
    let widest = marks.iter().map(|mark| TICK.width(&mark.text)).fold(0.0_f64, f64::max);
    if widest + 6.0 > panel.spacing() {
        return;
    }
    for (&year, mark) in panel.years.iter().zip(marks) {
        if let Place::At(value) = mark.place {
            let y = panel.y(value) - 8.0;
            // A light edge, so that grid and line do not run through the digits.
            canvas.halo(panel.x(year), y, TICK, &mark.text);
        }
    }
}

/// What the marks mean that are no numbers, as far as there are any.
fn legend(canvas: &mut Canvas, series: &[Series], lang: Lang) {
    let texts = |wanted: Place| {
        let mut texts: Vec<&str> = Vec::new();
        for mark in series.iter().flat_map(|series| &series.marks) {
            if mark.place == wanted && !mark.text.is_empty() && !texts.contains(&mark.text.as_str()) {
                texts.push(&mark.text);
            }
        }
        texts.join(", ")
    };
    let any = |wanted: Place| series.iter().flat_map(|series| &series.marks).any(|mark| mark.place == wanted);
    let mut entry = |place: Place, name: &str| {
        let texts = texts(place);
        let text = if texts.is_empty() { name.to_owned() } else { format!("{name}: {texts}") };
        canvas.y += 18.0;
        let corner = (0.0, canvas.y - 11.0);
        match place {
            Place::Hidden => canvas.rectangle(corner, (16.0, 13.0), "url(#faint-hatch)"),
            _ => canvas.outline(corner, (16.0, 13.0)),
        }
        canvas.text(22.0, canvas.y, Anchor::Start, Style::italic(12.0), &text);
    };
    if any(Place::Hidden) {
        entry(Place::Hidden, words(lang, "verborgen, geen nul", "hidden, not zero"));
    }
    if any(Place::Missing) {
        entry(Place::Missing, words(lang, "geen cijfer", "no figure"));
    }
}
