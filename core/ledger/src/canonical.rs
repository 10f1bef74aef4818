//! Canonical bytes: what is hashed or signed is built here, field by field, never re-encoded from the wire.
//!
//! Layout: every field is a 4-byte big-endian length followed by that many bytes; integers are 8 bytes big-endian. The
//! first two fields are the protocol's version and the statement's name, so that no statement can pass for another.

use std::fmt;

use optelsom_codebook::Hash256;
use sha2::{Digest, Sha256};
use thiserror::Error;
use zeroize::Zeroize;

/// The version that every transcript starts with.
pub const PROTOCOL: &str = "optelsom/1";

/// Builds canonical bytes. Some are secret (what a commitment hides, a record), so they are zeroised when dropped, and
/// never printed.
#[derive(Clone)]
pub struct Writer(Vec<u8>);

impl Writer {
    /// Starts the canonical bytes of the statement of this name.
    pub fn new(statement: &str) -> Self {
        Self::with_capacity(statement, 256)
    }

    /// Starts the canonical bytes of the statement of this name, with room for so many: secret ones that have to move
    /// to a larger place leave a trace behind.
    pub fn with_capacity(statement: &str, bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes)).text(PROTOCOL).text(statement)
    }

    /// Adds a field of bytes (fewer than 2^32 of them; a longer one is cut by no caller, each bounds its input).
    #[must_use]
    pub fn bytes(mut self, field: &[u8]) -> Self {
        let length = u32::try_from(field.len()).unwrap_or(u32::MAX);
        self.0.extend_from_slice(&length.to_be_bytes());
        self.0.extend_from_slice(field);
        self
    }

    /// Adds a field of text.
    #[must_use]
    pub fn text(self, field: &str) -> Self {
        self.bytes(field.as_bytes())
    }

    /// Adds a number.
    #[must_use]
    pub fn number(self, field: u64) -> Self {
        self.bytes(&field.to_be_bytes())
    }

    /// Adds a list: its length, then each item as `add` writes it.
    #[must_use]
    pub fn list<T>(self, items: &[T], mut add: impl FnMut(Self, &T) -> Self) -> Self {
        let counted = self.number(items.len() as u64);
        items.iter().fold(counted, &mut add)
    }

    /// The bytes.
    pub fn finish(mut self) -> Vec<u8> {
        std::mem::take(&mut self.0)
    }

    /// The SHA-256 of the bytes.
    pub fn digest(self) -> Hash256 {
        Hash256::from_bytes(<[u8; 32]>::from(Sha256::digest(&self.0)))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Writer({} bytes)", self.0.len())
    }
}

/// Why canonical bytes cannot be read.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum CanonicalError {
    /// The bytes end within a field.
    #[error("the bytes end within field {field}")]
    Truncated {
        /// Which field, counted from 0.
        field: usize,
    },
    /// A field has not the form that is wanted there.
    #[error("field {field} is not {wanted}")]
    Field {
        /// Which field, counted from 0.
        field: usize,
        /// What it should have been.
        wanted: &'static str,
    },
    /// There are bytes after the last field.
    #[error("{0} bytes follow the last field")]
    Trailing(usize),
}

/// Reads canonical bytes back, strictly: what is left over is an error.
#[derive(Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    field: usize,
}

impl<'a> Reader<'a> {
    /// Starts to read the statement of this name.
    ///
    /// # Errors
    /// When the bytes are of another version or another statement.
    pub fn new(bytes: &'a [u8], statement: &str) -> Result<Self, CanonicalError> {
        let mut reader = Self { rest: bytes, field: 0 };
        reader.expect(PROTOCOL, "the version optelsom/1")?;
        reader.expect(statement, "the name of the expected statement")?;
        Ok(reader)
    }

    fn expect(&mut self, text: &str, wanted: &'static str) -> Result<(), CanonicalError> {
        let field = self.field;
        if self.bytes()? == text.as_bytes() { Ok(()) } else { Err(CanonicalError::Field { field, wanted }) }
    }

