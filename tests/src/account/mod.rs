//! What an adversary has learnt, symbolically: which masks it knows and which masked tables it holds. After every step
//! linear algebra answers whether it could compute a sum over a part of the honest suppliers.
//!
//! Each column of a masked table is a row `x + self-mask ± pairwise masks`. Known masks drop out; what then follows
//! about the tables alone may be nothing but the total of all honest participants of one attempt for each query.

pub mod field;
pub mod span;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use optelsom_codebook::{Hash256, QueryId, SupplierId};

use field::Residue;
use span::{Combination, Span};

/// Which stream of a key: each masked column has one for its cells and one for its blinding scalar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stream {
    /// Masks the cells of this column.
    Table(usize),
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
    /// A column of a supplier's table: the same in all attempts at a query.
    Table(QueryId, SupplierId, usize),
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
        }
    }

    fn streams(&self) -> impl Iterator<Item = Stream> + use<> {
        (0..self.columns).flat_map(|column| [Stream::Table(column), Stream::Blinding(column)])
    }

    fn same_stream(&self, stream: Stream) -> Stream {
        match stream {
            Stream::Table(_) if !self.separate_streams => Stream::Table(0),
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
        for stream in self.streams() {
            let mask = self.same_stream(stream);
            let mut row = Combination::single(value_of(&submission, stream));
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
        if self.opened.insert(self_mask) {
            for stream in self.streams() {
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

    /// A sum that the adversary can compute beyond one total per query over all honest participants of one attempt,
    /// at least two.
    pub fn violation(&self) -> Option<Violation> {
        let rows: Vec<_> = self.span.rows_from(is_secret).collect();
        if rows.is_empty() {
            return None;
        }
        let mut choices = vec![Span::default()];
        for totals in self.permitted_totals() {
            let longer = |choice: &Span<Unknown>| {
                let with = totals.iter().map(|total| {
                    let mut choice = choice.clone();
                    total.iter().cloned().for_each(|row| {
                        choice.learn(row);
                    });
                    choice
                });
                with.chain([choice.clone()]).collect::<Vec<_>>()
            };
            choices = choices.iter().flat_map(longer).collect();
        }
        if choices.iter().any(|choice| rows.iter().all(|row| choice.knows((*row).clone()))) {
            return None;
        }
        Some(Violation(rows.iter().map(|row| self.describe(row)).collect::<Vec<_>>().join("; ")))
    }

    /// Per query, per participant list: its totals, column by column. One of them may become known.
    fn permitted_totals(&self) -> Vec<Vec<Vec<Combination<Unknown>>>> {
        let mut lists: BTreeMap<QueryId, BTreeMap<Hash256, Vec<&Submission>>> = BTreeMap::new();
        for submission in self.submissions.values() {
            let list = lists.entry(submission.query).or_default().entry(submission.participants).or_default();
            list.push(submission);
        }
        let whole = |list: &&Vec<&Submission>| {
            let sent: BTreeSet<_> = list.iter().map(|submission| &submission.supplier).collect();
            list.first()
                .is_some_and(|first| first.honest.len() >= 2 && first.honest.iter().collect::<BTreeSet<_>>() == sent)
        };
        let totals = |list: &Vec<&Submission>| {
            self.streams().map(|stream| Combination::sum(list.iter().map(|s| value_of(s, stream)))).collect()
        };
        lists.values().map(|lists| lists.values().filter(whole).map(totals).collect()).collect()
    }

    fn describe(&self, row: &Combination<Unknown>) -> String {
        let word = |unknown: &Unknown| match unknown {
            Unknown::Table(query, supplier, column) => format!("{supplier}[{column}] of {}", query.short()),
            Unknown::Blinding(_, supplier, column) => format!("blinding of {supplier}[{column}]"),
            Unknown::PairMask(..) | Unknown::SelfMask(..) => "a mask".to_owned(),
        };
        row.unknowns().map(word).collect::<Vec<_>>().join(" ± ")
    }
}

fn is_secret(unknown: &Unknown) -> bool {
    matches!(unknown, Unknown::Table(..) | Unknown::Blinding(..))
}

fn value_of(submission: &Submission, stream: Stream) -> Unknown {
    match stream {
        Stream::Table(column) => Unknown::Table(submission.query, submission.supplier.clone(), column),
        Stream::Blinding(column) => Unknown::Blinding(submission.self_mask, submission.supplier.clone(), column),
    }
}

#[cfg(test)]
mod tests;
