//! What a reader of the whole log knows: where each query stands and how it ended, which documents are in force, and
//! which sets of suppliers were added up. A fold over the entries in their order; coordinator and nodes keep the same.
//!
//! Signatures are not checked here, but for the certificates and the waivers that the guard goes by: the gate and the
//! audit do that.

use std::collections::{BTreeMap, BTreeSet};

use optelsom_codebook::{Agreement, Codebook, Epsilon, Hash256, Plan, PlanLimits, Query, QueryId, SupplierId};

use crate::entry::{DocumentChange, DocumentEntry, Ended, EndingFault, Endings, Entry, ParticipantsEntry, Subject};
use crate::guard::{About, GuardRefusal, History, Known, Period};
use crate::query::QueryEntry;
use crate::roster::{Roster, Scope};

/// Gives the document of this digest that stands beside the log, if it is at hand.
pub type Documents<'a> = &'a dyn Fn(&Hash256) -> Option<Vec<u8>>;

/// A supplier's agreement, as it was logged.
struct Agreed {
    at: u64,
    supplier: SupplierId,
    entry: DocumentEntry,
    /// Where the one before it stands.
    after: Option<u64>,
    /// The datasets for which it waives the guard.
    waives: BTreeSet<String>,
}

impl Agreed {
    /// Whether the supplier itself waives for the dataset here. One that was signed to follow another than it does says
    /// nothing: it might be an old one, logged again.
    fn waives(&self, dataset: &str, roster: &Roster) -> bool {
        self.waives.contains(dataset) && self.entry.change().predecessor == self.after && self.entry.is_agreed(roster)
    }
}

/// The fold.
#[derive(Default)]
pub struct LogView {
    size: u64,
    queries: BTreeMap<QueryId, u64>,
    entries: BTreeMap<u64, QueryEntry>,
    endings: Endings,
    history: History,
    participants: BTreeMap<u64, ParticipantsEntry>,
    newest: BTreeMap<Subject, (u64, DocumentChange)>,
    policies: BTreeSet<Hash256>,
    codebooks: BTreeMap<Hash256, Codebook>,
    rosters: BTreeMap<Hash256, Roster>,
    newest_codebook: Option<Hash256>,
    agreements: Vec<Agreed>,
    editions: BTreeSet<(String, String)>,
}

impl LogView {
    /// Before the first entry.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many entries were taken into account.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Takes the next entry into account, whatever it is: one that cannot be read says nothing.
    ///
    /// # Errors
    /// When it ends a query that has ended, or speaks of one that is not there; all else of it is taken into account.
    pub fn observe(&mut self, entry: Option<&Entry>, documents: Documents<'_>) -> Result<(), EndingFault> {
        let at = self.size;
        self.size += 1;
        let Some(entry) = entry else { return Ok(()) };
        let (codebooks, rosters) = (&self.codebooks, &self.rosters);
        self.history.observe(at, entry, |query| known(query, codebooks, rosters, documents));
        match entry {
            Entry::Query(query) => {
                self.queries.entry(query.id()).or_insert(at);
                self.entries.insert(at, query.clone());
            }
            Entry::Participants(entry) => drop(self.participants.insert(at, entry.clone())),
            Entry::Edition(entry) => drop(self.editions.insert((entry.dataset.clone(), entry.edition.to_string()))),
            Entry::Document(entry) => self.document(at, entry, documents),
            _ => {}
        }
        self.endings.observe(at, entry)
    }

