//! A federation that answers two questions, and the bundle of the first: whoever cheats may change anything before it is
//! logged, and log, witnesses and manifest are then made to fit.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::prelude::{BASE64_STANDARD, Engine};
use curve25519_dalek::Scalar;
use optelsom_codebook::{Codebook, Hash256, Plan, Query, SupplierId, Timestamp};
use optelsom_disclosure::{Policy, Release, RoundFacts, Totals, protect};
use optelsom_ledger::audit::Files;
use optelsom_ledger::entry::{
    ApprovalRule, AuthorisationEntry, Entry, FinalEntry, Outcome, ParticipantsEntry, ReasonCode, ReleaseEntry, Vote,
    Votes, salted_digest,
};
use optelsom_ledger::leaf::Leaf;
use optelsom_ledger::note::{Committee, CosignerKey, KeyName, LogKey, SignedCheckpoint};
use optelsom_ledger::proof::ConsistencyProof;
use optelsom_ledger::tiles::{Edge, Tiles, prove_inclusion};
use optelsom_ledger::witness::{WitnessRecord, cosign};
use optelsom_ledger::{IdentityKey, Member, QueryEntry, Requester, Roster, Signature, SignedQuery, Trust};
use optelsom_secagg::commitment::{blind, sum_of_multiples};
use optelsom_secagg::messages::{
    Attempt, Certificate, ColumnHeader, FinalCertificate, FinalVote, Participants, RelayedHeader,
    Statement as Attempted,
};
use optelsom_secagg::release_proof::{
    ProofWitness, Protection, ReleaseProof, SignedCommitments, SignedSubmissions, Statement, claims,
};
use optelsom_secagg::{Entropy, Generators, Rules, Verifier};

const CODEBOOK: &str = r#"
version = "1"
name = { nl = "Proef", en = "Trial" }
[lists.years]
years = [2023, 2024]
[lists.region]
codes = [{ code = "n", nl = "noord", en = "north" }, { code = "s", nl = "zuid", en = "south" }]
[datasets.d]
label = { nl = "d", en = "d" }
unit = "report"
period = "year"
minimum_frequency = 5
[datasets.d.variables.year]
label = { nl = "jaar", en = "year" }
list = "years"
[datasets.d.variables.region]
label = { nl = "regio", en = "region" }
list = "region"
"#;
const SUPPLIERS: [&str; 4] = ["east", "north", "south", "west"];
const ASKED: Timestamp = Timestamp::from_millis(1_793_611_800_000);
const HOUR: u64 = 3_600_000;

fn key(seed: u8) -> IdentityKey {
    IdentityKey::from_seed(&[seed; 32])
}

fn supplier(name: &str) -> SupplierId {
    SupplierId::try_from(name).unwrap()
}

fn suppliers() -> Vec<SupplierId> {
    SUPPLIERS.map(supplier).to_vec()
}

fn name(text: &str) -> KeyName {
    KeyName::try_from(text).unwrap()
}

fn log() -> LogKey {
    LogKey::new(name("test/log"), key(100))
}

fn cosigners() -> Vec<CosignerKey> {
    (201..).zip(SUPPLIERS).map(|(seed, n)| CosignerKey::new(name(&format!("test/log/{n}")), key(seed))).collect()
}

pub fn trust() -> Trust {
    let committee = cosigners().iter().map(|cosigner| cosigner.verifier().clone()).collect();
    Trust::new(log().verifier().clone(), Committee::new(committee, 1, 1).unwrap(), ApprovalRule::OnePerson)
}

pub fn roster() -> Roster {
    let members = (1..).zip(SUPPLIERS).map(|(seed, n)| Member { supplier: supplier(n), identity: key(seed).public() });
    let requester = Requester { key_id: "analyst-1".into(), identity: key(9).public() };
    Roster::new(members.collect(), vec![requester], Some(1)).unwrap()
}

