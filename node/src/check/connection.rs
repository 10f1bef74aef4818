//! Roster, keys and certificate, whether the coordinator can be reached with them, and whether its clock is this one.

use optelsom_codebook::Timestamp;
use optelsom_proto::dial::explain;
use optelsom_proto::v1::TablePart;
use optelsom_proto::v1::node_service_client::NodeServiceClient;
use optelsom_proto::{DialError, dial};
use thiserror::Error;
use tokio::runtime::Runtime;
use tonic::metadata::MetadataMap;
use tonic::{Code, Status};

use super::{CheckList, trust};
use crate::configuration::Configuration;
use crate::daemon::Settings;
use crate::daemon::clock::{agree, now as clock};

const WHAT: &str = "the node cannot take part in any query";
/// From so many days before its end on, a certificate is worth a word.
const SOON_DAYS: u64 = 30;
const DAY_MS: u64 = 24 * 60 * 60 * 1000;

#[derive(Debug, Error)]
enum ConnectionError {
    #[error("this machine cannot start a connection: {0}")]
    Runtime(#[from] std::io::Error),
    #[error(transparent)]
    Dial(#[from] DialError),
    #[error("{address} does not take this node's calls: {}", explain(status))]
    Call { address: String, status: Status },
}

/// Looks at what a running node needs beyond its data. Disturbs no node that runs meanwhile.
pub(super) fn check(configuration: Configuration, now: Timestamp, list: &mut CheckList) {
    let found = |settings: &Settings| format!("roster, identity and certificate of {} fit", settings.supplier());
    let settings = Settings::load(configuration);
    let Some(settings) = list.take("credentials", WHAT, settings, found) else { return };
    trust::check(settings.configuration(), settings.roster(), list);
    certificate(settings.credentials().expires_at(), now, list);
    let reached = connect(&settings);
    let found = |reached: &Reached| format!("{} answers, by {}", settings.target().address(), reached.key_exchange);
    let Some(Reached { clocks: Some((here, there)), .. }) = list.take("connection", WHAT, reached, found) else {
        return;
    };
    clocks(here, there, list);
}

/// The coordinator refuses a node whose clock is off, and a node a coordinator.
fn clocks(here: Timestamp, there: Timestamp, list: &mut CheckList) {
    list.take("clock", WHAT, agree(here, there), |()| "within five minutes of the coordinator's".to_owned());
}

/// A coordinator that has answered.
struct Reached {
    key_exchange: String,
    /// What this clock and the coordinator's said at that moment; none if it does not tell.
    clocks: Option<(Timestamp, Timestamp)>,
}

/// The moment that the headers of an answer name.
fn told(metadata: &MetadataMap) -> Option<Timestamp> {
    let date = jiff::fmt::rfc2822::parse(metadata.get("date")?.to_str().ok()?).ok()?;
    Some(Timestamp::from_millis(u64::try_from(date.timestamp().as_millisecond()).ok()?))
}

fn certificate(expires_at: Timestamp, now: Timestamp, list: &mut CheckList) {
    let days = expires_at.as_millis().saturating_sub(now.as_millis()) / DAY_MS;
    if now >= expires_at {
        let why = format!("it expired at {expires_at}");
        list.failed_with("certificate", WHAT, why, "have the bureau issue a new one");
    } else if days < SOON_DAYS {
        list.sound("certificate", format!("expires in {days} days, at {expires_at}: ask the bureau for a new one now"));
    } else {
        list.sound("certificate", format!("valid until {expires_at}"));
    }
}

fn connect(settings: &Settings) -> Result<Reached, ConnectionError> {
    Runtime::new()?.block_on(async {
        let connection = dial(settings.credentials(), settings.target()).await?;
        // In TLS 1.3 a refused certificate shows at the first call only. A table without parts asks for nothing.
        let nothing = tokio_stream::iter(Vec::<TablePart>::new());
        let there = match NodeServiceClient::new(connection.channel).submit(nothing).await {
            Err(status) if !answered(&status) => {
                return Err(ConnectionError::Call { address: settings.target().address().to_owned(), status });
            }
            Ok(response) => told(response.metadata()),
            Err(status) => told(status.metadata()),
        };
        Ok(Reached { key_exchange: connection.key_exchange, clocks: there.map(|there| (clock(), there)) })
    })
}

/// Whether the coordinator itself has said this, to a node that it knows.
fn answered(status: &Status) -> bool {
    matches!(status.code(), Code::InvalidArgument | Code::FailedPrecondition | Code::NotFound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_off_is_told_with_how_far_and_how_to_mend_it() {
        let mut metadata = MetadataMap::new();
        assert_eq!(told(&metadata), None);
        metadata.insert("date", tonic::metadata::MetadataValue::from_static("Sun, 06 Nov 1994 08:49:37 GMT"));
        let there = Timestamp::from_millis(784_111_777_000);
        assert_eq!(told(&metadata), Some(there));
        for (here, sound, wanted) in [
            (there, true, "ok      clock: within five minutes"),
            (Timestamp::from_millis(there.as_millis() - 3_600_000), false, "3600 seconds behind the coordinator's"),
            (Timestamp::from_millis(there.as_millis() + 301_000), false, "set the clocks (by NTP, for instance)"),
        ] {
            let mut list = CheckList::default();
            clocks(here, there, &mut list);
            assert!(list.all_sound() == sound && list.to_string().contains(wanted), "{list}");
        }
    }

    #[test]
    fn a_certificate_is_told_of_before_it_expires_and_fails_after() {
        let now = Timestamp::from_millis(100 * DAY_MS);
        let checked = |expires_at| {
            let mut list = CheckList::default();
            certificate(Timestamp::from_millis(expires_at), now, &mut list);
            (list.all_sound(), list.to_string())
        };
        assert!(checked(131 * DAY_MS).1.contains("valid until"));
        let (sound, text) = checked(110 * DAY_MS);
        assert!(sound && text.contains("expires in 10 days"), "{text}");
        let (sound, text) = checked(100 * DAY_MS);
        assert!(!sound && text.contains("issue a new one"), "{text}");
    }
}
