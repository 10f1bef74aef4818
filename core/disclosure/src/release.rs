//! The release: a protected table with all that its reader needs to know, as it is stored, sent and printed.

use std::collections::BTreeSet;

use optelsom_codebook::{Codebook, EditionId, Hash256, Label, Lang, Plan, QueryId, SupplierId, Timestamp, Unit};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::note::{Absence, Note};
use crate::policy::Policy;
use crate::table::ProtectedTable;

/// The version of the document.
pub const RELEASE_FORMAT: &str = "optelsom-release/1";

/// What is known of the round that opened the totals.
#[derive(Clone, Debug)]
pub struct RoundFacts {
    /// The query's name.
    pub query: QueryId,
    /// The edition that was counted.
    pub edition: EditionId,
    /// The purpose for which it was asked.
    pub purpose: String,
    /// When it was asked.
    pub asked_at: Timestamp,
    /// When the table was made.
    pub released_at: Timestamp,
    /// The suppliers asked.
    pub asked: BTreeSet<SupplierId>,
    /// The suppliers in the sum.
    pub taking_part: BTreeSet<SupplierId>,
    /// Why others were absent, as far as it is known; the rest gave no answer.
    pub absences: Vec<(SupplierId, Absence)>,
}

/// Why there is no release.
#[derive(Debug, Error)]
pub enum ReleaseError {
    /// A bug, or a document that somebody changed.
    #[error("supplier `{0}` took part without having been asked")]
    NotAsked(SupplierId),
    /// Not a release.
    #[error("not a release document: {0}")]
    Document(#[from] serde_json::Error),
    /// One of another version of the software.
    #[error("a release of format `{0}`, this software reads `{RELEASE_FORMAT}`; use the version that belongs to it")]
    Format(String),
}

/// The codebook that a query was read with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodebookReference {
    /// What it is called.
    pub name: Label,
    /// The version that its authors gave it.
    pub version: String,
    /// The digest of its content.
    pub hash: Hash256,
}

/// What a row of the dataset is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum UnitName {
    Report,
    Person,
}

/// A table with all that belongs to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Release {
    format: String,
    query: QueryId,
    question: String,
    document: serde_json::Value,
    dataset: String,
    dataset_label: Label,
    unit: UnitName,
    codebook: CodebookReference,
    edition: EditionId,
    purpose: String,
    #[serde(with = "moment")]
    asked_at: Timestamp,
    #[serde(with = "moment")]
    released_at: Timestamp,
    suppliers_asked: BTreeSet<SupplierId>,
    suppliers_taking_part: BTreeSet<SupplierId>,
    minimum_frequency: u64,
    disclosure_policy: Hash256,
    notes: Vec<Note>,
    table: ProtectedTable,
}

impl Release {
    /// Puts a release together, with the notes that its reader needs.
    ///
    /// # Errors
    /// When a supplier took part that was not asked.
    pub fn new(
        codebook: &Codebook,
        plan: &Plan,
        policy: &Policy,
        round: RoundFacts,
        table: ProtectedTable,
    ) -> Result<Self, ReleaseError> {
        if let Some(stranger) = round.taking_part.difference(&round.asked).next() {
            return Err(ReleaseError::NotAsked(stranger.clone()));
        }
        let query = plan.query();
        let dataset = query.dataset();
        let complete = round.taking_part == round.asked;
        let table = if complete { table } else { table.of_an_incomplete_total() };
        let mut notes = table.notes(plan);
        if policy.minimum_frequency() > dataset.minimum_frequency() {
            notes.push(Note::StricterMinimumFrequency {
                minimum_frequency: policy.minimum_frequency(),
                codebook: dataset.minimum_frequency(),
            });
        }
        if policy.has_further_rules_than(dataset) {
            notes.push(Note::StricterRules);
        }
        notes.extend(attendance_notes(&round));
        Ok(Self {
            format: RELEASE_FORMAT.to_owned(),
            query: round.query,
            question: query.to_sql(),
            document: serde_json::to_value(query)?,
            dataset: dataset.name().to_owned(),
            dataset_label: dataset.label().clone(),
            unit: match dataset.unit() {
                Unit::Report => UnitName::Report,
                Unit::Person => UnitName::Person,
            },
            codebook: CodebookReference {
                name: Label::new(codebook.name(Lang::Nl), codebook.name(Lang::En)),
                version: codebook.version().to_owned(),
                hash: codebook.hash(),
            },
            edition: round.edition,
            purpose: round.purpose,
            asked_at: round.asked_at,
            released_at: round.released_at,
            suppliers_asked: round.asked,
            suppliers_taking_part: round.taking_part,
            minimum_frequency: policy.minimum_frequency(),
            disclosure_policy: policy.hash(),
            notes,
            table,
        })
    }

