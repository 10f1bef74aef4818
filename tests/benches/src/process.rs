//! A coordinator in a process of its own, so that its processor time and memory are its own: a bench starts itself again.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use optelsom_coordinator::Configuration;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::steps::{self, Step};

/// The first argument of a bench that is to be the coordinator.
const ROLE: &str = "--as-coordinator";
/// What the process says when it listens.
const LISTENS: &str = "listens";

/// A process that ends with this value.
pub struct Started {
    child: Child,
    steps: Receiver<Step>,
}

impl Started {
    /// Starts this executable in another role, and waits until it says that it listens.
    pub fn in_role(role: &str, folder: &Path) -> Self {
        let own = std::env::current_exe().expect("this executable");
        let mut child =
            Command::new(own).arg(role).arg(folder).stdout(Stdio::piped()).spawn().expect("a second process");
        let output = child.stdout.take().expect("its output");
        let mut lines = BufReader::new(output).lines().map_while(Result::ok);
        assert_eq!(lines.next().as_deref(), Some(LISTENS), "the second process does not listen");
        let (sender, steps) = channel();
        std::thread::spawn(move || {
            for step in lines.filter_map(|line| Step::read(&line)) {
                // Whoever measures may have ended.
                let _ = sender.send(step);
            }
        });
        Self { child, steps }
    }

    /// Starts the coordinator of this folder.
    pub fn coordinator(folder: &Path) -> Self {
        Self::in_role(ROLE, folder)
    }

    /// Its id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for this step of a query, and gives the process's processor time when it was reached.
    pub fn reaches(&self, step: &str) -> Duration {
        let reached = self.steps.iter().find(|reached| reached.name == step);
        reached.expect("the process goes on").spent
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
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
    tracing_subscriber::registry().with(steps::Printed).init();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let configuration = Configuration::read(&folder.join("coordinator.toml")).expect("a configuration");
        optelsom_coordinator::create_log(&configuration).await.expect("a log");
        let mut running = optelsom_coordinator::start(configuration).await.expect("a coordinator");
        listens();
        running.ended().await;
    });
}
