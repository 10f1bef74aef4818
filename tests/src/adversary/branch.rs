//! One attempt as the adversary conducts it, towards whomever it likes. Several may run under one number.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use optelsom_codebook::{Hash256, QueryId, SupplierId};
use optelsom_ledger::entry::{Entry, FinalEntry, ParticipantsEntry, Vote, Votes};
use optelsom_secagg::messages::{
    Attempt, Card, Certificate, CoordinatorMessage, Dealt, Encapsulation, EncryptedShare, FinalCertificate, FinalVote,
    Participants, Prepared, Statement, SubmissionHeader, SupplierMessage,
};

use optelsom_secagg::Verifier;

use super::stage::{Answer, Stage};
use crate::dice::Dice;
use crate::federation::checkpoint;
use crate::world::node::Node;

/// How somebody on the list of participants came there.
#[derive(Clone, Debug)]
pub struct Place {
    /// The query that the machine behind the card believes in.
    pub query: QueryId,
    /// The attempt that it believes in.
    pub attempt: Attempt,
    /// The card.
    pub card: Card,
    /// Whether an honest supplier sits here.
    pub honest: bool,
}

/// An attempt, its list of participants fixed, and what came of it so far.
#[derive(Debug)]
pub struct Branch {
    /// λ as most believe.
    pub query: QueryId,
    /// α as most believe.
    pub attempt: Attempt,
    /// The participants.
    pub places: BTreeMap<SupplierId, Place>,
    /// All encapsulations made.
    pub encapsulations: Vec<Encapsulation>,
    /// All headers of submissions.
    pub headers: BTreeMap<SupplierId, SubmissionHeader>,
    /// All sealed shares.
    pub shares: Vec<EncryptedShare>,
    /// Who has certified.
    pub prepared: BTreeMap<SupplierId, Prepared>,
    /// Who has voted final.
    pub votes: BTreeMap<SupplierId, FinalVote>,
    /// Masked tables of honest suppliers, word by word.
    pub tables: BTreeMap<SupplierId, Vec<u64>>,
    puppets: BTreeMap<SupplierId, Node>,
}

impl Stage {
    /// Has an honest supplier join an attempt.
    pub fn join(&mut self, query: QueryId, attempt: Attempt, supplier: &SupplierId) -> Option<Place> {
        let answer = self.say(query, supplier, CoordinatorMessage::Join { attempt, checkpoint: checkpoint() });
        let card = answer.messages.into_iter().find_map(|message| match message {
            SupplierMessage::Card { card, .. } => Some(card),
            _ => None,
        });
        card.map(|card| Place { query, attempt, card, honest: true })
    }
}

impl Branch {
    /// An attempt with these honest places, and places for the adversary's own machines in the names of `puppets`.
    pub fn new(
        stage: &mut Stage,
        query: QueryId,
        attempt: Attempt,
        honest: impl IntoIterator<Item = Place>,
        puppets: &[SupplierId],
    ) -> Self {
        Self::on_ground(stage, query, attempt, honest, puppets, checkpoint())
    }

    /// As [`Branch::new`], with puppets that name another checkpoint.
    pub fn on_ground(
        stage: &mut Stage,
        query: QueryId,
        attempt: Attempt,
        honest: impl IntoIterator<Item = Place>,
        puppets: &[SupplierId],
        ground: Hash256,
    ) -> Self {
        let honest = honest.into_iter().map(|place| (place.card.supplier.clone(), place));
        let mut branch = Self {
            query,
            attempt,
            places: honest.collect(),
            encapsulations: Vec::new(),
            headers: BTreeMap::new(),
            shares: Vec::new(),
            prepared: BTreeMap::new(),
            votes: BTreeMap::new(),
            tables: BTreeMap::new(),
            puppets: BTreeMap::new(),
        };
        for supplier in puppets {
            let mut node = stage.puppet(query, supplier);
            let sent = node.receive(stage.now(), CoordinatorMessage::Join { attempt, checkpoint: ground });
            let card = sent.iter().filter_map(|sent| sent.message()).find_map(|message| match message {
                SupplierMessage::Card { card, .. } => Some(card.clone()),
                _ => None,
            });
            if let Some(card) = card {
                branch.places.insert(supplier.clone(), Place { query, attempt, card, honest: false });
                branch.puppets.insert(supplier.clone(), node);
            }
        }
        branch
    }

