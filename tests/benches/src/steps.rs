//! How far a query of a coordinator in another process has come, with what the process had spent by then.

use std::fmt;
use std::time::Duration;

use tracing::field::{Field, Visit};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

use crate::machine::processor_time;

/// The field by which the coordinator's log names a step.
const FIELD: &str = "step";

/// A step that was reached.
#[derive(Clone, Debug)]
pub struct Step {
    /// Its name.
    pub name: String,
    /// The processor time of the whole process until then.
    pub spent: Duration,
}

impl Step {
    /// Reads a line that [`Printed`] has written.
    pub fn read(line: &str) -> Option<Self> {
        let (name, spent) = line.strip_prefix(FIELD)?.trim_start().split_once(' ')?;
        Some(Self { name: name.to_owned(), spent: Duration::from_millis(spent.parse().ok()?) })
    }
}

/// Writes a line to standard output for each step; nothing else of the log is made at all.
pub struct Printed;

impl Printed {
    fn names_step(metadata: &Metadata<'_>) -> bool {
        metadata.fields().field(FIELD).is_some()
    }
}

impl<S: Subscriber> Layer<S> for Printed {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if Self::names_step(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        Self::names_step(metadata)
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut name = Name(None);
        event.record(&mut name);
        if let Name(Some(name)) = name {
            println!("{FIELD} {name} {}", processor_time(std::process::id()).as_millis());
        }
    }
}

struct Name(Option<String>);

impl Visit for Name {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == FIELD {
            self.0 = Some(value.to_owned());
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}
