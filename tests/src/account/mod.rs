//! What an adversary has learnt, symbolically: which masks it knows and which masked tables it holds. After every step
//! linear algebra answers whether it could compute a sum over a part of the honest suppliers.
//!
//! Each sum that a column of a masked table tells is a row `x + self-mask ± pairwise masks`. Known masks drop out; what
//! then follows about the tables alone may be nothing but the total of all honest participants of one attempt for each
//! query, and no combination of those totals, over all queries, may be about one honest supplier that has not waived.
//! Queries are related by the figures that they sum: a breakdown by sex and one by year have the same grand total.

pub mod field;
pub mod span;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use optelsom_codebook::{Hash256, QueryId, SupplierId};

use field::Residue;
use span::{Combination, Span};

use crate::questions::Figure;

/// Which part of which stream of a key: each masked column has a stream for its cells and one for its blinding scalar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stream {
    /// Masks this sum, counted from 0, over cells of this column.
    Table(usize, usize),
    /// Masks the blinding scalar of this column.
    Blinding(usize),
}

/// A quantity whose value the adversary may or may not be able to compute. Masks sort before what they hide.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unknown {
    /// A stream of a key that two suppliers share.
    PairMask(Hash256, Stream),
    /// A stream of a self-mask, named by its commitment.
    SelfMask(Hash256, Stream),
    /// A figure in a column of a supplier's table: the same in all attempts at all queries that show it.
    Table(Figure, SupplierId, usize),
    /// The blinding scalar of a column in one submission; with it the commitment gives the column away by guessing.
    Blinding(Hash256, SupplierId, usize),
}

/// A key that one submission was masked with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedKey {
    /// With whom its owner shares it, as its owner believes.
    pub peer: SupplierId,
    /// What the key was derived from: equal names, equal keys.
    pub name: Hash256,
    /// Whether the adversary knows it.
    pub known: bool,
}

/// A masked table that an honest supplier sent.
#[derive(Clone, Debug)]
pub struct Submission {
    /// λ.
    pub query: QueryId,
    /// Who sent it.
    pub supplier: SupplierId,
    /// The commitment to its self-mask, which names it.
    pub self_mask: Hash256,
    /// What its participant list hashes to.
    pub participants: Hash256,
    /// The sums that each of its columns tells.
    pub sums: Vec<Vec<Figure>>,
    /// The honest suppliers on that list.
    pub honest: BTreeSet<SupplierId>,
    /// The keys with all others on that list.
    pub keys: Vec<SharedKey>,
    /// How many shares bring its self-mask back.
    pub threshold: usize,
}

/// A sum that the adversary can compute and must not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation(String);

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The adversary's knowledge in one run.
#[derive(Clone, Debug)]
pub struct Account {
    columns: usize,
    separate_streams: bool,
    span: Span<Unknown>,
    submissions: BTreeMap<Hash256, Submission>,
    shares: BTreeMap<Hash256, BTreeSet<SupplierId>>,
    opened: BTreeSet<Hash256>,
    waived: BTreeSet<SupplierId>,
}

impl Account {
    /// An adversary that knows nothing yet. `separate_streams` is false where the rule that each column has a stream
    /// of its own was taken away.
    pub fn new(columns: usize, separate_streams: bool) -> Self {
        Self {
            columns,
            separate_streams,
            span: Span::default(),
            submissions: BTreeMap::new(),
            shares: BTreeMap::new(),
            opened: BTreeSet::new(),
            waived: BTreeSet::new(),
        }
    }

    /// This supplier's own figure may become known.
    pub fn waive(&mut self, supplier: SupplierId) {
        self.waived.insert(supplier);
    }

    fn streams(&self, submission: &Submission) -> impl Iterator<Item = Stream> + use<> {
        let sums = submission.sums.len();
        let of_column = move |column| (0..sums).map(move |sum| Stream::Table(column, sum));
        (0..self.columns).flat_map(move |column| of_column(column).chain([Stream::Blinding(column)]))
    }

    fn same_stream(&self, stream: Stream) -> Stream {
        match stream {
            Stream::Table(_, sum) if !self.separate_streams => Stream::Table(0, sum),
            Stream::Blinding(_) if !self.separate_streams => Stream::Blinding(0),
            own => own,
        }
    }

    /// The adversary holds this masked table, its masked blinding scalars, and the shares of the colluders among the
    /// participants (which are told to [`Account::learn_share`]).
    pub fn learn_submission(&mut self, submission: Submission) {
        if self.submissions.contains_key(&submission.self_mask) {
            return;
        }
        for stream in self.streams(&submission) {
            let mask = self.same_stream(stream);
            let mut row = Combination::sum(value_of(&submission, stream));
            row.add(Unknown::SelfMask(submission.self_mask, mask), Residue::ONE);
            for key in submission.keys.iter().filter(|key| !key.known) {
                let sign = if submission.supplier < key.peer { Residue::ONE } else { -Residue::ONE };
                row.add(Unknown::PairMask(key.name, mask), sign);
            }
            self.span.learn(row);
        }
        let name = submission.self_mask;
        self.submissions.insert(name, submission);
        self.open_from_shares(name);
    }

    /// The adversary was sent a self-mask, or computed it.
    pub fn learn_self_mask(&mut self, self_mask: Hash256) {
        // Before its table is held it opens nothing.
        let Some(submission) = self.submissions.get(&self_mask) else { return };
        if self.opened.insert(self_mask) {
            for stream in self.streams(submission) {
                let mask = Unknown::SelfMask(self_mask, self.same_stream(stream));
                self.span.learn(Combination::single(mask));
            }
        }
    }

