//! What a supplier says once per query: ready, or refused.

use optelsom_codebook::{EditionId, Hash256, QueryId, RefusalReason, SupplierId};
use optelsom_ledger::canonical::Writer;
use optelsom_ledger::{IdentityKey, Scope, Signature};

use crate::fault::FaultKind;

/// Signs that a supplier's table for this query is counted, from this edition.
pub fn sign_ready(
    key: &IdentityKey,
    query: &QueryId,
    roster: &Hash256,
    supplier: &SupplierId,
    edition: &EditionId,
) -> Signature {
    key.sign(&ready_bytes(query, roster, supplier, edition))
}

/// Signs that a supplier does not give its data for this query, and why.
pub fn sign_refused(
    key: &IdentityKey,
    query: &QueryId,
    roster: &Hash256,
    supplier: &SupplierId,
    reason: RefusalReason,
) -> Signature {
    key.sign(&refused_bytes(query, roster, supplier, reason))
}

/// Checks what [`sign_ready`] signed.
///
/// # Errors
/// When the supplier is not in the scope or the signature does not fit.
pub fn verify_ready(
    signature: &Signature,
    query: &QueryId,
    scope: &Scope,
    supplier: &SupplierId,
    edition: &EditionId,
) -> Result<(), FaultKind> {
    verify(signature, scope, supplier, "ready", &ready_bytes(query, &scope.roster(), supplier, edition))
}

/// Checks what [`sign_refused`] signed.
///
/// # Errors
/// When the supplier is not in the scope or the signature does not fit.
pub fn verify_refused(
    signature: &Signature,
    query: &QueryId,
    scope: &Scope,
    supplier: &SupplierId,
    reason: RefusalReason,
) -> Result<(), FaultKind> {
    verify(signature, scope, supplier, "refused", &refused_bytes(query, &scope.roster(), supplier, reason))
}

fn verify(
    signature: &Signature,
    scope: &Scope,
    supplier: &SupplierId,
    statement: &'static str,
    bytes: &[u8],
) -> Result<(), FaultKind> {
    let member = scope.member(supplier).ok_or_else(|| FaultKind::NotInScope(supplier.clone()))?;
    let fits = member.identity.verify(bytes, signature);
    fits.map_err(|_| FaultKind::Signature { statement, of: supplier.clone() })
}

fn ready_bytes(query: &QueryId, roster: &Hash256, supplier: &SupplierId, edition: &EditionId) -> Vec<u8> {
    about(query, roster, supplier, "ready").text(edition.as_str()).finish()
}

fn refused_bytes(query: &QueryId, roster: &Hash256, supplier: &SupplierId, reason: RefusalReason) -> Vec<u8> {
    about(query, roster, supplier, "refused").text(reason.code()).finish()
}

fn about(query: &QueryId, roster: &Hash256, supplier: &SupplierId, statement: &str) -> Writer {
    Writer::new(statement).bytes(query.as_bytes()).bytes(roster.as_bytes()).text(supplier.as_str())
}
