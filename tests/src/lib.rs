//! The world that the real machines of the secure sum are tried in: simulated time and network, crashes, an oracle that
//! adds up in the clear, an adversary in the coordinator's place, and an account of what that adversary has learnt. And all
//! decoders of bytes from outside, to be tried out on any bytes.
//!
//! Everything random in a run comes from one `u64` seed, so a failure is repeated by naming it.

pub mod account;
pub mod adversary;
pub mod daemons;
pub mod decoders;
pub mod dice;
pub mod federation;
pub mod mutation;
pub mod questions;
pub mod seeds;
pub mod world;
