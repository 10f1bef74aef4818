//! Whom the auditor trusts: a file of their own, never the one that lies in an export.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use optelsom_codebook::Hash256;
use optelsom_ledger::audit::Policy;
use optelsom_ledger::{Roster, Trust};

use super::arguments::TrustArguments;
use crate::configuration::{Configuration, read_text};
use crate::failure::Failure;

/// Where the copy lies in an export.
pub const COPY: &str = "trust.toml";
/// More than this is no trust file, and no roster, in bytes.
const LONGEST: u64 = 4 * 1024 * 1024;
const HEADING: &str = "\
# A copy, for information only: whoever made this folder could have written anything here.
# Check the folder by a trust file that you have from somebody you trust.
";

/// The trust file and the rosters that the auditor accepts.
#[derive(Debug)]
pub struct Accepted {
    /// The keys.
    pub trust: Trust,
    rosters: BTreeSet<Hash256>,
}

impl Accepted {
    /// Reads what the command line names, or else the configuration.
    ///
    /// # Errors
    /// When nothing is named, or a file is not what it should be.
    pub fn read(
        arguments: &TrustArguments,
        configuration: impl FnOnce() -> Result<Configuration, Failure>,
    ) -> Result<Self, Failure> {
        let path = match &arguments.trust {
            Some(path) => path.clone(),
            None => configured(configuration)?,
        };
        // What may collude is known from the rosters in the log only; the audit holds this file against it.
        let trust = Trust::parse(&read_text(&path, LONGEST)?, 0).map_err(|cause| Failure::contents(&path, cause))?;
        let rosters = arguments.roster.iter().map(|path| roster(path)).collect::<Result<_, _>>()?;
        Ok(Self { trust, rosters })
    }

    /// The hashes of the rosters.
    pub fn rosters(&self) -> &BTreeSet<Hash256> {
        &self.rosters
    }

    /// What to audit by.
    pub fn policy(&self) -> Policy {
        Policy { rosters: self.rosters.clone(), ..Policy::from(&self.trust) }
    }

    /// The copy that goes with an export.
    pub fn copy(&self) -> String {
        format!("{HEADING}{}", self.trust.to_toml())
    }
}

fn configured(configuration: impl FnOnce() -> Result<Configuration, Failure>) -> Result<PathBuf, Failure> {
    let unnamed = || {
        Failure::Usage(
            "whom do you trust? Name the trust file that you were given with --trust, or as `trust` in the configuration; \
             the one in an export proves nothing"
                .to_owned(),
        )
    };
    match configuration() {
        Ok(configuration) => configuration.trust.ok_or_else(unnamed),
        Err(Failure::Contents { .. } | Failure::Usage(_)) => Err(unnamed()),
        Err(other) => Err(other),
    }
}

fn roster(path: &Path) -> Result<Hash256, Failure> {
    let roster = Roster::parse(&read_text(path, LONGEST)?).map_err(|cause| Failure::contents(path, cause))?;
    Ok(roster.hash())
}
