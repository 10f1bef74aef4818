//! `node.toml`: who this supplier is, where its records stand, and how its columns speak of the codebook's variables.

mod binding;
mod document;
mod number_format;
mod problems;
mod source;
mod transform;
mod values;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use optelsom_codebook::{Agreement, Codebook, SupplierId};
use toml::Spanned;

pub use binding::{AgeDate, AgeReading, Binding, MeasureBinding, Reading, VariableBinding};
pub use document::FreezeWhen;
pub use number_format::{NumberFormat, NumberProblem};
pub use problems::ConfigurationError;
pub use transform::{Bins, DateFormat};
pub use values::{Lack, Local, ValueMap};

use document::{CoordinatorDocument, DatasetDocument, Document};
use problems::Problems;

/// Gives the value of an environment variable.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// How the coordinator is reached. Paths are whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoordinatorSettings {
    /// `host:port`.
    pub address: String,
    /// The name that the coordinator's certificate must bear; the address's host where not given.
    pub server_name: String,
    /// The HTTP CONNECT proxy, `host:port`.
    pub proxy: Option<String>,
    /// The file with the proxy's `name:password`, its owner's alone.
    pub proxy_credentials: Option<PathBuf>,
    /// This node's certificate, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
    /// The authority that signed the coordinator's certificate, PEM.
    pub authority: PathBuf,
}

/// What `node.toml` says, but for the bindings, which only a codebook gives a meaning.
#[derive(Debug)]
pub struct Configuration {
    path: PathBuf,
    text: String,
    supplier: SupplierId,
    state: PathBuf,
    codebook: PathBuf,
    agreement: PathBuf,
    roster: PathBuf,
    accepted_peers: Option<Vec<SupplierId>>,
    collusion_floor: Option<usize>,
    coordinator: Option<CoordinatorSettings>,
    identity: Option<PathBuf>,
    trust: PathBuf,
    witness_key: PathBuf,
    incarnation: PathBuf,
    health: SocketAddr,
    datasets: BTreeMap<Spanned<String>, DatasetDocument>,
}

impl Configuration {
    /// Reads `node.toml`. Paths in it are relative to its folder. The environment may say where secrets lie:
    /// `OPTELSOM_NODE_CERTIFICATE`, `_KEY`, `_AUTHORITY`, `_IDENTITY`, `_PROXY_CREDENTIALS`, and `OPTELSOM_NODE_URL_FILE_<DATASET>`.
    ///
    /// # Errors
    /// With every mistake, by line.
    pub fn load(path: &Path, environment: Environment<'_>) -> Result<Self, ConfigurationError> {
        let text = read(path)?;
        Self::parse(path, text, environment)
    }

