//! Who may answer, who may ask, and how many of them may collude.

use optelsom_codebook::{Hash256, MAX_TEXT_BYTES, SupplierId};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::canonical::Writer;
use crate::identity::PublicIdentity;

/// A supplier of the roster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// Its name.
    pub supplier: SupplierId,
    /// The key that its node signs with.
    pub identity: PublicIdentity,
}

/// A person or system that may ask.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requester {
    /// A key id such as `analyst-3`; never a person's name, since it stands in the log.
    pub key_id: String,
    /// The key that the questions are signed with.
    pub identity: PublicIdentity,
}

/// Members, requesters and the bound on collusion, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roster {
    members: Vec<Member>,
    requesters: Vec<Requester>,
    collusion: usize,
    hash: Hash256,
}

/// Why a roster is refused.
#[derive(Debug, Error)]
pub enum RosterError {
    /// Not the document that is wanted.
    #[error("roster: {0}")]
    Document(#[from] Box<toml::de::Error>),
    /// A name or key stands twice.
    #[error("roster: {what} `{name}` stands twice; each member and requester has a name and a key of its own")]
    Twice {
        /// `supplier`, `requester` or `identity`.
        what: &'static str,
        /// Which.
        name: String,
    },
    /// A key id that is no slug.
    #[error("roster: key id `{0}` is not 1 to 40 of a-z, 0-9 and `-`")]
    KeyId(String),
    /// Fewer members than a sum can hide among.
    #[error("roster: {members} members are too few for {collusion} colluders; at least {wanted} are needed")]
    TooFew {
        /// How many there are.
        members: usize,
        /// The bound on collusion.
        collusion: usize,
        /// c + 3.
        wanted: usize,
    },
    /// Longer than what travels beside the log.
    #[error(
        "roster: {0} bytes, and no document beside the log may have more than 4,194,304; leave out who no longer asks"
    )]
    TooLong(usize),
    /// More members than a scope may name.
    #[error("roster: {0} members are more than the 4,096 that are supported")]
    TooMany(usize),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(skip_serializing_if = "Option::is_none")]
    collusion: Option<usize>,
    #[serde(default)]
    members: Vec<Member>,
    #[serde(default)]
    requesters: Vec<Requester>,
}

impl Roster {
    /// Puts a roster together; the bound on collusion is ⌊(N−1)/3⌋ where none is given.
    ///
    /// # Errors
    /// When a name or key stands twice, or there are fewer than c+3 members.
    pub fn new(
        mut members: Vec<Member>,
        mut requesters: Vec<Requester>,
        collusion: Option<usize>,
    ) -> Result<Self, RosterError> {
        members.sort_by(|a, b| a.supplier.cmp(&b.supplier));
        requesters.sort_by(|a, b| a.key_id.cmp(&b.key_id));
        let collusion = collusion.unwrap_or(members.len().saturating_sub(1) / 3);
        let wanted = collusion.saturating_add(3);
        if members.len() < wanted {
            return Err(RosterError::TooFew { members: members.len(), collusion, wanted });
        }
        if members.len() > 4096 {
            return Err(RosterError::TooMany(members.len()));
        }
        refuse_doubles(&members, &requesters)?;
        let hash = Writer::new("roster")
            .number(collusion as u64)
            .list(&members, |w, m| w.text(m.supplier.as_str()).bytes(m.identity.as_bytes()))
            .list(&requesters, |w, r| w.text(&r.key_id).bytes(r.identity.as_bytes()))
            .digest();
        Ok(Self { members, requesters, collusion, hash })
    }

    /// Reads `roster.toml`: `collusion`, `[[members]]` with `supplier` and `identity`, `[[requesters]]` with `key_id`
    /// and `identity`.
    ///
    /// # Errors
    /// As [`Roster::new`], and for a document of another form.
    pub fn parse(text: &str) -> Result<Self, RosterError> {
        let document: Document = toml::from_str(text).map_err(Box::new)?;
        let roster = Self::new(document.members, document.requesters, document.collusion)?;
        let bytes = roster.to_toml().len();
        if bytes > MAX_TEXT_BYTES { Err(RosterError::TooLong(bytes)) } else { Ok(roster) }
    }

    /// The roster as `roster.toml`.
    pub fn to_toml(&self) -> String {
        let document = Document {
            collusion: Some(self.collusion),
            members: self.members.clone(),
            requesters: self.requesters.clone(),
        };
        toml::to_string(&document).unwrap_or_default()
    }

    /// All members, by name.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// All requesters, by key id.
    pub fn requesters(&self) -> &[Requester] {
        &self.requesters
    }

    /// The member of this name.
    pub fn member(&self, supplier: &SupplierId) -> Option<&Member> {
        self.members.binary_search_by(|m| m.supplier.cmp(supplier)).ok().map(|i| &self.members[i])
    }

