//! A node whose store was put back from a backup: it does not know what it has promised since.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod ledger_federation;

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::time::Duration;

use ledger_federation::log::{Log, cosignature_at};
use ledger_federation::{SUPPLIERS, World, moment};
use optelsom_codebook::Timestamp;
use optelsom_ledger::entry::ApprovalRule;
use optelsom_node::daemon::clock;
use optelsom_proto::v1;
use optelsom_proto::v1::coordinator_message::Message as Down;

/// Copies a folder whole. A node that has just stopped may still be closing its store, whose journal goes once all of it
/// stands in the file itself: then all is copied once more.
fn copy(from: &Path, to: &Path) {
    while let Err(cause) = try_copy(from, to) {
        assert_eq!(cause.kind(), ErrorKind::NotFound, "{cause}");
    }
}

fn try_copy(from: &Path, to: &Path) -> io::Result<()> {
    let _ = fs::remove_dir_all(to);
    fs::create_dir_all(to)?;
    fs::set_permissions(to, fs::metadata(from)?.permissions())?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            try_copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// The three other witnesses have seen the newest checkpoint at this moment.
fn witnessed(log: &Log, at: Timestamp) -> Down {
    let checkpoint = log.checkpoint();
    let lines: Vec<_> = ["border", "labour", "shelters"].map(|name| cosignature_at(name, &checkpoint, at)).to_vec();
    let note = checkpoint.with_cosignatures(&lines).unwrap();
    Down::Witnessed(v1::Witnessed { checkpoint: note.to_bytes() })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_restored_from_last_week_s_backup_cosigns_and_answers_nothing_until_it_is_reconciled() {
    let mut world = World::new(ApprovalRule::OnePerson).await;
    let (state, twin) = world.state("police");
    let backup = tempfile::tempdir().unwrap();
    let mut log = Log::begun(&world.roster);
    let mut node = world.node("police").await;
    node.update(log.update(0)).await;
    node.stop().await;
    copy(&state, &backup.path().join("state"));
    let last_week = log.size();
    // This week it answers a query, and cosigns on.
    let mut node = world.node("police").await;
    let this_week = world.question(1);
    let index = log.query(&this_week);
    assert!(node.update(log.update(last_week)).await.0.is_some());
    node.must_answer(&this_week, log.evidence(index, &SUPPLIERS)).await;
    node.stop().await;
    copy(&backup.path().join("state"), &state);
    // It does not start, with the file beside it and without, before somebody says so.
    for _ in 0..2 {
        let why = world.start("police").await.unwrap_err().to_string();
        assert!(why.contains("put back from a backup") && why.contains("reconcile"), "{why}");
        let _ = fs::remove_file(&twin);
    }
    world.reconcile("police").await;
    let mut node = world.node("police").await;
    assert_eq!(node.has().await.size, last_week);
    // It follows the log again, and cosigns nothing of it; nor does it answer, whatever others had seen before.
    let (cosigned, has) = node.update(log.update(last_week)).await;
    assert_eq!((cosigned, has.size), (None, log.size()));
    node.ask(&this_week, Some(log.evidence(index, &SUPPLIERS))).await;
    node.link.send(witnessed(&log, Timestamp::from_millis(clock::now().as_millis() - 3_600_000))).await;
    let size = log.size();
    log.edition(moment(5));
    assert_eq!(node.update(log.update(size)).await.0, None);
    // Nor after a restart.
    let mut node = node.restart(&mut world).await;
    let size = log.size();
    log.edition(moment(6));
    assert_eq!(node.update(log.update(size)).await.0, None);
    // The others have seen this log since: from here on it takes part again, and what was before stays before.
    node.link.send(witnessed(&log, clock::now() + Duration::from_secs(5))).await;
    let (next, size) = (world.question(2), log.size());
    let at = log.query(&next);
    assert!(node.update(log.update(size)).await.0.is_some());
    node.must_answer(&next, log.evidence(at, &SUPPLIERS)).await;
    node.ask(&this_week, Some(log.evidence(index, &SUPPLIERS))).await;
    // Logged once more it is the same query.
    let (last, size) = (world.question(3), log.size());
    let again = log.query(&this_week);
    let at = log.query(&last);
    node.update(log.update(size)).await;
    node.ask(&this_week, Some(log.evidence(again, &SUPPLIERS))).await;
    node.must_answer(&last, log.evidence(at, &SUPPLIERS)).await;
    assert!(!node.has_said_anything_about(&this_week).await);
    let mut node = node.restart(&mut world).await;
    node.ask(&this_week, Some(log.evidence(again, &SUPPLIERS))).await;
    node.must_answer(&last, log.evidence(at, &SUPPLIERS)).await;
    assert!(!node.has_said_anything_about(&this_week).await);
}
