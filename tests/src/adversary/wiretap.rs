//! What the adversary sees of honest suppliers, entered into the account; and the promises that they must not break,
//! whatever they are told.

use std::collections::{BTreeMap, BTreeSet};

use optelsom_codebook::{Hash256, QueryId, SupplierId};
use optelsom_ledger::{Scope, SignedQuery};
use optelsom_secagg::messages::{
    Attempt, Card, CoordinatorMessage, Encapsulation, FinalCertificate, Participants, SelfMask, SubmissionHeader,
    SupplierMessage,
};
use optelsom_secagg::{Round, Rule, Rules, Verifier};

use crate::account::{Account, SharedKey, Submission};
use crate::questions::Question;

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

/// What honest operators hold of their peers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    /// Members that they do not accept as real.
    pub invented: BTreeSet<SupplierId>,
    /// How many colluders they allow for among the others.
    pub floor: usize,
}

/// A question that was put.
#[derive(Clone, Debug)]
struct Asked {
    query: SignedQuery,
    question: Option<Question>,
    scope: Scope,
}

/// Ears at every honest supplier.
#[derive(Clone, Debug)]
pub struct Wiretap {
    /// What follows from all that was heard.
    pub account: Account,
    honest: BTreeSet<SupplierId>,
    rules: Rules,
    trust: Trust,
    asked: BTreeMap<QueryId, Asked>,
    honest_keys: BTreeSet<Hash256>,
    cards: BTreeMap<Seat, BTreeSet<Hash256>>,
    honest_ciphertexts: BTreeSet<Hash256>,
    views: BTreeMap<Seat, View>,
    submissions: BTreeMap<Seat, BTreeSet<Hash256>>,
    finals: BTreeMap<(QueryId, SupplierId), BTreeSet<Hash256>>,
    voids: BTreeSet<(QueryId, SupplierId)>,
    broken: BTreeSet<&'static str>,
}

impl Wiretap {
    /// Nothing heard yet.
    pub fn new(honest: BTreeSet<SupplierId>, trust: Trust, columns: usize, rules: Rules) -> Self {
        Self {
            account: Account::new(columns, !rules.lacks(Rule::KeyPerStream)),
            honest,
            rules,
            trust,
            asked: BTreeMap::new(),
            honest_keys: BTreeSet::new(),
            cards: BTreeMap::new(),
            honest_ciphertexts: BTreeSet::new(),
            views: BTreeMap::new(),
            submissions: BTreeMap::new(),
            finals: BTreeMap::new(),
            voids: BTreeSet::new(),
            broken: BTreeSet::new(),
        }
    }

    /// Says what a query asks of whom.
    pub fn expect(&mut self, query: SignedQuery, scope: Scope) {
        let question = Question::of(&query.entry.query);
        self.asked.insert(query.entry.id(), Asked { query, question, scope });
    }