    /// The requester of this key id.
    pub fn requester(&self, key_id: &str) -> Option<&Requester> {
        self.requesters.iter().find(|r| r.key_id == key_id)
    }

    /// c: how many members at the most collude with the coordinator.
    pub fn collusion(&self) -> usize {
        self.collusion
    }

    /// What every signature binds.
    pub fn hash(&self) -> Hash256 {
        self.hash
    }

    /// The members that a query is about; enough of them.
    ///
    /// # Errors
    /// When one is not on the roster or stands twice, or there are fewer than c+3.
    pub fn scope(&self, suppliers: &[SupplierId]) -> Result<Scope, ScopeError> {
        let scope = self.select(suppliers)?;
        scope.check_size()?;
        Ok(scope)
    }

    /// The members of these names, however few.
    ///
    /// # Errors
    /// When one is not on the roster or stands twice.
    pub fn select(&self, suppliers: &[SupplierId]) -> Result<Scope, ScopeError> {
        let mut members = Vec::with_capacity(suppliers.len().min(self.members.len()));
        for supplier in suppliers {
            members.push(self.member(supplier).ok_or_else(|| ScopeError::Unknown(supplier.clone()))?.clone());
        }
        members.sort_by(|a, b| a.supplier.cmp(&b.supplier));
        if let Some(pair) = members.windows(2).find(|pair| pair[0].supplier == pair[1].supplier) {
            return Err(ScopeError::Twice(pair[0].supplier.clone()));
        }
        Ok(Scope { members, collusion: self.collusion, roster: self.hash })
    }
}

fn refuse_doubles(members: &[Member], requesters: &[Requester]) -> Result<(), RosterError> {
    if let Some(pair) = members.windows(2).find(|pair| pair[0].supplier == pair[1].supplier) {
        return Err(RosterError::Twice { what: "supplier", name: pair[0].supplier.to_string() });
    }
    if let Some(pair) = requesters.windows(2).find(|pair| pair[0].key_id == pair[1].key_id) {
        return Err(RosterError::Twice { what: "requester", name: pair[0].key_id.clone() });
    }
    let slug = |id: &str| {
        (1..=40).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    if let Some(requester) = requesters.iter().find(|r| !slug(&r.key_id)) {
        return Err(RosterError::KeyId(requester.key_id.clone()));
    }
    let mut keys: Vec<_> = members.iter().map(|m| m.identity).chain(requesters.iter().map(|r| r.identity)).collect();
    keys.sort_unstable();
    match keys.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(RosterError::Twice { what: "identity", name: pair[0].to_string() }),
        None => Ok(()),
    }
}

/// The members that one query is about, and the numbers that follow from how many they are and who may collude.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    members: Vec<Member>,
    collusion: usize,
    roster: Hash256,
}

/// Why a scope is refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ScopeError {
    /// Not on the roster.
    #[error("supplier `{0}` is not on the roster")]
    Unknown(SupplierId),
    /// Named twice.
    #[error("supplier `{0}` is named twice")]
    Twice(SupplierId),
    /// Too few for a sum to hide one of them.
    #[error("{members} suppliers are too few for a secure sum; at least {wanted} are needed")]
    TooFew {
        /// How many there are.
        members: usize,
        /// c + 3.
        wanted: usize,
    },
}

impl Scope {
    /// Checks that there are at least c+3 members, fewer than which no sum can hide one of.
    ///
    /// # Errors
    /// [`ScopeError::TooFew`] where there are not.
    pub fn check_size(&self) -> Result<(), ScopeError> {
        let (members, wanted) = (self.members.len(), self.collusion.saturating_add(3));
        if members < wanted { Err(ScopeError::TooFew { members, wanted }) } else { Ok(()) }
    }

    /// The members, by name.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// The member of this name.
    pub fn member(&self, supplier: &SupplierId) -> Option<&Member> {
        self.members.binary_search_by(|m| m.supplier.cmp(supplier)).ok().and_then(|place| self.members.get(place))
    }

    /// c: how many of them at the most collude with the coordinator.
    pub fn collusion(&self) -> usize {
        self.collusion
    }

    /// q = ⌊(n+c)/2⌋ + 1 votes, so that any two quorums share more than c suppliers.
    pub fn quorum(&self) -> usize {
        (self.members.len() + self.collusion) / 2 + 1
    }

    /// t = max(2, c+1) shares bring back a self-mask.
    pub fn recovery_threshold(&self) -> usize {
        (self.collusion + 1).max(2)
    }

    /// How few may take part when the query does not say: max(c+3, 2c+1), the latter so that c silent ones cannot
    /// block the opening.
    pub fn default_participants(&self) -> usize {
        (self.collusion + 3).max(2 * self.collusion + 1)
    }

    /// How few may ever take part: max(3, c+2).
    pub fn least_participants(&self) -> usize {
        (self.collusion + 2).max(3)
    }