    /// The list of participants.
    pub fn participants(&self, stage: &Stage) -> Participants {
        let digest = |place: &Place| place.card.digest(&stage.round(place.query, place.attempt));
        let entries = self.places.iter().map(|(supplier, place)| (supplier.clone(), digest(place))).collect();
        let Ok(participants) = Participants::new(entries) else { unreachable!("a map is sorted") };
        participants
    }

    /// The honest participants.
    pub fn honest(&self) -> Vec<SupplierId> {
        self.places.iter().filter(|(_, place)| place.honest).map(|(supplier, _)| supplier.clone()).collect()
    }

    /// Those in whose names the adversary's own machines take part.
    pub fn own(&self) -> Vec<SupplierId> {
        self.puppets.keys().cloned().collect()
    }

    fn say(&mut self, stage: &mut Stage, to: &SupplierId, make: impl Fn(Attempt) -> CoordinatorMessage) -> Answer {
        let place = self.places.get(to);
        let (query, attempt) = place.map_or((self.query, self.attempt), |place| (place.query, place.attempt));
        let message = make(attempt);
        let answer = match self.puppets.get_mut(to) {
            None => stage.say(query, to, message),
            Some(puppet) => {
                let sent = puppet.receive(stage.now(), message);
                let messages = sent.iter().filter_map(|sent| sent.message()).cloned().collect();
                Answer { messages, ..Answer::default() }
            }
        };
        self.collect(to, &answer);
        answer
    }

    fn collect(&mut self, from: &SupplierId, answer: &Answer) {
        for message in &answer.messages {
            match message {
                SupplierMessage::Encapsulations { encapsulations, .. } => {
                    self.encapsulations.retain(|one| one.from != *from);
                    self.encapsulations.extend(encapsulations.iter().cloned());
                }
                SupplierMessage::Submission { header, shares, .. } => {
                    self.headers.insert(from.clone(), header.clone());
                    self.shares.retain(|share| share.from != *from);
                    self.shares.extend(shares.iter().cloned());
                }
                SupplierMessage::Prepared { prepared, .. } => {
                    drop(self.prepared.insert(from.clone(), prepared.clone()))
                }
                SupplierMessage::Final { vote, .. } => drop(self.votes.insert(from.clone(), vote.clone())),
                _ => {}
            }
        }
        if let Some(table) = &answer.table {
            self.tables.insert(from.clone(), table.clone());
        }
    }

    /// Shows the list of participants to these honest suppliers and to all puppets.
    pub fn pair(&mut self, stage: &mut Stage, to: &[SupplierId]) -> Vec<Answer> {
        let cards: Arc<[_]> = self.places.values().map(|place| place.card.clone()).collect();
        self.send_each(stage, to, |_, attempt, _| CoordinatorMessage::Pair { attempt, cards: cards.clone() })
    }

    /// Hands out the encapsulations made so far.
    pub fn exchange(&mut self, stage: &mut Stage, to: &[SupplierId]) -> Vec<Answer> {
        self.send_each(stage, to, |branch, attempt, to| {
            let mut encapsulations: Vec<_> =
                branch.encapsulations.iter().filter(|one| one.to == *to).cloned().collect();
            encapsulations.sort_by(|a, b| a.from.cmp(&b.from));
            CoordinatorMessage::Exchange { attempt, encapsulations: encapsulations.into() }
        })
    }

    /// Shows the headers and hands out the shares; puppets sign what the adversary wants in any case.
    pub fn certify(&mut self, stage: &mut Stage, to: &[SupplierId]) -> Vec<Answer> {
        let answers = self.send_each(stage, to, |branch, attempt, to| branch.certify_message(attempt, to));
        let (statement, round) = (self.statement(stage), stage.round(self.query, self.attempt));
        for supplier in self.own() {
            if let Some(puppet) = self.puppets.get(&supplier) {
                let signed = statement.sign_prepared(&puppet.config().identity, &round, supplier.clone());
                self.prepared.insert(supplier, signed);
            }
        }
        answers
    }

