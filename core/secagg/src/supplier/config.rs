//! What a node's operator has decided.

use std::collections::BTreeSet;
use std::sync::Arc;

use optelsom_codebook::SupplierId;
use optelsom_ledger::{IdentityKey, Roster};

use crate::rules::Rules;

/// What a node's operator has decided, the same for all queries.
#[derive(Clone, Debug)]
pub struct SupplierConfig {
    /// This supplier.
    pub supplier: SupplierId,
    /// Its identity, the one that the roster pins.
    pub identity: IdentityKey,
    /// The roster in force.
    pub roster: Arc<Roster>,
    /// The members whom the operator accepts as real.
    pub accepted_peers: BTreeSet<SupplierId>,
    /// How many of the accepted ones the operator allows to be colluders; a roster with a lower c is refused.
    pub collusion_floor: usize,
    /// All of them.
    pub rules: Rules,
}

impl SupplierConfig {
    /// The usual decisions: all members are accepted as real, and the roster's c is the floor.
    pub fn new(supplier: SupplierId, identity: IdentityKey, roster: Arc<Roster>) -> Self {
        let accepted_peers = roster.members().iter().map(|member| member.supplier.clone()).collect();
        let collusion_floor = roster.collusion();
        Self { supplier, identity, roster, accepted_peers, collusion_floor, rules: Rules::all() }
    }

    pub(crate) fn accepts(&self, member: &SupplierId) -> bool {
        *member == self.supplier || self.accepted_peers.contains(member)
    }
}
