//! Bars for categories: labels to the left, numbers at the ends, words and hatching where there is no number.

use optelsom_codebook::Lang;

use super::canvas::{Anchor, Canvas, FAINT, FILL, INK, LIGHT, Style, WIDTH};
use super::scale::Scale;
use crate::publication::chart::{Mark, Place, Series};

const LABEL: Style = Style::plain(12.5);
const GROUP: Style = Style::bold(12.5);
const TICK: Style = Style::plain(11.0);
const BAR: f64 = 16.0;
/// The widest that labels may be before they are broken.
const WIDEST_LABEL: f64 = 250.0;

struct Layout {
    left: f64,
    right: f64,
    scale: Scale,
}

impl Layout {
    fn x(&self, value: f64) -> f64 {
        self.left + self.scale.part(value) * (self.right - self.left)
    }
}

/// Draws groups of bars below what is drawn.
pub fn draw(canvas: &mut Canvas, groups: &[Series], lang: Lang) {
    let marks = || groups.iter().flat_map(|group| &group.marks);
    let widest = |widths: &mut dyn Iterator<Item = f64>| widths.fold(0.0_f64, f64::max);
    let labels = widest(&mut marks().map(|mark| LABEL.width(&mark.label))).min(WIDEST_LABEL);
    let numbers = widest(&mut marks().map(|mark| LABEL.width(&mark.text)));
    // Words stand where a bar would, but may need more room than there is.
    let layout = Layout { left: labels + 12.0, right: WIDTH - numbers - 30.0, scale: Scale::new(groups, 5) };
    let top = canvas.y + TICK.line_height() + 4.0;
    let mut bars = Canvas::new();
    bars.y = top + 6.0;
    for group in groups {
        if let Some(heading) = &group.heading {
            bars.y += 4.0;
            bars.paragraph(GROUP, heading);
            bars.y += 4.0;
        }
        for mark in &group.marks {
            bar(&mut bars, &layout, mark);
        }
    }
    grid(canvas, &layout, top, bars.y, lang);
    canvas.append(bars);
}

/// Round numbers above, and a line down from each.
fn grid(canvas: &mut Canvas, layout: &Layout, top: f64, bottom: f64, lang: Lang) {
    let mut free_from = f64::MIN;
    for (value, text) in layout.scale.ticks(lang) {
        let (x, half) = (layout.x(value), TICK.width(&text) / 2.0);
        let colour = if value.abs() < f64::EPSILON { INK } else { FAINT };
        canvas.line((x, top), (x, bottom), colour, 0.8);
        if x - half > free_from {
            canvas.text(x, top - 5.0, Anchor::Middle, TICK, &text);
            free_from = x + half + 8.0;
        }
    }
}

fn bar(canvas: &mut Canvas, layout: &Layout, mark: &Mark) {
    let lines = LABEL.wrap(&mark.label, layout.left - 12.0);
    let height = (lines.len() as f64 * LABEL.line_height()).max(BAR) + 6.0;
    let middle = canvas.y + height / 2.0;
    let first = middle - (lines.len() as f64 - 1.0) * LABEL.line_height() / 2.0 + 4.5;
    for (number, line) in (0..).zip(&lines) {
        let y = first + f64::from(number) * LABEL.line_height();
        canvas.text(layout.left - 8.0, y, Anchor::End, LABEL, line);
    }
    let (nought, top) = (layout.x(0.0), middle - BAR / 2.0);
    match mark.place {
        Place::At(value) => {
            let end = layout.x(value);
            canvas.rectangle((end.min(nought), top), ((end - nought).abs(), BAR), FILL);
            canvas.text(end.max(nought) + 6.0, middle + 4.5, Anchor::Start, LABEL, &mark.text);
        }
        Place::Within(lower, upper) => {
            let from = layout.x(lower.unwrap_or(layout.scale.low()));
            let to = layout.x(upper.unwrap_or(layout.scale.high()));
            canvas.rectangle((from, middle - 3.0), ((to - from).max(2.0), 6.0), FILL);
            for end in [lower.map(|_| from), upper.map(|_| to)].into_iter().flatten() {
                canvas.line((end, top), (end, top + BAR), FILL, 2.0);
            }
            canvas.text(to + 8.0, middle + 4.5, Anchor::Start, LABEL, &mark.text);
        }
        Place::Around(value, lower, upper) => {
            let (end, from, to) = (layout.x(value), layout.x(lower), layout.x(upper));
            canvas.rectangle((end.min(nought), top), ((end - nought).abs(), BAR), LIGHT);
            canvas.line((from, middle), (to, middle), INK, 1.4);
            for (at, half) in [(from, 4.0), (to, 4.0), (end, BAR / 2.0)] {
                canvas.line((at, middle - half), (at, middle + half), INK, 1.4);
            }
            canvas.text(to.max(nought) + 8.0, middle + 4.5, Anchor::Start, LABEL, &mark.text);
        }
        Place::Hidden => {
            canvas.rectangle((nought + 4.0, top + 2.0), (18.0, BAR - 4.0), "url(#hatch)");
            canvas.text(nought + 28.0, middle + 4.5, Anchor::Start, Style::italic(12.5), &mark.text);
        }
        Place::Missing => canvas.text(nought + 6.0, middle + 4.5, Anchor::Start, Style::italic(12.5), &mark.text),
    }
    canvas.y += height;
}