/// All that is logged and published of one query.
pub struct Answer {
    pub question: SignedQuery,
    pub document: Vec<u8>,
    pub policy: Vec<u8>,
    pub participants: Vec<SupplierId>,
    pub submissions: Hash256,
    pub certificate: Hash256,
    pub votes: Votes,
    pub table: Vec<u8>,
    pub salt: [u8; 32],
    pub proof: Vec<u8>,
    pub commitments: Vec<u8>,
}

impl Answer {
    /// An honest one. Columns: a count of each cell (two years by two regions, the years, the whole), and of how many
    /// suppliers have any.
    pub fn honest(nonce: u8, counts: [i64; 7]) -> Self {
        let codebook = Codebook::parse(CODEBOOK).unwrap();
        let sql = "SELECT year, region, COUNT(*) FROM d GROUP BY ROLLUP (year, region)";
        let query = Query::from_sql(&codebook, sql).unwrap().with_edition("2024-12".parse().unwrap());
        let (plan, policy) = (Plan::new(&codebook, &query).unwrap(), Policy::new("d", 5).unwrap());
        let document = query.canonical_bytes();
        let entry = QueryEntry {
            query: Hash256::of(&document),
            dataset: "d".to_owned(),
            edition: "2024-12".parse().unwrap(),
            purpose: "monitor".to_owned(),
            requester: "analyst-1".to_owned(),
            codebook: codebook.hash(),
            roster: roster().hash(),
            disclosure_policy: policy.hash(),
            scope: suppliers(),
            collusion: 1,
            min_suppliers: 4,
            asked_at: ASKED,
            expires_at: ASKED.plus_millis(HOUR),
            nonce: [nonce; 16],
        };
        let question = entry.sign(&key(9));
        let columns = vec![counts.to_vec(), counts.iter().map(|count| (*count).min(4)).collect()];
        let (roster, generators) = (roster(), Generators::default());
        let scope = roster.scope(&suppliers()).unwrap();
        let verifier = Verifier::new(question.entry.id(), Attempt::FIRST, &scope, Rules::all());
        let (submissions, witness) = signed(&verifier, &columns, &generators);
        let commitments = submissions.verify(&verifier).unwrap();
        let table = protect(&plan, &policy, Totals::new(columns)).unwrap();
        let proof = proof((&plan, &policy), &table, &commitments, &witness, &generators);
        let facts = RoundFacts {
            query: question.entry.id(),
            edition: question.entry.edition.clone(),
            purpose: "monitor".to_owned(),
            asked_at: ASKED,
            released_at: ASKED.plus_millis(1000),
            asked: suppliers().into_iter().collect(),
            taking_part: suppliers().into_iter().collect(),
            absences: Vec::new(),
        };
        let release = Release::new(&codebook, &plan, &policy, facts, table).unwrap();
        let certified = &submissions.certificate().certificate;
        let vote = |vote: &FinalVote| Vote { supplier: vote.supplier.clone(), signature: vote.signature };
        Self {
            participants: suppliers(),
            submissions: certified.statement().submissions(verifier.round()),
            certificate: certified.digest(verifier.round()),
            votes: Votes::new(submissions.certificate().votes.iter().map(vote).collect()),
            table: release.to_json().unwrap(),
            salt: [nonce; 32],
            proof,
            commitments: submissions.to_bytes(),
            policy: policy.canonical_bytes(),
            question,
            document,
        }
    }

    /// Replaces a text of the table.
    pub fn alter(&mut self, from: &str, to: &str) {
        let table = String::from_utf8(self.table.clone()).unwrap();
        assert!(table.contains(from), "{table}");
        self.table = table.replacen(from, to, 1).into_bytes();
    }

