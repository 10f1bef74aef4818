//! What the adversary sees of honest suppliers, entered into the account; and the promises that they must not break,
//! whatever they are told.

use std::collections::{BTreeMap, BTreeSet};

use optelsom_codebook::{Hash256, QueryId, SupplierId};
use optelsom_ledger::Scope;
use optelsom_secagg::messages::{
    Attempt, Card, CoordinatorMessage, Encapsulation, FinalCertificate, Participants, SelfMask, SubmissionHeader,
    SupplierMessage,
};
use optelsom_secagg::{Round, Rule, Rules, Verifier};

use crate::account::{Account, SharedKey, Submission};

/// One supplier's part in one attempt.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seat {
    /// λ.
    pub query: QueryId,
    /// α.
    pub attempt: Attempt,
    /// Whose.
    pub supplier: SupplierId,
}

/// What an honest supplier believes of an attempt.
#[derive(Clone, Debug, Default)]
struct View {
    participants: Option<Hash256>,
    peers: BTreeMap<SupplierId, Hash256>,
    ciphertexts: BTreeMap<SupplierId, Hash256>,
    prepared: BTreeMap<SupplierId, Hash256>,
}

/// Ears at every honest supplier.
#[derive(Clone, Debug)]
pub struct Wiretap {
    /// What follows from all that was heard.
    pub account: Account,
    honest: BTreeSet<SupplierId>,
    rule: Option<Rule>,
    rules: Rules,
    scopes: BTreeMap<QueryId, Scope>,
    honest_keys: BTreeSet<Hash256>,
    honest_ciphertexts: BTreeSet<Hash256>,
    views: BTreeMap<Seat, View>,
    submissions: BTreeMap<Seat, BTreeSet<Hash256>>,
    finals: BTreeMap<(QueryId, SupplierId), BTreeSet<Hash256>>,
    voids: BTreeSet<(QueryId, SupplierId)>,
    broken: Vec<&'static str>,
}

impl Wiretap {
    /// Nothing heard yet.
    pub fn new(honest: BTreeSet<SupplierId>, columns: usize, rule: Option<Rule>) -> Self {
        Self {
            account: Account::new(columns, rule != Some(Rule::KeyPerStream)),
            honest,
            rule,
            rules: rule.map_or(Rules::all(), Rules::without),
            scopes: BTreeMap::new(),
            honest_keys: BTreeSet::new(),
            honest_ciphertexts: BTreeSet::new(),
            views: BTreeMap::new(),
            submissions: BTreeMap::new(),
            finals: BTreeMap::new(),
            voids: BTreeSet::new(),
            broken: Vec::new(),
        }
    }

    /// Says which suppliers a query asks.
    pub fn expect(&mut self, query: QueryId, scope: Scope) {
        self.scopes.insert(query, scope);
    }

    /// The promises that an honest supplier has broken.
    pub fn broken_promises(&self) -> &[&'static str] {
        &self.broken
    }

    /// Whether something was masked by honest suppliers for this list of participants.
    pub fn submissions(&self) -> usize {
        self.submissions.len()
    }

    fn round(&self, query: QueryId, attempt: Attempt) -> Option<Round> {
        let scope = self.scopes.get(&query)?;
        Some(*Verifier::new(query, attempt, scope, self.rules).round())
    }

    /// Enters what an honest supplier answered to a request.
    pub fn hear(
        &mut self,
        query: QueryId,
        supplier: &SupplierId,
        request: &CoordinatorMessage,
        answers: &[&SupplierMessage],
    ) {
        for answer in answers {
            match answer {
                SupplierMessage::Card { card, .. } => drop(self.honest_keys.insert(key_of(card))),
                SupplierMessage::Encapsulations { attempt, encapsulations } => {
                    self.hear_pairing(self.seat(query, *attempt, supplier), request, encapsulations);
                }
                SupplierMessage::Submission { attempt, header, .. } => {
                    self.hear_submission(self.seat(query, *attempt, supplier), request, header);
                }
                SupplierMessage::Prepared { attempt, .. } => {
                    self.hear_prepared(self.seat(query, *attempt, supplier), request);
                }
                SupplierMessage::Final { .. } => self.hear_final(query, supplier, request),
                SupplierMessage::Void { .. } => self.hear_void(query, supplier),
                SupplierMessage::Opening { attempt, self_mask } => {
                    self.hear_opening(&self.seat(query, *attempt, supplier), request, self_mask);
                }
                SupplierMessage::RecoveredShares { attempt, shares } => {
                    let of = shares.iter().map(|(dealer, _)| dealer);
                    self.hear_shares(&self.seat(query, *attempt, supplier), request, of);
                }
                SupplierMessage::Ready { .. }
                | SupplierMessage::Refused { .. }
                | SupplierMessage::Chunk(_)
                | SupplierMessage::CannotContinue { .. } => {}
            }
        }
    }