    fn document(&mut self, at: u64, entry: &DocumentEntry, documents: Documents<'_>) {
        let change = entry.change();
        let text = || documents(&change.document).and_then(|bytes| String::from_utf8(bytes).ok());
        match &change.subject {
            Subject::Roster => {
                let roster = text().and_then(|text| Roster::parse(&text).ok());
                self.rosters.extend(roster.filter(|r| r.hash() == change.named).map(|r| (r.hash(), r)));
            }
            Subject::Codebook => {
                let codebook = text().and_then(|text| Codebook::parse(&text).ok());
                self.codebooks.extend(codebook.filter(|c| c.hash() == change.named).map(|c| (c.hash(), c)));
                self.newest_codebook = Some(change.named);
            }
            Subject::Agreement(supplier) => {
                let codebook = self.newest_codebook.and_then(|hash| self.codebooks.get(&hash));
                let agreement = text().and_then(|text| Agreement::parse(&text, codebook?).ok());
                let waived = agreement.iter().flat_map(Agreement::datasets);
                let waived = waived.filter(|(_, terms)| terms.own_figure_may_become_known());
                let waives = waived.map(|(name, _)| name.to_owned()).collect();
                let after = self.newest.get(&change.subject).map(|(at, _)| *at);
                self.agreements.push(Agreed { at, supplier: supplier.clone(), entry: entry.clone(), after, waives });
            }
            Subject::Policy => drop(self.policies.insert(change.named)),
            Subject::Software => {}
        }
        self.newest.insert(change.subject.clone(), (at, change.clone()));
    }

    /// Where a query stands.
    pub fn index_of(&self, query: &QueryId) -> Option<u64> {
        self.queries.get(query).copied()
    }

    /// The query that stands at this index.
    pub fn query(&self, index: u64) -> Option<&QueryEntry> {
        self.entries.get(&index)
    }

    /// What noised answers a supplier may have given to queries before this index: dataset and ε of each that asked it. One
    /// that cannot be read counts as if it had asked for the largest ε.
    pub fn noised_before(&self, end: u64, supplier: &SupplierId) -> Vec<(QueryId, String, Epsilon)> {
        let asked = self.entries.range(..end).filter(|(_, entry)| entry.scope.contains(supplier));
        let noised = asked.filter_map(|(at, entry)| {
            let epsilon = match self.known(*at).map(|known| &known.about)? {
                About::Known { .. } => return None,
                About::Noised { epsilon, .. } => *epsilon,
                About::Unreadable => Epsilon::LARGEST,
            };
            Some((entry.id(), entry.dataset.clone(), epsilon))
        });
        noised.collect()
    }

    /// How the query at this index has ended, if it has.
    pub fn ended(&self, index: u64) -> Option<Ended> {
        self.endings.of(index)
    }

    /// The queries that have not ended.
    pub fn unended(&self) -> impl Iterator<Item = QueryId> {
        let asked = self.endings.unended().filter_map(|(index, _)| self.entries.get(&index));
        asked.map(QueryEntry::id)
    }

    /// The newest document of a subject, and the index of its entry.
    pub fn newest(&self, subject: &Subject) -> Option<(u64, &DocumentChange)> {
        self.newest.get(subject).map(|(at, change)| (*at, change))
    }

    /// Whether a disclosure policy of this hash was logged.
    pub fn has_policy(&self, hash: &Hash256) -> bool {
        self.policies.contains(hash)
    }

    /// Whether this edition of a dataset was logged.
    pub fn has_edition(&self, dataset: &str, edition: &str) -> bool {
        self.editions.contains(&(dataset.to_owned(), edition.to_owned()))
    }

    /// The first participants entry of a query that names this attempt, statement and certificate.
    pub fn participants(
        &self,
        query: u64,
        attempt: u32,
        statement: &Hash256,
        certificate: &Hash256,
    ) -> Option<(u64, &ParticipantsEntry)> {
        let same = |entry: &&ParticipantsEntry| {
            entry.query == query
                && entry.attempt == attempt
                && entry.statement() == *statement
                && entry.certificate == *certificate
        };
        self.participants.iter().find(|(_, entry)| same(entry)).map(|(at, entry)| (*at, entry))
    }

    /// Those whose newest agreement before this index waives the guard for a dataset, signed with their keys on this
    /// roster. The gate has held a query's roster against the node's own, so the log's writer can waive for nobody.
    pub fn waived(&self, dataset: &str, roster: &Hash256, before: u64) -> BTreeSet<SupplierId> {
        let Some(roster) = self.rosters.get(roster) else { return BTreeSet::new() };
        let logged = self.agreements.iter().filter(|agreed| agreed.at < before);
        let newest: BTreeMap<&SupplierId, &Agreed> = logged.map(|agreed| (&agreed.supplier, agreed)).collect();
        let waiving = newest.into_iter().filter(|(_, agreed)| agreed.waives(dataset, roster));
        waiving.map(|(supplier, _)| supplier.clone()).collect()
    }

