//! The bytes of a text file: its mark read, its encoding checked, and, where bytes cannot be told apart by themselves,
//! turned into UTF-8.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8};

use super::super::SourceError;

/// Bytes read at once.
const CHUNK: usize = 256 * 1024;

enum Form {
    /// Every byte stands for itself.
    Bytes,
    /// UTF-8; so many bytes at the end of what was given are the unfinished start of a character.
    Utf8 { unfinished: usize },
    /// Anything else, turned into UTF-8.
    Decoded(Box<Decoder>),
}

/// A text file.
pub(super) struct Input {
    path: PathBuf,
    file: File,
    encoding: &'static Encoding,
    form: Form,
    chunk: Vec<u8>,
    offset: u64,
    size: u64,
    lines: u64,
}

impl Input {
    pub(super) fn open(path: &Path, encoding: &'static Encoding) -> Result<Self, SourceError> {
        let unreadable = |cause| SourceError::Unreadable { path: path.to_owned(), cause };
        let mut file = File::open(path).map_err(unreadable)?;
        let size = file.metadata().map_err(unreadable)?.len();
        let mut head = Vec::new();
        (&mut file).take(3).read_to_end(&mut head).map_err(unreadable)?;
        let marked = Encoding::for_bom(&head);
        if let Some((marked, _)) = marked
            && marked != encoding
        {
            return Err(SourceError::OtherEncoding {
                path: path.to_owned(),
                marked: marked.name(),
                named: encoding.name(),
            });
        }
        let form = if encoding == UTF_8 {
            Form::Utf8 { unfinished: 0 }
        } else if encoding.is_single_byte() {
            Form::Bytes
        } else {
            Form::Decoded(Box::new(encoding.new_decoder_without_bom_handling()))
        };
        let mark = marked.map_or(0, |(_, length)| length);
        let chunk = head.split_off(mark.min(head.len()));
        Ok(Self { path: path.to_owned(), file, encoding, form, chunk, offset: mark as u64, size, lines: 0 })
    }

    /// Bytes of the file that were given so far.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// The file's size when it was opened.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Puts more text behind `buffer`; false when that was the last of it.
    pub(super) fn fill(&mut self, buffer: &mut Vec<u8>) -> Result<bool, SourceError> {
        let wanted = (CHUNK - self.chunk.len()) as u64;
        let unreadable = |cause| SourceError::Unreadable { path: self.path.clone(), cause };
        (&mut self.file).take(wanted).read_to_end(&mut self.chunk).map_err(unreadable)?;
        let last = self.chunk.len() < CHUNK;
        let chunk = std::mem::take(&mut self.chunk);
        let grown_from = buffer.len();
        let bad = match &mut self.form {
            Form::Bytes => {
                buffer.extend_from_slice(&chunk);
                None
            }
            Form::Utf8 { unfinished } => {
                let start = buffer.len().saturating_sub(*unfinished);
                let before = *unfinished;
                buffer.extend_from_slice(&chunk);
                let text = buffer.get(start..).unwrap_or_default();
                match std::str::from_utf8(text) {
                    Ok(_) => {
                        *unfinished = 0;
                        None
                    }
                    Err(error) if error.error_len().is_none() && !last => {
                        *unfinished = text.len() - error.valid_up_to();
                        None
                    }
                    Err(error) => {
                        let good = text.get(..error.valid_up_to()).unwrap_or_default();
                        let offset = (self.offset + good.len() as u64).saturating_sub(before as u64);
                        Some((offset, newlines(good)))
                    }
                }
            }
            Form::Decoded(decoder) => {
                let bad = decode(decoder, &chunk, last, buffer);
                bad.map(|at| (self.offset + at as u64, newlines(buffer.get(grown_from..).unwrap_or_default())))
            }
        };
        if let Some((offset, lines)) = bad {
            let (path, encoding) = (self.path.clone(), self.encoding.name());
            return Err(SourceError::Encoding { path, encoding, offset, line: self.lines + lines + 1 });
        }
        self.offset += chunk.len() as u64;
        self.lines += newlines(buffer.get(grown_from..).unwrap_or_default());
        self.chunk = chunk;
        self.chunk.clear();
        Ok(!last)
    }
}

/// Decodes behind `buffer`; the place in `chunk` of the first bytes that cannot be.
fn decode(decoder: &mut Decoder, chunk: &[u8], last: bool, buffer: &mut Vec<u8>) -> Option<usize> {
    let mut used = 0;
    let mut piece = vec![0; 64 * 1024];
    loop {
        let rest = chunk.get(used..).unwrap_or_default();
        let (result, read, written) = decoder.decode_to_utf8_without_replacement(rest, &mut piece, last);
        used += read;
        buffer.extend_from_slice(piece.get(..written).unwrap_or_default());
        match result {
            DecoderResult::InputEmpty => return None,
            DecoderResult::OutputFull => {}
            DecoderResult::Malformed(length, after) => {
                return Some(used.saturating_sub(usize::from(length) + usize::from(after)));
            }
        }
    }
}

fn newlines(text: &[u8]) -> u64 {
    text.iter().map(|&byte| u64::from(byte == b'\n')).sum()
}
