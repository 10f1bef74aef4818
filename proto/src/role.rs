//! Who somebody is: read from the one URI in the certificate that begins with `optelsom:`.

use std::fmt;
use std::str::FromStr;

use optelsom_codebook::SupplierId;
use thiserror::Error;
use x509_parser::prelude::{FromDer, GeneralName, ParsedExtension, X509Certificate};

/// The name of an analyst's key or of an operator: 1 to 40 of `a-z`, `0-9` and `-`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartyName(String);

impl PartyName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PartyName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl TryFrom<&str> for PartyName {
    type Error = RoleError;

    fn try_from(text: &str) -> Result<Self, RoleError> {
        // One alphabet for all names, so that none can be taken for another kind's.
        SupplierId::try_from(text)
            .map(|name| Self(name.to_string()))
            .map_err(|_| RoleError::Name(text.chars().take(60).collect()))
    }
}

/// What a certificate makes of its owner.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// The node of this supplier: `optelsom:node:<supplier>`.
    Node(SupplierId),
    /// A requester, by the key id of the roster: `optelsom:analyst:<key id>`.
    Analyst(PartyName),
    /// Somebody who runs the coordinator: `optelsom:operator:<name>`.
    Operator(PartyName),
    /// Somebody who checks the ledger and the releases: `optelsom:auditor:<name>`.
    Auditor(PartyName),
    /// The coordinator itself: `optelsom:coordinator`.
    Coordinator,
}

/// A role without its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RoleKind {
    /// A supplier's node.
    Node,
    /// One who asks.
    Analyst,
    /// One who runs the coordinator.
    Operator,
    /// One who checks.
    Auditor,
    /// The coordinator.
    Coordinator,
}

impl RoleKind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Node, Self::Analyst, Self::Operator, Self::Auditor, Self::Coordinator];
}

impl fmt::Display for RoleKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Node => "node",
            Self::Analyst => "analyst",
            Self::Operator => "operator",
            Self::Auditor => "auditor",
            Self::Coordinator => "coordinator",
        })
    }
}

/// Why a certificate gives no role.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum RoleError {
    /// Not a certificate.
    #[error("the certificate cannot be read")]
    Certificate,
    /// No URI that begins with `optelsom:`.
    #[error("the certificate names no role: it has no URI that begins with `optelsom:`; issue one for this federation")]
    None,
    /// More than one such URI.
    #[error("the certificate names more than one role")]
    Several,
    /// A URI that is none of these.
    #[error(
        "`{0}` is no role; known are optelsom:node:<supplier>, optelsom:analyst:<key id>, optelsom:operator:<name>, \
         optelsom:auditor:<name> and optelsom:coordinator"
    )]
    Unknown(String),
    /// A name out of its alphabet.
    #[error("`{0}` is no name of a role: use 1 to 40 of the characters a-z, 0-9 and -")]
    Name(String),
}

impl Role {
    /// The role without its name.
    pub fn kind(&self) -> RoleKind {
        match self {
            Self::Node(_) => RoleKind::Node,
            Self::Analyst(_) => RoleKind::Analyst,
            Self::Operator(_) => RoleKind::Operator,
            Self::Auditor(_) => RoleKind::Auditor,
            Self::Coordinator => RoleKind::Coordinator,
        }
    }

    /// Reads the role from a certificate in DER (RFC 5280, subject alternative names).
    ///
    /// # Errors
    /// When there is none, more than one, or an unknown one.
    pub fn of_certificate(der: &[u8]) -> Result<Self, RoleError> {
        let (_, certificate) = X509Certificate::from_der(der).map_err(|_| RoleError::Certificate)?;
        let mut found = None;
        for extension in certificate.extensions() {
            let ParsedExtension::SubjectAlternativeName(names) = extension.parsed_extension() else { continue };
            for name in &names.general_names {
                let GeneralName::URI(uri) = name else { continue };
                if uri.starts_with("optelsom:") && found.replace(uri.parse::<Self>()?).is_some() {
                    return Err(RoleError::Several);
                }
            }
        }
        found.ok_or(RoleError::None)
    }
}

impl FromStr for Role {
    type Err = RoleError;

    fn from_str(uri: &str) -> Result<Self, RoleError> {
        let unknown = || RoleError::Unknown(uri.chars().take(60).flat_map(char::escape_debug).collect());
        match uri.strip_prefix("optelsom:").ok_or_else(unknown)?.split_once(':') {
            Some(("node", name)) => {
                SupplierId::try_from(name).map(Self::Node).map_err(|_| RoleError::Name(name.chars().take(60).collect()))
            }
            Some(("analyst", name)) => PartyName::try_from(name).map(Self::Analyst),
            Some(("operator", name)) => PartyName::try_from(name).map(Self::Operator),
            Some(("auditor", name)) => PartyName::try_from(name).map(Self::Auditor),
            None if uri == "optelsom:coordinator" => Ok(Self::Coordinator),
            _ => Err(unknown()),
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node(name) => write!(formatter, "optelsom:node:{name}"),
            Self::Analyst(name) => write!(formatter, "optelsom:analyst:{name}"),
            Self::Operator(name) => write!(formatter, "optelsom:operator:{name}"),
            Self::Auditor(name) => write!(formatter, "optelsom:auditor:{name}"),
            Self::Coordinator => formatter.write_str("optelsom:coordinator"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn roles_read_back_as_written() {
        for uri in [
            "optelsom:node:police",
            "optelsom:analyst:a-1",
            "optelsom:operator:duty",
            "optelsom:auditor:dpa",
            "optelsom:coordinator",
        ] {
            assert_eq!(uri.parse::<Role>().unwrap().to_string(), uri);
        }
    }

    #[test]
    fn nothing_else_is_a_role() {
        for uri in [
            "",
            "optelsom:",
            "optelsom:node",
            "optelsom:node:",
            "optelsom:node:Police",
            "optelsom:node:a:b",
            "optelsom:coordinator:x",
            "optelsom:coordinator:",
            "optelsom:auditor",
            "spiffe:node:x",
        ] {
            assert!(uri.parse::<Role>().is_err(), "{uri}");
        }
    }
}
