//! The report as one HTML page by itself: no script, nothing fetched from elsewhere, and fit for paper.

use std::fmt::Write;

use optelsom_codebook::Lang;

use super::tale::{QueryTale, Tale};
use super::text::{bad, change_text, counts, facts, good};
use crate::words::words;

const STYLE: &str = include_str!("report.css");

/// The page.
pub fn page(tale: &Tale, lang: Lang) -> String {
    let mut page = String::new();
    let title = words(lang, "Verslag van het logboek", "Report on the log");
    let code = words(lang, "nl", "en");
    let _ = write!(
        page,
        "<!doctype html>\n<html lang=\"{code}\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\">\n<meta http-equiv=\"Content-Security-Policy\" content=\"default-src \
         'none'; style-src 'unsafe-inline'\">\n<title>Optelsom: {title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <header><p class=\"maker\">Optelsom</p><h1>{title}</h1></header>\n"
    );
    verdict(&mut page, tale, lang);
    summary(&mut page, tale, lang);
    queries(&mut page, tale, lang);
    if tale.search.is_empty() {
        changes(&mut page, tale, lang);
    }
    proofs(&mut page, tale, lang);
    page.push_str("</body>\n</html>\n");
    page
}

/// Text from anywhere, safe within HTML.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

fn verdict(page: &mut String, tale: &Tale, lang: Lang) {
    let verdict = &tale.verdict;
    if verdict.passed {
        let _ = writeln!(page, "<section class=\"verdict passed\"><h2>✓ {}</h2></section>", escaped(good(lang)));
        return;
    }
    let heading = bad(verdict.findings.len(), lang);
    let _ = writeln!(page, "<section class=\"verdict failed\"><h2>✗ {}</h2>\n<table><thead><tr>", escaped(&heading));
    for heading in [words(lang, "Soort", "Kind"), words(lang, "Plaats", "Place"), words(lang, "Bevinding", "Finding")] {
        let _ = write!(page, "<th>{heading}</th>");
    }
    page.push_str("</tr></thead><tbody>\n");
    for told in &verdict.findings {
        let (kind, place, text) = (escaped(&told.kind), escaped(&told.place), escaped(&told.text));
        let _ =
            writeln!(page, "<tr><td>{kind} ({})</td><td class=\"digest\">{place}</td><td>{text}</td></tr>", told.code);
    }
    page.push_str("</tbody></table></section>\n");
}

fn summary(page: &mut String, tale: &Tale, lang: Lang) {
    let _ = writeln!(page, "<section><h2>{}</h2>\n<dl>", words(lang, "Samenvatting", "Summary"));
    let mut row = |heading: &str, content: &str| {
        let _ = writeln!(page, "<dt>{heading}</dt><dd>{content}</dd>");
    };
    row(words(lang, "Vragen", "Queries"), &escaped(&counts(tale, lang)));
    if !tale.search.is_empty() {
        let nowhere = tale.nowhere.iter().map(|nowhere| format!("; {nowhere}")).collect::<String>();
        let shown = format!("{} ({}){nowhere}", tale.queries.len(), tale.search.join(" "));
        row(words(lang, "Hier getoond", "Shown here"), &escaped(&shown));
    }
    if let Some(log) = &tale.log {
        row(words(lang, "Posten", "Entries"), &log.size.to_string());
        row(words(lang, "Wortel", "Root"), &format!("<span class=\"digest\">{}</span>", escaped(&log.root)));
        let seen: Vec<String> =
            log.witnesses.iter().map(|w| format!("{} ({})", escaped(&w.name), escaped(&w.at))).collect();
        row(words(lang, "Gezien door", "Seen by"), &seen.join("<br>"));
    }
    page.push_str("</dl></section>\n");
}

fn queries(page: &mut String, tale: &Tale, lang: Lang) {
    let _ = writeln!(page, "<section><h2>{}</h2>", words(lang, "Vragen", "Queries"));
    let unended: Vec<String> = tale
        .queries
        .iter()
        .filter(|query| query.end.is_none())
        .map(|query| format!("<a href=\"#q{0}\">#{0}</a> ({1})", query.index, escaped(&query.asked_at)))
        .collect();
    if !unended.is_empty() {
        let heading = words(lang, "Niet beëindigd, en sinds wanneer", "Not ended, and since when");
        let _ = writeln!(page, "<p class=\"unended\"><b>{heading}:</b> {}</p>", unended.join(", "));
    }
    if tale.queries.is_empty() {
        let _ = writeln!(page, "<p>{}</p>", words(lang, "Geen.", "None."));
    }
    tale.queries.iter().for_each(|one| query(page, one, lang));
    page.push_str("</section>\n");
}

