//! What the benches share: a clock, processor time by thread name, memory, a round in memory, and a table of ratios.

#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

pub mod federation;
pub mod machine;
pub mod peer;
pub mod process;
pub mod report;
pub mod round;
pub mod steps;
