//! The report: what the log tells, in words, every fact with the index of its entry and its proof.

use std::collections::BTreeMap;

use optelsom_codebook::{Lang, SupplierId};
use optelsom_ledger::audit::{EditionAccount, End, Files, Logged, QueryAccount, Report, tiles_of};
use optelsom_ledger::entry::{DocumentChange, Ending, Outcome, ReasonCode, Subject};
use optelsom_ledger::leaf::Leaf;
use optelsom_ledger::proof::TreeHead;
use optelsom_ledger::tiles::{TilePath, Tiles, prove_inclusion, read_bundle};
use serde::Serialize;

use super::question::{Question, Questions};
use super::search::{Names, Search};
use super::verdict::Verdict;
use super::words;

/// The whole report.
#[derive(Clone, Debug, Serialize)]
pub struct Tale {
    /// Which log, and how far.
    pub log: Option<Log>,
    /// What the audit came to.
    pub verdict: Verdict,
    /// How the queries ended.
    pub counts: Counts,
    /// What was looked for; everything, if nothing.
    pub search: Vec<String>,
    /// Where nothing was found: which names the log has, since a misspelt one finds nothing either.
    pub nowhere: Option<String>,
    /// The queries that were found, in the order of the log.
    pub queries: Vec<QueryTale>,
    /// The changes of what everybody goes by.
    pub changes: Vec<Change>,
    /// The editions announced.
    pub editions: Vec<Edition>,
    /// That each entry named above stands in the log, by its index.
    pub proofs: BTreeMap<u64, Proof>,
}

/// The log that was audited.
#[derive(Clone, Debug, Serialize)]
pub struct Log {
    /// How many entries it has.
    pub size: u64,
    /// Its root hash, in hexadecimal.
    pub root: String,
    /// Who has seen it, and when.
    pub witnesses: Vec<Witness>,
}

/// A witness.
#[derive(Clone, Debug, Serialize)]
pub struct Witness {
    /// Its name.
    pub name: String,
    /// When it says that it saw the log.
    pub at: String,
}

/// How the queries of the whole log ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// All of them.
    pub queries: usize,
    /// By a table.
    pub released: usize,
    /// Refused as a whole.
    pub refused: usize,
    /// Given up.
    pub abandoned: usize,
    /// Declared void.
    pub void: usize,
    /// With a total that did not fit.
    pub spent: usize,
    /// Not at all so far.
    pub unended: usize,
}

/// One query.
#[derive(Clone, Debug, Serialize)]
pub struct QueryTale {
    /// Index of its entry.
    pub index: u64,
    /// λ, in hexadecimal.
    pub id: String,
    /// What was asked, as SQL; none if it cannot be read.
    pub question: Option<String>,
    /// The same in the codebook's words.
    pub asks: Option<String>,
    /// Which rows, where not all.
    pub selection: Option<String>,
    /// The dataset.
    pub dataset: String,
    /// What a row of it is.
    pub unit: Option<String>,
    /// Which edition of it.
    pub edition: String,
    /// When it was asked.
    pub asked_at: String,
    /// Until when.
    pub expires_at: String,
    /// On what ground.
    pub purpose: String,
    /// By whom.
    pub requester: String,
    /// Where the requester's signature stands.
    pub signed_at_index: Option<u64>,
    /// Who approved, where a second person did.
    pub approver: Option<String>,
    /// Who was asked.
    pub asked: Vec<String>,
    /// How few may take part.
    pub min_suppliers: u64,
    /// Who is in the total, or would have been.
    pub participants: Vec<String>,
    /// Where that stands, and which attempt it was.
    pub participants_index: Option<u64>,
    /// How many attempts were certified.
    pub attempts: usize,
    /// Where the suppliers made it final.
    pub final_index: Option<u64>,
    /// Who refused.
    pub refusals: Vec<RefusalTale>,
    /// How it ended; none if it has not.
    pub end: Option<EndTale>,
    /// The indexes of all entries about it.
    pub entries: Vec<u64>,
}

/// A supplier's refusal.
#[derive(Clone, Debug, Serialize)]
pub struct RefusalTale {
    /// Who.
    pub supplier: String,
    /// Why, as a code.
    pub reason: String,
    /// Why, in words.
    pub words: String,
    /// Where that stands.
    pub index: u64,
}

