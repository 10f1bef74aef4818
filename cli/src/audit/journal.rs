//! A node's own journal held against the log: what either lacks, or says otherwise.
//!
//! The journal has one JSON object a line, one for each query. Unknown fields are left aside; of those below, only
//! `query` is needed.
//!
//! ```json
//! {"supplier": "police", "query": "<λ>", "dataset": "victims", "edition": "2024-12", "purpose": "monitor",
//!  "requester": "analyst-1", "document": "<the canonical query document>", "index": 9, "refused": "outside-period",
//!  "attempts": [{"attempt": 1, "submission": "<SHA-256>", "statement": "<SHA-256>"}]}
//! ```

use std::collections::BTreeMap;

use optelsom_codebook::{Hash256, Lang, QueryId, SupplierId};
use optelsom_ledger::audit::{Attempt, End, Logged, QueryAccount, Report};
use serde::{Deserialize, Serialize};

use crate::failure::printable;

/// One query as a journal tells it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Line {
    /// Whose journal.
    pub supplier: Option<SupplierId>,
    /// λ.
    pub query: QueryId,
    /// Which dataset.
    pub dataset: Option<String>,
    /// Which edition.
    pub edition: Option<String>,
    /// On what ground.
    pub purpose: Option<String>,
    /// By whom.
    pub requester: Option<String>,
    /// The canonical query document.
    pub document: Option<String>,
    /// Index of the query's entry, as the node saw it in the log.
    pub index: Option<u64>,
    /// Why the node refused, where it did.
    pub refused: Option<String>,
    /// What the node sent; none in journals that do not tell.
    pub attempts: Option<Vec<Sent>>,
}

/// What a node sent in one attempt.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Sent {
    /// α.
    pub attempt: u32,
    /// The digest of what participants, cards and submissions the node was shown; none if it came to no certificate.
    pub statement: Option<Hash256>,
}

/// Where journal and log differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// λ.
    pub query: String,
    /// Index of its entry; none if it is not in the log.
    pub index: Option<u64>,
    /// A stable name of what differs.
    pub code: &'static str,
    /// What honest parties may show too, so that it contradicts nothing by itself.
    pub note: bool,
    /// What differs, in words.
    pub text: String,
}

/// Reads a journal.
///
/// # Errors
/// Which line cannot be read, and why.
pub fn read(text: &str) -> Result<Vec<Line>, String> {
    let lines = text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty());
    let line = |(line, number): (&str, usize)| {
        serde_json::from_str(line).map_err(|cause| format!("line {number}: {cause}; write it with --format json"))
    };
    lines.map(line).collect()
}

/// Whose journal it is: one supplier's.
///
/// # Errors
/// When it does not say, or speaks of several.
pub fn supplier(lines: &[Line], named: Option<&SupplierId>) -> Result<SupplierId, String> {
    let mut said: Vec<&SupplierId> = lines.iter().filter_map(|line| line.supplier.as_ref()).chain(named).collect();
    said.sort();
    said.dedup();
    match said.as_slice() {
        [one] => Ok((*one).clone()),
        [] => Err("the journal does not say whose it is; name the supplier with --supplier".to_owned()),
        several => Err(format!("the journal is of several suppliers ({}); compare one at a time", several.len())),
    }
}

/// Holds a journal against what the log tells.
pub fn compare(lines: &[Line], supplier: &SupplierId, report: &Report, lang: Lang) -> Vec<Difference> {
    let mut comparing = Comparing { supplier, lang, found: Vec::new() };
    let journal: BTreeMap<QueryId, &Line> = lines.iter().map(|line| (line.query, line)).collect();
    let logged: BTreeMap<QueryId, &QueryAccount> = report.account.queries().map(|query| (query.id, query)).collect();
    let size = report.head.map_or(0, |head| head.size());
    for (id, line) in &journal {
        match (logged.get(id), line.index) {
            (Some(query), _) => comparing.both(line, query),
            (None, Some(index)) if index >= size => comparing.later(id, index, size),
            (None, _) => comparing.not_logged(id),
        }
    }
    for (_, query) in logged.iter().filter(|(id, _)| !journal.contains_key(*id)) {
        comparing.only_logged(query);
    }
    comparing.found.sort_by_key(|difference| difference.index);
    comparing.found
}

struct Comparing<'a> {
    supplier: &'a SupplierId,
    lang: Lang,
    found: Vec<Difference>,
}