    /// Has a puppet encapsulate to everybody a second time, otherwise than before.
    pub fn encapsulate_again(&mut self, stage: &mut Stage, supplier: &SupplierId, dice: &mut Dice) {
        let participants = self.participants(stage);
        let Some(key) = self.puppets.get(supplier).map(|puppet| puppet.config().identity.clone()) else { return };
        let round = stage.round(self.query, self.attempt);
        for one in self.encapsulations.iter_mut().filter(|one| one.from == *supplier) {
            let place = self.places.get(&one.to);
            let verifier = Verifier::new(self.query, self.attempt, stage.scope(self.query), stage.rules);
            let Some(Ok(card)) = place.map(|place| place.card.clone().verify(&verifier)) else { continue };
            let mut ciphertext = one.ciphertext.clone();
            ciphertext.chunks_mut(32).for_each(|part| part.copy_from_slice(&dice.bytes()));
            *one = Encapsulation::sign(&key, &round, &participants, supplier.clone(), &card, ciphertext);
        }
    }

    /// Has a puppet sign its submission as one for other participants.
    pub fn misstate(&mut self, stage: &Stage, supplier: &SupplierId) {
        let round = stage.round(self.query, self.attempt);
        if let (Some(puppet), Some(header)) = (self.puppets.get(supplier), self.headers.get_mut(supplier)) {
            header.participants = Hash256::of(b"others");
            *header = header.clone().sign(&puppet.config().identity, &round);
        }
    }

    /// The request to certify, for one participant.
    pub fn certify_message(&self, attempt: Attempt, to: &SupplierId) -> CoordinatorMessage {
        let headers = self.headers.values().map(SubmissionHeader::relayed).collect();
        let mut shares: Vec<_> = self.shares.iter().filter(|share| share.to == *to).cloned().collect();
        shares.sort_by(|a, b| a.from.cmp(&b.from));
        let relay = |share: EncryptedShare| {
            let header = self.headers.get(&share.from)?;
            let place = header.share_commitments.iter().position(|(holder, _)| holder == to)?;
            Dealt::of(header).relay(place, share)
        };
        CoordinatorMessage::Certify { attempt, headers, shares: shares.into_iter().filter_map(relay).collect() }
    }

    /// What there is to be certified.
    pub fn statement(&self, stage: &Stage) -> Statement {
        let round = |supplier: &SupplierId| {
            let place = self.places.get(supplier);
            place.map_or(stage.round(self.query, self.attempt), |place| stage.round(place.query, place.attempt))
        };
        let digests = self.headers.iter().map(|(supplier, header)| (supplier.clone(), header.digest(&round(supplier))));
        Statement { participants: self.participants(stage), digests: digests.collect() }
    }

    /// The certificate with the signatures that there are.
    pub fn certificate(&self, stage: &Stage) -> Certificate {
        let Statement { participants, digests } = self.statement(stage);
        Certificate {
            attempt: self.attempt,
            participants,
            digests,
            signatures: self.prepared.values().cloned().collect(),
        }
    }

    /// Whether every participant has certified.
    pub fn is_certified(&self) -> bool {
        self.places.keys().all(|supplier| self.prepared.contains_key(supplier))
    }

    /// Logs who takes part, as each of these believes.
    pub fn log(&self, stage: &mut Stage, to: &[SupplierId]) {
        let certificate = self.certificate(stage);
        let believed = to.iter().filter_map(|supplier| self.places.get(supplier));
        let believed: BTreeSet<_> = believed.map(|place| (place.query, place.attempt)).collect();
        for (query, attempt) in believed.into_iter().chain([(self.query, self.attempt)]) {
            let round = stage.bound_round(query, attempt);
            stage.log.participants(&round, &Certificate { attempt, ..certificate.clone() });
        }
    }

    /// Logs who takes part, and asks these honest voters of the scope for their final votes.
    pub fn finalise(&mut self, stage: &mut Stage, to: &[SupplierId]) -> Vec<Answer> {
        self.log(stage, to);
        self.finalise_unlogged(stage, to)
    }

    /// Asks these honest voters of the scope for their final votes; all colluders in it vote of themselves.
    pub fn finalise_unlogged(&mut self, stage: &mut Stage, to: &[SupplierId]) -> Vec<Answer> {
        let certificate = self.certificate(stage);
        let round = stage.round(self.query, self.attempt);
        let digest = certificate.statement().digest(&round);
        for supplier in stage.cast.colluders.clone() {
            let in_scope = stage.scope(self.query).member(&supplier).is_some();
            if let Some(key) = stage.federation.keys.get(&supplier).filter(|_| in_scope) {
                self.votes.insert(supplier.clone(), FinalVote::sign(key, &round, &digest, supplier));
            }
        }
        let own = self.own();
        let voters = to.iter().filter(|supplier| !own.contains(supplier)).cloned().collect::<Vec<_>>();
        let finalise = |attempt| CoordinatorMessage::Finalise {
            certificate: Arc::new(Certificate { attempt, ..certificate.clone() }),
        };
        voters.iter().map(|supplier| self.say(stage, supplier, finalise)).collect()
    }

