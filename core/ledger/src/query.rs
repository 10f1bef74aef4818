//! The canonical entry of a query, and the requester's signature on it.

use optelsom_codebook::{EditionId, Hash256, QueryId, SupplierId, Timestamp};
use thiserror::Error;

use crate::canonical::{CanonicalError, Reader, Writer};
use crate::identity::{IdentityKey, Signature};
use crate::roster::{Roster, Scope, ScopeError};
use crate::tree::leaf_hash;

/// What the log says of a query: everything that a node needs to know what it is asked and on what ground, and no
/// free text of a person. The documents themselves stand beside it by their hashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryEntry {
    /// SHA-256 of the canonical query document.
    pub query: Hash256,
    /// The dataset that it is about.
    pub dataset: String,
    /// The edition of the dataset, always named.
    pub edition: EditionId,
    /// The purpose, one of those that agreements name.
    pub purpose: String,
    /// Key id of the requester.
    pub requester: String,
    /// The codebook that the query was read with.
    pub codebook: Hash256,
    /// The roster that scope and collusion are taken from.
    pub roster: Hash256,
    /// The policy by which the total will be protected.
    pub disclosure_policy: Hash256,
    /// The suppliers asked, sorted.
    pub scope: Vec<SupplierId>,
    /// c.
    pub collusion: u64,
    /// The fewest suppliers in the sum.
    pub min_suppliers: u64,
    /// When it was asked.
    pub asked_at: Timestamp,
    /// From when on nobody begins a round for it any more.
    pub expires_at: Timestamp,
    /// Tells the same question, asked twice, apart.
    pub nonce: [u8; 16],
}