    /// Reads the JSON document that [`Release::to_json`] writes.
    ///
    /// # Errors
    /// When it is not one, or one of another format.
    pub fn from_json(json: &[u8]) -> Result<Self, ReleaseError> {
        #[derive(Deserialize)]
        struct Format {
            format: String,
        }
        let Format { format } = serde_json::from_slice(json)?;
        if format != RELEASE_FORMAT {
            return Err(ReleaseError::Format(format.chars().take(60).flat_map(char::escape_debug).collect()));
        }
        let release: Self = serde_json::from_slice(json)?;
        match release.suppliers_taking_part.difference(&release.suppliers_asked).next() {
            Some(stranger) => Err(ReleaseError::NotAsked(stranger.clone())),
            None => Ok(release),
        }
    }

    /// The JSON document: UTF-8, one line.
    ///
    /// # Errors
    /// None that a release can cause; the writer's are passed on.
    pub fn to_json(&self) -> Result<Vec<u8>, ReleaseError> {
        Ok(serde_json::to_vec(self)?)
    }

    /// The query's name.
    pub fn query(&self) -> QueryId {
        self.query
    }

    /// The question in SQL.
    pub fn question(&self) -> &str {
        &self.question
    }

    /// The canonical query document.
    pub fn document(&self) -> &serde_json::Value {
        &self.document
    }

    /// The dataset's name.
    pub fn dataset(&self) -> &str {
        &self.dataset
    }

    /// What the dataset is about.
    pub fn dataset_label(&self) -> &Label {
        &self.dataset_label
    }

    /// What a row of the dataset is.
    pub fn unit(&self) -> Unit {
        match self.unit {
            UnitName::Report => Unit::Report,
            UnitName::Person => Unit::Person,
        }
    }

    /// The codebook that the query was read with.
    pub fn codebook(&self) -> &CodebookReference {
        &self.codebook
    }

    /// The edition that was counted.
    pub fn edition(&self) -> &EditionId {
        &self.edition
    }

    /// The purpose for which it was asked.
    pub fn purpose(&self) -> &str {
        &self.purpose
    }

    /// When it was asked.
    pub fn asked_at(&self) -> Timestamp {
        self.asked_at
    }

    /// When the table was made.
    pub fn released_at(&self) -> Timestamp {
        self.released_at
    }

    /// The suppliers asked.
    pub fn suppliers_asked(&self) -> &BTreeSet<SupplierId> {
        &self.suppliers_asked
    }

    /// The suppliers in the sum, all of them asked.
    pub fn suppliers_taking_part(&self) -> &BTreeSet<SupplierId> {
        &self.suppliers_taking_part
    }

    /// k: cells with 0 < count < k are hidden.
    pub fn minimum_frequency(&self) -> u64 {
        self.minimum_frequency
    }

    /// The hash of the policy by which the table is protected.
    pub fn disclosure_policy(&self) -> Hash256 {
        self.disclosure_policy
    }

    /// Whether its figures have noise in them, in place of hidden cells.
    pub fn is_noised(&self) -> bool {
        self.table.figures().iter().any(|figure| figure.noise.is_some())
    }

    /// What the reader has to know beside the figures.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// The table.
    pub fn table(&self) -> &ProtectedTable {
        &self.table
    }
}

/// Moments in a release are RFC 3339, for people and for other software.
mod moment {
    use optelsom_codebook::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(moment: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(moment)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Who was missing, and why.
fn attendance_notes(round: &RoundFacts) -> Vec<Note> {
    let absent: Vec<&SupplierId> = round.asked.difference(&round.taking_part).collect();
    if absent.is_empty() {
        return Vec::new();
    }
    let incomplete = Note::IncompleteTotal { asked: round.asked.len(), taking_part: round.taking_part.len() };
    let each = absent.into_iter().map(|supplier| {
        let known = round.absences.iter().find(|(absent, _)| absent == supplier);
        let reason = known.map_or(Absence::NoAnswer, |(_, reason)| reason.clone());
        Note::SupplierAbsent { supplier: supplier.clone(), reason }
    });
    std::iter::once(incomplete).chain(each).collect()
}

#[cfg(test)]
mod tests;
