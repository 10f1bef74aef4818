//! Coordinators that cheat with the log, before real node daemons: none of them gets an answer, and no node cosigns two
//! logs. The tests hold all keys, so a quorum of witnesses lies wherever that makes the cheat stronger.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod ledger_federation;

use std::fs;
use std::sync::Arc;

use ledger_federation::log::{Log, cosignature};
use ledger_federation::{Node, SUPPLIERS, World, approval, identity, moment, roster, supplier};
use optelsom_codebook::Hash256;
use optelsom_ledger::entry::{ApprovalRule, EditionEntry, Entry, ParticipantsEntry, Subject};
use optelsom_ledger::note::Cosignature;
use optelsom_proto::v1;
use optelsom_proto::v1::coordinator_message::Message as Down;
use optelsom_proto::v1::node_message::Message as Up;
use optelsom_proto::wire::{Asked, Documents, Evidence, request};
use optelsom_secagg::Round;
use optelsom_secagg::messages::{Attempt, Certificate, CoordinatorMessage, Participants};

/// A log in which this question stands, with its index.
fn logged(world: &World, asked: &Asked) -> (Log, u64) {
    let mut log = Log::begun(&world.roster);
    let index = log.query(asked);
    (log, index)
}

/// A node that has, and has cosigned, all of this log.
async fn following(world: &mut World, name: &str, log: &Log) -> Node {
    let mut node = world.node(name).await;
    let (cosigned, has) = node.update(log.update(0)).await;
    assert!(cosigned.is_some());
    assert_eq!((has.size, has.checkpoint), (log.size(), log.checkpoint().to_bytes()));
    node
}