fn query(page: &mut String, query: &QueryTale, lang: Lang) {
    let (state, mark) = match &query.end {
        None => ("open", "…"),
        Some(end) if end.complete.is_some() => ("released", "✓"),
        Some(_) => ("without", "–"),
    };
    let moment = query.asked_at.get(..16).unwrap_or(&query.asked_at).replace('T', " ");
    let title = query.asks.as_deref().unwrap_or(&query.dataset);
    let _ = writeln!(
        page,
        "<article class=\"{state}\" id=\"q{0}\"><h3><span class=\"index\">#{0}</span> {1} <span class=\"when\">{2} UTC</span> \
         <span class=\"mark\">{mark}</span></h3>\n<dl>",
        query.index,
        escaped(title),
        escaped(&moment)
    );
    // The question itself is the heading.
    for (heading, content) in facts(query, lang).into_iter().skip(1) {
        let class = match heading {
            "Als SQL" | "As SQL" | "Kenmerk" | "Identifier" => " class=\"digest\"",
            _ => "",
        };
        let _ = writeln!(page, "<dt>{heading}</dt><dd{class}>{}</dd>", linked(&escaped(&content)));
    }
    let entries: Vec<String> =
        query.entries.iter().map(|index| format!("<a href=\"#p{index}\">#{index}</a>")).collect();
    let _ = writeln!(page, "<dt>{}</dt><dd>{}</dd>", words(lang, "Posten", "Entries"), entries.join(" "));
    page.push_str("</dl></article>\n");
}

/// Makes `(#12)` and `, #12)` at the end lead to the proof.
fn linked(text: &str) -> String {
    let Some((before, index)) = text.strip_suffix(')').and_then(|text| text.rsplit_once('#')) else {
        return text.to_owned();
    };
    let digits = !index.is_empty() && index.bytes().all(|byte| byte.is_ascii_digit());
    if digits && !before.ends_with('&') {
        format!("{before}<a href=\"#p{index}\">#{index}</a>)")
    } else {
        text.to_owned()
    }
}

fn changes(page: &mut String, tale: &Tale, lang: Lang) {
    if tale.changes.is_empty() && tale.editions.is_empty() {
        return;
    }
    let heading = words(lang, "Wat vastligt, en wat eraan veranderde", "What everybody goes by, and its changes");
    let _ = writeln!(page, "<section><h2>{heading}</h2>\n<table><tbody>");
    for change in &tale.changes {
        let (index, text, document) = (change.index, escaped(&change_text(change, lang)), escaped(&change.document));
        let _ = writeln!(
            page,
            "<tr><td><a href=\"#p{index}\">#{index}</a></td><td>{text}</td><td class=\"digest\">{document}</td></tr>"
        );
    }
    for edition in &tale.editions {
        let (index, dataset) = (edition.index, escaped(&edition.dataset));
        let (name, at) = (escaped(&edition.edition), escaped(&edition.frozen_at));
        let word = words(lang, "editie", "edition");
        let _ = writeln!(
            page,
            "<tr><td><a href=\"#p{index}\">#{index}</a></td><td>{word} {name}, {dataset}</td><td>{at}</td></tr>"
        );
    }
    page.push_str("</tbody></table></section>\n");
}

fn proofs(page: &mut String, tale: &Tale, lang: Lang) {
    if tale.proofs.is_empty() {
        return;
    }
    let heading =
        words(lang, "Bewijzen dat de posten in het logboek staan", "Proofs that the entries stand in the log");
    let how = words(
        lang,
        "Per post de digest van zijn inhoud, en het pad van daar naar de wortel (RFC 6962, paragraaf 2.1.1).",
        "Of each entry the digest of its content, and the path from there to the root (RFC 6962, section 2.1.1).",
    );
    let _ = writeln!(page, "<section class=\"proofs\"><h2>{heading}</h2>\n<p>{how}</p>\n<dl>");
    for (index, proof) in &tale.proofs {
        let path: Vec<String> = proof.path.iter().map(|hash| escaped(hash)).collect();
        let (leaf, path) = (escaped(&proof.leaf), path.join("<br>"));
        let _ = writeln!(page, "<dt id=\"p{index}\">#{index}</dt><dd class=\"digest\"><b>{leaf}</b><br>{path}</dd>");
    }
    page.push_str("</dl></section>\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_elsewhere_becomes_markup() {
        assert_eq!(escaped("<a href='x'>&\""), "&lt;a href=&#39;x&#39;&gt;&amp;&quot;");
    }

    #[test]
    fn indexes_at_the_end_lead_to_their_proof() {
        assert_eq!(linked("analyst-1 (#4)"), "analyst-1 (<a href=\"#p4\">#4</a>)");
        assert_eq!(linked("plain"), "plain");
        assert_eq!(linked("&#39;)"), "&#39;)");
    }
}
