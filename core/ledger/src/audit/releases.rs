//! Whether the files of each release are those that its entry names. That its proof holds is for whoever verifies
//! releases; here nothing is believed of them but their digests.

use optelsom_codebook::Hash256;

use crate::audit::account::{Account, End};
use crate::audit::finding::Finding;
use crate::audit::{Files, bytes_of, release_folder};
use crate::entry::{ReleaseEntry, salted_digest};

/// The table as it was released.
const TABLE: &str = "release.json";
/// The 32 bytes without which the digest in the log could be guessed from.
const SALT: &str = "salt";
/// That what is shown is the sum of what was committed to.
const PROOF: &str = "proof";

/// What the participants committed to and signed.
const COMMITMENTS: &str = "commitments";

/// The files of a release, by their names within its folder.
pub const RELEASE_FILES: [&str; 4] = [TABLE, SALT, PROOF, COMMITMENTS];

/// Holds the files of each release against its entry.
pub(super) fn check(files: &Files, account: &Account) -> Vec<Finding> {
    let mut findings = Vec::new();
    for query in account.queries() {
        let Some(end) = &query.end else { continue };
        let End::Release(entry) = &end.fact else { continue };
        let folder = release_folder(&query.id);
        let path = |name: &str| format!("{folder}{name}");
        let missing = RELEASE_FILES.into_iter().filter(|name| bytes_of(files, &path(name)).is_none());
        findings.extend(missing.map(|name| Finding::ReleaseMissing { index: end.at, path: path(name) }));
        let altered = altered(entry, |name| bytes_of(files, &path(name)));
        findings.extend(altered.into_iter().map(|name| Finding::ReleaseAltered { index: end.at, path: path(name) }));
    }
    findings
}

/// The files that are not as the entry names them. Table and salt go by one digest: of them nobody can say which.
fn altered<'f>(entry: &ReleaseEntry, file: impl Fn(&str) -> Option<&'f [u8]>) -> Vec<&'static str> {
    let mut altered = Vec::new();
    if let (Some(table), Some(salt)) = (file(TABLE), file(SALT)) {
        let fits = <[u8; 32]>::try_from(salt).is_ok_and(|salt| salted_digest(&salt, table) == entry.table);
        altered.extend(if fits { &[][..] } else { &[TABLE, SALT] });
    }
    for (name, digest) in [(PROOF, entry.proof), (COMMITMENTS, entry.participants)] {
        altered.extend(file(name).filter(|bytes| Hash256::of(bytes) != digest).map(|_| name));
    }
    altered
}