    /// The adversary learnt the share of a self-mask that `holder` was dealt.
    pub fn learn_share(&mut self, self_mask: Hash256, holder: SupplierId) {
        self.shares.entry(self_mask).or_default().insert(holder);
        self.open_from_shares(self_mask);
    }

    fn open_from_shares(&mut self, self_mask: Hash256) {
        let known = self.shares.get(&self_mask).map_or(0, BTreeSet::len);
        if self.submissions.get(&self_mask).is_some_and(|submission| known >= submission.threshold) {
            self.learn_self_mask(self_mask);
        }
    }

    /// How many masked tables and self-masks the adversary holds.
    pub fn size(&self) -> (usize, usize) {
        (self.submissions.len(), self.opened.len())
    }

    /// Whether the adversary can compute any sum over tables at all, permitted or not.
    pub fn knows_a_sum(&self) -> bool {
        self.span.rows_from(is_secret).next().is_some()
    }

    /// A sum that the adversary can compute beyond one total per query over all honest participants of one attempt, at
    /// least two; or a combination of such totals that is about one honest supplier.
    pub fn violation(&self) -> Option<Violation> {
        let rows: Vec<_> = self.span.rows_from(is_secret).collect();
        if rows.is_empty() {
            return None;
        }
        let mut choices = vec![Span::default()];
        for totals in self.known_totals().into_values() {
            let with = |choice: &Span<Unknown>| {
                let longer = |total: &Vec<Combination<Unknown>>| {
                    let mut choice = choice.clone();
                    total.iter().cloned().for_each(|row| {
                        choice.learn(row);
                    });
                    choice
                };
                totals.iter().map(longer).collect::<Vec<_>>()
            };
            choices = choices.iter().flat_map(with).collect();
        }
        if !choices.iter().any(|choice| rows.iter().all(|row| choice.knows((*row).clone()))) {
            return Some(Violation(rows.iter().map(|row| self.describe(row)).collect::<Vec<_>>().join("; ")));
        }
        let honest: BTreeSet<_> = self.submissions.values().map(|submission| &submission.supplier).collect();
        let mut unwaived = honest.into_iter().filter(|supplier| !self.waived.contains(*supplier));
        let alone = unwaived.find(|supplier| self.isolates(supplier, &rows));
        alone.map(|supplier| Violation(format!("a sum about {supplier} alone, from all totals together")))
    }

    /// Whether some combination of the rows is about this supplier and about no other that has not waived.
    fn isolates(&self, supplier: &SupplierId, rows: &[&Combination<Unknown>]) -> bool {
        let rank = |unknown: &Unknown| match owner_of(unknown) {
            Some(owner) if owner == supplier => 1,
            Some(owner) if self.waived.contains(owner) => 2,
            _ => 0,
        };
        let mut ranked = Span::default();
        for row in rows {
            ranked.learn(row.renamed(|unknown| (rank(unknown), unknown.clone())));
        }
        ranked.rows_from(|(rank, _)| *rank == 1).next().is_some()
    }

    /// Per query, the totals that the adversary knows: of each participant list, column by column. One of them may become
    /// known.
    fn known_totals(&self) -> BTreeMap<QueryId, Vec<Vec<Combination<Unknown>>>> {
        let mut lists: BTreeMap<(QueryId, Hash256), Vec<&Submission>> = BTreeMap::new();
        for submission in self.submissions.values() {
            lists.entry((submission.query, submission.participants)).or_default().push(submission);
        }
        let mut known: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for ((query, _), list) in &lists {
            let sent: BTreeSet<_> = list.iter().map(|submission| &submission.supplier).collect();
            let Some(first) = list.first() else { continue };
            if first.honest.len() < 2 || first.honest.iter().collect::<BTreeSet<_>>() != sent {
                continue;
            }
            let total = |stream| Combination::sum(list.iter().flat_map(|submission| value_of(submission, stream)));
            let totals: Vec<_> = self.streams(first).map(total).collect();
            if totals.iter().any(|total| self.span.knows(total.clone())) {
                known.entry(*query).or_default().push(totals);
            }
        }
        known
    }

    fn describe(&self, row: &Combination<Unknown>) -> String {
        let word = |unknown: &Unknown| match unknown {
            Unknown::Table(Figure { dataset, year }, supplier, column) => {
                format!("{supplier}[{column}] of {dataset} {year}")
            }
            Unknown::Blinding(_, supplier, column) => format!("blinding of {supplier}[{column}]"),
            Unknown::PairMask(..) | Unknown::SelfMask(..) => "a mask".to_owned(),
        };
        row.unknowns().map(word).collect::<Vec<_>>().join(" ± ")
    }
}

fn is_secret(unknown: &Unknown) -> bool {
    matches!(unknown, Unknown::Table(..) | Unknown::Blinding(..))
}

fn owner_of(unknown: &Unknown) -> Option<&SupplierId> {
    match unknown {
        Unknown::Table(_, supplier, _) | Unknown::Blinding(_, supplier, _) => Some(supplier),
        Unknown::PairMask(..) | Unknown::SelfMask(..) => None,
    }
}

/// What a stream hides: a sum of these.
fn value_of(submission: &Submission, stream: Stream) -> Vec<Unknown> {
    let supplier = || submission.supplier.clone();
    match stream {
        Stream::Table(column, sum) => {
            let figures = submission.sums.get(sum).into_iter().flatten();
            figures.map(|figure| Unknown::Table(*figure, supplier(), column)).collect()
        }
        Stream::Blinding(column) => vec![Unknown::Blinding(submission.self_mask, supplier(), column)],
    }
}

#[cfg(test)]
mod tests;
