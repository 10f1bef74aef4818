//! Programs whose output nobody reads any more, or goes to a full disk: they end, and none of them crashes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};

use optelsom_tests::daemons::binary;

/// A standard output that takes nothing: that of a reader who has gone, or of a full disk.
fn refusing(full: bool) -> Stdio {
    if full {
        return File::options().write(true).open("/dev/full").unwrap().into();
    }
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

/// A command's exit code, and what it says on standard error.
fn run(folder: &Path, program: &str, arguments: &[&str], full: bool) -> (i32, String) {
    let mut command = Command::new(binary(program));
    let output = command.current_dir(folder).args(arguments).stdout(refusing(full)).output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn no_program_crashes_over_its_output() {
    let place = tempfile::tempdir().unwrap();
    let commands: [(&str, &[&str], i32); 6] = [
        ("optelsom-node", &["identity", "new", "node.identity"], 1),
        ("optelsom-coordinator", &["identity", "coordinator.identity"], 2),
        ("optelsom-coordinator", &["log-key", "log.key", "--name", "example.nl/log"], 2),
        ("optelsom-coordinator", &["authority", "new", "authority"], 2),
        ("optelsom", &["identity", "analyst.identity"], 6),
        ("optelsom-sandbox", &["generate", "federation"], 1),
    ];
    for (number, (program, arguments, if_full)) in commands.into_iter().enumerate() {
        for (full, wanted) in [(false, 0), (true, if_full)] {
            let folder = place.path().join(format!("{number} {full}"));
            std::fs::create_dir(&folder).unwrap();
            let (code, said) = run(&folder, program, arguments, full);
            assert_eq!(code, wanted, "{program} {arguments:?}, {full}: {said}");
            assert!(!said.contains("panicked"), "{program} {arguments:?}: {said}");
            assert_eq!(said.contains("No space left on device"), full, "{program} {arguments:?}: {said}");
        }
    }
}

#[test]
fn no_program_crashes_when_nobody_hears_what_it_says_besides() {
    let place = tempfile::tempdir().unwrap();
    let commands: [(&str, &[&str], i32); 4] = [
        ("optelsom", &["identity", "analyst.identity"], 0),
        ("optelsom", &["--config", "none.toml", "list"], 6),
        ("optelsom-node", &["--configuration", "none.toml", "journal"], 1),
        ("optelsom-coordinator", &["run", "--config", "none.toml"], 2),
    ];
    for (number, (program, arguments, wanted)) in commands.into_iter().enumerate() {
        for full in [false, true] {
            let folder = place.path().join(format!("{number} {full}"));
            std::fs::create_dir(&folder).unwrap();
            let mut command = Command::new(binary(program));
            let ended = command.current_dir(&folder).args(arguments).stderr(refusing(full)).output().unwrap().status;
            assert_eq!(ended.code(), Some(wanted), "{program} {arguments:?}, {full}");
        }
    }
}
