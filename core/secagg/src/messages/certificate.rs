//! What is certified, made final, or declared void.

use std::sync::Arc;

use optelsom_codebook::{Hash256, QueryId, SupplierId};
use optelsom_ledger::canonical::Writer;
use optelsom_ledger::entry::signing::attempt_statement;
use optelsom_ledger::{IdentityKey, Scope, Signature};

use crate::fault::FaultKind;
use crate::messages::Participants;
use crate::round::{Attempt, Round, Verifier};
use crate::rules::Rule;

/// What a certificate is about: the submissions of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// P.
    pub participants: Participants,
    /// The digest of each participant's submission, by name.
    pub digests: Vec<(SupplierId, Hash256)>,
}

impl Statement {
    /// SHA-256 of the participants' names and of [`Statement::submissions`]: what is prepared and made final.
    pub fn digest(&self, round: &Round) -> Hash256 {
        attempt_statement(self.participants.suppliers(), &self.submissions(round))
    }

    /// SHA-256 of round, P and digests: what the log has beside the names.
    pub fn submissions(&self, round: &Round) -> Hash256 {
        round
            .statement("submissions")
            .bytes(self.participants.hash().as_bytes())
            .list(&self.digests, |w, (supplier, digest)| w.text(supplier.as_str()).bytes(digest.as_bytes()))
            .digest()
    }

    /// Signs "prepared": this supplier holds what it needs to open the attempt, durably.
    pub fn sign_prepared(&self, key: &IdentityKey, round: &Round, supplier: SupplierId) -> Prepared {
        Prepared { supplier, signature: key.sign(&about(round, "prepared", &self.digest(round))) }
    }

    /// Checks that the digests are those of all participants and of nobody else.
    pub(crate) fn complete(&self) -> bool {
        self.digests.iter().map(|(supplier, _)| supplier).eq(self.participants.suppliers())
    }
}

fn about(round: &Round, name: &str, digest: &Hash256) -> Vec<u8> {
    round.statement(name).bytes(digest.as_bytes()).finish()
}

/// One participant's signature under a statement as prepared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// Who signs.
    pub supplier: SupplierId,
    /// Over round, P and digests.
    pub signature: Signature,
}

impl Prepared {
    /// Checks the signature, under the statement of this digest.
    ///
    /// # Errors
    /// When the supplier is not in the scope or the signature does not fit.
    pub fn verify(&self, verifier: &Verifier<'_>, statement: &Hash256) -> Result<(), FaultKind> {
        let bytes = about(verifier.round(), "prepared", statement);
        verifier.signature(&self.supplier, "prepared", &bytes, &self.signature)
    }
}

/// The proof that all participants of an attempt are prepared. Not believed before it is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// α.
    pub attempt: Attempt,
    /// P.
    pub participants: Participants,
    /// The digest of each participant's submission, by name.
    pub digests: Vec<(SupplierId, Hash256)>,
    /// One signature of each participant, by name.
    pub signatures: Vec<Prepared>,
}

impl Certificate {
    /// What is certified.
    pub fn statement(&self) -> Statement {
        Statement { participants: self.participants.clone(), digests: self.digests.clone() }
    }

    /// Checks that all participants, and nobody else, signed it (rule [`Rule::CertificateOfAll`]), that they are
    /// members of the scope.
    ///
    /// # Errors
    /// When one of that is not so.
    pub fn verify(&self, verifier: &Verifier<'_>) -> Result<(), FaultKind> {
        let statement = self.statement();
        if !statement.complete() {
            return Err(FaultKind::CertificateIncomplete);
        }
        let all = self.signatures.iter().map(|prepared| &prepared.supplier).eq(self.participants.suppliers());
        if !all && verifier.rules().has(Rule::CertificateOfAll) {
            return Err(FaultKind::CertificateIncomplete);
        }
        if let Some(stranger) = self.participants.suppliers().find(|s| verifier.scope().member(s).is_none()) {
            return Err(FaultKind::NotInScope(stranger.clone()));
        }
        let digest = statement.digest(verifier.round());
        self.signatures.iter().try_for_each(|prepared| prepared.verify(verifier, &digest))
    }

