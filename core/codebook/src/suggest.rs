//! "Did you mean": the nearest thing that exists.

use crate::label::Label;

/// A thing that could have been meant: how it is written, and its labels.
#[derive(Clone)]
pub(crate) struct Candidate<'a> {
    pub(crate) name: &'a str,
    pub(crate) label: Option<&'a Label>,
}

impl<'a> Candidate<'a> {
    pub(crate) fn named(name: &'a str) -> Self {
        Self { name, label: None }
    }

    pub(crate) fn labelled(name: &'a str, label: &'a Label) -> Self {
        Self { name, label: Some(label) }
    }
}

/// The candidate nearest to `word` in name or in a label of either language, if any is near at all.
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = Candidate<'a>>) -> Option<&'a str> {
    // A long word is no misspelling, and comparing costs the product of the lengths.
    if word.len() > 80 {
        return None;
    }
    let word = word.to_lowercase();
    let length = word.chars().count();
    // One letter in place of another is no misspelling where there is only one.
    let limit = if length < 2 { 1 } else { (length / 3).max(1) * 2 };
    candidates
        .into_iter()
        .map(|candidate| (distance(&word, &candidate), candidate.name))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Twice the edit distance; a whole word of a label is nearer than any misspelling of a name.
fn distance(word: &str, candidate: &Candidate<'_>) -> usize {
    let name = candidate.name.to_lowercase();
    let by_name = strsim::damerau_levenshtein(word, &name) * 2;
    let labels = candidate.label.map(|label| [label.nl.to_lowercase(), label.en.to_lowercase()]);
    let by_label = labels.iter().flatten().map(|label| {
        if label == word || label.split(|c: char| !c.is_alphanumeric()).any(|part| part == word) {
            1
        } else {
            strsim::damerau_levenshtein(word, label) * 2
        }
    });
    by_label.chain([by_name]).min().unwrap_or(by_name)
}

/// "; did you mean `x`?", or nothing.
pub(crate) fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map(|name| format!("did you mean `{name}`?")).unwrap_or_default()
}

/// Names for people: "`a`, `b` or `c`", cut off when there are many.
pub(crate) fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    let shown = quoted.len().min(12);
    let (head, rest) = quoted.split_at(shown);
    match (head, rest.len()) {
        ([], _) => "nothing".to_owned(),
        ([one], 0) => one.clone(),
        ([first @ .., last], 0) => format!("{} or {last}", first.join(", ")),
        (head, more) => format!("{} … ({more} more)", head.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_names_labels_and_misspellings() {
        let form = Label::new("vorm van uitbuiting", "form of exploitation");
        let sex = Label::new("geslacht", "sex");
        let all = || [Candidate::labelled("form", &form), Candidate::labelled("sex", &sex)];
        assert_eq!(nearest("vorm", all()), Some("form"));
        assert_eq!(nearest("Geslacht", all()), Some("sex"));
        assert_eq!(nearest("geslact", all()), Some("sex"));
        assert_eq!(nearest("fomr", all()), Some("form"));
        assert_eq!(nearest("citizenship", all()), None);
        assert_eq!(nearest("V", [Candidate::named("F"), Candidate::named("M")]), None);
        assert_eq!(nearest("f", [Candidate::named("F"), Candidate::named("M")]), Some("F"));
    }

    #[test]
    fn lists_names() {
        assert_eq!(listed(["a"]), "`a`");
        assert_eq!(listed(["a", "b", "c"]), "`a`, `b` or `c`");
    }
}
