//! What an audit came to: exit codes by kind of finding, and findings in words.

use optelsom_codebook::Lang;
use optelsom_ledger::audit::{Finding, Kind, Place};
use serde::Serialize;

use super::words;

/// The exit codes of `optelsom audit`, beside those of every command.
pub const EXIT_CODES: &str = "\
Exit codes of an audit; with several kinds of finding, the first of these:
  10  a file is damaged: not as it was when the log was signed
  11  a file is missing, or there is one that does not belong here
  12  the checkpoint is not the log's, or too few witnesses have seen it
  13  the log was forked: somebody else was shown another one
  14  a signature on an entry does not hold, or is missing
  15  entries contradict each other, or come in an order that cannot be
  16  a total was made final that, with others, gives a supplier away
  17  a published table is not proved
  18  a query should have ended and has not
  19  a node's journal and the log say different things";

/// The exit code where journal and log differ.
pub const JOURNAL_DIFFERS: u8 = 19;

/// The exit code of a kind of finding.
pub const fn code(kind: Kind) -> u8 {
    match kind {
        Kind::Damaged => 10,
        Kind::Incomplete => 11,
        Kind::Checkpoint => 12,
        Kind::Forked => 13,
        Kind::Signature => 14,
        Kind::Disorder => 15,
        Kind::Guard => 16,
        Kind::Release => 17,
        Kind::Unended => 18,
    }
}

/// A finding as it is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Told {
    /// Its exit code, which is its kind.
    pub code: u8,
    /// Its kind, in words.
    pub kind: String,
    /// Where: a file, an entry, or the log.
    pub place: String,
    /// What it is.
    pub text: String,
}

/// The verdict over a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Whether nothing was found.
    pub passed: bool,
    /// The exit code.
    pub code: u8,
    /// What was found, the gravest first.
    pub findings: Vec<Told>,
}

impl Verdict {
    /// Puts findings into order and words.
    pub fn new(findings: &[Finding], lang: Lang) -> Self {
        let mut sorted: Vec<&Finding> = findings.iter().collect();
        sorted.sort_by_key(|finding| finding.kind());
        let told = |finding: &&Finding| Told {
            code: code(finding.kind()),
            kind: words::kind(finding.kind(), lang).to_owned(),
            place: place(&finding.place(), lang),
            text: words::finding(finding, lang),
        };
        let code = sorted.first().map_or(0, |finding| code(finding.kind()));
        Self { passed: sorted.is_empty(), code, findings: sorted.iter().map(told).collect() }
    }
}

fn place(place: &Place, lang: Lang) -> String {
    match (place, lang) {
        (Place::File(path), Lang::Nl) => format!("bestand {path}"),
        (Place::Entry(index), Lang::Nl) => format!("post {index}"),
        (Place::Log, Lang::Nl) => "het logboek".to_owned(),
        (place, Lang::En) => place.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_documented_code() {
        let codes: Vec<u8> = Kind::ALL.into_iter().map(code).collect();
        assert_eq!(codes, (10..=18).collect::<Vec<u8>>());
        for code in codes.iter().chain([&JOURNAL_DIFFERS]) {
            assert!(EXIT_CODES.contains(&format!("\n  {code}  ")), "{code}");
        }
    }
}
