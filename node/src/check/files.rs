//! The files that the configuration names, and the sources behind them.

use optelsom_codebook::{Agreement, Codebook, Timestamp};
use optelsom_proto::private;

use super::{CheckList, Depth, count};
use crate::configuration::{Binding, Configuration};
use crate::freeze::rehearse;

/// Whether the state folder can be written.
pub(super) fn state(configuration: &Configuration, list: &mut CheckList) {
    let folder = configuration.state();
    let written = private::folder(folder).map_err(Into::into).and_then(|()| tempfile::tempfile_in(folder));
    match written {
        Ok(_) => list.sound("state folder", folder.display().to_string()),
        Err(error) => list.failed_with(
            "state folder",
            "no edition or promise can be kept",
            format!("cannot write to {}: {error}", folder.display()),
            "give this program the right to write there, or name another folder as `state`",
        ),
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
