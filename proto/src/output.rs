//! What a command prints. Standard output may be closed or full, and neither is a reason to crash.

use std::fmt::Display;
use std::io::{self, Write};

use thiserror::Error;

/// Standard output takes no more. The operator's to mend.
#[derive(Debug, Error)]
#[error("standard output cannot be written to: {0}; if it goes to a file, is the disk full?")]
pub struct OutputError(#[from] io::Error);

/// Prints a text, as it is. A reader that stops reading, as `head` does, has seen enough: that is no error, and what is
/// printed after it goes nowhere.
///
/// # Errors
/// When standard output takes no more.
pub fn print(text: impl Display) -> Result<(), OutputError> {
    print_to(io::stdout().lock(), text)
}

/// Prints a text, and ends its line.
///
/// # Errors
/// As [`print`].
pub fn print_line(text: impl Display) -> Result<(), OutputError> {
    print(format_args!("{text}\n"))
}

/// Says something on standard error. Where that is closed or full there is nobody to tell.
pub fn complain(text: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

fn print_to(mut out: impl Write, text: impl Display) -> Result<(), OutputError> {
    match write!(out, "{text}").and_then(|()| out.flush()) {
        Err(cause) if cause.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        printed => Ok(printed?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Refuses(io::ErrorKind);

    impl Write for Refuses {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_who_has_seen_enough_is_no_error_and_a_full_disk_is() {
        assert!(print_to(Refuses(io::ErrorKind::BrokenPipe), "text").is_ok());
        let full = print_to(Refuses(io::ErrorKind::StorageFull), "text");
        assert!(full.is_err_and(|error| error.to_string().contains("is the disk full?")));
        let mut written = Vec::new();
        assert!(print_to(&mut written, "text").is_ok());
        assert_eq!(written, b"text");
    }
}
