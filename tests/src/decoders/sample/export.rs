//! A log with an entry of every kind, and the folder that it exports to.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use optelsom_codebook::{Hash256, QueryId, Timestamp};
use optelsom_disclosure::Policy;
use optelsom_ledger::audit::{CHECKPOINT, Files, document_path, release_folder};
use optelsom_ledger::entry::signing::{final_bytes, refused_bytes, void_bytes};
use optelsom_ledger::entry::{
    AbandonmentEntry, Approval, AuthorisationEntry, DocumentChange, DocumentEntry, EditionEntry, Entry, FinalEntry,
    ParticipantsEntry, ReasonCode, RefusalEntry, RefusedBy, SpentEntry, Subject, VoidEntry, Vote, Votes,
};
use optelsom_ledger::tiles::TilePath;

use super::log::Writing;
use super::release::ANSWER;
use super::{
    ASKED, CODEBOOK, CODEBOOK_TEXT, HOUR, agreement, analyst, approver, edition, entry, good, operator, query, roster,
    supplier, supplier_keys, suppliers, there,
};

/// The log, with what stands beside it.
pub(in crate::decoders) struct Exported {
    pub(in crate::decoders) log: Writing,
    pub(in crate::decoders) entries: Vec<Entry>,
    pub(in crate::decoders) documents: BTreeMap<Hash256, Vec<u8>>,
    pub(in crate::decoders) queries: Vec<QueryId>,
    now: Timestamp,
}

/// The one log that samples are made of.
pub(in crate::decoders) static EXPORT: LazyLock<Exported> = LazyLock::new(Exported::new);

fn reason(code: &str) -> ReasonCode {
    good(ReasonCode::try_from(code))
}

fn votes(statement: &[u8]) -> Votes {
    let voters = suppliers().into_iter().zip(supplier_keys()).take(3);
    Votes::new(voters.map(|(supplier, key)| Vote::sign(&key, supplier, statement)).collect())
}

impl Exported {
    /// One of everything: released, refused in part and as a whole, given up, void, spent, and one that goes on.
    fn new() -> Self {
        let (log, documents) = (Writing::default(), BTreeMap::new());
        let mut all = Self { log, entries: Vec::new(), documents, queries: Vec::new(), now: ASKED };
        all.opening();
        all.released();
        let (first, id) = all.ask("SELECT form, COUNT(*) FROM victims WHERE year = 2023 GROUP BY form", true);
        all.refused(first, id);
        all.total(first, id);
        all.push(Entry::Spent(SpentEntry::sign(first, reason("sum-mismatch"), &operator())));
        let (second, id) = all.ask("SELECT COUNT(*) FROM victims WHERE year = 2024 SETTINGS epsilon = 0.5", false);
        let votes = votes(&void_bytes(&id, &roster().hash()));
        all.push(Entry::Void(VoidEntry { query: second, reason: reason("voters-gone"), votes }));
        let (third, _) = all.ask("SELECT sex, AVG(days) FROM victims GROUP BY sex", false);
        all.push(Entry::Abandonment(AbandonmentEntry::sign(third, reason("too-few-suppliers"), &operator())));
        let (fourth, _) = all.ask("SELECT COUNT(*) FROM d", false);
        all.push(Entry::Refusal(RefusalEntry::of_query(fourth, reason("policy"), &operator())));
        all.ask("SELECT region, COUNT(*) FROM d GROUP BY region", true);
        all
    }

    fn opening(&mut self) {
        let of_dataset = |name| Policy::for_dataset(there(CODEBOOK.dataset(name)).as_ref());
        self.document(Subject::Roster, roster().to_toml().as_bytes(), roster().hash(), None);
        self.document(Subject::Codebook, CODEBOOK_TEXT.as_bytes(), CODEBOOK.hash(), None);
        let mut last = None;
        for policy in [Policy::new("d", 5), of_dataset("d"), of_dataset("victims")] {
            let policy = good(policy).canonical_bytes();
            last = Some(self.document(Subject::Policy, &policy, Hash256::of(&policy), last));
        }
        let software = b"optelsom 0.1.0";
        self.document(Subject::Software, software, Hash256::of(software), None);
        self.push(Entry::Edition(EditionEntry::sign("d".to_owned(), edition(), ASKED, &operator())));
        // Only one: its supplier waives the guard, and too few would be left that do not.
        let (name, key) = there(suppliers().into_iter().zip(supplier_keys()).next());
        let document = self.keep(agreement(name.as_str()).as_bytes());
        let entry = DocumentEntry::agreement(name, document, document, None, |change| {
            (change.sign(&operator()), change.sign(&key))
        });
        self.push(Entry::Document(entry));
    }