    /// The next field.
    ///
    /// # Errors
    /// When the bytes end before it does.
    pub fn bytes(&mut self) -> Result<&'a [u8], CanonicalError> {
        let truncated = CanonicalError::Truncated { field: self.field };
        let (length, rest) = self.rest.split_first_chunk::<4>().ok_or(truncated.clone())?;
        let length = u32::from_be_bytes(*length) as usize;
        let (field, rest) = rest.split_at_checked(length).ok_or(truncated)?;
        self.rest = rest;
        self.field += 1;
        Ok(field)
    }

    /// The next field, as text.
    ///
    /// # Errors
    /// When it is cut off or not UTF-8.
    pub fn text(&mut self) -> Result<&'a str, CanonicalError> {
        let field = self.field;
        std::str::from_utf8(self.bytes()?).map_err(|_| CanonicalError::Field { field, wanted: "UTF-8 text" })
    }

    /// The next field, as exactly `N` bytes.
    ///
    /// # Errors
    /// When it is cut off or of another length.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], CanonicalError> {
        let field = self.field;
        self.bytes()?.try_into().map_err(|_| CanonicalError::Field { field, wanted: "of the right length" })
    }

    /// The next field, as a number.
    ///
    /// # Errors
    /// When it is cut off or not 8 bytes.
    pub fn number(&mut self) -> Result<u64, CanonicalError> {
        self.array::<8>().map(u64::from_be_bytes)
    }

    /// A list written by [`Writer::list`], of at most `most` items.
    ///
    /// # Errors
    /// When it claims more, or an item is bad.
    pub fn list<T>(
        &mut self,
        most: u64,
        mut item: impl FnMut(&mut Self) -> Result<T, CanonicalError>,
    ) -> Result<Vec<T>, CanonicalError> {
        let field = self.field;
        let length = self.number()?;
        if length > most {
            return Err(CanonicalError::Field { field, wanted: "a list of the permitted length" });
        }
        (0..length).map(|_| item(self)).collect()
    }

    /// An error that blames the field read last.
    pub fn wrong(&self, wanted: &'static str) -> CanonicalError {
        CanonicalError::Field { field: self.field.saturating_sub(1), wanted }
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// When there are bytes left.
    pub fn finish(self) -> Result<(), CanonicalError> {
        if self.rest.is_empty() { Ok(()) } else { Err(CanonicalError::Trailing(self.rest.len())) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_layout_byte_for_byte() {
        let bytes = Writer::new("x").text("ab").number(258).list(&[7_u64], |w, n| w.number(*n)).finish();
        let expected: &[&[u8]] = &[
            b"\0\0\0\x0aoptelsom/1",
            b"\0\0\0\x01x",
            b"\0\0\0\x02ab",
            b"\0\0\0\x08\0\0\0\0\0\0\x01\x02",
            b"\0\0\0\x08\0\0\0\0\0\0\0\x01",
            b"\0\0\0\x08\0\0\0\0\0\0\0\x07",
        ];
        assert_eq!(bytes, expected.concat());
    }

    #[test]
    fn what_is_not_as_written_is_refused() {
        let good = Writer::new("x").text("ab").number(5).finish();
        let read = |bytes: &[u8]| {
            let mut reader = Reader::new(bytes, "x")?;
            let read = (reader.text()?.to_owned(), reader.number()?);
            reader.finish().map(|()| read)
        };
        assert_eq!(read(&good), Ok(("ab".to_owned(), 5)));
        assert_eq!(read(&[&good[..], b"!!"].concat()), Err(CanonicalError::Trailing(2)));
        for end in 0..good.len() {
            assert!(matches!(read(&good[..end]), Err(CanonicalError::Truncated { .. })), "{end}");
        }
        let other = Writer::new("y").text("ab").number(5).finish();
        let named = CanonicalError::Field { field: 1, wanted: "the name of the expected statement" };
        assert_eq!(read(&other), Err(named));
        let short = Writer::new("x").text("ab").bytes(&[0; 7]).finish();
        assert_eq!(read(&short), Err(CanonicalError::Field { field: 3, wanted: "of the right length" }));
        let latin = Writer::new("x").bytes(&[0xe9]).number(5).finish();
        assert_eq!(read(&latin), Err(CanonicalError::Field { field: 2, wanted: "UTF-8 text" }));
    }

    #[test]
    fn lists_are_bounded_before_they_are_read() {
        let bytes = Writer::new("x").number(u64::MAX).finish();
        let mut reader = Reader::new(&bytes, "x").unwrap();
        let refused = reader.list(10, |r| r.number()).unwrap_err();
        assert_eq!(refused, CanonicalError::Field { field: 2, wanted: "a list of the permitted length" });
    }

    #[test]
    fn what_is_written_is_not_printed() {
        assert_eq!(format!("{:?}", Writer::new("x").text("secret")), "Writer(29 bytes)");
    }

    proptest! {
        #[test]
        fn fields_come_back(fields in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..8)) {
            let bytes = Writer::new("x").list(&fields, |w, field| w.bytes(field)).finish();
            let mut reader = Reader::new(&bytes, "x").unwrap();
            prop_assert_eq!(reader.list(8, |r| r.bytes().map(<[u8]>::to_vec)), Ok(fields));
            prop_assert_eq!(reader.finish(), Ok(()));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(mut reader) = Reader::new(&bytes, "x") {
                while reader.bytes().is_ok() {}
            }
        }
    }
}
