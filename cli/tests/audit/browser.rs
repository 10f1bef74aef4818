//! The HTML report in a real browser: it renders, on screen and on paper, and fetches nothing.
//!
//! Without chromium this is skipped, and said so; `OPTELSOM_FOREIGN=all` makes that a failure. `OPTELSOM_PICTURES=DIR`
//! keeps the pictures, to be looked at.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::skip::skip;
use crate::{audit, exported};

fn chromium(folder: &Path, words: &[&str]) -> Option<String> {
    let mut command = Command::new("chromium");
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"]);
    command.arg(format!("--user-data-dir={}", folder.join("profile").display()));
    let output = command.args(words).arg(format!("file://{}/report.html", folder.display())).output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Width and height, from the header of a PNG (its section 11.2.2).
fn size(picture: &[u8]) -> (u32, u32) {
    assert_eq!(picture[..8], *b"\x89PNG\r\n\x1a\n");
    let number = |at: usize| u32::from_be_bytes(picture[at..at + 4].try_into().unwrap());
    (number(16), number(20))
}

#[test]
fn a_browser_shows_and_prints_the_report() {
    let folder = exported();
    for lang in ["en", "nl"] {
        let output =
            audit(folder.path(), &["report", "export", "--format", "html", "-o", "report.html", "--lang", lang]);
        assert_eq!(output.status.code(), Some(0));
        let Some(dom) = chromium(folder.path(), &["--dump-dom"]) else {
            skip("no chromium: the report is not rendered");
            return;
        };
        // What the browser made of it has all that was put in.
        assert_eq!(dom.matches("<article").count(), 7, "{dom}");
        let proofs = if lang == "en" { "Proofs that the entries" } else { "Bewijzen dat de posten" };
        assert!(dom.contains(proofs));
        let picture = folder.path().join("report.png");
        chromium(folder.path(), &[&format!("--screenshot={}", picture.display()), "--window-size=1100,3000"]);
        let paper = folder.path().join("report.pdf");
        chromium(folder.path(), &[&format!("--print-to-pdf={}", paper.display()), "--no-pdf-header-footer"]);
        let (picture, paper) = (fs::read(picture).unwrap(), fs::read(paper).unwrap());
        assert_eq!(size(&picture), (1100, 3000));
        assert!(paper.starts_with(b"%PDF-"));
        // A blank page compresses to next to nothing.
        assert!(picture.len() > 50_000 && paper.len() > 20_000, "{} and {}", picture.len(), paper.len());
        if let Ok(kept) = std::env::var("OPTELSOM_PICTURES") {
            fs::write(Path::new(&kept).join(format!("audit.{lang}.png")), &picture).unwrap();
            fs::write(Path::new(&kept).join(format!("audit.{lang}.pdf")), &paper).unwrap();
        }
    }
}