    /// Whether a certificate was checked here and holds; see [`History::certified`].
    pub fn certified(&self, query: u64, at: u64) -> bool {
        self.history.certified(query, at)
    }

    /// What the query at this index is about, as far as it can be read.
    pub fn known(&self, query: u64) -> Option<&Known> {
        self.history.known(query)
    }

    /// Whether the attempt whose participants entry stands at this index may be made final; see [`History::judge`].
    ///
    /// # Errors
    /// Whom the total would give away, or that nobody can say.
    pub fn judge(&self, at: u64) -> Result<(), GuardRefusal> {
        let query = self.participants.get(&at).and_then(|entry| self.entries.get(&entry.query));
        let query = query.ok_or(GuardRefusal::NotLogged(at))?;
        self.history.judge(at, &self.waived(&query.dataset, &query.roster, self.history.first_of(at)))
    }

    /// Whether these suppliers may be added up for the query at this index, as the log stands now.
    ///
    /// # Errors
    /// As [`LogView::judge`].
    pub fn foresee(&mut self, query: u64, suppliers: &[SupplierId]) -> Result<(), GuardRefusal> {
        let entry = self.entries.get(&query).ok_or(GuardRefusal::NotLogged(query))?;
        let waived = self.waived(&entry.dataset, &entry.roster, u64::MAX);
        self.history.foresee(query, suppliers, &waived)
    }

    /// Whether these suppliers may be added up for a query that is not logged yet: what an analyst is told beforehand.
    ///
    /// # Errors
    /// As [`LogView::judge`].
    pub fn would_refuse(
        &mut self,
        entry: &QueryEntry,
        suppliers: &[SupplierId],
        documents: Documents<'_>,
    ) -> Result<(), GuardRefusal> {
        let known = known(entry, &self.codebooks, &self.rosters, documents);
        let waived = self.waived(&entry.dataset, &entry.roster, u64::MAX);
        self.history.would_refuse(entry.id(), known, suppliers, &waived)
    }
}

impl std::fmt::Debug for LogView {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "LogView({} entries, {} queries)", self.size, self.queries.len())
    }
}

/// What is known of a query beyond its entry, from the documents that were logged before it.
fn known(
    entry: &QueryEntry,
    codebooks: &BTreeMap<Hash256, Codebook>,
    rosters: &BTreeMap<Hash256, Roster>,
    documents: Documents<'_>,
) -> Known {
    let scope: Option<Scope> = rosters.get(&entry.roster).and_then(|roster| roster.select(&entry.scope).ok());
    let about = codebooks.get(&entry.codebook).and_then(|codebook| about(entry, codebook, documents(&entry.query)?));
    let about = about.unwrap_or(About::Unreadable);
    Known { about, scope }
}

/// What the document says that the entry names.
fn about(entry: &QueryEntry, codebook: &Codebook, document: Vec<u8>) -> Option<About> {
    let document = String::from_utf8(document).ok().filter(|text| Hash256::of(text.as_bytes()) == entry.query)?;
    let query = Query::from_json(codebook, &document).ok().filter(|query| query.dataset().name() == entry.dataset)?;
    let plan = Plan::with_limits(codebook, &query, PlanLimits { cells: usize::MAX }).ok()?;
    match query.epsilon() {
        None => period(&plan).map(|period| About::Known { dataset: entry.dataset.clone(), period }),
        // What a node refuses to count, or adds no noise to, is none of this kind.
        Some(epsilon) => (query.canonical_json() == document && entry.honest_participants() > 0)
            .then(|| About::Noised { dataset: entry.dataset.clone(), epsilon }),
    }
}

/// All that the query's filter lets through lies within. A dataset without periods has one, which is all of time.
fn period(plan: &Plan) -> Option<Period> {
    let always = Period::new(i32::MIN, i32::MAX);
    if plan.dataset().period_variable().is_none() {
        return always;
    }
    // A code that is no year may be any.
    let years: Option<Vec<i32>> = plan.periods().iter().map(|code| code.parse().ok()).collect();
    match years {
        Some(years) => Period::new(*years.iter().min()?, *years.iter().max()?),
        None => always,
    }
}