    fn seat(&self, query: QueryId, attempt: Attempt, supplier: &SupplierId) -> Seat {
        Seat { query, attempt, supplier: supplier.clone() }
    }

    fn hear_pairing(&mut self, seat: Seat, request: &CoordinatorMessage, made: &[Encapsulation]) {
        let CoordinatorMessage::Pair { cards, .. } = request else { return };
        let Some(round) = self.round(seat.query, seat.attempt) else { return };
        let listed = cards.iter().map(|card| (card.supplier.clone(), card.digest(&round))).collect();
        let Ok(participants) = Participants::new(listed) else { return };
        if !participants.contains(&seat.supplier) {
            self.broken.push("paired in a list without itself");
        }
        let ciphertexts = made.iter().map(|one| (one.to.clone(), ciphertext_of(one))).collect::<BTreeMap<_, _>>();
        self.honest_ciphertexts.extend(ciphertexts.values().copied());
        let peers = cards.iter().filter(|card| card.supplier != seat.supplier);
        let view = View {
            participants: Some(participants.hash()),
            peers: peers.map(|card| (card.supplier.clone(), key_of(card))).collect(),
            ciphertexts,
            prepared: BTreeMap::new(),
        };
        let before = self.views.insert(seat, view);
        if before.is_some_and(|before| before.participants != Some(participants.hash())) {
            self.broken.push("accepted two lists of participants for one attempt");
        }
    }

    fn hear_submission(&mut self, seat: Seat, request: &CoordinatorMessage, header: &SubmissionHeader) {
        let known = self.submissions.entry(seat.clone()).or_default();
        if known.contains(&header.self_mask_commitment) {
            return;
        }
        let CoordinatorMessage::Exchange { encapsulations, .. } = request else { return };
        known.insert(header.self_mask_commitment);
        if known.len() > 1 {
            self.broken.push("submitted twice in one attempt");
        }
        let (Some(view), Some(scope)) = (self.views.get(&seat), self.scopes.get(&seat.query)) else { return };
        let received: BTreeMap<_, _> = encapsulations.iter().map(|one| (&one.from, ciphertext_of(one))).collect();
        let key = |(peer, card): (&SupplierId, &Hash256)| {
            let own = view.ciphertexts.get(peer);
            let ciphertext = own.or_else(|| received.get(peer)).copied().unwrap_or_else(|| Hash256::of(b"none"));
            let name = self.name_of_key(&seat, &header.participants, &ciphertext);
            let known = !self.honest_keys.contains(card) || !self.honest_ciphertexts.contains(&ciphertext);
            SharedKey { peer: peer.clone(), name, known }
        };
        let keys: Vec<_> = view.peers.iter().map(key).collect();
        let really_there = |(peer, card): &(&SupplierId, &Hash256)| self.honest.contains(*peer) && self.honest_keys.contains(*card);
        let others = view.peers.iter().filter(really_there).map(|(peer, _)| peer.clone());
        let submission = Submission {
            query: seat.query,
            supplier: seat.supplier.clone(),
            self_mask: header.self_mask_commitment,
            participants: header.participants,
            honest: others.chain([seat.supplier]).collect(),
            keys: keys.clone(),
            threshold: scope.recovery_threshold(),
        };
        self.account.learn_submission(submission);
        for key in keys.into_iter().filter(|key| key.known) {
            self.account.learn_share(header.self_mask_commitment, key.peer);
        }
    }

    /// A pairwise key follows from the ciphertext and the list of participants, which names the cards; without the rule
    /// of fresh keys from the ciphertext alone, and its streams from the round.
    fn name_of_key(&self, seat: &Seat, participants: &Hash256, ciphertext: &Hash256) -> Hash256 {
        let round = [seat.query.as_bytes().as_slice(), &seat.attempt.number().to_be_bytes()].concat();
        let bound = if self.rule == Some(Rule::FreshKeysPerAttempt) { round.as_slice() } else { participants.as_bytes() };
        Hash256::of(&[bound, ciphertext.as_bytes()].concat())
    }

