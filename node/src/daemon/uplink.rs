//! The way to the coordinator, as the rest of the daemon sees it: there, or not there just now.

use std::sync::Arc;

use optelsom_codebook::QueryId;
use optelsom_proto::limits::PART_WORDS;
use optelsom_proto::v1;
use optelsom_proto::v1::node_service_client::NodeServiceClient;
use optelsom_proto::wire::table_part;
use optelsom_secagg::MaskedTable;
use tokio::sync::{mpsc, watch};
use tonic::transport::Channel;

/// One open connection.
#[derive(Clone, Debug)]
pub(super) struct Connected {
    /// Goes up the Attend call.
    pub(super) messages: mpsc::Sender<v1::NodeMessage>,
    /// For tables, which go up in calls of their own.
    pub(super) client: NodeServiceClient<Channel>,
}

/// Sends to the coordinator whatever is due. What cannot be sent now is dropped: the coordinator asks again.
#[derive(Clone, Debug)]
pub(super) struct Uplink(watch::Receiver<Option<Connected>>);

impl Uplink {
    pub(super) fn new(connection: watch::Receiver<Option<Connected>>) -> Self {
        Self(connection)
    }

    fn connected(&self) -> Option<Connected> {
        self.0.borrow().clone()
    }

    /// Sends one message, waiting while the connection is busy.
    pub(super) async fn send(&self, message: v1::node_message::Message) {
        if let Some(connected) = self.connected() {
            // A closed channel is a connection that has just ended.
            let _ = connected.messages.send(v1::NodeMessage { message: Some(message) }).await;
        }
    }

    /// Sends a masked table in parts, as fast as the coordinator takes them, without holding up anything else.
    pub(super) fn send_table(&self, query: QueryId, table: Arc<MaskedTable>) {
        let Some(mut connected) = self.connected() else { return };
        tokio::spawn(async move {
            let attempt = table.attempt();
            let parts = table.chunks(0, PART_WORDS).map(move |chunk| table_part(&query, &chunk));
            match connected.client.submit(tokio_stream::iter(parts)).await {
                Ok(_) => tracing::debug!(query = %query.short(), %attempt, "the masked table is sent"),
                Err(status) => tracing::warn!(
                    query = %query.short(), %attempt, cause = status.message(),
                    "the masked table was not taken; it is sent again when the coordinator asks"
                ),
            }
        });
    }
}
