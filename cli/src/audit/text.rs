//! Verdict and report for a terminal.

use std::io::{self, Write};

use optelsom_codebook::Lang;

use super::tale::{EndTale, QueryTale, Tale};
use super::verdict::{Told, Verdict};
use crate::failure::printable;
use crate::words::words;

/// The most findings of one kind that are printed one by one.
const MOST_FINDINGS: usize = 20;

/// Writes what was found.
///
/// # Errors
/// When the output cannot be written.
pub fn write_verdict(out: &mut dyn Write, verdict: &Verdict, lang: Lang) -> io::Result<()> {
    if verdict.passed {
        return writeln!(out, "{}", good(lang));
    }
    writeln!(out, "{}", bad(verdict.findings.len(), lang))?;
    let mut rest = verdict.findings.as_slice();
    while let Some(first) = rest.first() {
        let (same, others) = rest.split_at(rest.iter().take_while(|told| told.code == first.code).count());
        rest = others;
        writeln!(out, "\n{} ({})", first.kind, first.code)?;
        same.iter().take(MOST_FINDINGS).try_for_each(|told| write_finding(out, told))?;
        if same.len() > MOST_FINDINGS {
            let more = words(lang, "en nog meer van dit soort", "and more of this kind");
            writeln!(out, "  {more}: {}", same.len() - MOST_FINDINGS)?;
        }
    }
    Ok(())
}

fn write_finding(out: &mut dyn Write, told: &Told) -> io::Result<()> {
    let (place, text) = (printable(&told.place), printable(&told.text));
    if text.contains(&place) { writeln!(out, "  {text}") } else { writeln!(out, "  {place}: {text}") }
}

/// The good verdict, in one sentence.
pub(super) const fn good(lang: Lang) -> &'static str {
    words(
        lang,
        "In orde: niets in dit logboek is veranderd, weggehaald of verschoven, en elke handtekening klopt.",
        "In order: nothing in this log was altered, removed or moved, and every signature holds.",
    )
}

/// The bad verdict, in one sentence.
pub(super) fn bad(findings: usize, lang: Lang) -> String {
    match (lang, findings) {
        (Lang::Nl, 1) => "Niet in orde: 1 bevinding.".to_owned(),
        (Lang::Nl, many) => format!("Niet in orde: {many} bevindingen."),
        (Lang::En, 1) => "Not in order: 1 finding.".to_owned(),
        (Lang::En, many) => format!("Not in order: {many} findings."),
    }
}

/// Writes the whole report.
///
/// # Errors
/// When the output cannot be written.
pub fn write_report(out: &mut dyn Write, tale: &Tale, lang: Lang) -> io::Result<()> {
    write_verdict(out, &tale.verdict, lang)?;
    writeln!(out)?;
    if let Some(log) = &tale.log {
        let (entries, root) = (words(lang, "posten", "entries"), words(lang, "wortel", "root"));
        writeln!(out, "{} {entries}, {root} {}", log.size, log.root)?;
        let seen = words(lang, "gezien door", "seen by");
        log.witnesses.iter().try_for_each(|w| writeln!(out, "{seen} {} ({})", printable(&w.name), w.at))?;
    }
    writeln!(out, "{}", counts(tale, lang))?;
    if !tale.search.is_empty() {
        let shown = words(lang, "Getoond", "Shown");
        writeln!(out, "{shown}: {} ({})", tale.queries.len(), printable(&tale.search.join(" ")))?;
        tale.nowhere.iter().try_for_each(|nowhere| writeln!(out, "{}", printable(nowhere)))?;
    }
    tale.queries.iter().try_for_each(|query| write_query(out, query, lang))?;
    if tale.search.is_empty() {
        write_changes(out, tale, lang)?;
    }
    Ok(())
}

/// How the queries ended, in one line.
pub(super) fn counts(tale: &Tale, lang: Lang) -> String {
    let counts = &tale.counts;
    let all = [
        (counts.released, "vrijgegeven", "released"),
        (counts.refused, "geweigerd", "refused"),
        (counts.abandoned, "afgebroken", "abandoned"),
        (counts.void, "nietig", "void"),
        (counts.spent, "vervallen", "spent"),
        (counts.unended, "niet beëindigd", "not ended"),
    ];
    let parts = all.into_iter().filter(|(many, ..)| *many > 0);
    let parts: Vec<String> = parts.map(|(many, nl, en)| format!("{many} {}", words(lang, nl, en))).collect();
    let queries = if counts.queries == 1 { words(lang, "vraag", "query") } else { words(lang, "vragen", "queries") };
    let head = format!("{} {queries}", counts.queries);
    if parts.is_empty() { head } else { format!("{head}: {}", parts.join(", ")) }
}

fn write_query(out: &mut dyn Write, query: &QueryTale, lang: Lang) -> io::Result<()> {
    writeln!(out, "\n#{} {} {}", query.index, query.asked_at, printable(&query.requester))?;
    for (name, content) in facts(query, lang) {
        writeln!(out, "  {name}: {}", printable(&content))?;
    }
    Ok(())
}

