//! Every format read back by software of its own world: Python's csv, pandas, openpyxl, pyarrow and pysdmx, R, a browser;
//! and the snippets of docs/reading-releases.md as they stand there.
//!
//! What is missing on the machine is skipped, and said so. `OPTELSOM_FOREIGN=all` makes a skip a failure, as CI does;
//! `OPTELSOM_PICTURES=DIR` keeps the files and pictures, to be looked at.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod samples;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use optelsom_cli::arguments::Format;
use optelsom_cli::publication::render;
use optelsom_codebook::Lang;

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

/// What the scripts import, as PyPI has it.
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

/// Says that something is not tested here; fails where everything has to be.
fn skip(what: &str) {
    assert!(std::env::var("OPTELSOM_FOREIGN").as_deref() != Ok("all"), "{what}, and OPTELSOM_FOREIGN=all");
    eprintln!("SKIPPED: {what}");
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

/// A Python with the packages, made once for this build folder.
fn python() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("foreign-python");
    let python = folder.join("bin/python");
    let complete = folder.join("complete");
    if !complete.exists() {
        let made = Command::new("python3").args(["-m", "venv"]).arg(&folder).output();
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
        let installed = made.is_ok_and(|made| made.status.success())
            && Command::new(&python).args(pip).args(PACKAGES).output().is_ok_and(|output| output.status.success());
        if !installed {
            return None;
        }
        fs::write(complete, "").unwrap();
    }
    Some(python)
}

#[test]
fn other_software_reads_every_format() {
    let folder = tempfile::tempdir().unwrap();
    write_samples(folder.path());
    match python() {
        None => skip("no Python with packages from PyPI: CSV, XLSX, Parquet and SDMX-CSV are not read back"),
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
