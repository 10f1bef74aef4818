//! A PostgreSQL server that lives as long as one test, started from the server's programs where they are installed.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::skip::skip;

/// A running server, reached by a socket in its own folder.
pub struct Postgresql {
    folder: TempDir,
    programs: PathBuf,
}

impl Postgresql {
    /// Starts a server; `None`, said loudly, where its programs are not installed.
    pub fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            skip("no PostgreSQL server is installed (Debian: apt-get install postgresql)");
            return None;
        };
        // A socket's path may have 107 characters only, so the folder is in /tmp whatever TMPDIR says.
        let folder = tempfile::Builder::new().prefix("pg").tempdir_in("/tmp").unwrap();
        let server = Self { folder, programs };
        if is_root() {
            must(Command::new("chown").arg("postgres").arg(server.folder.path()));
        }
        let data = server.data();
        let making = ["--auth=trust", "--username=optelsom", "--no-sync", "--encoding=UTF8", "--locale=C", "--pgdata"];
        must(server.program("initdb").args(making).arg(&data));
        let log = server.folder.path().join("log");
        let options = format!("-k {} -c listen_addresses='' -c fsync=off", server.folder.path().display());
        let starting = ["start", "--wait", "--silent", "--options", &options, "--log"];
        must(server.program("pg_ctl").args(starting).arg(log).arg("--pgdata").arg(data));
        Some(server)
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("postgresql://optelsom@localhost/postgres?host={}", self.folder.path().display())
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// One of the server's programs. They refuse to run as root: then they run as the user that the package has made.
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

impl Drop for Postgresql {
    fn drop(&mut self) {
        let stopping = ["stop", "--mode=immediate", "--silent", "--pgdata"];
        let stopped = self.program("pg_ctl").args(stopping).arg(self.data()).status();
        if !stopped.is_ok_and(|status| status.success()) {
            eprintln!("the throwaway PostgreSQL in {} did not stop", self.folder.path().display());
        }
    }
}

fn must(command: &mut Command) {
    let output = command.stderr(Stdio::piped()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// The programs of the newest version that is installed.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    folders.sort();
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let mut all = folders.into_iter().rev().chain(std::env::split_paths(&on_path));
    all.find(|folder| folder.join("initdb").is_file() && folder.join("pg_ctl").is_file())
}