/// What is told of a query, in order: a heading and its content. The same in text and HTML.
pub(super) fn facts(query: &QueryTale, lang: Lang) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    let mut fact = |nl, en, content: String| facts.push((words(lang, nl, en), content));
    let unreadable = words(lang, "(niet te lezen)", "(cannot be read)");
    fact("Vraag", "Question", query.asks.clone().unwrap_or_else(|| unreadable.to_owned()));
    if let Some(selection) = &query.selection {
        fact("Alleen", "Only", selection.clone());
    }
    let unit = query.unit.as_ref().map(|unit| format!(" ({unit})")).unwrap_or_default();
    let edition = words(lang, "editie", "edition");
    fact("Gegevens", "Data", format!("{}{unit}; {edition} {}", query.dataset, query.edition));
    if let Some(sql) = &query.question {
        fact("Als SQL", "As SQL", sql.clone());
    }
    fact("Doel", "Purpose", query.purpose.clone());
    let signed = query.signed_at_index.map(|index| format!(" (#{index})"));
    let unsigned = || format!(" ({})", words(lang, "niet ondertekend", "not signed"));
    fact("Gesteld door", "Asked by", format!("{}{}", query.requester, signed.unwrap_or_else(unsigned)));
    let nobody = words(lang, "niemand anders", "nobody else").to_owned();
    fact("Goedgekeurd door", "Approved by", query.approver.clone().unwrap_or(nobody));
    fact("Gevraagd aan", "Put to", format!("{} ({})", query.asked.join(", "), query.asked.len()));
    if let Some(index) = query.participants_index {
        let heading = if query.final_index.is_some() {
            ("Beantwoord door", "Answered by")
        } else {
            ("Klaar om te antwoorden", "Ready to answer")
        };
        fact(
            heading.0,
            heading.1,
            format!("{} ({}, #{index})", query.participants.join(", "), query.participants.len()),
        );
    }
    for refusal in &query.refusals {
        fact(
            "Geweigerd door",
            "Refused by",
            format!("{}: {} [{}] (#{})", refusal.supplier, refusal.words, refusal.reason, refusal.index),
        );
    }
    match &query.end {
        Some(end) => {
            fact("Uitkomst", "Outcome", outcome(end, lang));
            if end.complete.is_some() {
                fact("Verborgen", "Hidden", hidden(end, lang));
            }
        }
        None => {
            let since = words(lang, "niet beëindigd; gesteld op", "not ended; asked at");
            fact("Uitkomst", "Outcome", format!("{since} {}", query.asked_at));
        }
    }
    fact("Kenmerk", "Identifier", query.id.clone());
    facts
}

fn outcome(end: &EndTale, lang: Lang) -> String {
    let mut text = end.words.clone();
    match (end.complete, &end.reason) {
        (Some(true), _) => text.push_str(words(lang, ", van allen die gevraagd zijn", ", of all that were asked")),
        (Some(false), _) => {
            text.push_str(words(lang, ", niet van allen die gevraagd zijn", ", not of all that were asked"))
        }
        (None, Some((code, reason))) if code == reason => text.push_str(&format!(": {code}")),
        (None, Some((code, reason))) => text.push_str(&format!(": {reason} [{code}]")),
        (None, None) => {}
    }
    format!("{text} (#{})", end.index)
}

fn hidden(end: &EndTale, lang: Lang) -> String {
    if end.hidden.is_empty() {
        return words(lang, "geen cellen", "no cells").to_owned();
    }
    let rule = |(_, rule, cells): &(String, String, u64)| {
        let one = *cells == 1;
        let cell = if one { words(lang, "cel", "cell") } else { words(lang, "cellen", "cells") };
        format!("{cells} {cell} ({rule})")
    };
    end.hidden.iter().map(rule).collect::<Vec<_>>().join(", ")
}

fn write_changes(out: &mut dyn Write, tale: &Tale, lang: Lang) -> io::Result<()> {
    if !tale.changes.is_empty() {
        writeln!(
            out,
            "\n{}",
            words(lang, "Wat vastligt, en wanneer het veranderde", "What everybody goes by, and its changes")
        )?;
    }
    for change in &tale.changes {
        writeln!(out, "  #{} {}", change.index, printable(&change_text(change, lang)))?;
    }
    if !tale.editions.is_empty() {
        writeln!(out, "\n{}", words(lang, "Edities", "Editions"))?;
    }
    for edition in &tale.editions {
        let (index, dataset) = (edition.index, printable(&edition.dataset));
        writeln!(out, "  #{index} {dataset} {} ({})", edition.edition, edition.frozen_at)?;
    }
    Ok(())
}

/// One change, in words.
pub(super) fn change_text(change: &super::tale::Change, lang: Lang) -> String {
    let kind = match change.kind.as_str() {
        "roster" => words(lang, "deelnemerslijst", "roster"),
        "codebook" => words(lang, "codeboek", "codebook"),
        "agreement" => words(lang, "overeenkomst", "agreement"),
        "policy" => words(lang, "beleid", "policy"),
        _ => words(lang, "programmatuur", "software"),
    };
    let whose = change.supplier.as_ref().map(|supplier| format!(" {supplier}")).unwrap_or_default();
    let replaces = change.replaces.map(|index| format!(", {} #{index}", words(lang, "in plaats van", "replaces")));
    format!("{kind}{whose}{}", replaces.unwrap_or_default())
}