/// Why an entry is refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum EntryError {
    /// Not the canonical bytes of a query entry.
    #[error("the query's entry is malformed: {0}")]
    Malformed(#[from] CanonicalError),
    /// Longer than a leaf of the log may be.
    #[error("the query's entry has {0} bytes; the log takes 65,535 at most")]
    TooLong(usize),
    /// The scope is not sorted, or another field is not in its canonical form.
    #[error("the query's entry is not in canonical form: {0}")]
    NotCanonical(&'static str),
    /// Another roster than this node's.
    #[error("the query is for roster {theirs}, here roster {ours} is in force; both sides need the same roster.toml")]
    Roster {
        /// Named by the query.
        theirs: Hash256,
        /// In force here.
        ours: Hash256,
    },
    /// Another bound on collusion than the roster's.
    #[error("the query says that {theirs} may collude, the roster says {ours}")]
    Collusion {
        /// Named by the query.
        theirs: u64,
        /// In force here.
        ours: u64,
    },
    /// The scope breaks a rule.
    #[error("the query's scope is refused: {0}")]
    Scope(#[from] ScopeError),
    /// Fewer than may take part, or more than are asked.
    #[error("the query asks for at least {asked} suppliers in the sum; between {least} and {most} are possible")]
    MinSuppliers {
        /// What the query says.
        asked: u64,
        /// max(3, c+2).
        least: usize,
        /// n.
        most: usize,
    },
    /// Not on the roster.
    #[error("`{0}` is not a requester of the roster")]
    UnknownRequester(String),
    /// Not signed by that requester.
    #[error("the signature of requester `{0}` does not fit the query")]
    Signature(String),
    /// Too late.
    #[error("the query expired at {0}")]
    Expired(Timestamp),
    /// From the future: one of the clocks is off.
    #[error("the query was asked at {0}, which lies in the future here; one of the clocks is off")]
    NotYet(Timestamp),
}

const STATEMENT: &str = "query";

/// How far ahead of this clock a query may have been asked: five minutes, in milliseconds.
pub const CLOCK_TOLERANCE_MS: u64 = 5 * 60 * 1000;

impl QueryEntry {
    /// The canonical bytes, as they stand in the log.
    pub fn to_bytes(&self) -> Vec<u8> {
        Writer::new(STATEMENT)
            .bytes(self.query.as_bytes())
            .text(&self.dataset)
            .text(self.edition.as_str())
            .text(&self.purpose)
            .text(&self.requester)
            .bytes(self.codebook.as_bytes())
            .bytes(self.roster.as_bytes())
            .bytes(self.disclosure_policy.as_bytes())
            .list(&self.scope, |writer, supplier| writer.text(supplier.as_str()))
            .number(self.collusion)
            .number(self.min_suppliers)
            .number(self.asked_at.as_millis())
            .number(self.expires_at.as_millis())
            .bytes(&self.nonce)
            .finish()
    }

    /// Reads canonical bytes.
    ///
    /// # Errors
    /// When they are malformed, too long, or not what [`QueryEntry::to_bytes`] would write.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, EntryError> {
        if bytes.len() > 65_535 {
            return Err(EntryError::TooLong(bytes.len()));
        }
        let mut reader = Reader::new(bytes, STATEMENT)?;
        let entry = Self {
            query: Hash256::from_bytes(reader.array()?),
            dataset: reader.text()?.to_owned(),
            edition: EditionId::try_from(reader.text()?).map_err(|_| reader.wrong("the name of an edition"))?,
            purpose: reader.text()?.to_owned(),
            requester: reader.text()?.to_owned(),
            codebook: Hash256::from_bytes(reader.array()?),
            roster: Hash256::from_bytes(reader.array()?),
            disclosure_policy: Hash256::from_bytes(reader.array()?),
            scope: reader.list(4096, |r| {
                let name = r.text()?;
                SupplierId::try_from(name).map_err(|_| r.wrong("the name of a supplier"))
            })?,
            collusion: reader.number()?,
            min_suppliers: reader.number()?,
            asked_at: Timestamp::from_millis(reader.number()?),
            expires_at: Timestamp::from_millis(reader.number()?),
            nonce: reader.array()?,
        };
        reader.finish()?;
        if !entry.scope.windows(2).all(|pair| pair[0] < pair[1]) {
            return Err(EntryError::NotCanonical("the scope is not sorted, or names a supplier twice"));
        }
        Ok(entry)
    }

    /// λ: the leaf hash of the entry.
    pub fn id(&self) -> QueryId {
        leaf_hash(&self.to_bytes())
    }

    /// h: so many of the participants are honest, whoever they are, as long as no more than c collude. Of noise, the shares
    /// of so many have to be enough.
    pub fn honest_participants(&self) -> u64 {
        self.min_suppliers.saturating_sub(self.collusion)
    }

    /// Checks that roster and bound on collusion are those in force here.
    ///
    /// # Errors
    /// When they are not.
    pub fn check_roster(&self, roster: &Roster) -> Result<(), EntryError> {
        if self.roster != roster.hash() {
            return Err(EntryError::Roster { theirs: self.roster, ours: roster.hash() });
        }
        if self.collusion != roster.collusion() as u64 {
            return Err(EntryError::Collusion { theirs: self.collusion, ours: roster.collusion() as u64 });
        }
        Ok(())
    }

    /// Checks that the fewest suppliers asked for are as many as the setting wants, and no more than are asked.
    ///
    /// # Errors
    /// When they are not.
    pub fn check_min_suppliers(&self, scope: &Scope) -> Result<(), EntryError> {
        let (least, most) = (scope.least_participants(), scope.members().len());
        if self.min_suppliers < least as u64 || self.min_suppliers > most as u64 {
            return Err(EntryError::MinSuppliers { asked: self.min_suppliers, least, most });
        }
        Ok(())
    }

    /// Checks that the query is neither over nor from the future.
    ///
    /// # Errors
    /// When it is, by this clock.
    pub fn check_time(&self, now: Timestamp) -> Result<(), EntryError> {
        if now >= self.expires_at {
            return Err(EntryError::Expired(self.expires_at));
        }
        if self.asked_at > now.plus_millis(CLOCK_TOLERANCE_MS) {
            return Err(EntryError::NotYet(self.asked_at));
        }
        Ok(())
    }

    /// Signs the entry as its requester.
    pub fn sign(self, key: &IdentityKey) -> SignedQuery {
        let signature = key.sign(&signed_bytes(&self.id()));
        SignedQuery { entry: self, signature }
    }
}

fn signed_bytes(id: &QueryId) -> Vec<u8> {
    Writer::new("requester").bytes(id.as_bytes()).finish()
}

/// An entry with its requester's signature, neither of them believed yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedQuery {
    /// The entry.
    pub entry: QueryEntry,
    /// Over λ, by the requester.
    pub signature: Signature,
}

