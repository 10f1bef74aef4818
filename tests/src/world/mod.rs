//! A federation on simulated time and network: the real machines of the suppliers and the coordinator, and everything
//! that may go wrong between them.

pub mod desk;
pub mod gatekeeper;
pub mod log;
pub mod node;
pub mod run;
pub mod schedule;
pub mod weather;
