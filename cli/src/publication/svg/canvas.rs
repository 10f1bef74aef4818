//! Shapes and text of an SVG picture, and how much room text takes.

use crate::publication::markup::{escape, push};

/// The width of every picture; printed across a page of A4, text of size 11 is 7 points high.
pub const WIDTH: f64 = 760.0;

/// Ink that is dark on paper and on screens.
pub const INK: &str = "#1a1a1a";
/// Bars and lines.
pub const FILL: &str = "#1f4e79";
/// What stands back: grid lines.
pub const FAINT: &str = "#cccccc";
/// Hatching behind where a line would be.
pub const LIGHT: &str = "#8c8c8c";
/// Words in place of numbers.
pub const GREY: &str = "#4d4d4d";

/// On which side of its place text stands.
#[derive(Clone, Copy, Debug)]
pub enum Anchor {
    /// To the right.
    Start,
    /// Around it.
    Middle,
    /// To the left.
    End,
}

/// How text looks.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Height in the units of the picture.
    pub size: f64,
    /// Heavier.
    pub bold: bool,
    /// For words in place of numbers.
    pub italic: bool,
}

impl Style {
    pub const fn plain(size: f64) -> Self {
        Self { size, bold: false, italic: false }
    }

    pub const fn bold(size: f64) -> Self {
        Self { size, bold: true, italic: false }
    }

    pub const fn italic(size: f64) -> Self {
        Self { size, bold: false, italic: true }
    }

    /// From one line to the next.
    pub fn line_height(self) -> f64 {
        self.size * 1.3
    }

    /// At most this wide in the fonts that are asked for, and in those that come in their place.
    pub fn width(self, text: &str) -> f64 {
        let ems: f64 = text.chars().map(ems).sum();
        ems * self.size * if self.bold { 1.1 } else { 1.0 }
    }

    /// Lines no wider than this, broken between words where there are any.
    pub fn wrap(self, text: &str, width: f64) -> Vec<String> {
        let mut lines = vec![String::new()];
        for word in text.split_whitespace() {
            for part in self.pieces(word, width) {
                let Some(line) = lines.last_mut() else { continue };
                let longer = if line.is_empty() { part.clone() } else { format!("{line} {part}") };
                if line.is_empty() || self.width(&longer) <= width {
                    *line = longer;
                } else {
                    lines.push(part);
                }
            }
        }
        lines
    }

    /// A word, in pieces where it is wider than a line.
    fn pieces(self, word: &str, width: f64) -> Vec<String> {
        let mut pieces = vec![String::new()];
        for character in word.chars() {
            let Some(piece) = pieces.last_mut() else { continue };
            if !piece.is_empty() && self.width(&format!("{piece}{character}")) > width {
                pieces.push(character.to_string());
            } else {
                piece.push(character);
            }
        }
        pieces
    }
}

/// The width of a character in heights, rather too much than too little.
fn ems(character: char) -> f64 {
    match character {
        ' ' | 'i' | 'j' | 'l' | 'f' | 't' | 'I' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' | '(' | ')' | '-' | '·' => {
            0.38
        }
        'm' | 'w' | 'M' | 'W' | '@' | '%' | '—' => 0.98,
        'a'..='z' | '0'..='9' | '–' | '“' | '”' => 0.61,
        'A'..='Z' => 0.74,
        '\u{00c0}'..='\u{024f}' => 0.74,
        _ => 1.05,
    }
}

/// A picture as it grows downwards.
pub struct Canvas {
    body: String,
    /// Where the next part begins.
    pub y: f64,
}

impl Canvas {
    pub fn new() -> Self {
        Self { body: String::new(), y: 0.0 }
    }

    /// Everything drawn so far.
    pub fn into_body(self) -> String {
        self.body
    }

    pub fn text(&mut self, x: f64, y: f64, anchor: Anchor, style: Style, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let weight = if style.bold { " font-weight=\"bold\"" } else { "" };
        let (slant, colour) = if style.italic { (" font-style=\"italic\"", GREY) } else { ("", INK) };
        push(
            &mut self.body,
            format_args!(
                "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{}\" text-anchor=\"{anchor}\" fill=\"{colour}\"{weight}{slant}>{}\
                 </text>\n",
                style.size,
                escape(text)
            ),
        );
    }

    /// Text around a place, with an edge of white.
    pub fn halo(&mut self, x: f64, y: f64, style: Style, text: &str) {
        push(
            &mut self.body,
            format_args!(
                "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{}\" text-anchor=\"middle\" fill=\"{INK}\" stroke=\"#ffffff\" \
                 stroke-width=\"3\" paint-order=\"stroke\">{}</text>\n",
                style.size,
                escape(text)
            ),
        );
    }

    /// Draws what another canvas has over this one, and goes on below it.
    pub fn append(&mut self, other: Self) {
        self.body.push_str(&other.body);
        self.y = other.y;
    }

    /// Text in lines over the whole width; moves down past it.
    pub fn paragraph(&mut self, style: Style, text: &str) {
        for line in style.wrap(text, WIDTH) {
            self.y += style.line_height();
            self.text(0.0, self.y, Anchor::Start, style, &line);
        }
    }

    pub fn line(&mut self, (x1, y1): (f64, f64), (x2, y2): (f64, f64), colour: &str, width: f64) {
        push(
            &mut self.body,
            format_args!(
                "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"{colour}\" \
                 stroke-width=\"{width}\"/>\n"
            ),
        );
    }

    /// A rectangle; `fill` is a colour, or for what is hidden `url(#hatch)`, with a border, or `url(#faint-hatch)`.
    pub fn rectangle(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), fill: &str) {
        let border =
            if fill == "url(#hatch)" { format!(" stroke=\"{GREY}\" stroke-width=\"0.6\"") } else { String::new() };
        push(
            &mut self.body,
            format_args!(
                "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"{fill}\"{border}/>\n"
            ),
        );
    }

    /// An empty rectangle with a broken border: where there is no figure.
    pub fn outline(&mut self, (x, y): (f64, f64), (width, height): (f64, f64)) {
        push(
            &mut self.body,
            format_args!(
                "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"none\" stroke=\"{GREY}\" \
                 stroke-width=\"0.8\" stroke-dasharray=\"2 2\"/>\n"
            ),
        );
    }

    pub fn dot(&mut self, (x, y): (f64, f64)) {
        push(&mut self.body, format_args!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{FILL}\"/>\n"));
    }

    /// A line through these points.
    pub fn path(&mut self, points: &[(f64, f64)]) {
        let points: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        push(
            &mut self.body,
            format_args!(
                "<polyline points=\"{}\" fill=\"none\" stroke=\"{FILL}\" stroke-width=\"2\" stroke-linejoin=\"round\"/>\n",
                points.join(" ")
            ),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_no_wider_than_allowed_and_lose_nothing() {
        let style = Style::plain(12.0);
        let text =
            "grensoverschrijdende werving voor prostitutie (sub 3) abababababababababababababababababababababababab";
        for width in [60.0, 100.0, 400.0] {
            let lines = style.wrap(text, width);
            assert!(lines.iter().all(|line| style.width(line) <= width), "{lines:?}");
            let without = |text: &str| text.split_whitespace().collect::<String>();
            assert_eq!(without(&lines.concat()), without(text));
        }
    }
}
