//! The table that a bench prints: what was measured, what against, and whether the ratio is within what is aimed at.

use std::time::Duration;

/// Collects lines and prints them.
#[derive(Default)]
pub struct Report {
    rows: Vec<[String; 5]>,
}

impl Report {
    /// An empty report.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a ratio of two times; `most` is the largest that is aimed at.
    pub fn ratio(&mut self, what: &str, measured: Duration, against: (&str, Duration), most: f64) {
        let ratio = measured.as_secs_f64() / against.1.as_secs_f64();
        let verdict = if ratio <= most { "within" } else { "MISSED" };
        self.rows.push([
            what.to_owned(),
            time(measured),
            format!("{} {}", against.0, time(against.1)),
            format!("{ratio:.2}"),
            format!("{verdict} ({most:.2})"),
        ]);
    }

    /// Adds a figure that has no ratio.
    pub fn figure(&mut self, what: &str, value: impl Into<String>) {
        self.rows.push([what.to_owned(), value.into(), String::new(), String::new(), String::new()]);
    }

    /// Adds a size with the most that is aimed at, both in bytes.
    pub fn size(&mut self, what: &str, bytes: u64, most: u64) {
        let verdict = if bytes <= most { "within" } else { "MISSED" };
        let megabytes = |bytes: u64| format!("{} MB", bytes / 1_000_000);
        self.rows.push([
            what.to_owned(),
            megabytes(bytes),
            String::new(),
            String::new(),
            format!("{verdict} ({})", megabytes(most)),
        ]);
    }

    /// Prints the table as Markdown, so that it can be taken over as it is.
    pub fn print(&self) {
        println!("| what | measured | beside | ratio | aim |\n| --- | --- | --- | --- | --- |");
        for row in &self.rows {
            println!("| {} |", row.join(" | "));
        }
    }
}

fn time(duration: Duration) -> String {
    match duration.as_secs_f64() {
        seconds if seconds < 1e-3 => format!("{:.1} µs", seconds * 1e6),
        seconds if seconds < 1.0 => format!("{:.1} ms", seconds * 1e3),
        seconds => format!("{seconds:.2} s"),
    }
}
