//! Tests of the log: one federation in the fixture, one file per part.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::cast_possible_truncation)]

mod appender;
mod audit;
mod audit_attempts;
mod audit_rules;
mod entries;
mod fixture;
mod gate;
mod guard;
mod notes;
mod proofs;
mod tiles;
mod witness;
