//! Whether the moments that queries name can be true: by each other's order in the log, and by its witnesses' clocks.

use optelsom_codebook::Timestamp;

use crate::audit::account::Account;
use crate::audit::finding::Finding;
use crate::query::CLOCK_TOLERANCE_MS;

/// How long after its expiry a query must have ended: a day, in milliseconds. A round that has begun may take its time.
const GRACE_MS: u64 = 24 * 60 * 60 * 1000;

/// What cannot be true, the log having been seen last at `seen_at`.
pub(super) fn check(account: &Account, seen_at: Option<Timestamp>) -> Vec<Finding> {
    let mut findings = Vec::new();
    // The query asked latest among those so far.
    let mut latest = (0, Timestamp::default());
    for query in account.queries() {
        let (index, entry) = (query.at, &query.entry);
        if entry.expires_at.plus_millis(CLOCK_TOLERANCE_MS) < latest.1 {
            findings.push(Finding::BackDated { index, expires_at: entry.expires_at, after: latest.0 });
        }
        if entry.asked_at > latest.1 {
            latest = (index, entry.asked_at);
        }
        let Some(witnessed) = seen_at else { continue };
        if entry.asked_at > witnessed.plus_millis(CLOCK_TOLERANCE_MS) {
            findings.push(Finding::FromTheFuture { index, asked_at: entry.asked_at, witnessed });
        }
        if query.end.is_none() && entry.expires_at.plus_millis(GRACE_MS) < witnessed {
            findings.push(Finding::Overdue { index, expires_at: entry.expires_at, witnessed });
        }
    }
    findings
}
