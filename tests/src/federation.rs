//! Suppliers with keys and tables, and the question that they are asked; the oracle that adds up in the clear.

use std::collections::BTreeMap;
use std::sync::Arc;

use optelsom_codebook::{EditionId, Hash256, QueryId, SupplierId, Timestamp};
use optelsom_ledger::{IdentityKey, Member, QueryEntry, Requester, Roster, SignedQuery};

use crate::dice::Dice;
use crate::questions::{CODEBOOK, Question};

/// When a run begins: 2025-01-01T00:00Z, in milliseconds since 1970.
pub const START: u64 = 1_735_689_600_000;

/// How long a question lives, in milliseconds.
pub const LIFETIME: u64 = 4 * 3_600_000;

/// How large a federation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Suppliers on the roster, all of them in scope.
    pub suppliers: usize,
    /// c, as the roster says.
    pub collusion: usize,
    /// The fewest in a sum, or the default of the scope.
    pub min_suppliers: Option<usize>,
    /// Columns of a table.
    pub columns: usize,
    /// Cells of a column.
    pub cells: usize,
}

/// A roster with all secret keys, one table per supplier and a requester.
#[derive(Clone, Debug)]
pub struct Federation {
    /// How large it is.
    pub size: Size,
    /// Members and requester.
    pub roster: Arc<Roster>,
    /// The suppliers' signing keys.
    pub keys: BTreeMap<SupplierId, IdentityKey>,
    /// What each counted: columns of cells.
    pub tables: BTreeMap<SupplierId, Vec<Vec<i64>>>,
    /// The greatest absolute value that a cell may have.
    pub bound: u64,
    requester: IdentityKey,
}

/// The edition that questions are about.
pub fn edition() -> EditionId {
    edition_of(12)
}

/// The edition of this month of 2024.
pub fn edition_of(month: u8) -> EditionId {
    let Ok(edition) = EditionId::try_from(format!("2024-{month:02}").as_str()) else { unreachable!("a valid name") };
    edition
}

/// The checkpoint that every card names.
pub fn checkpoint() -> Hash256 {
    Hash256::of(b"checkpoint")
}

/// The name of the supplier with this number.
pub fn supplier(number: usize) -> SupplierId {
    let Ok(supplier) = SupplierId::try_from(format!("supplier-{number:03}")) else { unreachable!("a valid name") };
    supplier
}

impl Federation {
    /// Draws keys and tables.
    ///
    /// # Panics
    /// When there are too few suppliers for the collusion, which is the test's mistake.
    pub fn new(dice: &mut Dice, size: Size) -> Self {
        let requester = IdentityKey::from_seed(&dice.bytes());
        let names: Vec<_> = (1..=size.suppliers).map(supplier).collect();
        let keys: BTreeMap<_, _> =
            names.iter().map(|name| (name.clone(), IdentityKey::from_seed(&dice.bytes()))).collect();
        let members = keys.iter().map(|(name, key)| Member { supplier: name.clone(), identity: key.public() });
        let requesters = vec![Requester { key_id: "analyst-1".to_owned(), identity: requester.public() }];
        let roster = match Roster::new(members.collect(), requesters, Some(size.collusion)) {
            Ok(roster) => Arc::new(roster),
            #[expect(clippy::panic, reason = "the test asked for a federation that cannot be")]
            Err(error) => panic!("{error}"),
        };
        let bound = 1 << 40;
        let tables = names.iter().map(|name| (name.clone(), draw_table(dice, size, bound))).collect();
        Self { size, roster, keys, tables, bound, requester }
    }

    /// The names of all suppliers, sorted.
    pub fn names(&self) -> Vec<SupplierId> {
        self.keys.keys().cloned().collect()
    }

    /// A question to these suppliers, signed; `number` tells it from others.
    pub fn ask(&self, number: u8, scope: &[SupplierId]) -> SignedQuery {
        self.ask_at_least(number, scope, self.size.min_suppliers.unwrap_or_else(|| self.default_participants(scope)))
    }

    /// A question to these suppliers with at least so many of them in the sum. Odd numbers ask for another dataset than
    /// even ones, so that two such questions have nothing to do with each other.
    pub fn ask_at_least(&self, number: u8, scope: &[SupplierId], min_suppliers: usize) -> SignedQuery {
        let question = if number.is_multiple_of(2) { Question::VictimsOf2024 } else { Question::Suspects };
        self.put(question, edition(), number, scope, min_suppliers)
    }

    /// This question about this edition, signed.
    pub fn put(
        &self,
        question: Question,
        edition: EditionId,
        number: u8,
        scope: &[SupplierId],
        min_suppliers: usize,
    ) -> SignedQuery {
        let entry = QueryEntry {
            query: question.hash(),
            dataset: question.dataset().to_owned(),
            edition,
            purpose: "monitor".to_owned(),
            requester: "analyst-1".to_owned(),
            codebook: CODEBOOK.hash(),
            roster: self.roster.hash(),
            disclosure_policy: Hash256::of(b"policy"),
            scope: scope.to_vec(),
            collusion: self.roster.collusion() as u64,
            min_suppliers: min_suppliers as u64,
            asked_at: Timestamp::from_millis(START),
            expires_at: Timestamp::from_millis(START + LIFETIME),
            nonce: [number; 16],
        };
        entry.sign(&self.requester)
    }

    /// The roster under another bound on collusion, without those who have left.
    ///
    /// # Panics
    /// When there are too few suppliers for it, which is the test's mistake.
    pub fn roster_without(&self, left: &[SupplierId], collusion: usize) -> Roster {
        let members = self.roster.members().iter().filter(|member| !left.contains(&member.supplier)).cloned();
        match Roster::new(members.collect(), self.roster.requesters().to_vec(), Some(collusion)) {
            Ok(roster) => roster,
            #[expect(clippy::panic, reason = "the test asked for a federation that cannot be")]
            Err(error) => panic!("{error}"),
        }
    }

    fn default_participants(&self, scope: &[SupplierId]) -> usize {
        self.roster.scope(scope).map_or(scope.len(), |scope| scope.default_participants())
    }

    /// The oracle: the true total over these suppliers, without wrapping. None where 64 bits do not hold it.
    pub fn total<'a>(&self, suppliers: impl IntoIterator<Item = &'a SupplierId>) -> Option<Vec<Vec<i64>>> {
        let mut total = vec![vec![0_i128; self.size.cells]; self.size.columns];
        for table in suppliers.into_iter().filter_map(|supplier| self.tables.get(supplier)) {
            for (sum, value) in total.iter_mut().flatten().zip(table.iter().flatten()) {
                *sum += i128::from(*value);
            }
        }
        let fits = |column: Vec<i128>| column.into_iter().map(|sum| i64::try_from(sum).ok()).collect();
        total.into_iter().map(fits).collect()
    }
}

/// λ of a question.
pub fn id_of(query: &SignedQuery) -> QueryId {
    query.entry.id()
}

/// Mostly small counts and zeros, as real tables are, with a few cells at the bounds.
fn draw_table(dice: &mut Dice, size: Size, bound: u64) -> Vec<Vec<i64>> {
    let bound = i64::try_from(bound).unwrap_or(i64::MAX);
    let mut cell = || match dice.below(20) {
        0..8 => 0,
        8..17 => i64::try_from(dice.below(500)).unwrap_or(0),
        17 => bound,
        18 => -bound,
        _ => i64::try_from(dice.below(1 << 30)).unwrap_or(0) - (1 << 29),
    };
    (0..size.columns).map(|_| (0..size.cells).map(|_| cell()).collect()).collect()
}
