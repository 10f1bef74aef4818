//! What the coordinator says can be asked, checked as far as one side can.

use optelsom_codebook::{Codebook, Dataset, EditionId, Timestamp};
use optelsom_disclosure::Policy;
use optelsom_ledger::Roster;
use optelsom_proto::v1;
use optelsom_proto::wire::Announced;

use crate::failure::Failure;

/// Codebook, roster, editions and policies in force.
#[derive(Clone, Debug)]
pub struct Catalogue {
    /// What can be asked.
    pub codebook: Codebook,
    /// Who may answer and ask.
    pub roster: Roster,
    /// The coordinator's clock when it answered.
    pub clock: Timestamp,
    /// The longest time that a query may wait, in milliseconds.
    pub longest_deadline_ms: u64,
    /// The most cells times columns of a query.
    pub most_words: u64,
    editions: Vec<Announced>,
    policies: Vec<Policy>,
}

impl Catalogue {
    /// The edition announced last for this dataset.
    pub fn latest_edition(&self, dataset: &str) -> Option<&EditionId> {
        let announced = self.editions.iter().rfind(|announced| announced.dataset == dataset);
        announced.map(|announced| &announced.edition)
    }

    /// The editions of this dataset, latest last.
    pub fn editions_of<'a>(&'a self, dataset: &'a str) -> impl Iterator<Item = &'a EditionId> {
        self.editions.iter().filter(move |announced| announced.dataset == dataset).map(|announced| &announced.edition)
    }

    /// The policy for a dataset by codebook and operator, never weaker than the codebook's; agreements may make it stricter.
    ///
    /// # Errors
    /// When the coordinator names none, or a weaker one.
    pub fn policy(&self, dataset: &Dataset) -> Result<&Policy, Failure> {
        let name = dataset.name();
        let named = self.policies.iter().find(|policy| policy.dataset() == name);
        let policy = named.ok_or_else(|| Failure::Answer(format!("it has no disclosure policy for `{name}`")))?;
        if policy.with_codebook(dataset)? != *policy {
            return Err(Failure::Answer(format!("its disclosure policy for `{name}` is weaker than the codebook's")));
        }
        Ok(policy)
    }
}

impl TryFrom<v1::CatalogueReply> for Catalogue {
    type Error = Failure;

    fn try_from(wire: v1::CatalogueReply) -> Result<Self, Failure> {
        let mut editions = wire.editions.into_iter().map(Announced::try_from).collect::<Result<Vec<_>, _>>()?;
        editions.sort_by_key(|announced| announced.at);
        Ok(Self {
            codebook: Codebook::parse(&wire.codebook)?,
            roster: Roster::parse(&wire.roster)?,
            clock: Timestamp::from_millis(wire.clock),
            longest_deadline_ms: wire.longest_deadline_ms,
            most_words: wire.most_words,
            editions,
            policies: wire.policies.iter().map(policy).collect::<Result<_, _>>()?,
        })
    }
}

/// A policy that is about the dataset which it is sent for.
fn policy(wire: &v1::DatasetPolicy) -> Result<Policy, Failure> {
    let policy = Policy::from_canonical(&wire.policy)?;
    if policy.dataset() == wire.dataset {
        Ok(policy)
    } else {
        Err(Failure::Answer("a disclosure policy is about another dataset than it says".to_owned()))
    }
}
