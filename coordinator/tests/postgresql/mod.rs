//! A PostgreSQL server that lives as long as one test, started from the server binaries where there are some.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// A running server, reached by a socket in its own folder.
pub struct Postgresql {
    folder: TempDir,
    binaries: PathBuf,
}

fn binaries() -> Option<PathBuf> {
    let installed =
        fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|entry| entry.path().join("bin"));
    let on_path =
        std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect::<Vec<_>>()).unwrap_or_default();
    installed.chain(on_path).find(|folder| folder.join("initdb").exists() && folder.join("pg_ctl").exists())
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// The server refuses to run as root: then it runs as the user that its package has made.
fn command(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("runuser");
    command.args(["-u", "postgres", "--"]).arg(program);
    command
}

impl Postgresql {
    /// Starts a server, or says loudly that there is none.
    pub fn start() -> Option<Self> {
        let Some(binaries) = binaries() else {
            eprintln!("SKIPPED: no PostgreSQL server binaries here (Debian: apt-get install postgresql)");
            return None;
        };
        let folder = TempDir::new().unwrap();
        if is_root() {
            fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
            let owner = Command::new("chown").arg("postgres").arg(folder.path()).status().unwrap();
            assert!(owner.success(), "the user `postgres` of the server's package is missing");
        }
        let data = folder.path().join("data");
        let made = command(&binaries.join("initdb"))
            .args(["--auth=trust", "--username=optelsom", "--no-sync", "--encoding=UTF8", "--locale=C"])
            .arg(&data)
            .current_dir("/")
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(made.success(), "initdb failed");
        let options = format!("-c listen_addresses= -c fsync=off -k {}", folder.path().display());
        let started = command(&binaries.join("pg_ctl"))
            .args(["start", "--wait", "--silent", "--options", &options, "--log"])
            .arg(folder.path().join("log"))
            .arg("--pgdata")
            .arg(&data)
            .current_dir("/")
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(started.success(), "pg_ctl start failed");
        Some(Self { folder, binaries })
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("postgresql://optelsom@localhost/postgres?host={}", self.folder.path().display())
    }
}

impl Drop for Postgresql {
    fn drop(&mut self) {
        let stopped = command(&self.binaries.join("pg_ctl"))
            .args(["stop", "--mode=immediate", "--silent", "--pgdata"])
            .arg(self.folder.path().join("data"))
            .current_dir("/")
            .status();
        if !stopped.is_ok_and(|status| status.success()) {
            eprintln!("the throwaway PostgreSQL in {} did not stop", self.folder.path().display());
        }
    }
}
