//! A question that was answered: its release with all that proves it, and the bundle that an analyst fetches.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use curve25519_dalek::Scalar;
use optelsom_codebook::{Hash256, Plan, Query, SupplierId};
use optelsom_disclosure::{Noise, Policy, ProtectedTable, Release, RoundFacts, Totals, protect, protect_noised};
use optelsom_ledger::audit::Files;
use optelsom_ledger::entry::{
    AuthorisationEntry, Entry, FinalEntry, Outcome, ParticipantsEntry, ReasonCode, ReleaseEntry, Vote, Votes,
    salted_digest,
};
use optelsom_ledger::{Signature, SignedQuery};
use optelsom_secagg::commitment::{blind, sum_of_multiples};
use optelsom_secagg::messages::{
    Attempt, Certificate, ColumnHeader, FinalCertificate, FinalVote, Participants, RelayedHeader,
    Statement as Attempted,
};
use optelsom_secagg::release_proof::{ProofWitness, Protection, ReleaseProof, SignedSubmissions, Statement, claims};
use optelsom_secagg::{Entropy, Generators, Rules, Verifier};

use super::edition::FROZEN;
use super::log::Writing;
use super::{
    ASKED, CODEBOOK, CODEBOOK_TEXT, HOUR, PURPOSE, analyst, entry, good, query, roster, supplier_keys, suppliers,
};

/// All that is logged and published of one query.
pub(in crate::decoders) struct Answer {
    pub(in crate::decoders) question: SignedQuery,
    pub(in crate::decoders) document: Vec<u8>,
    pub(in crate::decoders) policy: Policy,
    pub(in crate::decoders) release: Release,
    pub(in crate::decoders) proofs: Vec<Option<ReleaseProof>>,
    pub(in crate::decoders) submissions: SignedSubmissions,
    salt: [u8; 32],
}

/// The one answer that samples are made of.
pub(in crate::decoders) static ANSWER: LazyLock<Answer> = LazyLock::new(Answer::new);

impl Answer {
    /// Columns: a count of each cell (two years by two regions, the years, the whole), and of how many suppliers have any.
    fn new() -> Self {
        let query = query("SELECT year, region, COUNT(*) FROM d GROUP BY ROLLUP (year, region)");
        let (plan, policy) = (good(Plan::new(&CODEBOOK, &query)), good(Policy::new("d", 5)));
        let question = entry(&query, policy.hash(), 1).sign(&analyst());
        let columns = vec![vec![3, 40, 25, 31, 43, 56, 99], vec![3, 4, 4, 4, 4, 4, 4]];
        let (roster, generators) = (roster(), Generators::default());
        let scope = good(roster.scope(&suppliers()));
        let verifier = Verifier::new(question.entry.id(), Attempt::FIRST, &scope, Rules::all());
        let (submissions, witness) = signed(&verifier, &columns, &generators);
        let commitments = good(submissions.verify(&verifier));
        let table = good(protect(&plan, &policy, Totals::new(columns)));
        let protection = Protection::of(&policy);
        let prove = |(column, claims)| {
            let statement = good(Statement::new(&commitments, &plan.hash(), &protection, column, claims));
            let prove = || good(witness.prove(&statement, &generators, &Entropy::new([3; 32])));
            (!statement.says_nothing()).then(prove)
        };
        let claimed = good(claims(&plan, &protection, &table));
        let proofs = claimed.into_iter().enumerate().map(prove).collect();
        let release = release(&plan, &policy, &question, table);
        Self { document: query.canonical_bytes(), question, policy, release, proofs, submissions, salt: [1; 32] }
    }

    /// The table as it was released.
    pub(in crate::decoders) fn table(&self) -> Vec<u8> {
        good(self.release.to_json())
    }

    /// The entries of the log that speak of it, where its query stands at this index.
    pub(in crate::decoders) fn entries(&self, query: u64) -> Vec<Entry> {
        let mut hidden: BTreeMap<ReasonCode, u64> = BTreeMap::new();
        for value in self.release.table().rows().iter().flat_map(|row| row.figures()) {
            if let Some(rule) = value.status().code().strip_prefix("hidden-") {
                *hidden.entry(good(ReasonCode::try_from(rule))).or_default() += 1;
            }
        }
        let certificate = self.submissions.certificate();
        let certified = &certificate.certificate;
        let roster = roster();
        let scope = good(roster.scope(&suppliers()));
        let verifier = Verifier::new(self.question.entry.id(), Attempt::FIRST, &scope, Rules::all());
        let vote = |vote: &FinalVote| Vote { supplier: vote.supplier.clone(), signature: vote.signature };
        vec![
            Entry::Query(self.question.entry.clone()),
            Entry::Authorisation(AuthorisationEntry { query, requester: self.question.signature, approval: None }),
            Entry::Participants(ParticipantsEntry {
                query,
                attempt: 1,
                participants: suppliers(),
                submissions: certified.statement().submissions(verifier.round()),
                certificate: certified.digest(verifier.round()),
            }),
            Entry::Final(FinalEntry {
                query,
                participants: query + 2,
                votes: Votes::new(certificate.votes.iter().map(vote).collect()),
            }),
            Entry::Release(ReleaseEntry {
                query,
                outcome: Outcome::Complete,
                table: salted_digest(&self.salt, &self.table()),
                hidden: hidden.into_iter().collect(),
                participants: Hash256::of(&self.submissions.to_bytes()),
                proof: Hash256::of(&ReleaseProof::file(&self.proofs)),
            }),
        ]
    }

