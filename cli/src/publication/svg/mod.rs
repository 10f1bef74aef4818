//! A release as a chart in SVG 1.1: no scripts, no fonts or pictures from elsewhere, dark ink on white, told apart by shape
//! and not by colour, with title and description for those who do not see it.

mod bars;
mod canvas;
mod lines;
mod scale;

use optelsom_codebook::Lang;
use optelsom_disclosure::Release;

use self::canvas::{Canvas, Style, WIDTH};
use super::about::About;
use super::chart::{Chart, Plot, TooMany, charts, description};
use super::markup::{escape, push};
use crate::failure::Failure;
use crate::words::words;

/// Room around the picture.
const BORDER: f64 = 14.0;

/// The release as an SVG file that stands alone.
///
/// # Errors
/// When the table has more cells than a chart can show.
pub fn file(release: &Release, lang: Lang) -> Result<String, Failure> {
    let charts = charts(release, lang).map_err(|cause| {
        Failure::Usage(format!(
            "{cause}: group by fewer codes, or take --format html, which has the table without a chart"
        ))
    })?;
    let about = About::new(release, lang);
    let mut canvas = Canvas::new();
    canvas.paragraph(Style::bold(17.0), &about.title());
    if let Some(selection) = about.selection() {
        canvas.y += 2.0;
        canvas.paragraph(Style::plain(13.0), &selection);
    }
    draw(&mut canvas, &charts, lang);
    footer(&mut canvas, &about, lang);
    let mut file = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    file.push_str(&picture(canvas, &about, &charts, lang));
    Ok(file)
}

/// The chart of a release inside a page that has title and notes itself.
///
/// # Errors
/// When the table has more cells than a chart can show.
pub fn in_page(release: &Release, lang: Lang) -> Result<String, TooMany> {
    let charts = charts(release, lang)?;
    let mut canvas = Canvas::new();
    draw(&mut canvas, &charts, lang);
    Ok(picture(canvas, &About::new(release, lang), &charts, lang))
}

fn draw(canvas: &mut Canvas, charts: &[Chart], lang: Lang) {
    for chart in charts {
        canvas.y += 14.0;
        canvas.paragraph(Style::bold(13.0), &chart.heading);
        canvas.y += 6.0;
        match &chart.plot {
            Plot::Bars(groups) => bars::draw(canvas, groups, lang),
            Plot::Lines(years, series) => lines::draw(canvas, years, series, lang),
        }
        canvas.y += 6.0;
    }
}

/// What has to be beside the figures wherever the picture goes.
fn footer(canvas: &mut Canvas, about: &About<'_>, lang: Lang) {
    let style = Style::plain(11.0);
    canvas.y += 10.0;
    let (unit, suppliers) = (words(lang, "Eenheid", "Unit"), words(lang, "Leveranciers", "Suppliers"));
    let first = format!("{unit}: {}. {suppliers}: {}. {}", about.unit(), about.suppliers(), about.rules());
    canvas.paragraph(style, &first);
    for note in about.notes() {
        canvas.paragraph(style, &note);
    }
    canvas.y += 4.0;
    canvas.paragraph(style, &about.citation());
}

fn picture(canvas: Canvas, about: &About<'_>, charts: &[Chart], lang: Lang) -> String {
    let (width, height) = (WIDTH + 2.0 * BORDER, canvas.y + 2.0 * BORDER);
    let language = words(lang, "nl", "en");
    let mut picture = String::new();
    push(
        &mut picture,
        format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" xml:lang=\"{language}\" width=\"{width:.0}\" height=\"{height:.0}\" \
             viewBox=\"{:.0} {:.0} {width:.0} {height:.0}\" role=\"img\" aria-labelledby=\"chart-title chart-description\" \
             font-family=\"Arial, 'Liberation Sans', Helvetica, 'DejaVu Sans', sans-serif\">\n\
             <title id=\"chart-title\">{}</title>\n<desc id=\"chart-description\">{}</desc>\n",
            -BORDER,
            -BORDER,
            escape(&about.title()),
            escape(&description(charts)),
        ),
    );
    metadata(&mut picture, about);
    push(
        &mut picture,
        format_args!(
            "<defs>{}{}</defs>\n\
             <rect x=\"{:.0}\" y=\"{:.0}\" width=\"{width:.0}\" height=\"{height:.0}\" fill=\"#ffffff\"/>\n",
            hatch("hatch", canvas::GREY, 2.0),
            hatch("faint-hatch", canvas::LIGHT, 1.0),
            -BORDER,
            -BORDER,
        ),
    );
    picture.push_str(&canvas.into_body());
    picture.push_str("</svg>\n");
    picture
}

/// Oblique lines, for what is hidden.
fn hatch(name: &str, colour: &str, width: f64) -> String {
    format!(
        "<pattern id=\"{name}\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\" \
         patternTransform=\"rotate(45)\"><rect width=\"5\" height=\"5\" fill=\"#ffffff\"/><line x1=\"0\" y1=\"0\" x2=\"0\" \
         y2=\"5\" stroke=\"{colour}\" stroke-width=\"{width}\"/></pattern>"
    )
}

/// All facts, for software that keeps them with the picture.
fn metadata(picture: &mut String, about: &About<'_>) {
    picture.push_str("<metadata>\n");
    for fact in about.facts() {
        push(
            picture,
            format_args!(
                "<fact xmlns=\"urn:optelsom:release\" key=\"{}\">{}</fact>\n",
                fact.key,
                escape(&fact.content)
            ),
        );
    }
    picture.push_str("</metadata>\n");
}
