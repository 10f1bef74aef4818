//! Why a connection or a call failed, in words.

use std::error::Error;
use std::io;

/// Says in words why a connection or a call on it failed: looks for what TLS said along the chain of causes.
///
/// In TLS 1.3 the other side's refusal of a certificate shows only after the handshake, as an alert on the first call.
pub fn explain(error: &(dyn Error + 'static)) -> String {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(current) = cause {
        let inner = current.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        let tls = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>());
        if let Some(words) = tls.or_else(|| current.downcast_ref()).and_then(explain_tls) {
            return words;
        }
        // HTTP/2 keeps of an alert no more than its text, and of that the name.
        if let Some(words) = current.to_string().split("fatal alert: ").nth(1).and_then(explain_alert) {
            return words.to_owned();
        }
        cause = match inner {
            Some(inner) => Some(inner),
            None => current.source(),
        };
    }
    error.to_string()
}

/// An alert of the other side (RFC 8446, section 6.2), by the name that TLS here gives it.
fn explain_alert(name: &str) -> Option<&'static str> {
    match name.trim() {
        "CertificateExpired" => {
            Some("the other side says that this side's certificate has expired; have a new one issued")
        }
        "UnknownCA" | "DecryptError" | "BadCertificate" | "CertificateUnknown" | "UnsupportedCertificate" => {
            Some("the other side does not accept this side's certificate; was it issued by the federation's authority?")
        }
        "CertificateRequired" => Some("the other side wants a certificate"),
        _ => None,
    }
}

fn explain_tls(error: &rustls::Error) -> Option<String> {
    use rustls::CertificateError as Wrong;
    let words = match error {
        rustls::Error::AlertReceived(alert) => explain_alert(&format!("{alert:?}"))?,
        rustls::Error::InvalidCertificate(Wrong::Expired | Wrong::ExpiredContext { .. }) => {
            "the other side's certificate has expired, or this machine's clock is ahead"
        }
        rustls::Error::InvalidCertificate(Wrong::NotValidYet | Wrong::NotValidYetContext { .. }) => {
            "the other side's certificate is not valid yet, or this machine's clock is behind"
        }
        rustls::Error::InvalidCertificate(Wrong::UnknownIssuer) => {
            "the other side's certificate is not of the configured authority"
        }
        rustls::Error::InvalidCertificate(Wrong::NotValidForName | Wrong::NotValidForNameContext { .. }) => {
            "the other side's certificate is for another name; check address and server_name"
        }
        other => return Some(other.to_string()),
    };
    Some(words.to_owned())
}
