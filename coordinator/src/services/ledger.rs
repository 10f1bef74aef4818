//! Whoever reads the ledger.

use std::pin::Pin;
use std::sync::Arc;

use optelsom_proto::limits::RELEASE_PART_BYTES;
use optelsom_proto::v1;
use optelsom_proto::v1::ledger_service_server::LedgerService;
use tokio_stream::Stream;
use tonic::{Request, Response, Status};

use crate::ledger::FileError;
use crate::shared::Shared;

/// The conversation with whoever reads the ledger.
#[derive(Debug)]
pub struct Files(Arc<Shared>);

impl Files {
    /// The conversation of this coordinator.
    pub fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }
}

impl From<FileError> for Status {
    fn from(error: FileError) -> Self {
        match error {
            FileError::None => Self::not_found(error.to_string()),
            FileError::Store(error) => error.into(),
        }
    }
}

#[tonic::async_trait]
impl LedgerService for Files {
    type ReadStream = Pin<Box<dyn Stream<Item = Result<v1::FilePart, Status>> + Send>>;

    async fn read(&self, request: Request<v1::ReadRequest>) -> Result<Response<Self::ReadStream>, Status> {
        let file = self.0.ledger.file(&request.into_inner().path).await?;
        let parts: Vec<_> =
            file.chunks(RELEASE_PART_BYTES).map(|part| Ok(v1::FilePart { bytes: part.to_vec() })).collect();
        Ok(Response::new(Box::pin(tokio_stream::iter(parts))))
    }
}