    /// What was signed by others than one of the suppliers: its part is cut out.
    pub fn drop_signer(&mut self, gone: &str) {
        let id = self.question.entry.id();
        let all = SignedSubmissions::from_bytes(&self.commitments, id, roster().hash()).unwrap();
        let certificate = all.certificate();
        let stays = |name: &SupplierId| name.as_str() != gone;
        let entries = certificate.certificate.participants.entries().iter().filter(|(n, _)| stays(n)).cloned();
        let mut fewer = Certificate::clone(&certificate.certificate);
        fewer.participants = Participants::new(entries.collect()).unwrap();
        fewer.digests.retain(|(name, _)| stays(name));
        fewer.signatures.retain(|prepared| stays(&prepared.supplier));
        let headers = all.headers().iter().filter(|header| stays(&header.supplier)).cloned().collect();
        let votes = certificate.votes.clone();
        let fewer = SignedSubmissions::new(FinalCertificate { certificate: Arc::new(fewer), votes }, headers);
        self.commitments = fewer.to_bytes();
    }
}

/// The first supplier counted everything; the others have committed to nothing but a blinding.
fn signed(verifier: &Verifier<'_>, columns: &[Vec<i64>], generators: &Generators) -> (SignedSubmissions, ProofWitness) {
    let round = verifier.round();
    let participants = suppliers().into_iter().map(|name| (name.clone(), Hash256::of(name.as_str().as_bytes())));
    let participants = Participants::new(participants.collect()).unwrap();
    let commit = |at: u8, cells: &[i64]| {
        let figures = if at == 0 { cells.to_vec() } else { Vec::new() };
        blind(&sum_of_multiples(&figures, &generators.first(cells.len())), &Scalar::from(u64::from(at) + 11))
    };
    let header = |(at, name): (u8, SupplierId)| {
        let commitment = |cells: &Vec<i64>| commit(at, cells).compress().to_bytes();
        let column = |cells| ColumnHeader { masked_blinding: [0; 32], commitment: commitment(cells) };
        let header = RelayedHeader {
            supplier: name,
            participants: participants.hash(),
            table_digest: Hash256::of(b"table"),
            columns: columns.iter().map(column).collect(),
            self_mask_commitment: Hash256::of(b"mask"),
            dealt: Hash256::of(b"shares"),
            signature: Signature::from_bytes([0; 64]),
        };
        header.sign(&key(at + 1), round)
    };
    let headers: Vec<_> = (0..).zip(suppliers()).map(header).collect();
    let digests: Vec<_> = headers.iter().map(|header| (header.supplier.clone(), header.digest(round))).collect();
    let attempted = Attempted { participants: participants.clone(), digests: digests.clone() };
    let signers = || (1..).zip(suppliers()).map(|(seed, name)| (key(seed), name));
    let signatures = signers().map(|(key, name)| attempted.sign_prepared(&key, round, name)).collect();
    let digest = attempted.digest(round);
    let votes = signers().map(|(key, name)| FinalVote::sign(&key, round, &digest, name)).collect();
    let certificate = Arc::new(Certificate { attempt: Attempt::FIRST, participants, digests, signatures });
    let blinding = Scalar::from(11 + 12 + 13 + 14_u64).to_bytes();
    let witness = ProofWitness::new(columns.to_vec(), vec![blinding; columns.len()]);
    (SignedSubmissions::new(FinalCertificate { certificate, votes }, headers), witness)
}

fn proof(
    (plan, policy): (&Plan, &Policy),
    table: &optelsom_disclosure::ProtectedTable,
    commitments: &SignedCommitments,
    witness: &ProofWitness,
    generators: &Generators,
) -> Vec<u8> {
    let protection = Protection::of(policy);
    let claimed = claims(plan, &protection, table).unwrap();
    let prove = |(column, claims)| {
        let statement = Statement::new(commitments, &plan.hash(), &protection, column, claims).unwrap();
        let prove = || witness.prove(&statement, generators, &Entropy::new([3; 32])).unwrap();
        (!statement.says_nothing()).then(prove)
    };
    let proofs: Vec<_> = claimed.into_iter().enumerate().map(prove).collect();
    ReleaseProof::file(&proofs)
}

