//! The files that the configuration names, and the sources behind them.

use std::io::{self, Write as _};
use std::path::Path;

use optelsom_codebook::{Agreement, Codebook, Timestamp};
use optelsom_proto::private;

use super::{CheckList, Depth, count};
use crate::configuration::{Binding, Configuration};
use crate::freeze::rehearse;

/// So much has to fit on the disk: less than any edition takes, and more than a full one has.
const ROOM: usize = 1 << 20;

/// Whether the state folder can be written, and the folder of the file beside it.
pub(super) fn state(configuration: &Configuration, list: &mut CheckList) {
    let folder = configuration.state();
    let written = private::folder(folder).map_err(Into::into).and_then(|()| written(folder));
    match written {
        Ok(()) => list.sound("state folder", folder.display().to_string()),
        Err(error) => {
            list.failed_with("state folder", "no edition or promise can be kept", why(folder, &error), mend(&error))
        }
    }
    let beside = configuration.incarnation().parent().filter(|beside| *beside != folder);
    if let Some((beside, Err(error))) = beside.map(|beside| (beside, written_beside(beside))) {
        let what = format!("{} cannot be kept, so the node does not start", configuration.incarnation().display());
        list.failed_with("incarnation", what, why(beside, &error), mend(&error));
    }
}

/// A path without a folder is in the one that one stands in.
fn written_beside(folder: &Path) -> io::Result<()> {
    written(if folder.as_os_str().is_empty() { Path::new(".") } else { folder })
}

/// Writes for trial; nothing of it stays.
fn written(folder: &Path) -> io::Result<()> {
    let mut file = tempfile::tempfile_in(folder)?;
    file.write_all(&vec![0; ROOM])?;
    file.sync_all()
}

fn why(folder: &Path, error: &io::Error) -> String {
    format!("cannot write to {}: {error}", folder.display())
}

fn mend(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "the disk is full: make room",
        io::ErrorKind::FileTooLarge => "this program may write no larger file: raise the limit (ulimit -f)",
        io::ErrorKind::ReadOnlyFilesystem => "the disk is mounted for reading only: mount it for writing",
        _ => "give this program the right to write there, or name another folder as `state`",
    }
}

/// The agreement: whether it can be read, is in force, and speaks of what is bound.
pub(super) fn agreement(configuration: &Configuration, codebook: &Codebook, now: Timestamp, list: &mut CheckList) {
    let agreement = configuration.read_agreement(codebook);
    let found = |agreement: &Agreement| format!("version {}, {}", agreement.version(), agreement.hash().short());
    let Some(agreement) = list.take("agreement", "every query is refused", agreement, found) else { return };
    if now < agreement.from() || now >= agreement.until() {
        let why = format!("it holds from {} until {}, and now it is {now}", agreement.from(), agreement.until());
        list.failed_with(
            "agreement",
            "every query is refused",
            why,
            "agree anew with the bureau, or set this clock right",
        );
    }
    for (dataset, _) in agreement.datasets() {
        if !configuration.datasets().any(|bound| bound == dataset) {
            let why = format!("the agreement speaks of `{dataset}`, but node.toml does not bind it");
            let mend = format!("add [datasets.{dataset}] to node.toml");
            list.failed_with("agreement", "queries about it are refused", why, mend);
        }
    }
}

/// A source: its files, its columns, and, where everything is asked, every value in it.
pub(super) fn source(binding: &Binding, depth: Depth, list: &mut CheckList) {
    let name = format!("source of {}", binding.dataset());
    let source = binding.source();
    const WHAT: &str = "nothing can be frozen from it";
    let columns = source.find(binding.columns());
    if list
        .take(&name, WHAT, columns, |columns| format!("{}, {} found", source.kind(), count(columns.len(), "column")))
        .is_none()
    {
        return;
    }
    if depth == Depth::Everything {
        let name = format!("values of {}", binding.dataset());
        list.take(name, WHAT, rehearse(binding, &mut |_| {}), |summary| {
            format!("{} rows, all of them can be frozen", summary.rows)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_disk_that_takes_nothing_has_its_own_mend() {
        for (kind, wanted) in [
            (io::ErrorKind::StorageFull, "make room"),
            (io::ErrorKind::QuotaExceeded, "make room"),
            (io::ErrorKind::ReadOnlyFilesystem, "mount it for writing"),
            (io::ErrorKind::FileTooLarge, "raise the limit"),
            (io::ErrorKind::PermissionDenied, "give this program the right"),
        ] {
            assert!(mend(&kind.into()).contains(wanted), "{kind}");
        }
    }
}
