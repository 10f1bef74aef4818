//! A PostgreSQL server of our own in a temporary folder, on a Unix socket, gone with the test.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// A running server.
pub struct Server {
    folder: TempDir,
    programs: PathBuf,
}

impl Server {
    /// Starts a server; `None`, loudly, where its programs are not installed.
    pub fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            eprintln!(
                "\n*** SKIPPED: no PostgreSQL server is installed here (Debian: apt-get install postgresql) ***\n"
            );
            assert!(std::env::var_os("CI").is_none(), "CI must have PostgreSQL");
            return None;
        };
        // A socket's path may have 107 characters only, so the folder is in /tmp whatever TMPDIR says.
        let folder = tempfile::Builder::new().prefix("pg").tempdir_in("/tmp").unwrap();
        let server = Self { folder, programs };
        if is_root() {
            let path = server.folder.path().to_str().unwrap();
            must(Command::new("chown").args(["postgres", path]));
        }
        let data = server.data();
        must(server.program("initdb").args(["-D", &data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"]));
        let options = format!("-k {} -c listen_addresses='' -F", server.folder.path().display());
        let log = format!("{}/log", server.folder.path().display());
        must(server.program("pg_ctl").args(["-D", &data, "-w", "-l", &log, "-o", &options, "start"]));
        Some(server)
    }

    /// The server's URL.
    pub fn url(&self) -> String {
        format!("postgresql:///postgres?host={}&user=postgres", self.folder.path().display())
    }

    fn data(&self) -> String {
        format!("{}/data", self.folder.path().display())
    }

    /// One of the server's programs, which refuse to run as root.
    fn program(&self, name: &str) -> Command {
        let path = self.programs.join(name);
        let mut command = if is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(path);
            command
        } else {
            Command::new(path)
        };
        command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::null());
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let data = self.data();
        let _ = self.program("pg_ctl").args(["-D", &data, "-m", "immediate", "stop"]).status();
    }
}

fn must(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output();
    output.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// The newest installed version's programs.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    folders.sort();
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let all = folders.into_iter().rev().chain(std::env::split_paths(&on_path));
    all.into_iter().find(|folder| Path::new(folder).join("initdb").is_file() && folder.join("pg_ctl").is_file())
}