/// An ending.
#[derive(Clone, Debug, Serialize)]
pub struct EndTale {
    /// `release`, `refusal`, `abandonment`, `void` or `spent`.
    pub ending: String,
    /// The same in words.
    pub words: String,
    /// Why, where no table was released: a code, and words.
    pub reason: Option<(String, String)>,
    /// Whether all that were asked are in the table, where one was released.
    pub complete: Option<bool>,
    /// How many cells each rule hid: its code, its words, how many.
    pub hidden: Vec<(String, String, u64)>,
    /// Where that stands.
    pub index: u64,
}

/// A change of what everybody goes by.
#[derive(Clone, Debug, Serialize)]
pub struct Change {
    /// Where it stands.
    pub index: u64,
    /// `roster`, `codebook`, `agreement`, `policy` or `software`.
    pub kind: String,
    /// Whose agreement.
    pub supplier: Option<String>,
    /// The digest of the document.
    pub document: String,
    /// Which entry it replaces.
    pub replaces: Option<u64>,
}

/// The announcement of an edition.
#[derive(Clone, Debug, Serialize)]
pub struct Edition {
    /// Where it stands.
    pub index: u64,
    /// Of which dataset.
    pub dataset: String,
    /// Its name.
    pub edition: String,
    /// The moment of freezing.
    pub frozen_at: String,
}

/// That an entry stands in the log (RFC 6962, section 2.1.1).
#[derive(Clone, Debug, Serialize)]
pub struct Proof {
    /// The entry's leaf hash.
    pub leaf: String,
    /// The path from it to the root.
    pub path: Vec<String>,
}

/// Tells what was audited.
pub fn tell(files: &Files, report: &Report, search: &Search, lang: Lang) -> Tale {
    let questions = Questions::new(files, &report.account, lang);
    let mut queries = Vec::new();
    let mut names = Names::default();
    for query in report.account.queries() {
        let question = questions.read(&query.entry);
        names.note(query, question.as_ref());
        if search.finds(query, question.as_ref()) {
            queries.push(query_tale(query, question, lang));
        }
    }
    let changes: Vec<Change> = report.account.documents().iter().map(change).collect();
    let editions: Vec<Edition> = report.account.editions().iter().map(edition).collect();
    let named = queries.iter().flat_map(|query| query.entries.iter().copied());
    let named = named.chain(changes.iter().map(|change| change.index)).chain(editions.iter().map(|e| e.index));
    let proofs = report.head.map_or_else(BTreeMap::new, |head| proofs(files, &head, named));
    Tale {
        log: report.head.map(|head| log(&head, report)),
        verdict: Verdict::new(&report.findings, lang),
        counts: counts(report),
        search: search.describe(),
        nowhere: names.unless_among(search, lang).filter(|_| queries.is_empty()),
        queries,
        changes,
        editions,
        proofs,
    }
}

fn log(head: &TreeHead, report: &Report) -> Log {
    let witnesses = report.witnessed.iter();
    Log {
        size: head.size(),
        root: head.root().to_string(),
        witnesses: witnesses.map(|(name, at)| Witness { name: name.to_string(), at: at.to_string() }).collect(),
    }
}

fn counts(report: &Report) -> Counts {
    let mut counts = Counts::default();
    for query in report.account.queries() {
        counts.queries += 1;
        *match query.end.as_ref().map(|end| ending_of(&end.fact)) {
            None => &mut counts.unended,
            Some(Ending::Release) => &mut counts.released,
            Some(Ending::Refusal) => &mut counts.refused,
            Some(Ending::Abandonment) => &mut counts.abandoned,
            Some(Ending::Void) => &mut counts.void,
            Some(Ending::Spent) => &mut counts.spent,
        } += 1;
    }
    counts
}

fn ending_of(end: &End) -> Ending {
    match end {
        End::Release(_) => Ending::Release,
        End::Without { ending, .. } => *ending,
    }
}