    /// The hash of the roster that this scope was taken from.
    pub fn roster(&self) -> Hash256 {
        self.roster
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::identity::IdentityKey;

    fn name(index: usize) -> SupplierId {
        SupplierId::try_from(format!("s{index}").as_str()).unwrap()
    }

    fn member(index: u8) -> Member {
        Member { supplier: name(index.into()), identity: IdentityKey::from_seed(&[index + 1; 32]).public() }
    }

    fn requester(key_id: &str, seed: u8) -> Requester {
        Requester { key_id: key_id.to_owned(), identity: IdentityKey::from_seed(&[seed; 32]).public() }
    }

    fn roster(n: u8) -> Roster {
        Roster::new((0..n).map(member).collect(), vec![requester("analyst-1", 100)], None).unwrap()
    }

    #[test]
    fn reads_what_it_writes() {
        let roster = roster(5);
        assert_eq!(Roster::parse(&roster.to_toml()).unwrap(), roster);
        assert_eq!(roster.member(&name(3)).unwrap().supplier, name(3));
        assert!(roster.member(&name(9)).is_none());
    }

    #[test]
    fn the_hash_covers_everything() {
        let members: Vec<_> = (0..5).map(member).collect();
        let make = |members: Vec<_>, requesters, c| Roster::new(members, requesters, c).unwrap().hash();
        let base = make(members.clone(), vec![requester("a", 100)], Some(1));
        let mut reversed = members.clone();
        reversed.reverse();
        assert_eq!(make(reversed, vec![requester("a", 100)], Some(1)), base);
        let mut renamed = members.clone();
        renamed[2].identity = IdentityKey::from_seed(&[99; 32]).public();
        let others = [
            make(renamed, vec![requester("a", 100)], Some(1)),
            make(members.clone(), vec![requester("a", 100)], Some(2)),
            make(members.clone(), vec![requester("b", 100)], Some(1)),
            make(members.clone(), vec![requester("a", 101)], Some(1)),
            make(members, vec![], Some(1)),
        ];
        assert!(!others.contains(&base));
    }

    #[test]
    fn what_is_refused() {
        let members = |n: u8| (0..n).map(member).collect::<Vec<_>>();
        let refused = |members, requesters, c| Roster::new(members, requesters, c).unwrap_err();
        assert!(matches!(refused(members(2), vec![], None), RosterError::TooFew { wanted: 3, .. }));
        assert!(matches!(refused(members(4), vec![], Some(2)), RosterError::TooFew { wanted: 5, .. }));
        assert!(matches!(refused(members(4), vec![], Some(usize::MAX)), RosterError::TooFew { .. }));
        let mut twice = members(4);
        twice.push(member(1));
        assert!(matches!(refused(twice, vec![], Some(1)), RosterError::Twice { what: "supplier", .. }));
        let same_key = vec![requester("a", 2)];
        assert!(matches!(refused(members(4), same_key, None), RosterError::Twice { what: "identity", .. }));
        let same_id = vec![requester("a", 100), requester("a", 101)];
        assert!(matches!(refused(members(4), same_id, None), RosterError::Twice { what: "requester", .. }));
        assert!(matches!(refused(members(4), vec![requester("A person", 100)], None), RosterError::KeyId(_)));
        assert!(matches!(Roster::parse("surprise = 1"), Err(RosterError::Document(_))));
    }

    #[test]
    fn the_numbers_of_a_scope() {
        // n, c, quorum, threshold, least, default: two quorums share more than c.
        for (n, c, quorum, threshold, least, default) in
            [(3, 0, 2, 2, 3, 3), (4, 1, 3, 2, 3, 4), (6, 1, 4, 2, 3, 4), (7, 2, 5, 3, 4, 5), (16, 5, 11, 6, 7, 11)]
        {
            let scope = roster(n).scope(&(0..usize::from(n)).map(name).collect::<Vec<_>>()).unwrap();
            assert_eq!(scope.collusion(), c);
            assert_eq!((scope.quorum(), scope.recovery_threshold()), (quorum, threshold));
            assert_eq!((scope.least_participants(), scope.default_participants()), (least, default));
            assert!(2 * scope.quorum() - usize::from(n) > c);
        }
    }

    #[test]
    fn scopes_that_are_refused() {
        let roster = roster(6);
        let names = |indices: &[usize]| indices.iter().map(|i| name(*i)).collect::<Vec<_>>();
        assert_eq!(roster.scope(&names(&[0, 1, 2, 9])), Err(ScopeError::Unknown(name(9))));
        assert_eq!(roster.scope(&names(&[0, 1, 2, 1])), Err(ScopeError::Twice(name(1))));
        assert_eq!(roster.scope(&names(&[0, 1, 2])), Err(ScopeError::TooFew { members: 3, wanted: 4 }));
        assert_eq!(roster.scope(&names(&[3, 1, 2, 0])).unwrap().member(&name(2)).unwrap().supplier, name(2));
    }
}