/// The log of both answers, and the bundle of the first.
pub fn bundle(cheat: impl FnOnce(&mut Answer, &Answer)) -> Files {
    let mut first = Answer::honest(1, [3, 40, 25, 31, 43, 56, 99]);
    let second = Answer::honest(2, [8, 40, 25, 31, 48, 56, 104]);
    cheat(&mut first, &second);
    let mut entries = logged(&first, 0);
    entries.extend(logged(&second, 5));
    let leaves: Vec<Leaf> = entries.iter().map(|entry| entry.to_leaf().unwrap()).collect();
    let extension = Edge::new().extend(&leaves).unwrap();
    let tiles: Tiles = extension.tiles.into_iter().collect();
    let checkpoint = SignedCheckpoint::sign(extension.edge.head().unwrap(), &log()).unwrap();
    let signing = log();
    let (fresh, empty) = (WitnessRecord::fresh(signing.verifier()), ConsistencyProof::empty());
    let (bytes, now) = (checkpoint.to_bytes(), ASKED.plus_millis(2 * HOUR));
    let one = |key: &CosignerKey| cosign(&fresh, &bytes, &empty, signing.verifier(), key, now).unwrap().stored().1;
    let cosigned = checkpoint.with_cosignatures(&cosigners().iter().map(one).collect::<Vec<_>>()).unwrap();
    let mut files = Files::new();
    for (index, step) in (0..).zip(["query", "authorisation", "participants", "final", "release"]) {
        let proof = prove_inclusion(cosigned.head(), index, &tiles).unwrap();
        let hashes: String = proof.hashes().iter().map(|hash| BASE64_STANDARD.encode(hash.as_bytes()) + "\n").collect();
        let leaf = BASE64_STANDARD.encode(leaves[usize::try_from(index).unwrap()].as_bytes());
        let head = format!("c2sp.org/tlog-proof@v1\nextra {leaf}\nindex {index}\n{hashes}\n");
        files.insert(format!("{step}.tlog-proof"), [head.as_bytes(), &cosigned.to_bytes()].concat());
    }
    let rest: [(&str, Vec<u8>); 8] = [
        ("query.json", first.document),
        ("codebook.toml", CODEBOOK.as_bytes().to_vec()),
        ("roster.toml", roster().to_toml().into_bytes()),
        ("policy", first.policy),
        ("release.json", first.table),
        ("salt", first.salt.to_vec()),
        ("proof", first.proof),
        ("commitments", first.commitments),
    ];
    files.extend(rest.map(|(name, bytes)| (name.to_owned(), bytes)));
    seal(&mut files);
    files
}

/// Writes a manifest that fits the files.
pub fn seal(files: &mut Files) {
    files.remove("manifest");
    let lines: String = files.iter().map(|(name, bytes)| format!("{}  {name}\n", Hash256::of(bytes))).collect();
    files.insert("manifest".to_owned(), lines.into_bytes());
}

fn logged(answer: &Answer, query: u64) -> Vec<Entry> {
    let mut hidden: BTreeMap<ReasonCode, u64> = BTreeMap::new();
    let release = Release::from_json(&answer.table).unwrap();
    for value in release.table().rows().iter().flat_map(|row| row.figures()) {
        if let Some(rule) = value.status().code().strip_prefix("hidden-") {
            *hidden.entry(ReasonCode::try_from(rule).unwrap()).or_default() += 1;
        }
    }
    let (participants, submissions) = (answer.participants.clone(), answer.submissions);
    let authorisation = AuthorisationEntry { query, requester: answer.question.signature, approval: None };
    vec![
        Entry::Query(answer.question.entry.clone()),
        Entry::Authorisation(authorisation),
        Entry::Participants(ParticipantsEntry {
            query,
            attempt: 1,
            participants,
            submissions,
            certificate: answer.certificate,
        }),
        Entry::Final(FinalEntry { query, participants: query + 2, votes: answer.votes.clone() }),
        Entry::Release(ReleaseEntry {
            query,
            outcome: Outcome::Complete,
            table: salted_digest(&answer.salt, &answer.table),
            hidden: hidden.into_iter().collect(),
            participants: Hash256::of(&answer.commitments),
            proof: Hash256::of(&answer.proof),
        }),
    ]
}
