//! What `optelsom-node check` looks at, one thing after the other, each with what is wrong and how to mend it.

mod connection;
mod editions;
mod files;
mod trust;

use std::fmt;

use optelsom_codebook::{Codebook, Timestamp};

use crate::configuration::{Configuration, ConfigurationError};
use crate::edition::EditionStore;

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What it is: `agreement`, `source of victims`; or several, where one fault has to be mended in one place.
    pub name: String,
    /// What was found.
    pub outcome: Outcome,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All is well; a few words of what there is.
    Sound(String),
    /// It works, and somebody should know something of it.
    Noted {
        /// What it means.
        what: String,
        /// Why.
        why: String,
        /// What can be done.
        mend: String,
    },
    /// Something has to be mended.
    Failed {
        /// What does not work because of it.
        what: String,
        /// Why.
        why: String,
        /// How to mend it; empty where `why` says it already.
        mend: String,
    },
}

/// Everything that was looked at, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckList(Vec<Check>);

impl CheckList {
    /// Notes that all is well.
    pub fn sound(&mut self, name: impl Into<String>, found: impl Into<String>) {
        self.0.push(Check { name: name.into(), outcome: Outcome::Sound(found.into()) });
    }

    /// Notes something that works and is worth a thought.
    pub fn noted(
        &mut self,
        name: impl Into<String>,
        what: impl Into<String>,
        why: impl fmt::Display,
        mend: impl Into<String>,
    ) {
        let outcome = Outcome::Noted { what: what.into(), why: why.to_string(), mend: mend.into() };
        self.0.push(Check { name: name.into(), outcome });
    }

    /// Notes that something has to be mended. The errors of this program say in their text how.
    pub fn failed(&mut self, name: impl Into<String>, what: impl Into<String>, why: impl fmt::Display) {
        self.failed_with(name, what, why, "");
    }

    /// Notes that something has to be mended, and how.
    pub fn failed_with(
        &mut self,
        name: impl Into<String>,
        what: impl Into<String>,
        why: impl fmt::Display,
        mend: impl Into<String>,
    ) {
        let outcome = Outcome::Failed { what: what.into(), why: why.to_string(), mend: mend.into() };
        let name = name.into();
        // One fault with several consequences is told once, and mended once.
        match self.0.iter_mut().find(|check| check.outcome == outcome) {
            Some(told) if told.name.split(", ").any(|other| other == name) => {}
            Some(told) => told.name = format!("{}, {name}", told.name),
            None => self.0.push(Check { name, outcome }),
        }
    }

    /// Notes what came of something, and gives it on if it came out well.
    pub fn take<T, E: fmt::Display>(
        &mut self,
        name: impl Into<String>,
        what: &str,
        result: Result<T, E>,
        found: impl FnOnce(&T) -> String,
    ) -> Option<T> {
        match result {
            Ok(value) => {
                self.sound(name, found(&value));
                Some(value)
            }
            Err(error) => {
                self.failed(name, what, error);
                None
            }
        }
    }

    /// All of it.
    pub fn checks(&self) -> &[Check] {
        &self.0
    }

    /// Whether nothing has to be mended.
    pub fn all_sound(&self) -> bool {
        !self.0.iter().any(|check| matches!(check.outcome, Outcome::Failed { .. }))
    }
}

impl fmt::Display for CheckList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for check in &self.0 {
            let (mark, what, why, mend) = match &check.outcome {
                Outcome::Sound(found) => ("ok    ", found, "", ""),
                Outcome::Noted { what, why, mend } => ("note  ", what, why.as_str(), mend.as_str()),
                Outcome::Failed { what, why, mend } => ("FAILED", what, why.as_str(), mend.as_str()),
            };
            writeln!(f, "{mark}  {}: {what}", check.name)?;
            why.lines().chain(mend.lines()).try_for_each(|line| writeln!(f, "        {line}"))?;
        }
        Ok(())
    }
}

/// How much is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Sources are opened, and their columns found.
    Heads,
    /// Sources are read to the end, every value looked up, and editions compared with their digests.
    Everything,
}

/// Looks at configuration, codebook, agreement, files, sources and editions, and at the way to the coordinator.
pub fn check(configuration: Result<Configuration, ConfigurationError>, depth: Depth, now: Timestamp) -> CheckList {
    let mut list = CheckList::default();
    let found =
        |configuration: &Configuration| format!("{}, of {}", configuration.path().display(), configuration.supplier());
    let Some(configuration) = list.take("configuration", "the node cannot start", configuration, found) else {
        return list;
    };
    files::state(&configuration, &mut list);
    let codebook = configuration.read_codebook();
    let found = |codebook: &Codebook| format!("version {}, {}", codebook.version(), codebook.hash().short());
    if let Some(codebook) = list.take("codebook", "nothing can be read or asked", codebook, found) {
        files::agreement(&configuration, &codebook, now, &mut list);
        let bindings = configuration.bindings(&codebook);
        let found = |bindings: &Vec<_>| format!("{} bound", count(bindings.len(), "dataset"));
        let bindings = list.take("bindings", "nothing can be frozen", bindings, found);
        bindings.iter().flatten().for_each(|binding| files::source(binding, depth, &mut list));
        let store = EditionStore::new(configuration.state());
        bindings
            .iter()
            .flatten()
            .for_each(|binding| editions::check(&store, binding.dataset(), &codebook, depth, &mut list));
    }
    if configuration.coordinator().is_some() {
        connection::check(configuration, now, &mut list);
    } else {
        list.sound("connection", "none: without [coordinator] the node freezes and previews, but answers no query");
    }
    list
}

pub(crate) fn count(number: usize, thing: &str) -> String {
    if number == 1 { format!("1 {thing}") } else { format!("{number} {thing}s") }
}
