//! What one goes by before one believes the log: `trust.toml`, the same file at the coordinator, at every node and with
//! whoever checks. Each operator accepts it by putting it in place; nothing that arrives later can change it.
//!
//! ```toml
//! log = "optelsom.example/bureau+29a3a3b2+AQ…"
//! approvals = "one-person"
//! faulty = 1
//! witnesses = ["optelsom.example/police+5b1e9ac7+BA…"]
//! ```

use optelsom_codebook::SupplierId;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::entry::ApprovalRule;
use crate::identity::PublicIdentity;
use crate::note::{Committee, CommitteeError, Cosigner, KeyError, KeyName, LogVerifier};

/// The log, its witnesses, and how many persons a query needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trust {
    log: LogVerifier,
    committee: Committee,
    approvals: ApprovalRule,
}

/// Why a trust document is refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum TrustError {
    /// Not the document that is wanted.
    #[error("trust: {0}")]
    Document(#[from] Box<toml::de::Error>),
    /// A key that cannot be read.
    #[error("trust: {0}")]
    Key(#[from] KeyError),
    /// A committee that could not hold the log to account.
    #[error("trust: {0}")]
    Committee(#[from] CommitteeError),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    log: String,
    #[serde(default)]
    approvals: Persons,
    faulty: usize,
    witnesses: Vec<String>,
}

#[derive(Clone, Copy, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Persons {
    #[default]
    OnePerson,
    TwoPersons,
}

impl Trust {
    /// Puts a trust document together.
    pub fn new(log: LogVerifier, committee: Committee, approvals: ApprovalRule) -> Self {
        Self { log, committee, approvals }
    }

    /// Reads `trust.toml` for a federation in which c suppliers may collude.
    ///
    /// # Errors
    /// When a key cannot be read, or the committee breaks a rule of [`Committee::new`].
    pub fn parse(text: &str, collusion: usize) -> Result<Self, TrustError> {
        let document: Document = toml::from_str(text).map_err(Box::new)?;
        let witnesses = document.witnesses.iter().map(|key| key.parse::<Cosigner>()).collect::<Result<_, _>>()?;
        let approvals = match document.approvals {
            Persons::OnePerson => ApprovalRule::OnePerson,
            Persons::TwoPersons => ApprovalRule::TwoPersons,
        };
        Ok(Self {
            log: document.log.parse()?,
            committee: Committee::new(witnesses, document.faulty, collusion)?,
            approvals,
        })
    }

    /// The document as `trust.toml`.
    pub fn to_toml(&self) -> String {
        let document = Document {
            log: self.log.to_string(),
            approvals: match self.approvals {
                ApprovalRule::OnePerson => Persons::OnePerson,
                ApprovalRule::TwoPersons => Persons::TwoPersons,
            },
            faulty: self.committee.faulty(),
            witnesses: self.committee.cosigners().iter().map(ToString::to_string).collect(),
        };
        toml::to_string(&document).unwrap_or_default()
    }

    /// The log's origin and key.
    pub fn log(&self) -> &LogVerifier {
        &self.log
    }

    /// The key that the coordinator signs entries with: the log's own.
    pub fn operator(&self) -> &PublicIdentity {
        self.log.identity()
    }

    /// The witnesses, and how many of them may lie.
    pub fn committee(&self) -> &Committee {
        &self.committee
    }

    /// The name of a supplier's witness key: the log's name, `/`, and the supplier's.
    ///
    /// # Errors
    /// When the two together are too long for a key's name.
    pub fn witness_name(&self, supplier: &SupplierId) -> Result<KeyName, KeyError> {
        KeyName::try_from(format!("{}/{supplier}", self.log.name()).as_str())
    }

    /// The key of this supplier's witness, if it is one of the committee.
    pub fn witness_of(&self, supplier: &SupplierId) -> Option<&Cosigner> {
        let name = self.witness_name(supplier).ok()?;
        self.committee.cosigners().iter().find(|cosigner| *cosigner.name() == name)
    }

    /// How many persons a query needs.
    pub fn approvals(&self) -> ApprovalRule {
        self.approvals
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::identity::IdentityKey;

    fn name(text: &str) -> KeyName {
        KeyName::try_from(text).unwrap()
    }

    fn trust(approvals: ApprovalRule) -> Trust {
        let identity = |seed: u8| IdentityKey::from_seed(&[seed; 32]).public();
        let witness = |seed: u8| Cosigner::new(name(&format!("example/s{seed}")), identity(seed));
        let committee = Committee::new((1..=4).map(witness).collect(), 1, 1).unwrap();
        Trust::new(LogVerifier::new(name("example/log"), identity(9)), committee, approvals)
    }

    #[test]
    fn reads_what_it_writes() {
        for approvals in [ApprovalRule::OnePerson, ApprovalRule::TwoPersons] {
            let trust = trust(approvals);
            assert_eq!(Trust::parse(&trust.to_toml(), 1), Ok(trust));
        }
    }

    #[test]
    fn what_is_refused() {
        let trust = trust(ApprovalRule::OnePerson);
        let text = trust.to_toml();
        assert!(matches!(Trust::parse(&text, 2), Err(TrustError::Committee(CommitteeError::TooTrusting { .. }))));
        let of_a_witness = trust.committee().cosigners()[0].to_string();
        let no_log = text.replace(&trust.log().to_string(), &of_a_witness);
        assert!(matches!(Trust::parse(&no_log, 1), Err(TrustError::Key(_))));
        assert!(matches!(Trust::parse(&format!("{text}\nmore = 1"), 1), Err(TrustError::Document(_))));
        assert!(matches!(Trust::parse("", 1), Err(TrustError::Document(_))));
    }
}
