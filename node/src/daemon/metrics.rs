//! What the node tells Prometheus of itself. Nothing of what it counts.

use optelsom_codebook::Timestamp;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// How a question was answered.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct AnswerLabel {
    answer: &'static str,
}

/// The node's metrics.
#[derive(Clone, Debug, Default)]
pub(super) struct Metrics {
    /// 1 while the coordinator is attended.
    pub(super) connected: Gauge,
    /// Connections that failed or ended.
    pub(super) disconnections: Counter,
    /// Masked tables sent.
    pub(super) submissions: Counter,
    /// Messages that were refused, whoever was at fault.
    pub(super) rejections: Counter,
    answers: Family<AnswerLabel, Counter>,
    certificate_expires: Gauge,
}

impl Metrics {
    /// Registers all of them, with the moment at which the certificate expires.
    pub(super) fn registered(expires_at: Timestamp) -> (Self, Registry) {
        let metrics = Self::default();
        metrics.certificate_expires.set(i64::try_from(expires_at.as_millis() / 1000).unwrap_or(i64::MAX));
        let mut registry = Registry::with_prefix("optelsom_node");
        registry.register("connected", "1 while the coordinator is attended", metrics.connected.clone());
        registry.register("disconnections", "connections that failed or ended", metrics.disconnections.clone());
        registry.register("submissions", "masked tables sent", metrics.submissions.clone());
        registry.register("rejections", "messages that were refused", metrics.rejections.clone());
        registry.register("answers", "questions answered, by ready or reason code", metrics.answers.clone());
        registry.register(
            "certificate_expires_seconds",
            "when this node's certificate expires, in seconds since 1970",
            metrics.certificate_expires.clone(),
        );
        (metrics, registry)
    }

    /// Counts an answer: `ready`, or a reason code.
    pub(super) fn answered(&self, answer: &'static str) {
        self.answers.get_or_create(&AnswerLabel { answer }).inc();
    }
}
