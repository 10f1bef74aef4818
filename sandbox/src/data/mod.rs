//! Made-up data about a whole country, and what is true of it.

pub mod chance;
pub mod codes;
pub mod national;
pub mod suspects;
pub mod truth;
pub mod victim;
