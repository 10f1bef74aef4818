//! What happens, stage by stage, told on standard error.

use std::cell::Cell;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use optelsom_cli::federation::{Moment, Stage};
use optelsom_codebook::Lang;
use optelsom_proto::output::complain;

/// Tells what happens. On a terminal the stage that goes on has a bar; elsewhere each stage is a line when it is over.
pub struct Stages {
    begin: Instant,
    bar: ProgressBar,
    current: Cell<Option<Stage>>,
}

impl Stages {
    /// Begins to tell; the clock starts.
    pub fn new() -> Self {
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("          {bar:12} {pos}/{len} {msg}") {
            bar.set_style(style);
        }
        Self { begin: Instant::now(), bar, current: Cell::new(None) }
    }

    /// A line of its own.
    pub fn say(&self, text: &str) {
        self.bar.suspend(|| complain(text));
    }

    /// Something is done; with the time since the beginning.
    pub fn done(&self, what: &str) {
        self.end_of_stage();
        self.say(&format!("{:>7.2} s {what}", self.begin.elapsed().as_secs_f64()));
    }

    /// What the coordinator says of the query.
    pub fn tell(&self, moment: &Moment) {
        match moment {
            Moment::Accepted(query) => self.done(&format!("query {} is accepted and kept", query.short())),
            Moment::Refused { supplier, reason } => self.done(&format!("{supplier} refuses: {reason}")),
            Moment::Lost { cause, .. } => self.done(&format!("the connection is lost ({cause}); it is made again")),
            Moment::Progress { stage, done, of, .. } => {
                if self.current.get() != Some(*stage) {
                    self.end_of_stage();
                    self.current.set(Some(*stage));
                    self.bar.set_message(stage.label(Lang::En));
                }
                self.bar.set_length((*of).into());
                self.bar.set_position((*done).into());
            }
        }
    }

    fn end_of_stage(&self) {
        if let Some(stage) = self.current.take() {
            self.say(&format!("{:>7.2} s {}", self.begin.elapsed().as_secs_f64(), stage.label(Lang::En)));
            self.bar.set_position(0);
        }
    }
}

impl Default for Stages {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Stages {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