    fn released(&mut self) {
        self.keep(&ANSWER.document);
        self.queries.push(ANSWER.question.entry.id());
        for entry in ANSWER.entries(self.log.edge.size()) {
            self.push(entry);
        }
    }

    fn push(&mut self, entry: Entry) -> u64 {
        let index = self.log.push(&entry);
        self.entries.push(entry);
        index
    }

    fn keep(&mut self, document: &[u8]) -> Hash256 {
        let digest = Hash256::of(document);
        self.documents.insert(digest, document.to_vec());
        digest
    }

    fn document(&mut self, subject: Subject, document: &[u8], named: Hash256, predecessor: Option<u64>) -> u64 {
        let change = DocumentChange { subject, document: self.keep(document), named, predecessor };
        let signature = change.sign(&operator());
        self.push(Entry::Document(good(DocumentEntry::new(change, signature))))
    }

    /// A signed query, approved or not: its index, and λ.
    fn ask(&mut self, sql: &str, approved: bool) -> (u64, QueryId) {
        let query = query(sql);
        self.keep(&query.canonical_bytes());
        self.now = self.now.plus_millis(HOUR);
        let policy = good(Policy::for_dataset(query.dataset()));
        let mut entry = entry(&query, policy.hash(), 7);
        (entry.asked_at, entry.expires_at) = (self.now, self.now.plus_millis(HOUR / 6));
        let signed = entry.sign(&analyst());
        let id = signed.entry.id();
        let index = self.push(Entry::Query(signed.entry));
        self.queries.push(id);
        let approval = approved.then(|| Approval::sign(&approver(), "analyst-2", &id));
        self.push(Entry::Authorisation(AuthorisationEntry { query: index, requester: signed.signature, approval }));
        (index, id)
    }

    fn refused(&mut self, query: u64, id: QueryId) {
        let (name, why) = (supplier("west"), reason("outside-period"));
        let key = there(supplier_keys().pop());
        let signature = key.sign(&refused_bytes(&id, &roster().hash(), &name, &why));
        self.push(Entry::Refusal(RefusalEntry { query, reason: why, by: RefusedBy::Supplier(name), signature }));
    }

    /// An attempt that was made final.
    fn total(&mut self, query: u64, id: QueryId) {
        let (submissions, certificate) = (Hash256::of(b"submissions"), Hash256::of(b"certificate"));
        let entry = ParticipantsEntry { query, attempt: 1, participants: suppliers(), submissions, certificate };
        let statement = entry.statement();
        let participants = self.push(Entry::Participants(entry));
        let votes = votes(&final_bytes(&id, 1, &roster().hash(), &statement));
        self.push(Entry::Final(FinalEntry { query, participants, votes }));
    }

    /// The files of the export.
    pub(in crate::decoders) fn files(&self) -> Files {
        let checkpoint = self.log.checkpoint(self.now.plus_millis(2 * HOUR));
        let mut files = Files::from([(CHECKPOINT.to_owned(), checkpoint.to_bytes())]);
        let tile = |path: TilePath| (path.to_string(), there(self.log.tiles.get(&path)).clone());
        files.extend(TilePath::all(self.log.edge.size()).map(tile));
        files.extend(self.documents.iter().map(|(digest, bytes)| (document_path(digest), bytes.clone())));
        let folder = release_folder(&ANSWER.question.entry.id());
        files.extend(ANSWER.files().map(|(name, bytes)| (format!("{folder}{name}"), bytes)));
        files
    }
}
