//! What the benches share: a clock, processor time by thread name, peak memory, and a table of ratios.

pub mod machine;
pub mod report;
