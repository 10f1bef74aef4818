//! Starts coordinator and nodes of a folder, each with its own keys, store and connection, and speaks for its operator.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use optelsom_codebook::{EditionId, Timestamp};
use optelsom_coordinator::configuration::{
    Configuration as CoordinatorConfiguration, ConfigurationError, StoreLocation,
};
use optelsom_node::configuration::{Configuration as NodeConfiguration, ConfigurationError as NodeConfigurationError};
use optelsom_node::daemon::{self, Settings, SettingsError};
use optelsom_proto::dial::{DialError, dial};
use optelsom_proto::v1;
use optelsom_proto::v1::bureau_service_client::BureauServiceClient;
use optelsom_proto::{Credentials, CredentialsError, Target};
use thiserror::Error;
use tonic::Status;
use tonic::transport::Channel;

use super::{Folder, FolderError, prepare};

/// How often the coordinator is asked whether all nodes have frozen an edition.
const ASK_AGAIN: Duration = Duration::from_millis(25);
/// How long they may take.
const FREEZE_LIMIT: Duration = Duration::from_secs(60);

/// Why a federation does not run.
#[derive(Debug, Error)]
pub enum RunError {
    /// Its folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The coordinator's configuration.
    #[error(transparent)]
    CoordinatorConfiguration(#[from] ConfigurationError),
    /// The coordinator.
    #[error("the coordinator does not start: {0}")]
    Coordinator(#[from] optelsom_coordinator::StartError),
    /// A node's configuration.
    #[error("{supplier}: {cause}")]
    NodeConfiguration {
        /// Whose.
        supplier: String,
        /// What is wrong.
        cause: NodeConfigurationError,
    },
    /// A node's settings.
    #[error("{supplier}: {cause}")]
    NodeSettings {
        /// Whose.
        supplier: String,
        /// What is wrong.
        cause: Box<SettingsError>,
    },
    /// A node.
    #[error("the node of {supplier} does not start: {cause}")]
    Node {
        /// Whose.
        supplier: String,
        /// Why.
        cause: daemon::StartError,
    },
    /// A file.
    #[error("{path}: {cause}")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
    /// The operator's credentials.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// The operator's connection.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// The coordinator refuses what the operator asks.
    #[error("the coordinator refuses: {}", .0.message())]
    Refused(#[from] Status),
    /// Not all nodes have frozen the edition.
    #[error(
        "{suppliers} did not freeze edition {edition} within a minute, or are not connected: `optelsom-node check` says which, their logs \
         (OPTELSOM_LOG=warn) say why, and `optelsom-node freeze` freezes by hand"
    )]
    NotFrozen {
        /// Who.
        suppliers: String,
        /// Which.
        edition: String,
    },
}

/// A federation that runs in this process.
pub struct Federation {
    folder: Folder,
    configured: SocketAddr,
    address: SocketAddr,
    coordinator: Option<optelsom_coordinator::Running>,
    nodes: Vec<daemon::Running>,
}

/// A store that is not there has never held a log. What is there is for the coordinator to judge.
fn has_log(configuration: &CoordinatorConfiguration) -> bool {
    match &configuration.store {
        StoreLocation::Sqlite(path) => path.exists(),
        StoreLocation::PostgresqlUrlFile(_) => true,
    }
}

/// Where the coordinator listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listening {
    /// As `coordinator.toml` says.
    AsConfigured,
    /// On any free port of loopback, and the nodes are told.
    AnyPort,
}

impl Federation {
    /// Prepares the folder (see [`prepare`]) and starts everything in it.
    ///
    /// # Errors
    /// When something is missing or wrong in the folder, or a daemon does not start.
    pub async fn start(folder: Folder, listening: Listening, now: Timestamp) -> Result<Self, RunError> {
        prepare(&folder, now)?;
        let mut configuration = CoordinatorConfiguration::read(&folder.coordinator_configuration())?;
        let configured = configuration.listen;
        if listening == Listening::AnyPort {
            configuration.listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        }
        if !has_log(&configuration) {
            optelsom_coordinator::create_log(&configuration).await?;
        }
        let coordinator = optelsom_coordinator::start(configuration).await?;
        let address = coordinator.address();
        let nodes = start_nodes(&folder, configured, address).await?;
        Ok(Self { folder, configured, address, coordinator: Some(coordinator), nodes })
    }

    /// Starts the nodes of a prepared folder alone: its coordinator runs elsewhere, as configured.
    ///
    /// # Errors
    /// When something is missing or wrong in the folder, or a node does not start.
    pub async fn attend(folder: Folder) -> Result<Self, RunError> {
        let configured = CoordinatorConfiguration::read(&folder.coordinator_configuration())?.listen;
        let nodes = start_nodes(&folder, configured, configured).await?;
        Ok(Self { folder, configured, address: configured, coordinator: None, nodes })
    }

