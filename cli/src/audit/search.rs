//! Which queries a report is about.

use std::collections::BTreeSet;
use std::str::FromStr;

use optelsom_codebook::{Lang, SupplierId, Timestamp};
use optelsom_ledger::audit::QueryAccount;

use super::question::Question;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// A day, or a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    first: Timestamp,
    last: Timestamp,
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "write a day like 2026-01-31, or a moment like 2026-01-31T12:00:00Z".to_owned();
        if text.len() == 10 {
            let first: Timestamp = format!("{text}T00:00:00Z").parse().map_err(|_| wrong())?;
            return Ok(Self { first, last: first.plus_millis(DAY_MS - 1) });
        }
        let moment = text.parse().map_err(|_| wrong())?;
        Ok(Self { first: moment, last: moment })
    }
}

/// What is looked for; nothing lets everything through.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// Who asked or approved.
    pub person: Option<String>,
    /// Who was asked.
    pub supplier: Option<SupplierId>,
    /// What was looked at: the name of a variable or measure.
    pub variable: Option<String>,
    /// Asked then or later.
    pub from: Option<Moment>,
    /// Asked then or earlier.
    pub to: Option<Moment>,
}

impl Search {
    pub(super) fn finds(&self, query: &QueryAccount, question: Option<&Question>) -> bool {
        let entry = &query.entry;
        let person = self.person.as_ref().is_none_or(|person| {
            let approver = query.authorised.as_ref().and_then(|logged| logged.fact.as_ref());
            entry.requester == *person || approver == Some(person)
        });
        let supplier = self.supplier.as_ref().is_none_or(|supplier| entry.scope.contains(supplier));
        // A question that cannot be read may have looked at anything.
        let variable = self
            .variable
            .as_ref()
            .is_none_or(|name| question.is_none_or(|question| question.looks_at.iter().any(|other| other == name)));
        let from = self.from.is_none_or(|from| entry.asked_at >= from.first);
        let to = self.to.is_none_or(|to| entry.asked_at <= to.last);
        person && supplier && variable && from && to
    }

    /// What is looked for, as on the command line.
    pub fn describe(&self) -> Vec<String> {
        let mut words = Vec::new();
        words.extend(self.person.iter().map(|person| format!("--person {person}")));
        words.extend(self.supplier.iter().map(|supplier| format!("--supplier {supplier}")));
        words.extend(self.variable.iter().map(|variable| format!("--variable {variable}")));
        words.extend(self.from.iter().map(|from| format!("--from {}", from.first)));
        words.extend(self.to.iter().map(|to| format!("--to {}", to.last)));
        words
    }
}

/// The names that the queries of a log have.
#[derive(Debug, Default)]
pub(super) struct Names {
    persons: BTreeSet<String>,
    looked_at: BTreeSet<String>,
}

impl Names {
    pub(super) fn note(&mut self, query: &QueryAccount, question: Option<&Question>) {
        let approver = query.authorised.as_ref().and_then(|logged| logged.fact.clone());
        self.persons.extend(approver.into_iter().chain([query.entry.requester.to_string()]));
        self.looked_at.extend(question.into_iter().flat_map(|question| question.looks_at.iter().cloned()));
    }

    /// Says of the first name looked for that no query has, which names they do have.
    pub(super) fn unless_among(&self, search: &Search, lang: Lang) -> Option<String> {
        let list = |names: &BTreeSet<String>| names.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        if let Some(person) = search.person.as_ref().filter(|person| !self.persons.contains(*person)) {
            let persons = list(&self.persons);
            return Some(match lang {
                Lang::Nl => format!("geen vraag is van {person} of door hem of haar goedgekeurd; wel van {persons}"),
                Lang::En => format!("no query is asked or approved by {person}; they are by {persons}"),
            });
        }
        let variable = search.variable.as_ref().filter(|variable| !self.looked_at.contains(*variable))?;
        let names = list(&self.looked_at);
        Some(match lang {
            Lang::Nl => format!("geen vraag kijkt naar {variable}; wel naar {names}"),
            Lang::En => format!("no query looks at {variable}; they look at {names}"),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn days_are_whole() {
        let day: Moment = "2026-01-31".parse().unwrap();
        assert_eq!(day.first.to_string(), "2026-01-31T00:00:00Z");
        assert_eq!(day.last.to_string(), "2026-01-31T23:59:59.999Z");
        assert!("2026-13-01".parse::<Moment>().is_err());
        assert!("yesterday".parse::<Moment>().is_err());
    }
}
