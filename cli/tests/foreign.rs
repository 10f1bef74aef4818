//! Every format read back by software of its own world: Python's csv, pandas, openpyxl, pyarrow and pysdmx, R, a browser;
//! and the snippets of docs/reading-releases.md as they stand there.
//!
//! What is missing on the machine is skipped, and said so. With `OPTELSOM_FOREIGN` Python's packages are taken from PyPI;
//! `OPTELSOM_FOREIGN=all` makes a skip a failure, as `.ci/run` does; `OPTELSOM_PICTURES=DIR` keeps the files and pictures, to
//! be looked at.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod python;
mod samples;
#[path = "../../tests/shared/skip.rs"]
mod skip;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use optelsom_cli::arguments::Format;
use optelsom_cli::publication::render;
use optelsom_codebook::Lang;
use python::python;
use skip::skip;

const FORMATS: [(Format, &str); 8] = [
    (Format::Csv, "csv"),
    (Format::CsvNl, "nl.csv"),
    (Format::Xlsx, "xlsx"),
    (Format::Parquet, "parquet"),
    (Format::Json, "json"),
    (Format::SdmxCsv, "sdmx.csv"),
    (Format::Html, "html"),
    (Format::Svg, "svg"),
];

/// What the scripts import, and where it is from.
const MODULES: &str = "openpyxl, pandas, pyarrow.parquet, pysdmx.io";
const PACKAGES: [&str; 4] = ["openpyxl", "pandas", "pyarrow", "pysdmx[data]"];

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/foreign")
}

/// Every sample in every format and both languages: `bars.nl.xlsx`.
fn write_samples(folder: &Path) {
    for (name, release) in samples::all() {
        for (lang, language) in [(Lang::Nl, "nl"), (Lang::En, "en")] {
            for (format, ending) in FORMATS {
                if let Ok(bytes) = render(&release, lang, format, false) {
                    fs::write(folder.join(format!("{name}.{language}.{ending}")), bytes).unwrap();
                } else {
                    assert_eq!((name, format), ("many", Format::Svg));
                }
            }
        }
    }
}

fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    let (told, complaint) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}\n{told}\n{complaint}");
    eprintln!("{told}");
    output
}

fn works(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}

#[test]
fn other_software_reads_every_format() {
    let folder = tempfile::tempdir().unwrap();
    write_samples(folder.path());
    match python("foreign-python", MODULES, &PACKAGES) {
        None => skip(
            "no Python with pandas, openpyxl, pyarrow and pysdmx: CSV, XLSX, Parquet and SDMX-CSV are not read back",
        ),
        Some(python) => {
            run(Command::new(&python).arg(scripts().join("read_back.py")).arg(folder.path()));
            run(Command::new(&python).arg(scripts().join("snippets.py")).arg("python").arg(folder.path()));
        }
    }
    if works("Rscript") && works("python3") {
        run(Command::new("python3").arg(scripts().join("snippets.py")).arg("r").arg(folder.path()));
    } else {
        skip("no Rscript: the R snippets are not run");
    }
}

#[test]
fn a_browser_shows_pages_and_pictures() {
    if !works("chromium") || !works("python3") {
        skip("no chromium: HTML and SVG are not rendered");
        return;
    }
    let temporary = tempfile::tempdir().unwrap();
    let kept = std::env::var_os("OPTELSOM_PICTURES").map(PathBuf::from);
    let folder = kept.as_deref().unwrap_or(temporary.path());
    fs::create_dir_all(folder).unwrap();
    write_samples(folder);
    run(Command::new("python3").arg(scripts().join("pictures.py")).arg(folder));
}

/// This test runs itself once more, as one that skips something.
#[test]
fn what_is_skipped_is_heard_and_fails_where_nothing_may_be() {
    const AGAIN: &str = "OPTELSOM_TEST_SKIPS";
    if std::env::var_os(AGAIN).is_some() {
        skip("nothing in particular");
        return;
    }
    let again = |foreign: Option<&str>| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "what_is_skipped_is_heard_and_fails_where_nothing_may_be"]).env(AGAIN, "");
        match foreign {
            Some(foreign) => command.env("OPTELSOM_FOREIGN", foreign),
            None => command.env_remove("OPTELSOM_FOREIGN"),
        };
        let output = command.output().unwrap();
        (output.status.success(), String::from_utf8(output.stderr).unwrap())
    };
    for foreign in [None, Some("fetch")] {
        let (passed, said) = again(foreign);
        assert!(passed && said.contains("*** SKIPPED: nothing in particular"), "{foreign:?}: {said}");
    }
    assert!(!again(Some("all")).0, "a skip has passed");
}
