//! The canonical binary form of what is hashed: every field in order, texts with their length before them.

use crate::ids::Hash256;
use crate::label::Label;

/// Gathers fields into one unambiguous string of bytes.
pub(crate) struct Encoder(Vec<u8>);

impl Encoder {
    /// Starts with the name of what is hashed, so that no two kinds of thing share a hash.
    pub(crate) fn new(kind: &str) -> Self {
        let mut encoder = Self(Vec::new());
        encoder.text("optelsom/1");
        encoder.text(kind);
        encoder
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    pub(crate) fn count(&mut self, count: usize) {
        self.number(count as u64);
    }

    pub(crate) fn number(&mut self, number: u64) {
        self.0.extend_from_slice(&number.to_be_bytes());
    }

    pub(crate) fn signed(&mut self, number: i64) {
        self.0.extend_from_slice(&number.to_be_bytes());
    }

    pub(crate) fn flag(&mut self, flag: bool) {
        self.0.push(u8::from(flag));
    }

    pub(crate) fn label(&mut self, label: &Label) {
        self.text(&label.nl);
        self.text(&label.en);
    }

    pub(crate) fn hash(self) -> Hash256 {
        Hash256::of(&self.0)
    }
}
