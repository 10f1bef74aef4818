//! `Debug` of the messages that carry secrets or masked figures.

use std::fmt;

use crate::v1::{Opening, Share, TablePart};

impl fmt::Debug for Opening {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Opening(attempt {}, secret)", self.attempt)
    }
}

impl fmt::Debug for Share {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Share(of {}, secret)", self.of)
    }
}

impl fmt::Debug for TablePart {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "TablePart(attempt {}, {} bytes from word {})", self.attempt, self.words.len(), self.offset)
    }
}
