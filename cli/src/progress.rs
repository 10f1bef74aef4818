//! How a query goes, told on standard error.

use std::io::{IsTerminal, stderr};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use optelsom_codebook::Lang;
use optelsom_proto::output::complain;

use crate::federation::{Moment, Stage};
use crate::words::words;

/// A bar on a terminal; plain lines for what matters elsewhere.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    lang: Lang,
    on_terminal: bool,
}

impl Progress {
    /// Begins.
    pub fn new(lang: Lang) -> Self {
        let on_terminal = stderr().is_terminal();
        let bar = if on_terminal { ProgressBar::new(Stage::COUNT) } else { ProgressBar::hidden() };
        if let Ok(style) = ProgressStyle::with_template("{spinner} {bar:18} {msg} {elapsed}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(120));
        Self { bar, lang, on_terminal }
    }

    /// Tells what happened.
    pub fn tell(&self, moment: &Moment) {
        match moment {
            Moment::Progress { stage, .. } => {
                self.bar.set_position(stage.position());
                self.bar.set_message(line(moment, self.lang));
            }
            // Whatever comes next takes its place.
            Moment::Lost { .. } if self.on_terminal => self.bar.set_message(line(moment, self.lang)),
            Moment::Accepted(_) | Moment::Refused { .. } if self.on_terminal => {
                self.bar.println(line(moment, self.lang))
            }
            Moment::Accepted(_) | Moment::Refused { .. } | Moment::Lost { .. } => complain(line(moment, self.lang)),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// How a folder is fetched: what, and how many files of how many.
#[derive(Debug)]
pub struct Fetched(ProgressBar);

impl Default for Fetched {
    fn default() -> Self {
        let bar = if stderr().is_terminal() { ProgressBar::new(0) } else { ProgressBar::hidden() };
        if let Ok(style) = ProgressStyle::with_template("{bar:18} {pos}/{len} {msg} {elapsed}") {
            bar.set_style(style);
        }
        Self(bar)
    }
}

impl Fetched {
    /// Begins with files of this kind.
    pub fn begin(&self, what: &str, files: usize) {
        self.0.set_length(files as u64);
        self.0.set_position(0);
        self.0.set_message(what.to_owned());
    }

    /// So many more are there.
    pub fn advance(&self, files: usize) {
        self.0.inc(files as u64);
    }
}

impl Drop for Fetched {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// What happened, in one line.
fn line(moment: &Moment, lang: Lang) -> String {
    match (moment, lang) {
        (Moment::Accepted(query), Lang::En) => {
            format!("query {} accepted; `optelsom watch {}` takes it up again", query.short(), query.short())
        }
        (Moment::Accepted(query), Lang::Nl) => {
            format!("vraag {} aangenomen; `optelsom watch {}` pakt haar weer op", query.short(), query.short())
        }
        (Moment::Progress { stage, attempt, done, of }, _) => {
            let again = match attempt {
                0 | 1 => String::new(),
                attempt => format!(" ({} {attempt})", words(lang, "poging", "attempt")),
            };
            format!("{} {done}/{of}{again}", stage.label(lang))
        }
        (Moment::Refused { supplier, reason }, Lang::En) => format!("{supplier} refuses: {reason}"),
        (Moment::Refused { supplier, reason }, Lang::Nl) => format!("{supplier} weigert: {reason}"),
        (Moment::Lost { cause, again_in }, Lang::En) => {
            format!("the connection is lost ({cause}); tried again in {:.1} s", again_in.as_secs_f64())
        }
        (Moment::Lost { cause, again_in }, Lang::Nl) => {
            format!("de verbinding is weg ({cause}); over {:.1} s opnieuw geprobeerd", again_in.as_secs_f64())
        }
    }
}

#[cfg(test)]
mod tests {
    use optelsom_codebook::QueryId;

    use super::*;

    #[test]
    fn lines_in_both_languages() {
        let moments = [
            Moment::Accepted(QueryId::from_bytes([7; 32])),
            Moment::Progress { stage: Stage::Pairing, attempt: 2, done: 3, of: 6 },
            Moment::Refused { supplier: "police".to_owned(), reason: "outside-period".to_owned() },
            Moment::Lost { cause: "connection reset".to_owned(), again_in: Duration::from_millis(1540) },
        ];
        let lines = |lang| moments.iter().map(|moment| line(moment, lang)).collect::<Vec<_>>().join("\n");
        insta::assert_snapshot!(lines(Lang::En), @r"
        query 070707070707 accepted; `optelsom watch 070707070707` takes it up again
        each pair agrees on a secret 3/6 (attempt 2)
        police refuses: outside-period
        the connection is lost (connection reset); tried again in 1.5 s
        ");
        insta::assert_snapshot!(lines(Lang::Nl), @r"
        vraag 070707070707 aangenomen; `optelsom watch 070707070707` pakt haar weer op
        elk tweetal spreekt een geheim af 3/6 (poging 2)
        police weigert: outside-period
        de verbinding is weg (connection reset); over 1.5 s opnieuw geprobeerd
        ");
    }
}