    /// Reads the text of the `node.toml` that stands, or would stand, at `path`.
    ///
    /// # Errors
    /// With every mistake, by line.
    pub fn parse(path: &Path, text: String, environment: Environment<'_>) -> Result<Self, ConfigurationError> {
        let mut problems = Problems::of(&text);
        let document: Document = match toml::from_str(&text) {
            Ok(document) => document,
            Err(error) => {
                problems.report(error.span().unwrap_or(0..0), error.message().trim(), "correct it");
                return problems.settle(path, None);
            }
        };
        let folder = path.parent().unwrap_or(Path::new(""));
        let supplier = SupplierId::try_from(document.supplier.get_ref().as_str())
            .map_err(|error| {
                problems.report(document.supplier.span(), error.to_string(), "take the name in the roster")
            })
            .ok();
        let coordinator = match document.coordinator {
            Some(section) => coordinator(section, folder, environment, &mut problems).map(Some),
            None => Some(None),
        };
        let identity = document.identity.map(|section| section.file);
        let identity = environment("OPTELSOM_NODE_IDENTITY").map(PathBuf::from).or(identity);
        let mut datasets = document.datasets;
        for (name, dataset) in &mut datasets {
            source::override_url_file(name.get_ref(), dataset.source.get_mut(), environment);
        }
        let file = |named: Option<PathBuf>, default: &str| folder.join(named.unwrap_or_else(|| default.into()));
        let state = file(document.state, "state");
        // Beside the state folder, not in it: backups of that folder are to leave it out.
        let beside = || state.with_extension("incarnation");
        let made = supplier.zip(coordinator).map(|(supplier, coordinator)| Self {
            path: path.to_owned(),
            supplier,
            incarnation: document.ledger.incarnation.as_ref().map_or_else(beside, |named| folder.join(named)),
            state: state.clone(),
            codebook: file(document.codebook, "codebook.toml"),
            agreement: file(document.agreement, "agreement.toml"),
            roster: file(document.roster, "roster.toml"),
            accepted_peers: document.trust.accepted_peers,
            collusion_floor: document.trust.collusion_floor,
            coordinator,
            identity: identity.map(|file| folder.join(file)),
            trust: file(document.ledger.trust, "trust.toml"),
            witness_key: file(document.ledger.witness_key, "witness.key"),
            health: document.health.listen.unwrap_or(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))),
            datasets,
            text: text.clone(),
        });
        problems.settle(path, made)
    }

    /// The file that this was read from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// This supplier.
    pub fn supplier(&self) -> &SupplierId {
        &self.supplier
    }

    /// The folder for editions and all else that the node keeps.
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// The file with this supplier's agreement.
    pub fn agreement(&self) -> &Path {
        &self.agreement
    }

    /// The file with the roster that this node knows.
    pub fn roster(&self) -> &Path {
        &self.roster
    }

    /// The suppliers that the operator takes part in sums with, if not all of the roster.
    pub fn accepted_peers(&self) -> Option<&[SupplierId]> {
        self.accepted_peers.as_deref()
    }

    /// The least number of colluding suppliers that a roster must withstand, if the operator sets one.
    pub fn collusion_floor(&self) -> Option<usize> {
        self.collusion_floor
    }

    /// How the coordinator is reached, if that is configured.
    pub fn coordinator(&self) -> Option<&CoordinatorSettings> {
        self.coordinator.as_ref()
    }

    /// The file with this supplier's signing key, if that is configured.
    pub fn identity(&self) -> Option<&Path> {
        self.identity.as_deref()
    }

    /// The file that says whom this operator trusts with the log.
    pub fn trust(&self) -> &Path {
        &self.trust
    }

    /// The file beside the state folder that backups leave out: by it the node knows whether its store was put back.
    pub fn incarnation(&self) -> &Path {
        &self.incarnation
    }

    /// The file with the key that this node witnesses the log with.
    pub fn witness_key(&self) -> &Path {
        &self.witness_key
    }

    /// Where health and metrics are served; port 0 lets the system choose.
    pub fn health(&self) -> SocketAddr {
        self.health
    }

    /// The names of the datasets that are bound.
    pub fn datasets(&self) -> impl Iterator<Item = &str> {
        self.datasets.keys().map(|name| name.get_ref().as_str())
    }

    /// Reads the codebook.
    ///
    /// # Errors
    /// When it cannot be read, or has mistakes.
    pub fn read_codebook(&self) -> Result<Codebook, ConfigurationError> {
        let text = read(&self.codebook)?;
        Codebook::parse(&text).map_err(|cause| ConfigurationError::Codebook { path: self.codebook.clone(), cause })
    }

    /// Reads this supplier's agreement.
    ///
    /// # Errors
    /// When it cannot be read, has mistakes, or is another supplier's.
    pub fn read_agreement(&self, codebook: &Codebook) -> Result<Agreement, ConfigurationError> {
        let path = self.agreement.clone();
        let agreement = Agreement::parse(&read(&path)?, codebook)
            .map_err(|cause| ConfigurationError::Agreement { path: path.clone(), cause })?;
        if agreement.supplier() == &self.supplier {
            return Ok(agreement);
        }
        let (found, expected) = (agreement.supplier().to_string(), self.supplier.to_string());
        Err(ConfigurationError::OtherSupplier { path, found, expected })
    }

    /// What the bindings mean under this codebook.
    ///
    /// # Errors
    /// With every mistake, by line.
    pub fn bindings(&self, codebook: &Codebook) -> Result<Vec<Binding>, ConfigurationError> {
        let mut problems = Problems::of(&self.text);
        let folder = self.path.parent().unwrap_or(Path::new(""));
        let bindings: Vec<_> = self
            .datasets
            .iter()
            .map(|(name, document)| binding::resolve(name, document, codebook, folder, &mut problems))
            .collect();
        problems.settle(&self.path, bindings.into_iter().collect())
    }

    /// The binding of one dataset.
    ///
    /// # Errors
    /// When there is none, or any of the bindings has mistakes.
    pub fn binding(&self, codebook: &Codebook, dataset: &str) -> Result<Binding, ConfigurationError> {
        let found = self.bindings(codebook)?.into_iter().find(|binding| binding.dataset() == dataset);
        found.ok_or_else(|| ConfigurationError::NotBound {
            dataset: dataset.to_owned(),
            bound: self.datasets().map(str::to_owned).collect(),
        })
    }
}

fn read(path: &Path) -> Result<String, ConfigurationError> {
    std::fs::read_to_string(path).map_err(|cause| ConfigurationError::Unreadable { path: path.to_owned(), cause })
}

fn coordinator(
    section: CoordinatorDocument,
    folder: &Path,
    environment: Environment<'_>,
    problems: &mut Problems,
) -> Option<CoordinatorSettings> {
    let file = |variable: &str, named: PathBuf| folder.join(environment(variable).map_or(named, PathBuf::from));
    let host = authority(&section.address, problems);
    let proxy = section.proxy.map(|proxy| authority(&proxy, problems).map(|_| proxy.into_inner()));
    let server_name = section.server_name.or(host);
    Some(CoordinatorSettings {
        address: section.address.into_inner(),
        server_name: server_name?,
        proxy: match proxy {
            Some(proxy) => Some(proxy?),
            None => None,
        },
        proxy_credentials: environment("OPTELSOM_NODE_PROXY_CREDENTIALS")
            .map(PathBuf::from)
            .or(section.proxy_credentials)
            .map(|path| folder.join(path)),
        certificate: file("OPTELSOM_NODE_CERTIFICATE", section.certificate),
        key: file("OPTELSOM_NODE_KEY", section.key),
        authority: file("OPTELSOM_NODE_AUTHORITY", section.authority),
    })
}

/// The host of `host:port`.
fn authority(text: &Spanned<String>, problems: &mut Problems) -> Option<String> {
    let parts = text.get_ref().rsplit_once(':');
    match parts.map(|(host, port)| (host, port.parse::<u16>())) {
        Some((host, Ok(_))) if !host.is_empty() && !host.contains('/') => {
            Some(host.trim_matches(['[', ']']).to_owned())
        }
        _ => {
            let message = format!("`{}` is not host:port", text.get_ref().escape_debug());
            problems.report(text.span(), message, "write it as coordinator.example.nl:8443, without https://");
            None
        }
    }
}
