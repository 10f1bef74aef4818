//! `analyst.toml`: where the coordinator is, and who is asking.

use std::env;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use optelsom_codebook::Lang;
use optelsom_proto::{ProxyAddress, Target};
use serde::Deserialize;

use crate::failure::Failure;

/// More than this is no configuration.
const LONGEST: u64 = 64 * 1024;

/// The document. Paths are relative to its folder.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    coordinator: String,
    server_name: Option<String>,
    proxy: Option<ProxyAddress>,
    certificate: PathBuf,
    key: PathBuf,
    authority: PathBuf,
    #[serde(default = "identity")]
    identity: PathBuf,
    trust: Option<PathBuf>,
    purpose: Option<String>,
    lang: Option<Lang>,
}

/// Who only audits has none.
fn identity() -> PathBuf {
    PathBuf::from("identity.key")
}

/// Where the coordinator is, and who is asking.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// Where it was read.
    pub path: PathBuf,
    /// The coordinator's address, the name that its certificate has to show, and the proxy on the way.
    pub target: Target,
    /// The analyst's certificate, in PEM.
    pub certificate: PathBuf,
    /// Its key, in PEM, its owner's alone.
    pub key: PathBuf,
    /// The authority's certificate, in PEM.
    pub authority: PathBuf,
    /// The key that questions are signed with, its owner's alone.
    pub identity: PathBuf,
    /// The keys of log and witnesses that one goes by.
    pub trust: Option<PathBuf>,
    /// The purpose of questions that name none.
    pub purpose: Option<String>,
    /// The language of labels and notes.
    pub lang: Option<Lang>,
}

/// An example, for messages.
const EXAMPLE: &str = r#"coordinator = "coordinator.example:7443"
certificate = "analyst.pem"
key = "analyst.key"
authority = "authority.pem"
identity = "identity.key""#;

impl Configuration {
    /// Reads the file that was named, or the one in its usual place.
    ///
    /// # Errors
    /// When there is none, or it is not as it should be.
    pub fn load(named: Option<&Path>) -> Result<Self, Failure> {
        let path = match named {
            Some(path) => path.to_owned(),
            None => usual_place().ok_or_else(|| {
                Failure::Usage("no HOME is set; name a configuration file with --config or OPTELSOM_CONFIG".to_owned())
            })?,
        };
        let text = read_text(&path, LONGEST).map_err(|failure| match failure {
            Failure::File { path, cause } if cause.kind() == std::io::ErrorKind::NotFound => Failure::Contents {
                path,
                cause: format!(
                    "there is no configuration here; write one like this, or name it with --config:\n{EXAMPLE}"
                ),
            },
            other => other,
        })?;
        Self::parse(&path, &text)
    }

    fn parse(path: &Path, text: &str) -> Result<Self, Failure> {
        let document: Document = toml::from_str(text).map_err(|error| Failure::contents(path, error))?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let target = Target::new(&document.coordinator, document.server_name.as_deref(), document.proxy)
            .map_err(|error| Failure::contents(path, error))?;
        Ok(Self {
            path: path.to_owned(),
            target,
            certificate: folder.join(document.certificate),
            key: folder.join(document.key),
            authority: folder.join(document.authority),
            identity: folder.join(document.identity),
            trust: document.trust.map(|trust| folder.join(trust)),
            purpose: document.purpose,
            lang: document.lang,
        })
    }
}

fn usual_place() -> Option<PathBuf> {
    let base = env::var_os("XDG_CONFIG_HOME").filter(|folder| !folder.is_empty()).map(PathBuf::from);
    let base = base.or_else(|| env::var_os("HOME").map(|home| Path::new(&home).join(".config")))?;
    Some(base.join("optelsom").join("analyst.toml"))
}

/// Reads a text file of at most so many bytes.
///
/// # Errors
/// When it cannot be read, is longer, or is not UTF-8.
pub fn read_text(path: &Path, longest: u64) -> Result<String, Failure> {
    let file = File::open(path).map_err(|cause| Failure::file(path, cause))?;
    let mut bytes = Vec::new();
    file.take(longest.saturating_add(1)).read_to_end(&mut bytes).map_err(|cause| Failure::file(path, cause))?;
    if bytes.len() as u64 > longest {
        return Err(Failure::contents(path, format!("longer than the {longest} bytes that are read")));
    }
    String::from_utf8(bytes).map_err(|_| Failure::contents(path, "not UTF-8 text; save it as UTF-8"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn paths_are_relative_to_the_file() {
        let configuration = Configuration::parse(Path::new("/etc/x/analyst.toml"), EXAMPLE).unwrap();
        assert_eq!(configuration.target.address(), "coordinator.example:7443");
        assert_eq!(configuration.key, Path::new("/etc/x/analyst.key"));
    }

    #[test]
    fn mistakes_are_named() {
        let failure = |text: &str| Configuration::parse(Path::new("a.toml"), text).unwrap_err().to_string();
        assert!(failure("coordinater = 1").contains("unknown field `coordinater`"));
        assert!(failure(&EXAMPLE.replace(":7443", "")).contains("write host:port"));
    }
}
