//! The codebook's document.

use std::collections::BTreeMap;
use std::sync::Arc;

use toml::Spanned;

use super::dataset::read_dataset;
use super::section::Found;
use super::{Reader, Section};
use crate::code_list::{Code, CodeList, MAX_CODES};
use crate::codebook::CodebookParts;
use crate::excerpt::excerpt;
use crate::label::Label;
use crate::query::is_askable_name;
use crate::suggest::{Candidate, did_you_mean, nearest};

/// The longest code, in characters.
const MAX_CODE_LENGTH: usize = 64;

/// Reads the whole document, reporting every mistake.
pub(crate) fn read_codebook(reader: &mut Reader, top: &Section<'_>) -> Option<CodebookParts> {
    top.allow(reader, &["version", "name", "lists", "datasets"]);
    let version = top.text(reader, "version", "version = \"2025.1\"");
    let name = top.label(reader, "name");
    let mut lists = BTreeMap::new();
    for (key, section) in top.named_sections(reader, "lists", "list") {
        check_name(reader, &key, "list");
        // A list that could not be read still has its name, so that its users are not reported as well.
        lists.insert((*key.get_ref()).to_owned(), read_list(reader, key.get_ref(), &section).map(Arc::new));
    }
    let mut datasets = Vec::new();
    for (key, section) in top.named_sections(reader, "datasets", "dataset") {
        check_name(reader, &key, "dataset");
        datasets.push(read_dataset(reader, key.get_ref(), &section, &lists).map(Arc::new));
    }
    if datasets.is_empty() {
        reader.report(top.place(), "the document has no dataset", "add `[datasets.name]`");
    }
    Some(CodebookParts {
        version: (*version?.get_ref()).to_owned(),
        name: name?,
        lists: lists.into_iter().map(|(name, list)| Some((name, list?))).collect::<Option<_>>()?,
        datasets: datasets.into_iter().collect::<Option<_>>()?,
    })
}

/// Reports a name that is not `[a-z][a-z0-9_]{0,39}` or that no question could use.
pub(crate) fn check_name(reader: &mut Reader, name: &Found<&str>, kind: &str) {
    let text = *name.get_ref();
    let well_formed = text.len() <= 40
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if !well_formed {
        let message = format!("`{}` is no name for a {kind}", excerpt(text));
        reader.report(&name.span(), message, "use a small letter, then at most 39 small letters, digits and _");
    } else if kind != "list" && !is_askable_name(text) {
        let message = format!("the {kind} `{text}` has a name that SQL uses itself");
        reader.report(&name.span(), message, format!("choose another name, as in `{text}_code`"));
    }
}

fn read_list(reader: &mut Reader, name: &str, section: &Section<'_>) -> Option<CodeList> {
    section.allow(reader, &["ordered", "missing", "codes", "years"]);
    let codes = match (section.has("codes"), section.has("years")) {
        (true, false) => read_codes(reader, section),
        (false, true) => read_years(reader, section),
        _ => {
            let message = format!("{} needs either `codes` or `years`", section.title());
            reader.report(
                section.place(),
                message,
                "write one of them: `codes = [{ code, nl, en }]` or `years = [2010, 2030]`",
            );
            None
        }
    };
    let ordered = section.flag(reader, "ordered") || section.has("years");
    let missing = section.optional_text(reader, "missing", "missing = \"unknown\"");
    let codes = codes?;
    if let Some(missing) = &missing
        && !codes.iter().any(|code| code.code() == *missing.get_ref())
    {
        let near = nearest(missing.get_ref(), codes.iter().map(|code| Candidate::labelled(code.code(), code.label())));
        let message = format!("the missing code `{}` is not in {}", missing.get_ref(), section.title());
        reader.report(&missing.span(), message, format!("name one of its codes; {}", did_you_mean(near)));
        return None;
    }
    CodeList::new(name.to_owned(), ordered, codes, missing.map(Spanned::into_inner))
}

fn read_years(reader: &mut Reader, section: &Section<'_>) -> Option<Vec<Code>> {
    let (first, last) = section.range(reader, "years", 1000, 9999)?.into_inner();
    Some((first..=last).map(|year| Code { code: year.to_string(), label: Label::same(year.to_string()) }).collect())
}

fn read_codes(reader: &mut Reader, section: &Section<'_>) -> Option<Vec<Code>> {
    let entries = section.listed_sections(reader, "codes", "code");
    if entries.is_empty() || entries.len() > MAX_CODES {
        let message = format!("{} has {} codes", section.title(), entries.len());
        reader.report(section.place(), message, format!("give it 1 to {MAX_CODES}"));
        return None;
    }
    let mut seen: BTreeMap<&str, ()> = BTreeMap::new();
    let mut codes = Vec::with_capacity(entries.len());
    for entry in &entries {
        entry.allow(reader, &["code", "nl", "en"]);
        let code = entry.text(reader, "code", "code = \"F\"");
        let label = entry.own_label(reader);
        let Some(code) = code else { continue };
        let text = *code.get_ref();
        if text.chars().count() > MAX_CODE_LENGTH {
            let message = format!("a code of {} has over {MAX_CODE_LENGTH} characters", section.title());
            reader.report(&code.span(), message, "shorten it; the label may be longer");
        } else if seen.insert(text, ()).is_some() {
            let message = format!("the code `{text}` stands twice in {}", section.title());
            reader.report(&code.span(), message, "remove one of the two");
        } else if let Some(label) = label {
            codes.push(Code { code: text.to_owned(), label });
        }
    }
    (codes.len() == entries.len()).then_some(codes)
}