    /// The folder.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// Where the coordinator listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The analyst's configuration for this federation as it runs.
    ///
    /// # Errors
    /// When the coordinator listens elsewhere than configured, and a second configuration beside the first cannot be written.
    pub fn analyst(&self) -> Result<PathBuf, RunError> {
        let path = self.folder.analyst_configuration();
        if self.configured == self.address() {
            return Ok(path);
        }
        self.pointed_here(&self.folder.auditor().join("auditor.toml"), "auditor-here.toml")?;
        self.pointed_here(&path, "analyst-here.toml")
    }

    /// Writes a configuration beside this one that has the address where the coordinator listens.
    fn pointed_here(&self, path: &Path, name: &str) -> Result<PathBuf, RunError> {
        let here = path.with_file_name(name);
        let failed = |path: &Path, cause| RunError::File { path: path.to_owned(), cause };
        let text = std::fs::read_to_string(path).map_err(|cause| failed(path, cause))?;
        let text = text.replace(&self.configured.to_string(), &self.address().to_string());
        std::fs::write(&here, text).map_err(|cause| failed(&here, cause))?;
        Ok(here)
    }

    /// How many nodes run.
    pub fn node_count(&self) -> usize {
        self.nodes.len()
    }

    /// Announces an edition, waits until all nodes that hold the dataset have frozen it, and says how many these are.
    ///
    /// # Errors
    /// When the coordinator refuses, or a node has not frozen it within a minute.
    pub async fn announce(&self, dataset: &str, edition: &EditionId) -> Result<usize, RunError> {
        let mut bureau = self.bureau().await?;
        let announcement = v1::AnnounceEditionRequest { dataset: dataset.to_owned(), edition: edition.to_string() };
        bureau.announce_edition(announcement).await?;
        let mut without = Vec::new();
        let limit = tokio::time::Instant::now() + FREEZE_LIMIT;
        while tokio::time::Instant::now() < limit {
            let status = bureau.status(v1::StatusRequest {}).await?.into_inner();
            without = self.without(&status, dataset, edition);
            if without.is_empty() {
                return Ok(status.nodes.iter().filter(|node| holding(node, dataset).is_some()).count());
            }
            tokio::time::sleep(ASK_AGAIN).await;
        }
        Err(RunError::NotFrozen { suppliers: without.join(", "), edition: edition.to_string() })
    }

    /// The suppliers of this dataset that have not frozen this edition, or have not come yet.
    fn without(&self, status: &v1::StatusReply, dataset: &str, edition: &EditionId) -> Vec<String> {
        let lacks = |node: &&v1::NodeStatus| {
            let frozen = |holding: &v1::Holding| holding.editions.iter().any(|name| name == edition.as_str());
            !node.attending || holding(node, dataset).is_some_and(|holding| !frozen(holding))
        };
        let mut without: Vec<String> = status.nodes.iter().filter(lacks).map(|node| node.supplier.clone()).collect();
        let known = status.nodes.len();
        without.extend((known..self.nodes.len()).map(|_| "a node that has not come yet".to_owned()));
        without
    }

    async fn bureau(&self) -> Result<BureauServiceClient<Channel>, RunError> {
        let at = |name: &str| self.folder.operator().join(name);
        let authority = self.folder.authority().join(optelsom_coordinator::authority::AUTHORITY_CERTIFICATE);
        let credentials = Credentials::read(&at("operator.pem"), &at("operator.key"), &authority)?;
        let target = Target::new(&self.address().to_string(), Some("localhost"), None)?;
        Ok(BureauServiceClient::new(dial(&credentials, &target).await?.channel))
    }

    /// Stops the nodes, then the coordinator.
    pub async fn stop(self) {
        for node in self.nodes {
            node.stop().await;
        }
        if let Some(coordinator) = self.coordinator {
            coordinator.shutdown().await;
        }
    }
}

fn holding<'a>(node: &'a v1::NodeStatus, dataset: &str) -> Option<&'a v1::Holding> {
    node.holdings.iter().find(|holding| holding.dataset == dataset)
}

async fn start_nodes(
    folder: &Folder,
    configured: SocketAddr,
    address: SocketAddr,
) -> Result<Vec<daemon::Running>, RunError> {
    let mut nodes = Vec::new();
    for supplier in folder.supplier_names()? {
        nodes.push(start_node(folder, supplier.as_str(), configured, address).await?);
    }
    Ok(nodes)
}

async fn start_node(
    folder: &Folder,
    supplier: &str,
    configured: SocketAddr,
    address: SocketAddr,
) -> Result<daemon::Running, RunError> {
    let path = folder.node_configuration(supplier);
    let text = std::fs::read_to_string(&path).map_err(|cause| RunError::File { path: path.clone(), cause })?;
    // Nothing changes here unless the coordinator listens elsewhere than its configuration says.
    let text = text.replace(&configured.to_string(), &address.to_string());
    let environment = |_: &str| None;
    let configuration = NodeConfiguration::parse(&path, text, &environment)
        .map_err(|cause| RunError::NodeConfiguration { supplier: supplier.to_owned(), cause })?;
    let settings = Settings::load(configuration)
        .map_err(|cause| RunError::NodeSettings { supplier: supplier.to_owned(), cause: Box::new(cause) })?;
    daemon::start(settings).await.map_err(|cause| RunError::Node { supplier: supplier.to_owned(), cause })
}
