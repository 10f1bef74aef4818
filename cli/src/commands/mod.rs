//! What each command does.

mod approve;
mod audit;
mod explain;
mod queries;
mod query;
mod verify;

use std::io::{self, Write};
use std::ops::RangeInclusive;
use std::path::Path;

use optelsom_codebook::{Codebook, Lang};
use optelsom_proto::key_file::new_identity;
use optelsom_proto::output::complain;

use crate::arguments::{Arguments, CodebookArguments, Command};
use crate::browse::browse;
use crate::configuration::{Configuration, read_text};
use crate::failure::Failure;
use crate::federation::{Federation, SupplierFacts};

/// The longest codebook that is read from a file, in bytes.
const LONGEST_CODEBOOK: u64 = 64 * 1024 * 1024;

/// Does what the command line says.
///
/// # Errors
/// Typed by who can mend it; [`Failure::code`] is the exit code.
pub async fn run(arguments: Arguments) -> Result<(), Failure> {
    let Arguments { config, lang, command } = arguments;
    let session = Session { config: config.as_deref(), lang: lang.map(Into::into) };
    match command {
        Command::Query(arguments) => query::run(session, &arguments).await,
        Command::Explain(arguments) => explain::run(session, &arguments).await,
        Command::Codebook(arguments) => codebook(session, &arguments).await,
        Command::Fetch(arguments) => queries::fetch(session, &arguments).await,
        Command::Verify(arguments) => verify::run(session, &arguments),
        Command::List { most } => queries::list(session, most).await,
        Command::Watch(arguments) => queries::watch(session, &arguments).await,
        Command::Identity { file } => identity(&file),
        Command::Approve(arguments) => approve::run(session, &arguments).await,
        Command::Audit(arguments) => audit::run(session, &arguments).await,
    }
}

/// What holds for every command.
#[derive(Clone, Copy, Debug)]
struct Session<'a> {
    config: Option<&'a Path>,
    lang: Option<Lang>,
}

impl Session<'_> {
    fn configuration(self) -> Result<Configuration, Failure> {
        Configuration::load(self.config)
    }

    /// The language of the command line, or else of the configuration, or else English.
    fn lang(self, configuration: Option<&Configuration>) -> Lang {
        self.lang.or_else(|| configuration.and_then(|configuration| configuration.lang)).unwrap_or_default()
    }
}

async fn codebook(session: Session<'_>, arguments: &CodebookArguments) -> Result<(), Failure> {
    let which = (arguments.dataset.as_deref(), arguments.name.as_deref());
    let mut text = Vec::new();
    if let Some(path) = &arguments.codebook {
        browse(&mut text, &codebook_file(path)?, None, session.lang(None), which)?;
    } else {
        let configuration = session.configuration()?;
        let mut federation = Federation::open(&configuration).await?;
        let catalogue = federation.catalogue().await?;
        let mut datasets = catalogue.codebook.datasets();
        let dataset = which.0.and_then(|name| datasets.find(|dataset| dataset.name().eq_ignore_ascii_case(name)));
        let held = match dataset {
            Some(dataset) => years_held(&federation.facts(&catalogue, dataset.name()).await?),
            None => None,
        };
        browse(&mut text, &catalogue.codebook, held.as_ref(), session.lang(Some(&configuration)), which)?;
    }
    print(&text)
}

/// The years that all who hold a dataset hold.
fn years_held(facts: &[SupplierFacts]) -> Option<RangeInclusive<u32>> {
    let years = facts.iter().filter_map(|facts| facts.holding.as_ref()).map(|holding| holding.years.clone());
    years.reduce(|ours, theirs| *ours.start().max(theirs.start())..=*ours.end().min(theirs.end()))
}

fn codebook_file(path: &Path) -> Result<Codebook, Failure> {
    let text = read_text(path, LONGEST_CODEBOOK)?;
    Codebook::parse(&text).map_err(|errors| Failure::contents(path, errors))
}

fn identity(file: &Path) -> Result<(), Failure> {
    let public = new_identity(file)?.public();
    print(format!("{public}\n").as_bytes())?;
    complain(format_args!(
        "This is the public half: the bureau enters it in the roster. Keep {} to yourself.",
        file.display()
    ));
    Ok(())
}

fn print(text: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text).and_then(|()| out.flush()).map_err(Failure::Output)
}