impl Comparing<'_> {
    fn find(&mut self, id: &QueryId, index: Option<u64>, code: &'static str, nl: String, en: String) {
        let difference = Difference { query: id.to_string(), index, code, note: false, text: self.said(nl, en) };
        self.found.push(difference);
    }

    fn note(&mut self, id: &QueryId, index: u64, code: &'static str, nl: String, en: String) {
        let index = Some(index);
        let difference = Difference { query: id.to_string(), index, code, note: true, text: self.said(nl, en) };
        self.found.push(difference);
    }

    fn said(&self, nl: String, en: String) -> String {
        if self.lang == Lang::Nl { nl } else { en }
    }

    fn later(&mut self, id: &QueryId, index: u64, size: u64) {
        let nl = format!("de node zag dit als post {index}; dit logboek telt er {size}: neem een nieuwere export");
        let en = format!("the node saw it as entry {index}; this log has {size}: take a newer export");
        self.note(id, index, "log-older", nl, en);
    }

    fn not_logged(&mut self, id: &QueryId) {
        let nl = "aan deze node gevraagd, maar niet in het logboek".to_owned();
        self.find(id, None, "not-logged", nl, "asked of this node, but not in the log".to_owned());
    }

    fn only_logged(&mut self, query: &QueryAccount) {
        let taking_part = self.attempt_with(query);
        if let Some(attempt) = taking_part {
            let (at, number) = (attempt.at, attempt.fact.number);
            let nl = format!("volgens post {at} deed deze node mee aan poging {number}; zijn journaal weet van niets");
            let en = format!(
                "entry {at} says that this node took part in attempt {number}; its journal knows nothing of it"
            );
            self.find(&query.id, Some(query.at), "not-in-journal", nl, en);
        }
        if let Some(refusal) = query.refusals.iter().find(|refusal| refusal.fact.0 == *self.supplier) {
            let nl = format!("volgens post {} weigerde deze node; zijn journaal weet van niets", refusal.at);
            let en = format!("entry {} says that this node refused; its journal knows nothing of it", refusal.at);
            self.find(&query.id, Some(query.at), "not-in-journal", nl, en);
        }
    }

    /// The attempt that counts, if this supplier is in it.
    fn attempt_with<'q>(&self, query: &'q QueryAccount) -> Option<&'q Logged<Attempt>> {
        query.attempt().filter(|attempt| attempt.fact.participants.contains(self.supplier))
    }

    fn both(&mut self, line: &Line, query: &QueryAccount) {
        self.same_question(line, query);
        self.same_refusal(line, query);
        if let Some(sent) = &line.attempts {
            self.same_attempts(sent, query);
        }
    }

    fn same_question(&mut self, line: &Line, query: &QueryAccount) {
        let entry = &query.entry;
        let edition = entry.edition.to_string();
        let fields = [
            ("dataset", line.dataset.as_deref(), entry.dataset.as_str()),
            ("edition", line.edition.as_deref(), edition.as_str()),
            ("purpose", line.purpose.as_deref(), entry.purpose.as_str()),
            ("requester", line.requester.as_deref(), entry.requester.as_str()),
        ];
        for (name, ours, theirs) in fields {
            if let Some(ours) = ours.filter(|ours| *ours != theirs) {
                let nl = format!("het journaal zegt `{ours}`, het logboek `{theirs}` ({name})");
                let en = format!("the journal says `{ours}`, the log `{theirs}` ({name})");
                self.find(&query.id, Some(query.at), "question-differs", nl, en);
            }
        }
        if line.document.as_ref().is_some_and(|document| Hash256::of(document.as_bytes()) != entry.query) {
            let nl = "de vraag in het journaal is een andere dan die in het logboek".to_owned();
            let en = "the question in the journal is another than the one in the log".to_owned();
            self.find(&query.id, Some(query.at), "question-differs", nl, en);
        }
    }

    fn same_refusal(&mut self, line: &Line, query: &QueryAccount) {
        let logged = query.refusals.iter().find(|refusal| refusal.fact.0 == *self.supplier);
        let (nl, en) = match (line.refused.as_deref(), logged) {
            (Some(ours), Some(refusal)) if ours != refusal.fact.1.as_str() => {
                let (at, theirs) = (refusal.at, &refusal.fact.1);
                (
                    format!("de node weigerde met `{ours}`, volgens post {at} met `{theirs}`"),
                    format!("the node refused for `{ours}`, entry {at} says for `{theirs}`"),
                )
            }
            (Some(ours), None) => return self.refusal_not_logged(ours, query),
            (None, Some(refusal)) => (
                format!("volgens post {} weigerde de node; zijn journaal zegt dat niet", refusal.at),
                format!("entry {} says that the node refused; its journal does not", refusal.at),
            ),
            _ => return,
        };
        self.find(&query.id, Some(query.at), "refusal-differs", nl, en);
    }

    /// Beside a release somebody must look into it. Where there is none the query was over before the refusal came, or goes
    /// on.
    fn refusal_not_logged(&mut self, ours: &str, query: &QueryAccount) {
        let (id, at) = (&query.id, query.at);
        match query.end.as_ref().map(|end| (end.at, &end.fact)) {
            Some((end, End::Release(_))) => {
                let nl = format!(
                    "de node weigerde (`{ours}`), wat niet in het logboek staat; wel een vrijgegeven tabel (post {end}): \
                     de weigering is verzwegen, of kwam toen op niemand meer gewacht werd"
                );
                let en = format!(
                    "the node refused (`{ours}`), which the log does not have; it has a release (entry {end}): the \
                     refusal is concealed, or came when nobody was waited for any more"
                );
                self.find(id, Some(at), "refusal-differs", nl, en);
            }
            Some((end, End::Without { .. })) => {
                let nl = format!(
                    "de node weigerde (`{ours}`), wat niet in het logboek staat; zonder tabel geëindigd (post {end}), \
                     misschien eerder dan de weigering kwam"
                );
                let en = format!(
                    "the node refused (`{ours}`), which the log does not have; it ended without a table (entry {end}), \
                     perhaps before the refusal came"
                );
                self.note(id, at, "refusal-not-logged", nl, en);
            }
            None => {
                let nl =
                    format!("de node weigerde (`{ours}`), wat nog niet in het logboek staat: neem later een export");
                let en = format!("the node refused (`{ours}`), which the log does not have yet: take an export later");
                self.note(id, at, "refusal-not-logged", nl, en);
            }
        }
    }

    fn same_attempts(&mut self, sent: &[Sent], query: &QueryAccount) {
        for attempt in &query.attempts {
            let (at, number) = (attempt.at, attempt.fact.number);
            let takes_part = attempt.fact.participants.contains(self.supplier);
            let ours = sent.iter().find(|sent| sent.attempt == number);
            let (code, nl, en) = match (takes_part, ours) {
                (true, None) => (
                    "not-sent",
                    format!(
                        "volgens post {at} deed deze node mee aan poging {number}; hij heeft er niets voor gestuurd"
                    ),
                    format!("entry {at} says that this node took part in attempt {number}; it sent nothing for it"),
                ),
                (false, Some(sent)) if sent.statement.is_some() => (
                    "left-out",
                    format!("deze node bekrachtigde poging {number}, maar post {at} noemt hem niet"),
                    format!("this node certified attempt {number}, but entry {at} does not name it"),
                ),
                (true, Some(sent)) if sent.statement.is_some_and(|ours| ours != attempt.fact.statement) => (
                    "statement-differs",
                    format!("bij poging {number} kreeg deze node iets anders te zien dan wat post {at} noemt"),
                    format!("in attempt {number} this node was shown something else than what entry {at} names"),
                ),
                _ => continue,
            };
            self.find(&query.id, Some(query.at), code, nl, en);
        }
    }
}

/// The differences for people, the notes after them.
pub fn told(differences: &[Difference], queries: usize, lang: Lang) -> String {
    let line = |difference: &Difference| {
        let index = difference.index.map(|index| format!("#{index} ")).unwrap_or_default();
        let short: String = difference.query.chars().take(12).collect();
        format!("{index}{short}: {} [{}]\n", printable(&difference.text), difference.code)
    };
    let (notes, found): (Vec<&Difference>, Vec<&Difference>) = differences.iter().partition(|found| found.note);
    let mut text: String = found.iter().map(|found| line(found)).collect();
    if found.is_empty() {
        text.push_str(&match lang {
            Lang::Nl => format!("Journaal en logboek spreken elkaar niet tegen over {queries} vragen.\n"),
            Lang::En => format!("Journal and log do not contradict each other on {queries} queries.\n"),
        });
    }
    if !notes.is_empty() {
        text.push_str(if lang == Lang::Nl { "\nTer aantekening:\n" } else { "\nTo note:\n" });
        text.extend(notes.iter().map(|note| line(note)));
    }
    text
}
