//! `generate` and `up`, as somebody uses them who wants a federation of one's own: it comes up, says how to ask, answers, and ends
//! when it is told to.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use optelsom_disclosure::{CellValue, Release};
use optelsom_sandbox::session::Session;

fn sandbox(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_optelsom-sandbox"));
    command.args(arguments).stdin(Stdio::null());
    command
}

/// A federation that was told to come up; gone with the test, whatever becomes of it.
struct Up(Child);

impl Up {
    fn at(folder: &Path) -> Self {
        let mut command = sandbox(&["up", "--any-port", "--federation", folder.to_str().unwrap()]);
        Self(command.stdout(Stdio::piped()).spawn().unwrap())
    }

    /// What it says, as soon as it has said how to end it.
    fn says(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        for line in BufReader::new(self.0.stdout.take().unwrap()).lines() {
            lines.push(line.unwrap());
            if lines.last().is_some_and(|line| line.starts_with("Ctrl-C ends it")) {
                return lines;
            }
        }
        panic!("it has ended by itself: {lines:?}");
    }

    fn told(mut self, signal: &str) -> ExitStatus {
        let told = Command::new("sh").args(["-c", &format!("kill -{signal} {}", self.0.id())]).status().unwrap();
        assert!(told.success());
        self.0.wait().unwrap()
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The rest of the line that has this in it, up to an end that is no part of it.
fn after(lines: &[String], start: &str, end: &str) -> String {
    let rest = lines.iter().find_map(|line| line.split_once(start)).map(|(_, rest)| rest.to_owned());
    let rest = rest.unwrap_or_else(|| panic!("no {start} in {lines:?}"));
    rest.strip_suffix(end).unwrap_or_else(|| panic!("{rest} does not end in {end}")).to_owned()
}

/// Asks what it suggests, by the configuration that it names.
async fn asked(lines: &[String]) -> Release {
    let configuration = PathBuf::from(after(lines, "export OPTELSOM_CONFIG=", ""));
    let question = after(lines, "-p optelsom-cli -- query \"", "\"");
    let mut session = Session::open(&configuration).await.unwrap();
    let asking = session.prepare(&question, "monitor").await.unwrap();
    session.ask(&asking, |_| {}).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_generated_federation_comes_up_answers_and_ends_as_told() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("mine");
    assert!(sandbox(&["generate", folder.to_str().unwrap()]).output().unwrap().status.success());
    let mut figures = Vec::new();
    // The second time it goes on in the same folder: keys, log and store are there.
    for signal in ["TERM", "INT"] {
        let mut up = Up::at(&folder);
        let release = asked(&up.says()).await;
        assert_eq!(release.suppliers_taking_part().len(), release.suppliers_asked().len());
        let cells: Vec<CellValue> = release.table().rows().iter().map(|row| row.figures()[0]).collect();
        assert!(cells.iter().any(|cell| matches!(cell, CellValue::Shown(_))), "{cells:?}");
        figures.push(format!("{cells:?}"));
        let status = up.told(signal);
        assert!(status.success(), "{signal}: {status}");
    }
    assert_eq!(figures[0], figures[1]);
}
