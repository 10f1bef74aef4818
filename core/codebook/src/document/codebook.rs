//! The codebook's document.

use std::collections::BTreeMap;
use std::sync::Arc;

use toml::Spanned;

use super::dataset::read_dataset;
use super::hierarchy::check_hierarchy;
use super::section::Found;
use super::{Reader, Section};
use crate::code_list::{Code, CodeList, Entry, MAX_CODES};
use crate::code_set::CodeSet;
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
    if let Some(missing) = &missing {
        check_missing(reader, section, missing, &codes)?;
    }
    let list = CodeList::new(name.to_owned(), ordered, codes, missing.map(Spanned::into_inner))?;
    check_order(reader, section, &list)?;
    Some(list)
}

/// The missing code is a code of the list, and what is not known lies in no group.
fn check_missing(reader: &mut Reader, section: &Section<'_>, missing: &Found<&str>, codes: &[Entry]) -> Option<()> {
    let name = *missing.get_ref();
    let Some(entry) = codes.iter().find(|entry| entry.code.code() == name) else {
        let near = nearest(name, codes.iter().map(|entry| Candidate::labelled(entry.code.code(), entry.code.label())));
        let message = format!("the missing code `{name}` is not in {}", section.title());
        reader.report(&missing.span(), message, format!("name one of its codes; {}", did_you_mean(near)));
        return None;
    };
    if entry.parent.is_some() || codes.iter().any(|entry| entry.parent.as_deref() == Some(name)) {
        let message = format!("the missing code `{name}` of {} is a group, or lies in one", section.title());
        reader.report(&missing.span(), message, "what is not known stands by itself: take its `parent` away");
        return None;
    }
    Some(())
}

/// In an ordered list a group is a range.
fn check_order(reader: &mut Reader, section: &Section<'_>, list: &CodeList) -> Option<()> {
    let is_range = |codes: &CodeSet| {
        let mut found = codes.iter();
        found.next().is_none_or(|first| found.zip(first + 1..).all(|(code, next)| code == next))
    };
    let torn = list.groups().iter().filter(|_| list.ordered()).find(|group| !is_range(group.codes()));
    let Some(torn) = torn else { return Some(()) };
    let message =
        format!("the codes of `{}` do not stand together, though {} is ordered", torn.code().code(), section.title());
    reader.report(section.place(), message, "bring the codes of each group together, or leave `ordered` out");
    None
}

fn read_years(reader: &mut Reader, section: &Section<'_>) -> Option<Vec<Entry>> {
    let (first, last) = section.range(reader, "years", 1000, 9999)?.into_inner();
    let code = |year: u64| Code { code: year.to_string(), label: Label::same(year.to_string()) };
    Some((first..=last).map(|year| Entry { code: code(year), parent: None }).collect())
}

fn read_codes(reader: &mut Reader, section: &Section<'_>) -> Option<Vec<Entry>> {
    let entries = section.listed_sections(reader, "codes", "code");
    if entries.is_empty() || entries.len() > MAX_CODES {
        let message = format!("{} has {} codes", section.title(), entries.len());
        reader.report(section.place(), message, format!("give it 1 to {MAX_CODES}"));
        return None;
    }
    let mut seen: BTreeMap<&str, ()> = BTreeMap::new();
    let mut codes = Vec::with_capacity(entries.len());
    let mut parents = Vec::with_capacity(entries.len());
    for entry in &entries {
        entry.allow(reader, &["code", "nl", "en", "parent"]);
        let code = entry.text(reader, "code", "code = \"F\"");
        let parent = entry.optional_text(reader, "parent", "parent = \"EU\"");
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
            let name = parent.as_ref().map(|parent| (*parent.get_ref()).to_owned());
            codes.push(Entry { code: Code { code: text.to_owned(), label }, parent: name });
            parents.push(parent);
        }
    }
    if codes.len() < entries.len() {
        return None;
    }
    check_hierarchy(reader, section.title(), &codes, &parents)?;
    Some(codes)
}