    /// SHA-256 of the certificate with its signatures, as the log names it.
    pub fn digest(&self, round: &Round) -> Hash256 {
        round
            .statement("certificate")
            .bytes(self.statement().digest(round).as_bytes())
            .list(&self.signatures, |w, p| w.text(p.supplier.as_str()).bytes(p.signature.as_bytes()))
            .digest()
    }
}

/// One voter's signature under a statement as final.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinalVote {
    /// Who signs.
    pub supplier: SupplierId,
    /// Over round, P and digests.
    pub signature: Signature,
}

impl FinalVote {
    /// Signs "final", this attempt and no other, for the statement of this digest.
    pub fn sign(key: &IdentityKey, round: &Round, statement: &Hash256, supplier: SupplierId) -> Self {
        Self { supplier, signature: key.sign(&about(round, "final", statement)) }
    }

    /// Checks the signature, under the statement of this digest.
    ///
    /// # Errors
    /// When the supplier is not in the scope or the signature does not fit.
    pub fn verify(&self, verifier: &Verifier<'_>, statement: &Hash256) -> Result<(), FaultKind> {
        let bytes = about(verifier.round(), "final", statement);
        verifier.signature(&self.supplier, "final", &bytes, &self.signature)
    }
}

/// The proof that a quorum of the scope has made an attempt final. Not believed before it is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinalCertificate {
    /// The certificate that was voted on.
    pub certificate: Arc<Certificate>,
    /// The votes, of different voters, by name.
    pub votes: Vec<FinalVote>,
}

impl FinalCertificate {
    /// Checks the certificate, and that a quorum of the scope has voted for it (rule [`Rule::Quorum`]).
    ///
    /// # Errors
    /// When one of that is not so.
    pub fn verify(&self, verifier: &Verifier<'_>) -> Result<(), FaultKind> {
        self.certificate.verify(verifier)?;
        let statement = self.certificate.statement().digest(verifier.round());
        if !self.votes.windows(2).all(|pair| matches!(pair, [a, b] if a.supplier < b.supplier)) {
            return Err(FaultKind::NotOneEach { what: "vote" });
        }
        self.votes.iter().try_for_each(|vote| vote.verify(verifier, &statement))?;
        let (votes, quorum) = (self.votes.len(), verifier.scope().quorum());
        if votes < quorum && verifier.rules().has(Rule::Quorum) {
            return Err(FaultKind::NoQuorum { votes, quorum });
        }
        Ok(())
    }
}

/// One voter's signature under a query as void.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VoidVote {
    /// Who signs.
    pub supplier: SupplierId,
    /// Over query and roster.
    pub signature: Signature,
}

impl VoidVote {
    /// Signs "void": this voter has signed no final statement for the query, and never will.
    pub fn sign(key: &IdentityKey, query: &QueryId, roster: &Hash256, supplier: SupplierId) -> Self {
        Self { supplier, signature: key.sign(&void_bytes(query, roster)) }
    }

    /// Checks the signature.
    ///
    /// # Errors
    /// When the supplier is not in the scope or the signature does not fit.
    pub fn verify(&self, query: &QueryId, scope: &Scope) -> Result<(), FaultKind> {
        let member = scope.member(&self.supplier).ok_or_else(|| FaultKind::NotInScope(self.supplier.clone()))?;
        member
            .identity
            .verify(&void_bytes(query, &scope.roster()), &self.signature)
            .map_err(|_| FaultKind::Signature { statement: "void", of: self.supplier.clone() })
    }
}

fn void_bytes(query: &QueryId, roster: &Hash256) -> Vec<u8> {
    Writer::new("void").bytes(query.as_bytes()).bytes(roster.as_bytes()).finish()
}

/// The proof that a quorum of the scope has declared a query void.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VoidCertificate {
    /// λ.
    pub query: QueryId,
    /// The votes, of different voters, by name.
    pub votes: Vec<VoidVote>,
}