impl SignedQuery {
    /// Checks the entry against the roster in force and this clock: roster, collusion, scope, requester, signature,
    /// expiry, in this order.
    ///
    /// # Errors
    /// The first of these that fails.
    pub fn verify(&self, roster: &Roster, now: Timestamp) -> Result<Scope, EntryError> {
        self.entry.check_roster(roster)?;
        let scope = roster.scope(&self.entry.scope)?;
        self.entry.check_min_suppliers(&scope)?;
        self.check_signature(roster)?;
        self.entry.check_time(now)?;
        Ok(scope)
    }

    /// Checks that a requester of the roster signed the entry.
    ///
    /// # Errors
    /// When it names no requester of the roster, or the signature does not fit.
    pub fn check_signature(&self, roster: &Roster) -> Result<(), EntryError> {
        let name = &self.entry.requester;
        let requester = roster.requester(name).ok_or_else(|| EntryError::UnknownRequester(name.clone()))?;
        let signed = signed_bytes(&self.entry.id());
        requester.identity.verify(&signed, &self.signature).map_err(|_| EntryError::Signature(name.clone()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;
    use crate::roster::{Member, Requester};

    fn key(seed: u8) -> IdentityKey {
        IdentityKey::from_seed(&[seed; 32])
    }

    fn supplier(index: u8) -> SupplierId {
        SupplierId::try_from(format!("s{index}").as_str()).unwrap()
    }

    fn roster() -> Roster {
        let members = (0..5).map(|i| Member { supplier: supplier(i), identity: key(i + 1).public() }).collect();
        let requester = Requester { key_id: "analyst".to_owned(), identity: key(100).public() };
        Roster::new(members, vec![requester], None).unwrap()
    }

    fn entry() -> QueryEntry {
        let roster = roster();
        QueryEntry {
            query: Hash256::from_bytes([1; 32]),
            dataset: "victims".to_owned(),
            edition: EditionId::try_from("2024-12").unwrap(),
            purpose: "monitor".to_owned(),
            requester: "analyst".to_owned(),
            codebook: Hash256::from_bytes([2; 32]),
            roster: roster.hash(),
            disclosure_policy: Hash256::from_bytes([3; 32]),
            scope: (0..5).map(supplier).collect(),
            collusion: 1,
            min_suppliers: 4,
            asked_at: Timestamp::from_millis(1_000_000),
            expires_at: Timestamp::from_millis(2_000_000),
            nonce: [4; 16],
        }
    }

    fn verify(entry: QueryEntry) -> Result<Scope, EntryError> {
        entry.sign(&key(100)).verify(&roster(), Timestamp::from_millis(1_500_000))
    }

    #[test]
    fn each_check_alone() {
        assert!(verify(entry()).is_ok());
        let other = Hash256::from_bytes([0; 32]);
        let refused = |change: fn(&mut QueryEntry)| {
            let mut changed = entry();
            change(&mut changed);
            verify(changed).unwrap_err()
        };
        let ours = roster().hash();
        assert_eq!(refused(|e| e.roster = Hash256::from_bytes([0; 32])), EntryError::Roster { theirs: other, ours });
        assert_eq!(refused(|e| e.collusion = 0), EntryError::Collusion { theirs: 0, ours: 1 });
        let unknown = EntryError::Scope(ScopeError::Unknown(supplier(9)));
        assert_eq!(refused(|e| e.scope[4] = supplier(9)), unknown);
        let few = EntryError::Scope(ScopeError::TooFew { members: 3, wanted: 4 });
        assert_eq!(refused(|e| e.scope.truncate(3)), few);
        for asked in [0, 2, 6, u64::MAX] {
            let mut changed = entry();
            changed.min_suppliers = asked;
            assert_eq!(verify(changed), Err(EntryError::MinSuppliers { asked, least: 3, most: 5 }));
        }
        assert_eq!(refused(|e| e.requester = "x".to_owned()), EntryError::UnknownRequester("x".to_owned()));
        let end = Timestamp::from_millis(1_500_000);
        assert_eq!(refused(|e| e.expires_at = Timestamp::from_millis(1_500_000)), EntryError::Expired(end));
        let ahead = Timestamp::from_millis(1_500_001 + CLOCK_TOLERANCE_MS);
        let late = refused(|e| e.asked_at = Timestamp::from_millis(1_500_001 + CLOCK_TOLERANCE_MS));
        assert_eq!(late, EntryError::NotYet(ahead));
    }

    #[test]
    fn a_signature_is_for_one_entry_by_one_requester() {
        let now = Timestamp::from_millis(1_500_000);
        let stranger = entry().sign(&key(99));
        assert_eq!(stranger.verify(&roster(), now), Err(EntryError::Signature("analyst".to_owned())));
        let mut moved = entry().sign(&key(100));
        moved.entry.nonce = [5; 16];
        assert_eq!(moved.verify(&roster(), now), Err(EntryError::Signature("analyst".to_owned())));
    }

    #[test]
    fn bytes_that_are_no_entry() {
        let good = entry().to_bytes();
        assert_eq!(QueryEntry::from_bytes(&good), Ok(entry()));
        for end in 0..good.len() {
            assert!(matches!(QueryEntry::from_bytes(&good[..end]), Err(EntryError::Malformed(_))));
        }
        let long = vec![0; 65_536];
        assert_eq!(QueryEntry::from_bytes(&long), Err(EntryError::TooLong(65_536)));
        let mut unsorted = entry();
        unsorted.scope.swap(0, 1);
        assert!(matches!(QueryEntry::from_bytes(&unsorted.to_bytes()), Err(EntryError::NotCanonical(_))));
        let mut twice = entry();
        twice.scope[1] = supplier(0);
        assert!(matches!(QueryEntry::from_bytes(&twice.to_bytes()), Err(EntryError::NotCanonical(_))));
    }

    prop_compose! {
        fn any_entry()(
            hashes: [[u8; 32]; 4],
            texts in prop::array::uniform3(".{0,20}"),
            scope in prop::collection::btree_set(0_u8..200, 0..9),
            numbers: [u64; 4],
            nonce: [u8; 16],
        ) -> QueryEntry {
            let [query, codebook, roster, disclosure_policy] = hashes.map(Hash256::from_bytes);
            let [dataset, purpose, requester] = texts;
            let [collusion, min_suppliers, asked_at, expires_at] = numbers;
            let mut scope: Vec<_> = scope.into_iter().map(supplier).collect();
            scope.sort();
            let edition = EditionId::try_from("2024-12").unwrap();
            let (asked_at, expires_at) = (Timestamp::from_millis(asked_at), Timestamp::from_millis(expires_at));
            QueryEntry {
                query, dataset, edition, purpose, requester, codebook, roster, disclosure_policy, scope, collusion,
                min_suppliers, asked_at, expires_at, nonce,
            }
        }
    }

    proptest! {
        #[test]
        fn entries_come_back(entry in any_entry()) {
            prop_assert_eq!(QueryEntry::from_bytes(&entry.to_bytes()), Ok(entry));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), at: usize, to: u8) {
            let _ = QueryEntry::from_bytes(&bytes);
            // Nor do those of an entry with one byte changed; and what is still read is what was written.
            let mut changed = entry().to_bytes();
            let at = at % changed.len();
            changed[at] = to;
            if let Ok(read) = QueryEntry::from_bytes(&changed) {
                prop_assert_eq!(read.to_bytes(), changed);
            }
        }
    }
}
