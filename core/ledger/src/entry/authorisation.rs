//! On whose word a query was asked: the requester's signature, and a second person's where the policy wants one.
//!
//! Bytes, each field after its 4-byte length (see [`crate::canonical`]), numbers 8 bytes big-endian:
//! `optelsom/1`, `entry/authorisation`, index of the query's entry, requester's signature (64 bytes), count of
//! approvals (0 or 1), and of each the approver's key id and signature (64 bytes).
//!
//! It stands beside the query's entry, not in it: λ is the leaf hash of what is signed, so the signatures on it cannot
//! be part of it.

use optelsom_codebook::QueryId;

use crate::canonical::{CanonicalError, Reader, Writer};
use crate::entry::Body;
use crate::entry::signing::{SigningError, read_signature};
use crate::identity::{IdentityKey, Signature};
use crate::query::{EntryError, SignedQuery};
use crate::roster::Roster;

/// How many persons a query needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApprovalRule {
    /// The requester alone.
    OnePerson,
    /// The requester and another requester of the roster.
    TwoPersons,
}

/// A second person's signature on the query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// Key id of the approver, one of the roster's requesters.
    pub approver: String,
    /// Over λ.
    pub signature: Signature,
}

fn approved_bytes(query: &QueryId, approver: &str) -> Vec<u8> {
    Writer::new("approver").bytes(query.as_bytes()).text(approver).finish()
}

impl Approval {
    /// Approves exactly the query with this λ.
    pub fn sign(key: &IdentityKey, approver: &str, query: &QueryId) -> Self {
        Self { approver: approver.to_owned(), signature: key.sign(&approved_bytes(query, approver)) }
    }
}

/// Checks what the policy wants of a second person.
///
/// # Errors
/// When the approval is missing, by the requester, by a stranger, or for another query.
pub fn verify_approval(
    signed: &SignedQuery,
    approval: Option<&Approval>,
    rule: ApprovalRule,
    roster: &Roster,
) -> Result<(), SigningError> {
    let Some(approval) = approval else {
        return match rule {
            ApprovalRule::OnePerson => Ok(()),
            ApprovalRule::TwoPersons => Err(SigningError::NotApproved),
        };
    };
    let approver = &approval.approver;
    if *approver == signed.entry.requester {
        return Err(SigningError::ApprovedByRequester(approver.clone()));
    }
    let person = roster.requester(approver).ok_or_else(|| SigningError::UnknownPerson(approver.clone()))?;
    person
        .identity
        .verify(&approved_bytes(&signed.entry.id(), approver), &approval.signature)
        .map_err(|_| SigningError::Person(approver.clone()))
}

/// Why a query was not asked on anybody's word.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum AuthorisationError {
    /// Roster, scope, requester or signature.
    #[error(transparent)]
    Query(#[from] EntryError),
    /// The second person.
    #[error(transparent)]
    Approval(#[from] SigningError),
}

/// The signatures on a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorisationEntry {
    /// Index of the query's entry.
    pub query: u64,
    /// The requester's, over λ.
    pub requester: Signature,
    /// The second person's.
    pub approval: Option<Approval>,
}

impl AuthorisationEntry {
    /// Checks that the query was asked by its requester, under this roster, and approved as the rule wants. Expiry is
    /// left aside: it bound the nodes then, not whoever reads the log now.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn verify(&self, signed: &SignedQuery, rule: ApprovalRule, roster: &Roster) -> Result<(), AuthorisationError> {
        let asked = signed.entry.asked_at;
        signed.verify(roster, asked)?;
        Ok(verify_approval(signed, self.approval.as_ref(), rule, roster)?)
    }
}

impl Body for AuthorisationEntry {
    const STATEMENT: &'static str = "entry/authorisation";

    fn write(&self, writer: Writer) -> Writer {
        let approvals: Vec<&Approval> = self.approval.iter().collect();
        writer
            .number(self.query)
            .bytes(self.requester.as_bytes())
            .list(&approvals, |w, approval| w.text(&approval.approver).bytes(approval.signature.as_bytes()))
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, CanonicalError> {
        let query = reader.number()?;
        let requester = read_signature(reader)?;
        let mut approvals = reader.list(1, |r| {
            let approver = r.text()?.to_owned();
            Ok(Approval { approver, signature: read_signature(r)? })
        })?;
        Ok(Self { query, requester, approval: approvals.pop() })
    }
}
