//! What a test says that has to do without something, such as PostgreSQL or a browser, that is not on this machine.

use std::io::Write;

/// Whether nothing may be skipped, as in `.ci/run`.
fn everything() -> bool {
    std::env::var("OPTELSOM_FOREIGN").as_deref() == Ok("all")
}

/// Says that something is not tested here; fails where everything has to be.
pub fn skip(what: &str) {
    assert!(!everything(), "{what}, and OPTELSOM_FOREIGN=all");
    // Past the test harness, which keeps to itself what a passing test prints with `eprintln!`.
    let _ = writeln!(std::io::stderr(), "*** SKIPPED: {what}");
}
