//! Whether the codes of a list form a hierarchy: no orphan, no cycle, not too deep.

use std::collections::BTreeMap;

use super::Reader;
use super::section::Found;
use crate::code_list::{Entry, MAX_LEVELS};
use crate::excerpt::excerpt;
use crate::suggest::{Candidate, did_you_mean, nearest};

/// Checks the parents of a list's codes, each with the place where it is written. Every mistake is reported.
///
/// The branches need not be equally long: a country may stand beside a region.
pub(super) fn check_hierarchy(
    reader: &mut Reader,
    title: &str,
    codes: &[Entry],
    parents: &[Option<Found<&str>>],
) -> Option<()> {
    let places: BTreeMap<&str, usize> = codes.iter().enumerate().map(|(at, entry)| (entry.code.code(), at)).collect();
    let parent_of = |at: usize| codes.get(at).and_then(|entry| entry.parent.as_deref());
    let mut sound = Some(());
    for (entry, parent) in codes.iter().zip(parents) {
        let Some(parent) = parent else { continue };
        let (code, name) = (entry.code.code(), *parent.get_ref());
        if !places.contains_key(name) {
            let near =
                nearest(name, codes.iter().map(|other| Candidate::labelled(other.code.code(), other.code.label())));
            let message = format!("the parent `{}` of the code `{code}` is not in {title}", excerpt(name));
            let mend = match near {
                Some(_) => did_you_mean(near),
                None => format!("add a code `{}` with its labels, or take `parent` away", excerpt(name)),
            };
            reader.report(&parent.span(), message, mend);
            sound = None;
            continue;
        }
        let mut way = vec![code];
        let mut at = Some(name);
        while let Some(name) = at.filter(|name| *name != code && way.len() <= usize::from(MAX_LEVELS)) {
            way.push(name);
            at = places.get(name).and_then(|&place| parent_of(place));
        }
        let shown = |last: &str| {
            format!("{} in `{last}`", way.iter().map(|code| format!("`{code}`")).collect::<Vec<_>>().join(" in "))
        };
        let (message, mend) = match at {
            Some(last) if last == code => (
                format!("the code `{code}` of {title} lies within itself: {}", shown(last)),
                "take one of these parents away".to_owned(),
            ),
            // Longer circles are told here, too.
            Some(last) => (
                format!("the code `{code}` of {title} lies on more than {MAX_LEVELS} levels: {} …", shown(last)),
                format!("there may be {MAX_LEVELS} at most, and no circle"),
            ),
            None if way.len() > usize::from(MAX_LEVELS) => (
                format!("the code `{code}` of {title} lies on more than {MAX_LEVELS} levels"),
                format!("there may be {MAX_LEVELS} at most"),
            ),
            None => continue,
        };
        reader.report(&parent.span(), message, mend);
        sound = None;
    }
    sound
}
