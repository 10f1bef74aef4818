//! The auditor's tool: a log is fetched into a folder ([`export`]), checked offline by the keys that the auditor trusts
//! ([`examine`]), told in words that a privacy officer reads ([`tale`], as [`text`], [`html`] or JSON), and held against a
//! supplier's own journal ([`journal`]).
//!
//! What is checked, and how, is `optelsom-ledger`'s; here are files, words and exit codes.

pub mod arguments;
pub mod examine;
pub mod export;
pub mod folder;
pub mod html;
pub mod journal;
mod question;
pub mod search;
pub mod tale;
pub mod text;
pub mod trust;
pub mod verdict;
mod words;
