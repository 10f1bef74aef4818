//! Figures about the coordinator's own work, for Prometheus. None of them says what a supplier counted.

use optelsom_secagg::messages::RoundOutcome;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// The outcome of a query.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct OutcomeLabel {
    outcome: &'static str,
}

/// The coordinator's metrics.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    /// Queries accepted since the start.
    pub accepted: Counter,
    /// Queries that go on.
    pub running: Gauge,
    /// Nodes connected.
    pub nodes: Gauge,
    /// Messages refused, whoever sent them.
    pub refused_messages: Counter,
    /// Messages dropped because a node was gone or too slow.
    pub dropped_messages: Counter,
    /// Answers of nodes dropped because their query had too many of theirs to look at; they are asked for again.
    pub dropped_answers: Counter,
    /// Times that the store failed.
    pub store_failures: Counter,
    ended: Family<OutcomeLabel, Counter>,
}

impl Metrics {
    /// The metrics with the registry that shows them.
    pub fn new() -> (Self, Registry) {
        let metrics = Self::default();
        let mut registry = Registry::with_prefix("optelsom_coordinator");
        registry.register("queries_accepted", "Queries accepted", metrics.accepted.clone());
        registry.register("queries_running", "Queries that go on", metrics.running.clone());
        registry.register("queries_ended", "Queries ended, by outcome", metrics.ended.clone());
        registry.register("nodes_attending", "Nodes connected", metrics.nodes.clone());
        registry.register("messages_refused", "Messages refused", metrics.refused_messages.clone());
        registry.register("messages_dropped", "Messages to absent or slow nodes", metrics.dropped_messages.clone());
        registry.register(
            "answers_dropped",
            "Answers of nodes that said too much at once",
            metrics.dropped_answers.clone(),
        );
        registry.register("store_failures", "Failed writes to the store", metrics.store_failures.clone());
        (metrics, registry)
    }

    /// A query has ended.
    pub fn ended(&self, outcome: RoundOutcome) {
        let outcome = match outcome {
            RoundOutcome::Opened => "opened",
            RoundOutcome::Abandoned => "abandoned",
            RoundOutcome::Void => "void",
            RoundOutcome::Spent => "spent",
        };
        self.ended.get_or_create(&OutcomeLabel { outcome }).inc();
    }
}