    /// The promises that honest suppliers have broken.
    pub fn broken_promises(&self) -> &BTreeSet<&'static str> {
        &self.broken
    }

    /// Enters whether an honest supplier kept a promise, and what it did otherwise.
    pub fn holds(&mut self, promise: bool, otherwise: &'static str) {
        if !promise {
            self.broken.insert(otherwise);
        }
    }

    /// In how many attempts honest suppliers have submitted, each counted by itself.
    pub fn submissions(&self) -> usize {
        self.submissions.len()
    }

    fn round(&self, query: QueryId, attempt: Attempt) -> Option<Round> {
        let scope = &self.asked.get(&query)?.scope;
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
                SupplierMessage::Card { attempt, card } => self.hear_card(self.seat(query, *attempt, supplier), card),
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

    fn hear_card(&mut self, seat: Seat, card: &Card) {
        let key = key_of(card);
        let again = self.cards.iter().any(|(other, keys)| *other != seat && keys.contains(&key));
        self.holds(!again, "used a key in two attempts");
        self.honest_keys.insert(key);
        let Some(Asked { scope, .. }) = self.asked.get(&seat.query).cloned() else { return };
        let keys = self.cards.entry(seat).or_default();
        keys.insert(key);
        let once = keys.len() == 1;
        self.holds(once, "joined one attempt twice");
        let Trust { invented, floor } = self.trust.clone();
        let unaccepted = scope.members().iter().filter(|member| invented.contains(&member.supplier)).count();
        self.holds(scope.members().len() >= scope.collusion() + 3, "took part in a scope that is too small");
        self.holds(floor <= scope.collusion(), "took part under a roster that allows for too few colluders");
        self.holds(unaccepted + floor <= scope.collusion(), "took part among too many that it does not accept as real");
    }

    fn hear_pairing(&mut self, seat: Seat, request: &CoordinatorMessage, made: &[Encapsulation]) {
        let CoordinatorMessage::Pair { cards, .. } = request else { return };
        let Some(round) = self.round(seat.query, seat.attempt) else { return };
        let listed = cards.iter().map(|card| (card.supplier.clone(), card.digest(&round))).collect();
        let Ok(participants) = Participants::new(listed) else { return };
        self.judge_list(&seat, cards, &participants);
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
        let same = before.is_none_or(|before| before.participants == Some(participants.hash()));
        self.holds(same, "accepted two lists of participants for one attempt");
    }

    fn judge_list(&mut self, seat: &Seat, cards: &[Card], participants: &Participants) {
        let Some(Asked { query, scope, .. }) = self.asked.get(&seat.query).cloned() else { return };
        let least = usize::try_from(query.entry.min_suppliers).unwrap_or(usize::MAX).max(scope.least_participants());
        let own = cards.iter().find(|card| card.supplier == seat.supplier).map(key_of);
        let itself = own.is_some_and(|key| self.cards.get(seat).is_some_and(|keys| keys.contains(&key)));
        let accepted = participants.suppliers().filter(|s| **s != seat.supplier && !self.trust.invented.contains(*s));
        let accepted = accepted.count();
        let ground = |card: &Card| (card.checkpoint, card.edition.clone());
        let first = cards.first().map(ground);
        let same = cards.iter().all(|card| Some(ground(card)) == first && card.edition == query.entry.edition);
        let unbound = self.rules.lacks(Rule::RoundInSignatures);
        let rules = if unbound { self.rules } else { Rules::all() };
        let verifier = Verifier::new(seat.query, seat.attempt, &scope, rules);
        let signed = cards.iter().all(|card| card.clone().verify(&verifier).is_ok());
        self.holds(itself, "paired in a list without its own card");
        self.holds(cards.len() >= least, "paired in a list that is too short");
        self.holds(accepted > scope.collusion(), "paired among too few that it accepts as real");
        self.holds(same, "paired with cards on other ground");
        self.holds(signed, "believed a card that its owner did not sign");
    }

    fn hear_submission(&mut self, seat: Seat, request: &CoordinatorMessage, header: &SubmissionHeader) {
        let known = self.submissions.entry(seat.clone()).or_default();
        if known.contains(&header.self_mask_commitment) {
            return;
        }
        let CoordinatorMessage::Exchange { encapsulations, .. } = request else { return };
        known.insert(header.self_mask_commitment);
        let once = known.len() == 1;
        self.holds(once, "submitted twice in one attempt");
        let (Some(view), Some(asked)) = (self.views.get(&seat), self.asked.get(&seat.query)) else { return };
        let received: BTreeMap<_, _> = encapsulations.iter().map(|one| (&one.from, ciphertext_of(one))).collect();
        let key = |(peer, card): (&SupplierId, &Hash256)| {
            let own = view.ciphertexts.get(peer);
            let ciphertext = own.or_else(|| received.get(peer)).copied().unwrap_or_else(|| Hash256::of(b"none"));
            let name = self.name_of_key(&seat, &header.participants, &ciphertext);
            let known = !self.honest_keys.contains(card) || !self.honest_ciphertexts.contains(&ciphertext);
            SharedKey { peer: peer.clone(), name, known }
        };
        let keys: Vec<_> = view.peers.iter().map(key).collect();
        let really_there =
            |(peer, card): &(&SupplierId, &Hash256)| self.honest.contains(*peer) && self.honest_keys.contains(*card);
        let others = view.peers.iter().filter(really_there).map(|(peer, _)| peer.clone());
        let submission = Submission {
            query: seat.query,
            supplier: seat.supplier.clone(),
            self_mask: header.self_mask_commitment,
            participants: header.participants,
            sums: asked.question.map(Question::sums).unwrap_or_default(),
            honest: others.chain([seat.supplier]).collect(),
            keys: keys.clone(),
            threshold: asked.scope.recovery_threshold(),
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
        let bound =
            if self.rules.lacks(Rule::FreshKeysPerAttempt) { round.as_slice() } else { participants.as_bytes() };
        Hash256::of(&[bound, ciphertext.as_bytes()].concat())
    }

    fn hear_prepared(&mut self, seat: Seat, request: &CoordinatorMessage) {
        let CoordinatorMessage::Certify { headers, .. } = request else { return };
        // Asked again, it repeats what it certified first, whatever it is shown.
        if self.views.get(&seat).is_some_and(|view| !view.prepared.is_empty()) {
            return;
        }
        let masks = headers.iter().map(|header| (header.supplier.clone(), header.self_mask_commitment)).collect();
        let own = headers.iter().find(|header| header.supplier == seat.supplier).map(|h| h.self_mask_commitment);
        let as_sent = own.is_some_and(|own| self.submissions.get(&seat).is_some_and(|sent| sent.contains(&own)));
        let view = self.views.entry(seat).or_default();
        view.prepared = masks;
        let same_list = headers.iter().all(|header| Some(header.participants) == view.participants);
        self.holds(as_sent, "certified another submission than its own");
        self.holds(same_list, "certified a submission for other participants");
    }

    fn hear_final(&mut self, query: QueryId, supplier: &SupplierId, request: &CoordinatorMessage) {
        let CoordinatorMessage::Finalise { certificate } = request else { return };
        let Some(round) = self.round(query, certificate.attempt) else { return };
        let who = (query, supplier.clone());
        let void = self.voids.contains(&who);
        let signed = self.finals.entry(who).or_default();
        signed.insert(certificate.statement().digest(&round));
        let one = signed.len() == 1;
        let all = certificate.signatures.iter().map(|s| &s.supplier).eq(certificate.participants.suppliers());
        self.holds(!void, "signed final after void");
        self.holds(one, "signed two final statements for one query");
        self.holds(all, "signed final for a certificate that not all participants signed");
    }

    fn hear_void(&mut self, query: QueryId, supplier: &SupplierId) {
        let who = (query, supplier.clone());
        self.holds(!self.finals.contains_key(&who), "declared void after signing final");
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

    fn hear_shares<'a>(&mut self, seat: &Seat, request: &CoordinatorMessage, of: impl Iterator<Item = &'a SupplierId>) {
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
        let Some(Asked { scope, .. }) = self.asked.get(&seat.query).cloned() else { return };
        let verifier = Verifier::new(seat.query, shown.certificate.attempt, &scope, self.rules);
        let statement = shown.certificate.statement().digest(verifier.round());
        let valid = shown.votes.iter().filter(|vote| vote.verify(&verifier, &statement).is_ok());
        let votes = valid.map(|vote| &vote.supplier).collect::<BTreeSet<_>>().len();
        let void = self.voids.contains(&(seat.query, seat.supplier.clone()));
        self.holds(votes >= scope.quorum(), "opened without a quorum's final votes");
        self.holds(shown.certificate.attempt == seat.attempt, "opened another attempt than the final one");
        self.holds(!void, "opened after declaring void");
    }
}

fn key_of(card: &Card) -> Hash256 {
    Hash256::of(&card.public_key[..])
}

fn ciphertext_of(encapsulation: &Encapsulation) -> Hash256 {
    Hash256::of(&encapsulation.ciphertext[..])
}
