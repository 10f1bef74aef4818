//! A coordinator in a process of its own, so that its processor time and memory are its own: a bench starts itself again.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use optelsom_coordinator::Configuration;

/// The first argument of a bench that is to be the coordinator.
const ROLE: &str = "--as-coordinator";
/// What the process says when it listens.
const LISTENS: &str = "listens";

/// A process that ends with this value.
pub struct Started(Child);

impl Started {
    /// Starts this executable in another role, and waits until it says that it listens.
    pub fn in_role(role: &str, folder: &Path) -> Self {
        let own = std::env::current_exe().expect("this executable");
        let mut child =
            Command::new(own).arg(role).arg(folder).stdout(Stdio::piped()).spawn().expect("a second process");
        let output = child.stdout.take().expect("its output");
        let first = BufReader::new(output).lines().next().and_then(Result::ok);
        assert_eq!(first.as_deref(), Some(LISTENS), "the second process does not listen");
        Self(child)
    }

    /// Starts the coordinator of this folder.
    pub fn coordinator(folder: &Path) -> Self {
        Self::in_role(ROLE, folder)
    }

    /// Its id.
    pub fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The folder, when this process was started in this role.
pub fn asked_for(role: &str) -> Option<PathBuf> {
    let mut arguments = std::env::args().skip(1);
    (arguments.next().as_deref() == Some(role)).then(|| arguments.next().map(PathBuf::from)).flatten()
}

/// Says that this process listens.
pub fn listens() {
    println!("{LISTENS}");
}

/// Runs a coordinator for ever, when this process was started as one.
pub fn be_coordinator_if_asked() {
    let Some(folder) = asked_for(ROLE) else { return };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let configuration = Configuration::read(&folder.join("coordinator.toml")).expect("a configuration");
        optelsom_coordinator::create_log(&configuration).await.expect("a log");
        let mut running = optelsom_coordinator::start(configuration).await.expect("a coordinator");
        listens();
        running.ended().await;
    });
}
