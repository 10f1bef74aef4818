//! `optelsom verify`, and where `query`, `fetch` and `watch` deliver a release: to a terminal, a file, or a bundle.

use std::path::Path;

use optelsom_codebook::{Lang, QueryId};
use optelsom_disclosure::Release;
use optelsom_ledger::audit::Files;
use optelsom_proto::output::complain;

use super::{Session, print};
use crate::arguments::{Format, OutputArguments, VerifyArguments};
use crate::audit::export::Source;
use crate::audit::trust::Accepted;
use crate::bundle::words::told;
use crate::bundle::{Verified, fetch, verify};
use crate::configuration::Configuration;
use crate::failure::Failure;
use crate::publication::{self, Destination};

pub(super) fn run(session: Session<'_>, arguments: &VerifyArguments) -> Result<(), Failure> {
    let lang = session.lang(session.configuration().ok().as_ref());
    let accepted = Accepted::read(&arguments.trust, || session.configuration())?;
    let verified = judged(&fetch::read(&arguments.folder)?, &accepted, &arguments.folder)?;
    print(told(&verified, lang).as_bytes())
}

fn judged(files: &Files, accepted: &Accepted, folder: &Path) -> Result<Verified, Failure> {
    verify(files, &accepted.trust, accepted.rosters())
        .map_err(|cause| Failure::Unproved { path: folder.to_owned(), cause: Box::new(cause) })
}

/// Where a release is to go, found possible before a query is spent on it.
pub(super) struct Delivery<'a> {
    destination: Destination<'a>,
    /// Whom to trust, for a bundle.
    accepted: Option<Accepted>,
}

impl<'a> Delivery<'a> {
    pub(super) fn prepare(session: Session<'_>, output: &'a OutputArguments) -> Result<Self, Failure> {
        let destination = Destination::of(output)?;
        destination.check_writable()?;
        let accepted = match destination {
            Destination::Bundle(folder) => {
                fetch::refuse_existing(folder)?;
                Some(Accepted::read(&output.trust, || session.configuration())?)
            }
            Destination::Output(_) | Destination::File(..) => None,
        };
        Ok(Self { destination, accepted })
    }

    pub(super) fn is_bundle(&self) -> bool {
        self.accepted.is_some()
    }

    pub(super) async fn deliver(
        &self,
        configuration: &Configuration,
        release: &Release,
        lang: Lang,
    ) -> Result<(), Failure> {
        match self.destination {
            Destination::Output(format) => publication::print(release, lang, format),
            Destination::File(format, path) => publication::write(release, lang, format, path),
            Destination::Bundle(_) => self.bundle(configuration, release.query(), lang).await,
        }
    }

    /// Fetches the bundle, writes it, and checks it: the table is printed where it holds. One that does not hold is kept,
    /// to be shown to an auditor.
    pub(super) async fn bundle(
        &self,
        configuration: &Configuration,
        query: QueryId,
        lang: Lang,
    ) -> Result<(), Failure> {
        let (Destination::Bundle(folder), Some(accepted)) = (self.destination, &self.accepted) else { return Ok(()) };
        let mut source = Source::open(configuration).await?;
        let files = fetch::fetch(&mut source, &accepted.trust, &query).await?;
        fetch::write(&files, folder)?;
        let verified = judged(&files, accepted, folder)?;
        publication::print(&verified.checked.release, lang, Format::Table)?;
        complain(format_args!("{}: {}", folder.display(), told(&verified, lang).trim_end()));
        Ok(())
    }
}
