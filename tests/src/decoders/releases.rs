//! Releases and what proves them, each file by itself.

use optelsom_cli::arguments::Format;
use optelsom_cli::publication::render;
use optelsom_codebook::Lang;
use optelsom_disclosure::Release;
use optelsom_secagg::release_proof::{ReleaseProof, SignedSubmissions};

use super::questions;
use super::sample::release::{ANSWER, release_of};
use super::sample::{good, query, roster};

/// Every file that a release is written as.
const FORMATS: [Format; 9] = [
    Format::Table,
    Format::Csv,
    Format::CsvNl,
    Format::Xlsx,
    Format::Parquet,
    Format::Json,
    Format::SdmxCsv,
    Format::Html,
    Format::Svg,
];

/// `release.json`, which is then written as every file there is.
pub fn release(bytes: &[u8]) -> bool {
    let Ok(release) = Release::from_json(bytes) else { return false };
    check_release(&release);
    for format in FORMATS {
        for lang in [Lang::Nl, Lang::En] {
            render(&release, lang, format, false).err();
        }
    }
    true
}

/// A release reads back as it was written, and says its notes.
pub(super) fn check_release(release: &Release) {
    let written = good(release.to_json());
    assert_eq!(good(Release::from_json(&written)), *release);
    for note in release.notes() {
        note.text(Lang::Nl);
        note.text(Lang::En);
    }
    for row in release.table().rows() {
        assert_eq!(row.figures().len(), release.table().figures().len());
        assert_eq!(row.places().len(), release.table().places(row).count());
    }
}

pub(super) fn releases() -> Vec<Vec<u8>> {
    let of_victims = questions::SQL.iter().filter(|sql| sql.contains("FROM victims")).map(|sql| query(sql));
    let releases = of_victims.map(|query| release_of(&query)).chain([ANSWER.release.clone()]);
    releases.map(|release| good(release.to_json())).collect()
}

/// The proof of one column.
pub fn release_proof(bytes: &[u8]) -> bool {
    let Ok(proof) = ReleaseProof::from_bytes(bytes) else { return false };
    assert_eq!(proof.to_bytes(), bytes, "two encodings of one proof");
    true
}

pub(super) fn release_proofs() -> Vec<Vec<u8>> {
    ANSWER.proofs.iter().flatten().map(ReleaseProof::to_bytes).collect()
}

/// The proofs of all columns.
pub fn proof_file(bytes: &[u8]) -> bool {
    let Ok(proofs) = ReleaseProof::split_file(bytes, ANSWER.proofs.len()) else { return false };
    let read: Result<Vec<_>, _> =
        proofs.into_iter().map(|proof| proof.map(ReleaseProof::from_bytes).transpose()).collect();
    let Ok(read) = read else { return false };
    assert_eq!(ReleaseProof::file(&read), bytes, "two encodings of one file");
    true
}

pub(super) fn proof_files() -> Vec<Vec<u8>> {
    vec![ReleaseProof::file(&ANSWER.proofs)]
}

/// What the participants committed to and signed.
pub fn commitments(bytes: &[u8]) -> bool {
    let (query, roster) = (ANSWER.question.entry.id(), roster().hash());
    let Ok(submissions) = SignedSubmissions::from_bytes(bytes, query, roster) else { return false };
    assert_eq!(submissions.to_bytes(), bytes, "two encodings of one file");
    true
}

pub(super) fn commitment_files() -> Vec<Vec<u8>> {
    vec![ANSWER.submissions.to_bytes()]
}
