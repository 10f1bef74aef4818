//! What a node says of itself, and what it is told of editions.

use std::ops::RangeInclusive;

use optelsom_codebook::{EditionId, Hash256, QueryId, SupplierId, Timestamp};
use optelsom_ledger::canonical::Writer;
use optelsom_ledger::{IdentityError, IdentityKey, PublicIdentity, Signature};

use super::WireError;
use super::fields::{edition, hash, list, name, query_id, signature, text, there};
use crate::limits::{AGREEMENT_BYTES, HOLDINGS, TEXT_BYTES, UNFINISHED};
use crate::v1;

/// An agreement as its supplier has signed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedAgreement {
    /// `agreement.toml` as it stands.
    pub document: String,
    /// Over supplier and digest of the document.
    pub signature: Signature,
}

fn agreement_bytes(supplier: &SupplierId, document: &str) -> Vec<u8> {
    Writer::new("agreement").text(supplier.as_str()).bytes(Hash256::of(document.as_bytes()).as_bytes()).finish()
}

impl SignedAgreement {
    /// Signs an agreement as its supplier.
    pub fn sign(document: String, supplier: &SupplierId, key: &IdentityKey) -> Self {
        let signature = key.sign(&agreement_bytes(supplier, &document));
        Self { document, signature }
    }

    /// Checks the signature.
    ///
    /// # Errors
    /// When it is not this supplier's on this document.
    pub fn verify(&self, supplier: &SupplierId, identity: &PublicIdentity) -> Result<(), IdentityError> {
        identity.verify(&agreement_bytes(supplier, &self.document), &self.signature)
    }
}

/// What a node can answer about one dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    /// Name of the dataset.
    pub dataset: String,
    /// Variables that are bound.
    pub variables: Vec<String>,
    /// Measures that are bound.
    pub measures: Vec<String>,
    /// First and last year held.
    pub years: RangeInclusive<u32>,
    /// Editions that are frozen.
    pub editions: Vec<EditionId>,
}

/// What a node can answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holdings(pub Vec<Holding>);

impl Holdings {
    /// What it holds of this dataset.
    pub fn of(&self, dataset: &str) -> Option<&Holding> {
        self.0.iter().find(|holding| holding.dataset == dataset)
    }
}

/// The first message of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// Name and version of its software.
    pub software: String,
    /// Its clock.
    pub clock: Timestamp,
    /// Hash of its roster.
    pub roster: Hash256,
    /// Hash of its codebook.
    pub codebook: Hash256,
    /// Its agreement.
    pub agreement: SignedAgreement,
    /// What it can answer.
    pub holdings: Holdings,
    /// Queries that have not ended for it.
    pub unfinished: Vec<QueryId>,
}

/// An edition that the coordinator has announced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announced {
    /// Of which dataset.
    pub dataset: String,
    /// Its name.
    pub edition: EditionId,
    /// When it was announced.
    pub at: Timestamp,
}

impl TryFrom<v1::Holding> for Holding {
    type Error = WireError;

    fn try_from(wire: v1::Holding) -> Result<Self, WireError> {
        Ok(Self {
            dataset: name("holding.dataset", &wire.dataset)?,
            variables: list("holding.variables", wire.variables, HOLDINGS, |v| name("holding.variables", &v))?,
            measures: list("holding.measures", wire.measures, HOLDINGS, |m| name("holding.measures", &m))?,
            years: wire.first_year..=wire.last_year,
            editions: list("holding.editions", wire.editions, HOLDINGS, |e| edition("holding.editions", &e))?,
        })
    }
}

impl From<Holding> for v1::Holding {
    fn from(holding: Holding) -> Self {
        Self {
            dataset: holding.dataset,
            variables: holding.variables,
            measures: holding.measures,
            first_year: *holding.years.start(),
            last_year: *holding.years.end(),
            editions: holding.editions.iter().map(ToString::to_string).collect(),
        }
    }
}

impl TryFrom<v1::Holdings> for Holdings {
    type Error = WireError;

    fn try_from(wire: v1::Holdings) -> Result<Self, WireError> {
        list("holdings.datasets", wire.datasets, HOLDINGS, Holding::try_from).map(Self)
    }
}

impl From<Holdings> for v1::Holdings {
    fn from(holdings: Holdings) -> Self {
        Self { datasets: holdings.0.into_iter().map(Into::into).collect() }
    }
}

impl TryFrom<v1::Hello> for Hello {
    type Error = WireError;

    fn try_from(wire: v1::Hello) -> Result<Self, WireError> {
        Ok(Self {
            software: text("hello.software", wire.software, TEXT_BYTES)?,
            clock: Timestamp::from_millis(wire.clock),
            roster: hash("hello.roster", &wire.roster)?,
            codebook: hash("hello.codebook", &wire.codebook)?,
            agreement: SignedAgreement {
                document: text("hello.agreement", wire.agreement, AGREEMENT_BYTES)?,
                signature: signature("hello.agreement_signature", &wire.agreement_signature)?,
            },
            holdings: there("hello.holdings", wire.holdings)?.try_into()?,
            unfinished: list("hello.unfinished", wire.unfinished, UNFINISHED, |id| query_id("hello.unfinished", &id))?,
        })
    }
}

impl From<Hello> for v1::Hello {
    fn from(hello: Hello) -> Self {
        Self {
            software: hello.software,
            clock: hello.clock.as_millis(),
            roster: hello.roster.as_bytes().to_vec(),
            codebook: hello.codebook.as_bytes().to_vec(),
            agreement: hello.agreement.document,
            agreement_signature: hello.agreement.signature.as_bytes().to_vec(),
            holdings: Some(hello.holdings.into()),
            unfinished: hello.unfinished.iter().map(|id| id.as_bytes().to_vec()).collect(),
        }
    }
}

impl TryFrom<v1::Edition> for Announced {
    type Error = WireError;

    fn try_from(wire: v1::Edition) -> Result<Self, WireError> {
        Ok(Self {
            dataset: name("edition.dataset", &wire.dataset)?,
            edition: edition("edition.edition", &wire.edition)?,
            at: Timestamp::from_millis(wire.announced_at),
        })
    }
}

impl From<Announced> for v1::Edition {
    fn from(announced: Announced) -> Self {
        Self {
            dataset: announced.dataset,
            edition: announced.edition.to_string(),
            announced_at: announced.at.as_millis(),
        }
    }
}
