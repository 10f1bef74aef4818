//! Everything that a running node needs, read and checked once, before anything connects.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use optelsom_codebook::{Agreement, Codebook, SupplierId};
use optelsom_ledger::note::{Cosigner, CosignerKey};
use optelsom_ledger::{IdentityKey, PublicIdentity, Roster, RosterError, Trust, TrustError};
use optelsom_proto::Role;
use optelsom_proto::dial::{DialError, ProxyAddress, ProxyCredentials, Target};
use optelsom_proto::key_file::{KeyFileError, read_identity};
use optelsom_proto::tls::{Credentials, CredentialsError};
use optelsom_proto::wire::SignedAgreement;
use optelsom_secagg::SupplierConfig;
use thiserror::Error;

use crate::configuration::{Binding, Configuration, ConfigurationError};

/// Why a node cannot start. All of it is for its operator to mend.
#[derive(Debug, Error)]
pub enum SettingsError {
    /// `node.toml`, the codebook or the agreement.
    #[error(transparent)]
    Configuration(#[from] ConfigurationError),
    /// A section that only a connected node needs.
    #[error("{path}: there is no section [{section}], without which the node cannot connect")]
    Section {
        /// Which file.
        path: PathBuf,
        /// Which section.
        section: &'static str,
    },
    /// A file that cannot be read.
    #[error("{path}: {cause}")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// The roster.
    #[error("{path}: {cause}")]
    Roster {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        cause: RosterError,
    },
    /// This supplier is not on the roster.
    #[error("{path}: supplier `{supplier}` is not a member; ask the bureau to put it on the roster")]
    NotOnRoster {
        /// The roster's file.
        path: PathBuf,
        /// This supplier.
        supplier: SupplierId,
    },
    /// The roster pins another key.
    #[error(
        "the roster pins the identity {pinned} for `{supplier}`, but the key in {path} is that of {held}; use the right \
         key file, or ask the bureau for a new roster"
    )]
    OtherIdentity {
        /// This supplier.
        supplier: SupplierId,
        /// On the roster.
        pinned: PublicIdentity,
        /// In the key file.
        held: PublicIdentity,
        /// The key file.
        path: PathBuf,
    },
    /// The trust document.
    #[error("{path}: {cause}")]
    Trust {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        cause: TrustError,
    },
    /// The trust document names another witness key.
    #[error("trust.toml names the witness {named}, but the key in {path} is another; use the key that belongs to it")]
    OtherWitness {
        /// In the trust document.
        named: Cosigner,
        /// The key file.
        path: PathBuf,
    },
    /// The identity's key file.
    #[error(transparent)]
    KeyFile(#[from] KeyFileError),
    /// Certificate, key or authority.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// The certificate is somebody else's.
    #[error("the certificate is that of {found}; this node needs one of optelsom:node:{supplier}")]
    OtherRole {
        /// What the certificate says.
        found: Role,
        /// This supplier.
        supplier: SupplierId,
    },
    /// Address, name or proxy.
    #[error(transparent)]
    Target(#[from] DialError),
}

/// A node's configuration with all files that it names, checked against each other.
#[derive(Debug)]
pub struct Settings {
    pub(super) configuration: Configuration,
    pub(super) codebook: Arc<Codebook>,
    pub(super) agreement: Agreement,
    pub(super) signed_agreement: SignedAgreement,
    pub(super) bindings: Vec<Binding>,
    pub(super) machine: Arc<SupplierConfig>,
    pub(super) credentials: Credentials,
    pub(super) target: Target,
    pub(super) trust: Trust,
    /// None where this supplier is not one of the log's witnesses.
    pub(super) witness: Option<CosignerKey>,
}

impl Settings {
    /// Reads everything that the configuration names.
    ///
    /// # Errors
    /// The first thing that is missing or does not fit.
    pub fn load(configuration: Configuration) -> Result<Self, SettingsError> {
        let codebook = Arc::new(configuration.read_codebook()?);
        let agreement = configuration.read_agreement(&codebook)?;
        let bindings = configuration.bindings(&codebook)?;
        let supplier = configuration.supplier().clone();
        let (credentials, target) = connection(&configuration, &supplier)?;
        let machine = Arc::new(machine(&configuration, supplier.clone())?);
        let text = read(configuration.agreement())?;
        let signed_agreement = SignedAgreement::sign(text, &supplier, &machine.identity);
        let (trust, witness) = ledger(&configuration, &supplier, &machine.roster)?;
        Ok(Self {
            configuration,
            codebook,
            agreement,
            signed_agreement,
            bindings,
            machine,
            credentials,
            target,
            trust,
            witness,
        })
    }

    /// This supplier.
    pub fn supplier(&self) -> &SupplierId {
        self.configuration.supplier()
    }

    /// The folder of editions and promises.
    pub fn state(&self) -> &Path {
        self.configuration.state()
    }

    /// Certificate, key and authority.
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// Where the coordinator is.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// What `node.toml` says.
    pub(crate) fn configuration(&self) -> &Configuration {
        &self.configuration
    }

    /// Who answers, who asks, and how many may collude.
    pub(crate) fn roster(&self) -> &Roster {
        &self.machine.roster
    }

    /// The file beside the store that backups leave out.
    pub(super) fn incarnation(&self) -> &Path {
        self.configuration.incarnation()
    }

    pub(super) fn health(&self) -> SocketAddr {
        self.configuration.health()
    }
}

fn read(path: &Path) -> Result<String, SettingsError> {
    fs::read_to_string(path).map_err(|cause| SettingsError::File { path: path.to_owned(), cause })
}

fn connection(configuration: &Configuration, supplier: &SupplierId) -> Result<(Credentials, Target), SettingsError> {
    let section = |section| SettingsError::Section { path: configuration.path().to_owned(), section };
    let coordinator = configuration.coordinator().ok_or_else(|| section("coordinator"))?;
    let credentials = Credentials::read(&coordinator.certificate, &coordinator.key, &coordinator.authority)?;
    if *credentials.role() != Role::Node(supplier.clone()) {
        return Err(SettingsError::OtherRole { found: credentials.role().clone(), supplier: supplier.clone() });
    }
    let proxy = coordinator.proxy.as_deref().map(str::parse::<ProxyAddress>).transpose()?;
    let proxy_credentials = coordinator.proxy_credentials.as_deref().map(ProxyCredentials::read).transpose()?;
    let target = Target::new(&coordinator.address, Some(&coordinator.server_name), proxy)?
        .with_proxy_credentials(proxy_credentials);
    Ok((credentials, target))
}

/// Whom this operator trusts with the log, and the key that this node witnesses it with.
fn ledger(
    configuration: &Configuration,
    supplier: &SupplierId,
    roster: &Roster,
) -> Result<(Trust, Option<CosignerKey>), SettingsError> {
    let path = configuration.trust().to_owned();
    let trust = Trust::parse(&read(&path)?, roster.collusion())
        .map_err(|cause| SettingsError::Trust { path: path.clone(), cause })?;
    let Some(cosigner) = trust.witness_of(supplier) else { return Ok((trust, None)) };
    let file = configuration.witness_key();
    let key = CosignerKey::new(cosigner.name().clone(), read_identity(file)?);
    if key.verifier() != cosigner {
        return Err(SettingsError::OtherWitness { named: cosigner.clone(), path: file.to_owned() });
    }
    Ok((trust, Some(key)))
}

fn machine(configuration: &Configuration, supplier: SupplierId) -> Result<SupplierConfig, SettingsError> {
    let section = |section| SettingsError::Section { path: configuration.path().to_owned(), section };
    let path = configuration.roster().to_owned();
    let roster = Roster::parse(&read(&path)?).map_err(|cause| SettingsError::Roster { path: path.clone(), cause })?;
    let not_member = || SettingsError::NotOnRoster { path: path.clone(), supplier: supplier.clone() };
    let pinned = roster.member(&supplier).ok_or_else(not_member)?.identity;
    let file = configuration.identity().ok_or_else(|| section("identity"))?;
    let identity: IdentityKey = read_identity(file)?;
    if identity.public() != pinned {
        let held = identity.public();
        return Err(SettingsError::OtherIdentity { supplier, pinned, held, path: file.to_owned() });
    }
    let mut machine = SupplierConfig::new(supplier, identity, Arc::new(roster));
    if let Some(accepted) = configuration.accepted_peers() {
        machine.accepted_peers = accepted.iter().cloned().collect::<BTreeSet<_>>();
    }
    if let Some(floor) = configuration.collusion_floor() {
        machine.collusion_floor = floor;
    }
    Ok(machine)
}