    /// The files that are published beside the log.
    pub(in crate::decoders) fn files(&self) -> [(&'static str, Vec<u8>); 4] {
        [
            ("release.json", self.table()),
            ("salt", self.salt.to_vec()),
            ("proof", ReleaseProof::file(&self.proofs)),
            ("commitments", self.submissions.to_bytes()),
        ]
    }
}

fn release(plan: &Plan, policy: &Policy, question: &SignedQuery, table: ProtectedTable) -> Release {
    let facts = RoundFacts {
        query: question.entry.id(),
        edition: question.entry.edition.clone(),
        purpose: PURPOSE.to_owned(),
        asked_at: ASKED,
        released_at: ASKED.plus_millis(1000),
        asked: suppliers().into_iter().collect(),
        taking_part: suppliers().into_iter().collect(),
        absences: Vec::new(),
    };
    good(Release::new(&CODEBOOK, plan, policy, facts, table))
}

/// A release of this question of the frozen edition.
pub(in crate::decoders) fn release_of(query: &Query) -> Release {
    let (plan, policy) = (good(Plan::new(&CODEBOOK, query)), good(Policy::for_dataset(query.dataset())));
    let totals = Totals::new(FROZEN.totals(&plan));
    let table = match Noise::of(&plan, 3) {
        Some(noise) => protect_noised(&plan, &noise, 4, totals),
        None => protect(&plan, &policy, totals),
    };
    release(&plan, &policy, &entry(query, policy.hash(), 2).sign(&analyst()), good(table))
}

/// What the suppliers have signed. The first counted everything; the others have committed to nothing but a blinding.
fn signed(verifier: &Verifier<'_>, columns: &[Vec<i64>], generators: &Generators) -> (SignedSubmissions, ProofWitness) {
    let round = verifier.round();
    let cards = suppliers().into_iter().map(|name| (name.clone(), Hash256::of(name.as_str().as_bytes())));
    let participants = good(Participants::new(cards.collect()));
    let commit = |at: u8, cells: &Vec<i64>| {
        let figures = if at == 0 { cells.clone() } else { Vec::new() };
        let sum = sum_of_multiples(&figures, &generators.first(cells.len()));
        blind(&sum, &Scalar::from(u64::from(at) + 11)).compress().to_bytes()
    };
    let header = |(at, supplier): (u8, SupplierId)| {
        let column = |cells| ColumnHeader { masked_blinding: [0; 32], commitment: commit(at, cells) };
        RelayedHeader {
            supplier,
            participants: participants.hash(),
            table_digest: Hash256::of(b"table"),
            columns: columns.iter().map(column).collect(),
            self_mask_commitment: Hash256::of(b"mask"),
            dealt: Hash256::of(b"shares"),
            signature: Signature::from_bytes([0; 64]),
        }
    };
    let headers = (0..).zip(suppliers()).map(header).zip(supplier_keys());
    let headers: Vec<_> = headers.map(|(header, key)| header.sign(&key, round)).collect();
    let digests: Vec<_> = headers.iter().map(|header| (header.supplier.clone(), header.digest(round))).collect();
    let attempted = Attempted { participants: participants.clone(), digests: digests.clone() };
    let signers = || suppliers().into_iter().zip(supplier_keys());
    let signatures = signers().map(|(name, key)| attempted.sign_prepared(&key, round, name)).collect();
    let digest = attempted.digest(round);
    let votes = signers().map(|(name, key)| FinalVote::sign(&key, round, &digest, name)).collect();
    let certificate = Arc::new(Certificate { attempt: Attempt::FIRST, participants, digests, signatures });
    let blinding = Scalar::from(11 + 12 + 13 + 14_u64).to_bytes();
    let witness = ProofWitness::new(columns.to_vec(), vec![blinding; columns.len()]);
    (SignedSubmissions::new(FinalCertificate { certificate, votes }, headers), witness)
}

/// The files of the bundle, but for its manifest.
pub(in crate::decoders) fn bundle() -> Files {
    let answer = &*ANSWER;
    let mut log = Writing::default();
    for entry in answer.entries(0) {
        log.push(&entry);
    }
    let checkpoint = log.checkpoint(ASKED.plus_millis(2 * HOUR));
    let mut files: Files = ["query", "authorisation", "participants", "final", "release"]
        .into_iter()
        .zip(0..)
        .map(|(step, index)| (format!("{step}.tlog-proof"), log.tlog_proof(index, &checkpoint)))
        .collect();
    let documents = [
        ("query.json", answer.document.clone()),
        ("codebook.toml", CODEBOOK_TEXT.as_bytes().to_vec()),
        ("roster.toml", roster().to_toml().into_bytes()),
        ("policy", answer.policy.canonical_bytes()),
    ];
    files.extend(documents.into_iter().chain(answer.files()).map(|(name, bytes)| (name.to_owned(), bytes)));
    files
}

/// The manifest that fits these files, as `sha256sum` writes it.
pub(in crate::decoders) fn manifest(files: &Files) -> Vec<u8> {
    let line = |(name, bytes): (&String, &Vec<u8>)| format!("{}  {name}\n", Hash256::of(bytes));
    files.iter().map(line).collect::<String>().into_bytes()
}