/// What comes is refused: no cosignature, and the node has what it had.
async fn refuses(node: &mut Node, update: v1::LedgerUpdate, what: &str) {
    let before = node.has().await;
    let (cosigned, after) = node.update(update).await;
    assert_eq!(cosigned, None, "{} has cosigned: {what}", node.name);
    assert_eq!(before, after, "{} has taken in: {what}", node.name);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_forks_of_the_log_served_to_two_halves_of_the_nodes_answer_no_query_in_both() {
    let mut world = World::new(ApprovalRule::OnePerson).await;
    let (left, right) = (world.question(1), world.question(2));
    let trunk = Log::begun(&world.roster);
    let (mut one, mut other) = (trunk.clone(), trunk.clone());
    let (at_left, at_right) = (one.query(&left), other.query(&right));
    let mut nodes = Vec::new();
    for name in SUPPLIERS {
        nodes.push(following(&mut world, name, &trunk).await);
    }
    // Border and labour are shown the one, police and shelters the other; each cosigns what it is shown.
    let mut lines: [Vec<Cosignature>; 2] = Default::default();
    for (place, node) in nodes.iter_mut().enumerate() {
        let half = place / 2;
        let (cosigned, _) = node.update([&one, &other][half].update(trunk.size())).await;
        lines[half].push(Cosignature::parse(&cosigned.unwrap()).unwrap());
    }
    // Two of four are too few; nobody answers in either.
    for (place, node) in nodes.iter_mut().enumerate() {
        let half = place / 2;
        let (log, asked, at) = [(&one, &left, at_left), (&other, &right, at_right)][half];
        let checkpoint = log.checkpoint().with_cosignatures(&lines[half]).unwrap();
        node.must_not_answer(asked, Some(log.evidence_under(at, &checkpoint)), false).await;
        // Nor does it cosign the other fork, from where they part or from its own end; even if all others had.
        let (log, asked, at) = [(&other, &right, at_right), (&one, &left, at_left)][half];
        refuses(node, log.update(trunk.size()), "the other fork").await;
        let mut longer = log.clone();
        longer.edition(moment(7));
        refuses(node, longer.update(log.size()), "the other fork, grown").await;
        node.must_not_answer(asked, Some(log.evidence(at, &SUPPLIERS)), false).await;
    }
    // The one witness that may lie cosigns both: now the one fork has enough, and the other has not.
    lines[0].push(cosignature("shelters", &one.checkpoint()));
    let enough = one.checkpoint().with_cosignatures(&lines[0]).unwrap();
    nodes[0].must_answer(&left, one.evidence_under(at_left, &enough)).await;
    let too_few = other.checkpoint().with_cosignatures(&lines[1]).unwrap();
    nodes[2].must_not_answer(&right, Some(other.evidence_under(at_right, &too_few)), false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_answered_before_it_is_logged_or_never_logged_gets_no_answer() {
    let mut world = World::new(ApprovalRule::OnePerson).await;
    let (asked, another) = (world.question(1), world.question(2));
    let (log, at) = logged(&world, &another);
    let mut node = following(&mut world, "police", &log).await;
    node.must_not_answer(&asked, None, false).await;
    // The proof of an entry that does stand there.
    node.must_not_answer(&asked, Some(log.evidence(at, &SUPPLIERS)), false).await;
    // A log with the query in it that the coordinator has shown to nobody; and one that stops before it.
    let mut secret = log.clone();
    let index = secret.query(&asked);
    node.must_not_answer(&asked, Some(secret.evidence(index, &SUPPLIERS)), false).await;
    let early = Evidence { checkpoint: log.cosigned(&SUPPLIERS).to_bytes(), ..secret.evidence(index, &SUPPLIERS) };
    node.must_not_answer(&asked, Some(early), false).await;
    // Once it stands in the node's own copy it is answered; unless too few have seen it.
    let (cosigned, _) = node.update(secret.update(log.size())).await;
    assert!(cosigned.is_some());
    node.must_not_answer(&asked, Some(secret.evidence(index, &["border", "labour"])), false).await;
    node.must_answer(&asked, secret.evidence(index, &["border", "labour", "shelters"])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_changed_removed_reordered_or_back_dated_in_what_a_node_is_sent_are_refused() {
    let mut world = World::new(ApprovalRule::OnePerson).await;
    let (log, _) = logged(&world, &world.question(1));
    let mut node = following(&mut world, "police", &log).await;
    let edition = |at| {
        Entry::Edition(EditionEntry::sign("victims".to_owned(), "2021-12".parse().unwrap(), at, &identity("ledger")))
    };
    let mut honest = log.clone();
    honest.query(&world.question(2));
    honest.push(&edition(moment(2_000_000_000_000)));
    // What the node has already, rewritten; the coordinator signs it and proves it from its new past.
    let mut changed = honest.clone();
    changed.leaves[1] = edition(moment(5)).to_leaf().unwrap();
    let mut reordered = honest.clone();
    reordered.leaves.swap(0, 1);
    let mut removed = honest.clone();
    removed.leaves.remove(1);
    let mut back_dated = honest.clone();
    back_dated.leaves[2] = edition(moment(5)).to_leaf().unwrap();
    for (what, rewritten) in
        [("changed", changed), ("reordered", reordered), ("removed", removed), ("dated", back_dated)]
    {
        refuses(&mut node, rewritten.update(log.size()), what).await;
        refuses(&mut node, rewritten.update(0), what).await;
    }
    // What is new to it, altered on the way to it alone: the checkpoint is the one that all others see.
    let update = honest.update(log.size());
    let mut changed = update.clone();
    changed.leaves[1][40] ^= 1;
    let mut reordered = update.clone();
    reordered.leaves.swap(0, 1);
    let mut removed = update.clone();
    removed.leaves.pop();
    let mut back_dated = update.clone();
    back_dated.leaves[1] = edition(moment(1_900_000_000_000)).to_leaf().unwrap().as_bytes().to_vec();
    let mut added = update.clone();
    added.leaves.push(added.leaves[0].clone());
    for (what, altered) in
        [("changed", changed), ("reordered", reordered), ("removed", removed), ("dated", back_dated), ("added", added)]
    {
        refuses(&mut node, altered, what).await;
    }
    // As it is it is taken, also after a restart.
    let mut node = node.restart(&mut world).await;
    let (cosigned, has) = node.update(update).await;
    assert!(cosigned.is_some());
    assert_eq!(has.size, honest.size());
}

/// What the node says it has, right after a piece that is not the last.
async fn has_taken(node: &mut Node, piece: v1::LedgerUpdate) -> u64 {
    let before = node.link.seen.len();
    node.link.send(Down::LedgerUpdate(piece)).await;
    let state = |up: &Up| if let Up::LedgerState(state) = up { Some(state.size) } else { None };
    let size = node.link.until("LedgerState", state).await;
    assert!(node.link.seen[before..].iter().all(|up| !matches!(up, Up::Cosigned(_))), "cosigned before the last piece");
    size
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_in_pieces_is_durable_piece_by_piece_and_cosigned_as_a_whole() {
    let mut world = World::new(ApprovalRule::OnePerson).await;
    let (mut log, _) = logged(&world, &world.question(1));
    for nonce in 2..9 {
        log.query(&world.question(nonce));
    }
    let mut node = world.node("police").await;
    assert_eq!(has_taken(&mut node, log.piece(0, 2)).await, 2);
    assert_eq!(has_taken(&mut node, log.piece(2, 7)).await, 7);
    let mut node = node.restart(&mut world).await;
    assert_eq!(node.has().await.size, 7);
    let (cosigned, has) = node.update(log.update(7)).await;
    assert!(cosigned.is_some());
    assert_eq!((has.size, has.checkpoint), (log.size(), log.checkpoint().to_bytes()));
    // It knows all of it: also what came in a piece of an earlier life is answered.
    let asked = world.question(10);
    let (before, index) = (log.size(), log.query(&asked));
    node.update(log.update(before)).await;
    node.must_answer(&asked, log.evidence(index, &SUPPLIERS)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pieces_that_lead_to_no_signed_checkpoint_are_refused_one_by_one_and_gathered_nowhere() {
    let mut world = World::new(ApprovalRule::OnePerson).await;
    let (log, _) = logged(&world, &world.question(1));
    let mut longer = log.clone();
    for nonce in 2..9 {
        longer.query(&world.question(nonce));
    }
    let mut node = following(&mut world, "police", &log).await;
    let size = log.size();
    let right = longer.piece(size, size + 3);
    // Without a checkpoint, as many as one likes.
    for _ in 0..50 {
        refuses(&mut node, v1::LedgerUpdate { checkpoint: Vec::new(), ..right.clone() }, "no checkpoint").await;
    }
    let mut other = log.clone();
    for nonce in 12..19 {
        other.query(&world.question(nonce));
    }
    let unsigned = String::from_utf8(right.checkpoint.clone()).unwrap().replace("test/log", "test/lag");
    let wrong = [
        ("another log's entries", v1::LedgerUpdate { leaves: other.piece(size, size + 3).leaves, ..right.clone() }),
        ("another log's end", v1::LedgerUpdate { checkpoint: other.checkpoint().to_bytes(), ..right.clone() }),
        ("a proof for another place", v1::LedgerUpdate { leaves: right.leaves[..2].to_vec(), ..right.clone() }),
        ("no proof", v1::LedgerUpdate { consistency: Vec::new(), ..right.clone() }),
        ("another key's checkpoint", v1::LedgerUpdate { checkpoint: unsigned.into_bytes(), ..right.clone() }),
    ];
    for (what, piece) in wrong {
        refuses(&mut node, piece, what).await;
    }
    assert_eq!(has_taken(&mut node, right).await, size + 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_that_no_entry_names_are_not_kept() {
    let mut world = World::new(ApprovalRule::OnePerson).await;
    let (log, _) = logged(&world, &world.question(1));
    let mut update = log.update(0);
    let junk: Vec<Vec<u8>> = (0..4_u8).map(|filler| vec![filler; 1_000_000]).collect();
    let named: usize = update.documents.iter().map(Vec::len).sum();
    update.documents.extend(junk);
    let mut node = world.node("police").await;
    assert!(node.update(update).await.0.is_some());
    let stored: u64 = fs::read_dir(node.folder()).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).sum();
    assert!(stored < 1_500_000 + named as u64, "{stored} bytes in the state folder");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_smaller_than_seen_is_refused() {
    let mut world = World::new(ApprovalRule::OnePerson).await;
    let (log, _) = logged(&world, &world.question(1));
    let mut shorter = log.clone();
    shorter.leaves.pop();
    let mut node = following(&mut world, "police", &log).await;
    // As a log that has ended earlier, and as one that goes on differently from there.
    let nothing = v1::LedgerUpdate { first: log.size(), leaves: Vec::new(), ..shorter.update(shorter.size()) };
    refuses(&mut node, nothing, "smaller").await;
    refuses(&mut node, shorter.update(0), "smaller, from the start").await;
    let asked = world.question(2);
    let index = shorter.query(&asked);
    refuses(&mut node, shorter.update(log.size() - 1), "as long, and another").await;
    node.must_not_answer(&asked, Some(shorter.evidence(index, &SUPPLIERS)), false).await;
    // The same after a restart: what it has seen is durable.
    let mut node = node.restart(&mut world).await;
    refuses(&mut node, shorter.update(log.size() - 1), "as long, and another").await;
    assert_eq!(node.has().await.size, log.size());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replayed_cosignature_counts_for_nothing() {
    let mut world = World::new(ApprovalRule::OnePerson).await;
    let asked = world.question(1);
    let before = Log::begun(&world.roster);
    let mut log = before.clone();
    let index = log.query(&asked);
    let mut node = following(&mut world, "police", &log).await;
    let under = |lines: &[Cosignature]| log.evidence_under(index, &log.checkpoint().with_cosignatures(lines).unwrap());
    let good = |name: &str| cosignature(name, &log.checkpoint());
    // Of an older checkpoint.
    let older = cosignature("shelters", &before.checkpoint());
    node.must_not_answer(&asked, Some(under(&[good("border"), good("labour"), older])), false).await;
    // The same twice.
    node.must_not_answer(&asked, Some(under(&[good("border"), good("labour"), good("labour")])), false).await;
    // Another witness's, under this one's name.
    let line = good("labour").to_text().unwrap().replace("test/log/labour", "test/log/shelters");
    let renamed = Cosignature::parse(&line).unwrap();
    node.must_not_answer(&asked, Some(under(&[good("border"), good("labour"), renamed])), false).await;
    node.must_answer(&asked, under(&[good("border"), good("labour"), good("shelters")])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_for_other_bytes_or_by_the_wrong_person_is_refused() {
    let mut world = World::new(ApprovalRule::TwoPersons).await;
    let (asked, another) = (world.question(1), world.question(2));
    let id = asked.query().entry.id();
    let (log, index) = logged(&world, &asked);
    let mut node = following(&mut world, "police", &log).await;
    let with = |approval| Evidence { approval, ..log.evidence(index, &SUPPLIERS) };
    let theirs = |by: &str| approval(by, &id);
    let mut stranger = theirs("analyst-2");
    stranger.signature = identity("analyst-1").sign(b"anything");
    for wrong in [
        None,
        Some(approval("analyst-2", &another.query().entry.id())),
        Some(theirs("analyst-1")),
        Some(theirs("nobody")),
        Some(stranger),
    ] {
        node.must_not_answer(&asked, Some(with(wrong)), true).await;
    }
    node.must_answer(&asked, with(Some(theirs("analyst-2")))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_roster_that_quietly_grew_gets_no_answer() {
    let mut world = World::new(ApprovalRule::OnePerson).await;
    let grown = roster(&[&SUPPLIERS[..], &["front"]].concat());
    let larger = world.question_with(1, |entry| {
        entry.roster = grown.hash();
        entry.scope = grown.members().iter().map(|member| member.supplier.clone()).collect();
    });
    let named = world.question_with(2, |entry| entry.roster = grown.hash());
    let scoped = world.question_with(3, |entry| entry.scope.push("zebra".parse().unwrap()));
    let asked = world.question(4);
    let mut log = Log::begun(&world.roster);
    log.document(Subject::Roster, grown.to_toml().into_bytes(), grown.hash());
    let at: Vec<u64> = [&larger, &named, &scoped, &asked].map(|asked| log.query(asked)).to_vec();
    let mut node = following(&mut world, "police", &log).await;
    for (question, index) in [&larger, &named, &scoped].into_iter().zip(&at) {
        node.must_not_answer(question, Some(log.evidence(*index, &SUPPLIERS)), true).await;
    }
    node.must_answer(&asked, log.evidence(at[3], &SUPPLIERS)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_to_join_under_another_checkpoint_than_the_gate_s_gets_no_card() {
    let mut world = World::new(ApprovalRule::OnePerson).await;
    let asked = world.question(1);
    let id = asked.query().entry.id();
    let (log, index) = logged(&world, &asked);
    let mut node = following(&mut world, "police", &log).await;
    let evidence = log.evidence(index, &SUPPLIERS);
    let join = |checkpoint| {
        let attempt = Attempt::FIRST;
        Down::Request(request(&CoordinatorMessage::Join { attempt, checkpoint }, &id, &Documents::default()))
    };
    let card = |up: &Up| match up {
        Up::Answer(v1::Answer { answer: Some(v1::answer::Answer::Card(card)), .. }) => card.card.clone(),
        _ => None,
    };
    // Before it has passed the gate, none is the right one.
    node.link.send(join(log.checkpoint().digest())).await;
    node.must_answer(&asked, evidence.clone()).await;
    // A later one of the same log, cosigned by all.
    let mut longer = log.clone();
    longer.edition(moment(7));
    node.update(longer.update(log.size())).await;
    for other in [longer.checkpoint().digest(), Hash256::of(b"none")] {
        node.link.send(join(other)).await;
    }
    // Asked again it says the same again: then it has dealt with all before.
    let answered = node.link.seen.len();
    node.must_answer(&asked, evidence).await;
    assert!(node.link.seen.iter().all(|up| card(up).is_none()));
    assert!(node.link.seen.len() > answered);
    node.link.send(join(log.checkpoint().digest())).await;
    let card = node.link.until("a card", card).await;
    assert_eq!(card.checkpoint, log.checkpoint().digest().as_bytes());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_not_made_final_before_its_participants_stand_in_the_log_and_enough_have_seen_it() {
    let mut world = World::new(ApprovalRule::OnePerson).await;
    let asked = world.question(1);
    let id = asked.query().entry.id();
    let (mut log, index) = logged(&world, &asked);
    let mut node = following(&mut world, "police", &log).await;
    let evidence = log.evidence(index, &SUPPLIERS);
    node.must_answer(&asked, evidence.clone()).await;
    let named = SUPPLIERS.map(|name| (supplier(name), Hash256::of(name.as_bytes()))).to_vec();
    let certificate = Arc::new(Certificate {
        attempt: Attempt::FIRST,
        participants: Participants::new(named.clone()).unwrap(),
        digests: named,
        signatures: Vec::new(),
    });
    let round = Round { query: id, attempt: Attempt::FIRST, roster: world.roster.hash() };
    let entry = ParticipantsEntry {
        query: index,
        attempt: 1,
        participants: SUPPLIERS.map(supplier).to_vec(),
        submissions: certificate.statement().submissions(&round),
        certificate: certificate.digest(&round),
    };
    let finalise = || {
        let finalise = CoordinatorMessage::Finalise { certificate: Arc::clone(&certificate) };
        Down::Request(request(&finalise, &id, &Documents::default()))
    };
    // That it lacks something is what the node says while the entry is not there for it.
    let lacks = |up: &Up| matches!(up, Up::LedgerState(_)).then_some(());
    node.link.send(finalise()).await;
    node.link.until("not logged", lacks).await;
    // Logged for another attempt; under other names; then rightly, and seen by nobody; then by too few.
    let other = ParticipantsEntry { attempt: 2, ..entry.clone() };
    let renamed =
        ParticipantsEntry { participants: SUPPLIERS[..3].iter().copied().map(supplier).collect(), ..entry.clone() };
    let mut seen = log.size();
    for entry in [other, renamed, entry] {
        log.push(&Entry::Participants(entry));
        let (cosigned, _) = node.update(log.update(seen)).await;
        assert!(cosigned.is_some());
        seen = log.size();
        node.link.send(finalise()).await;
        node.link.until("not logged", lacks).await;
    }
    let witnessed = |by: &[&str]| Down::Witnessed(v1::Witnessed { checkpoint: log.cosigned(by).to_bytes() });
    node.link.send(witnessed(&SUPPLIERS[..2])).await;
    node.has().await;
    node.link.send(finalise()).await;
    node.link.until("not logged", lacks).await;
    // Seen by enough, it gets to the supplier's machine, which never took part in any such attempt.
    node.link.send(witnessed(&SUPPLIERS)).await;
    node.has().await;
    let before = node.link.seen.len();
    node.link.send(finalise()).await;
    node.must_answer(&asked, evidence).await;
    assert!(node.link.seen[before..].iter().all(|up| lacks(up).is_none()));
    let is_final = |up: &Up| matches!(up, Up::Answer(v1::Answer { answer: Some(v1::answer::Answer::Final(_)), .. }));
    assert!(!node.link.seen.iter().any(is_final));
}

/// A set of suppliers, certified for a question by a coordinator that makes up what it likes, and logged.
fn certified(world: &World, log: &mut Log, asked: &Asked, suppliers: &[&str]) -> (Arc<Certificate>, u64) {
    let (id, index) = (asked.query().entry.id(), log.query(asked));
    let named: Vec<_> = suppliers.iter().map(|name| (supplier(name), Hash256::of(name.as_bytes()))).collect();
    let certificate = Arc::new(Certificate {
        attempt: Attempt::FIRST,
        participants: Participants::new(named.clone()).unwrap(),
        digests: named,
        signatures: Vec::new(),
    });
    let round = Round { query: id, attempt: Attempt::FIRST, roster: world.roster.hash() };
    log.push(&Entry::Participants(ParticipantsEntry {
        query: index,
        attempt: 1,
        participants: suppliers.iter().map(|name| supplier(name)).collect(),
        submissions: certificate.statement().submissions(&round),
        certificate: certificate.digest(&round),
    }));
    (certificate, index)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_that_tells_one_supplier_apart_is_refused_by_the_guard_and_the_coordinator_is_told_so() {
    let mut world = World::new(ApprovalRule::OnePerson).await;
    let (whole, without_one) = (world.question(1), world.question(2));
    let mut log = Log::begun(&world.roster);
    let (passes, at_whole) = certified(&world, &mut log, &whole, &SUPPLIERS);
    let (refused, at_part) = certified(&world, &mut log, &without_one, &SUPPLIERS[..3]);
    let mut node = following(&mut world, "police", &log).await;
    node.must_answer(&whole, log.evidence(at_whole, &SUPPLIERS)).await;
    node.must_answer(&without_one, log.evidence(at_part, &SUPPLIERS)).await;
    node.link.send(Down::Witnessed(v1::Witnessed { checkpoint: log.cosigned(&SUPPLIERS).to_bytes() })).await;
    let finalise = |asked: &Asked, certificate: &Arc<Certificate>| {
        let finalise = CoordinatorMessage::Finalise { certificate: Arc::clone(certificate) };
        Down::Request(request(&finalise, &asked.query().entry.id(), &Documents::default()))
    };
    let guard_refuses = |up: &Up| match up {
        Up::Answer(v1::Answer { query, answer: Some(v1::answer::Answer::CannotContinue(fault)) }) => {
            (fault.fault() == v1::AttemptFault::GuardRefuses).then(|| query.clone())
        }
        _ => None,
    };
    // The one that was logged first passes the guard; what it certifies is for the machine to refuse.
    node.link.send(finalise(&whole, &passes)).await;
    node.link.send(finalise(&without_one, &refused)).await;
    let query = node.link.until("the guard's refusal", guard_refuses).await;
    assert_eq!(query, without_one.query().entry.id().as_bytes());
}