fn query_tale(query: &QueryAccount, question: Option<Question>, lang: Lang) -> QueryTale {
    let entry = &query.entry;
    let attempt = query.attempt();
    let (sql, asks, selection, unit) = match question {
        Some(q) => (Some(q.sql), Some(q.asks), q.selection, Some(q.unit)),
        None => (None, None, None, None),
    };
    QueryTale {
        index: query.at,
        id: query.id.to_string(),
        question: sql,
        asks,
        selection,
        dataset: entry.dataset.clone(),
        unit,
        edition: entry.edition.to_string(),
        asked_at: entry.asked_at.to_string(),
        expires_at: entry.expires_at.to_string(),
        purpose: entry.purpose.clone(),
        requester: entry.requester.clone(),
        signed_at_index: query.authorised.as_ref().map(|logged| logged.at),
        approver: query.authorised.as_ref().and_then(|logged| logged.fact.clone()),
        asked: entry.scope.iter().map(ToString::to_string).collect(),
        min_suppliers: entry.min_suppliers,
        participants: attempt.map_or_else(Vec::new, |a| a.fact.participants.iter().map(ToString::to_string).collect()),
        participants_index: attempt.map(|attempt| attempt.at),
        attempts: query.attempts.len(),
        final_index: query.finality.as_ref().map(|finality| finality.at),
        refusals: query.refusals.iter().map(|refusal| refusal_tale(refusal, lang)).collect(),
        end: query.end.as_ref().map(|end| end_tale(end, lang)),
        entries: query.entries(),
    }
}

fn refusal_tale(refusal: &Logged<(SupplierId, ReasonCode)>, lang: Lang) -> RefusalTale {
    let (supplier, reason) = &refusal.fact;
    let (supplier, code) = (supplier.to_string(), reason.to_string());
    RefusalTale { supplier, reason: code, words: words::reason(reason, lang), index: refusal.at }
}

fn end_tale(end: &Logged<End>, lang: Lang) -> EndTale {
    let ending = ending_of(&end.fact);
    let (reason, complete, hidden) = match &end.fact {
        End::Release(release) => {
            let rule = |(rule, cells): &(ReasonCode, u64)| (rule.to_string(), words::rule(rule, lang), *cells);
            (None, Some(release.outcome == Outcome::Complete), release.hidden.iter().map(rule).collect())
        }
        End::Without { reason, .. } => (Some((reason.to_string(), words::reason(reason, lang))), None, Vec::new()),
    };
    let words = words::ending(ending, lang).to_owned();
    EndTale { ending: ending.to_string(), words, reason, complete, hidden, index: end.at }
}

fn change(logged: &Logged<DocumentChange>) -> Change {
    let (kind, supplier) = match &logged.fact.subject {
        Subject::Roster => ("roster", None),
        Subject::Codebook => ("codebook", None),
        Subject::Agreement(supplier) => ("agreement", Some(supplier.to_string())),
        Subject::Policy => ("policy", None),
        Subject::Software => ("software", None),
    };
    let document = logged.fact.document.to_string();
    Change { index: logged.at, kind: kind.to_owned(), supplier, document, replaces: logged.fact.predecessor }
}

fn edition(logged: &Logged<EditionAccount>) -> Edition {
    let edition = &logged.fact;
    Edition {
        index: logged.at,
        dataset: edition.dataset.clone(),
        edition: edition.edition.to_string(),
        frozen_at: edition.frozen_at.to_string(),
    }
}

/// What can be proved; where the tiles are damaged, the verdict says so.
fn proofs(files: &Files, head: &TreeHead, indexes: impl Iterator<Item = u64>) -> BTreeMap<u64, Proof> {
    let tiles: Tiles = tiles_of(files);
    let leaves = leaves(&tiles, head);
    let proof = |index: u64| {
        let leaf = leaves.get(usize::try_from(index).ok()?)?.hash();
        let proof = prove_inclusion(head, index, &tiles).ok()?;
        proof.verify(head, index, leaf).ok()?;
        let path = proof.hashes().iter().map(ToString::to_string).collect();
        Some((index, Proof { leaf: leaf.to_string(), path }))
    };
    indexes.filter_map(proof).collect()
}

fn leaves(tiles: &Tiles, head: &TreeHead) -> Vec<Leaf> {
    let bundles = TilePath::all(head.size()).take_while(|path| path.level().is_none());
    bundles.map_while(|path| read_bundle(tiles.get(&path)?, path.width()).ok()).flatten().collect()
}