    /// Logs the final certificate with the votes that there are.
    pub fn log_final(&self, stage: &mut Stage) {
        let round = stage.bound_round(self.query, self.attempt);
        if let Some(participants) = stage.log.listed(&round, &self.certificate(stage)) {
            self.log_votes(stage, participants);
        }
    }

    /// Logs the same attempt and submissions once more, under other names, and points the votes that there are at that.
    pub fn log_final_under(&self, stage: &mut Stage, names: &[SupplierId]) {
        let round = stage.bound_round(self.query, self.attempt);
        let listed = stage.log.listed(&round, &self.certificate(stage));
        if let Some(real) = listed.and_then(|at| stage.log.participants_at(at)).cloned() {
            let twin = ParticipantsEntry { participants: names.to_vec(), ..real };
            let participants = stage.log.push(Entry::Participants(twin));
            self.log_votes(stage, participants);
        }
    }

    fn log_votes(&self, stage: &mut Stage, participants: u64) {
        let Some(query) = stage.log.index_of(&self.query) else { return };
        let vote = |vote: &FinalVote| Vote { supplier: vote.supplier.clone(), signature: vote.signature };
        let votes = Votes::new(self.votes.values().map(vote).collect());
        stage.log.push(Entry::Final(FinalEntry { query, participants, votes }));
    }

    /// The final certificate with the votes that there are.
    pub fn final_certificate(&self, stage: &Stage, attempt: Attempt) -> FinalCertificate {
        let certificate = Arc::new(Certificate { attempt, ..self.certificate(stage) });
        FinalCertificate { certificate, votes: self.votes.values().cloned().collect() }
    }

    /// Asks these honest suppliers for their self-masks.
    pub fn open(&mut self, stage: &mut Stage, to: &[SupplierId]) -> Vec<Answer> {
        let certificate = self.final_certificate(stage, self.attempt);
        let open = |attempt| {
            let certificate = Arc::new(Certificate { attempt, ..(*certificate.certificate).clone() });
            let votes = self.votes.values().cloned().collect();
            CoordinatorMessage::Open { certificate: Arc::new(FinalCertificate { certificate, votes }) }
        };
        let requests: Vec<_> = to.iter().map(|supplier| (supplier, open(self.attempt_of(supplier)))).collect();
        requests.into_iter().map(|(supplier, request)| self.say(stage, supplier, |_| request.clone())).collect()
    }

    /// Asks these honest suppliers for their shares of the self-masks of others.
    pub fn recover(&mut self, stage: &mut Stage, to: &[SupplierId], of: &[SupplierId]) -> Vec<Answer> {
        let ask = |supplier: &SupplierId| CoordinatorMessage::RecoverShares {
            certificate: Arc::new(self.final_certificate(stage, self.attempt_of(supplier))),
            of: of.iter().filter(|one| *one != supplier).cloned().collect(),
        };
        let requests: Vec<_> = to.iter().map(|supplier| (supplier, ask(supplier))).collect();
        requests.into_iter().map(|(supplier, request)| self.say(stage, supplier, |_| request.clone())).collect()
    }

    fn attempt_of(&self, supplier: &SupplierId) -> Attempt {
        self.places.get(supplier).map_or(self.attempt, |place| place.attempt)
    }

    fn send_each(
        &mut self,
        stage: &mut Stage,
        to: &[SupplierId],
        make: impl Fn(&Self, Attempt, &SupplierId) -> CoordinatorMessage,
    ) -> Vec<Answer> {
        let all: BTreeSet<_> = to.iter().cloned().chain(self.own()).collect();
        let mut answers = Vec::new();
        for supplier in all {
            let message = make(self, self.attempt_of(&supplier), &supplier);
            let answer = self.say(stage, &supplier, |_| message.clone());
            if !self.puppets.contains_key(&supplier) {
                answers.push(answer);
            }
        }
        answers
    }
}
