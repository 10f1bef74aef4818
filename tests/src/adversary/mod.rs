//! The adversary in the coordinator's place, with some suppliers in league with it: it sees all that honest suppliers
//! send, has the colluders' identity keys, and says to anybody whatever it likes.

pub mod branch;
pub mod campaign;
pub mod cheater;
pub mod forger;
mod leaning;
pub mod purposeful;
pub mod search;
pub mod stage;
pub mod wiretap;
