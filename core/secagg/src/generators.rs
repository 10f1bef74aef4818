//! The generators that commitments are made with.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use curve25519_dalek::RistrettoPoint;
use sha2::{Digest, Sha512};

/// G_0, G_1, …: nobody knows a relation between them and H. A table that grows when more are wanted and is shared by
/// cloning; each takes about ten microseconds to make, and they are the same everywhere and for ever.
#[derive(Clone, Default)]
pub struct Generators(Arc<Mutex<Arc<Vec<RistrettoPoint>>>>);

impl Generators {
    /// A table that has the first `count` already.
    pub fn with_capacity(count: usize) -> Self {
        let generators = Self::default();
        generators.first(count);
        generators
    }

    /// The first `count` generators, or more.
    pub fn first(&self, count: usize) -> Arc<Vec<RistrettoPoint>> {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if table.len() < count {
            Arc::make_mut(&mut table).extend_to(count);
        }
        Arc::clone(&table)
    }
}

trait ExtendTo {
    fn extend_to(&mut self, count: usize);
}

impl ExtendTo for Vec<RistrettoPoint> {
    fn extend_to(&mut self, count: usize) {
        self.extend((self.len()..count).map(|index| hash_to_group("generator", index as u64)));
    }
}

impl fmt::Debug for Generators {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Generators({} made)", self.first(0).len())
    }
}

/// H, the generator that blindings are multiplied with.
pub fn blinding_generator() -> RistrettoPoint {
    hash_to_group("blinding generator", 0)
}

/// Hashes a labelled index to the group: SHA-512, then the one-way map of RFC 9496, section 4.3.4.
fn hash_to_group(label: &str, index: u64) -> RistrettoPoint {
    let bytes = optelsom_ledger::canonical::Writer::new(label).number(index).finish();
    RistrettoPoint::from_uniform_bytes(&Sha512::digest(bytes).into())
}