    fn hear_prepared(&mut self, seat: Seat, request: &CoordinatorMessage) {
        let CoordinatorMessage::Certify { headers, .. } = request else { return };
        let masks = headers.iter().map(|header| (header.supplier.clone(), header.self_mask_commitment)).collect();
        self.views.entry(seat).or_default().prepared = masks;
    }

    fn hear_final(&mut self, query: QueryId, supplier: &SupplierId, request: &CoordinatorMessage) {
        let CoordinatorMessage::Finalise { certificate } = request else { return };
        let Some(round) = self.round(query, certificate.attempt) else { return };
        let who = (query, supplier.clone());
        if self.voids.contains(&who) {
            self.broken.push("signed final after void");
        }
        let signed = self.finals.entry(who).or_default();
        signed.insert(certificate.statement().digest(&round));
        if signed.len() > 1 {
            self.broken.push("signed two final statements for one query");
        }
        let all = certificate.signatures.iter().map(|s| &s.supplier).eq(certificate.participants.suppliers());
        if !all {
            self.broken.push("signed final for a certificate that not all participants signed");
        }
    }

    fn hear_void(&mut self, query: QueryId, supplier: &SupplierId) {
        let who = (query, supplier.clone());
        if self.finals.contains_key(&who) {
            self.broken.push("declared void after signing final");
        }
        self.voids.insert(who);
    }

    fn hear_opening(&mut self, seat: &Seat, request: &CoordinatorMessage, self_mask: &SelfMask) {
        if let CoordinatorMessage::Open { certificate } = request {
            self.judge_opening(seat, certificate);
        }
        // A self-mask that was used more than once opens every table that it hides.
        let sent = self.submissions.iter().filter(|(other, _)| other.supplier == seat.supplier);
        let opened: Vec<_> = sent
            .filter_map(|(other, masks)| {
                let commitment = self_mask.commitment(&self.round(other.query, other.attempt)?, &other.supplier);
                masks.contains(&commitment).then_some(commitment)
            })
            .collect();
        opened.into_iter().for_each(|commitment| self.account.learn_self_mask(commitment));
    }

    fn hear_shares<'a>(
        &mut self,
        seat: &Seat,
        request: &CoordinatorMessage,
        of: impl Iterator<Item = &'a SupplierId>,
    ) {
        if let CoordinatorMessage::RecoverShares { certificate, .. } = request {
            self.judge_opening(seat, certificate);
        }
        let Some(view) = self.views.get(seat) else { return };
        let masks: Vec<_> = of.filter_map(|dealer| view.prepared.get(dealer)).copied().collect();
        for self_mask in masks {
            self.account.learn_share(self_mask, seat.supplier.clone());
        }
    }

    /// What a supplier opens, it opens for a quorum's final certificate, and never after it has declared void.
    fn judge_opening(&mut self, seat: &Seat, shown: &FinalCertificate) {
        let Some(scope) = self.scopes.get(&seat.query) else { return };
        let verifier = Verifier::new(seat.query, shown.certificate.attempt, scope, self.rules);
        let statement = shown.certificate.statement();
        let honest_check = |by: &SupplierId| scope.member(by).is_some();
        let votes: BTreeSet<_> = shown
            .votes
            .iter()
            .filter(|vote| honest_check(&vote.supplier) && vote.verify(&verifier, &statement).is_ok())
            .map(|vote| &vote.supplier)
            .collect();
        if votes.len() < scope.quorum() {
            self.broken.push("opened without a quorum's final votes");
        }
        if shown.certificate.attempt != seat.attempt {
            self.broken.push("opened another attempt than the final one");
        }
        if self.voids.contains(&(seat.query, seat.supplier.clone())) {
            self.broken.push("opened after declaring void");
        }
    }
}

fn key_of(card: &Card) -> Hash256 {
    Hash256::of(&card.public_key[..])
}

fn ciphertext_of(encapsulation: &Encapsulation) -> Hash256 {
    Hash256::of(&encapsulation.ciphertext[..])
}
