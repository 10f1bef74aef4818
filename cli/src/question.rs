//! The question as it was given: on the command line, in a file, or on standard input.

use std::io::{self, Read};
use std::path::Path;

use optelsom_codebook::{Codebook, Epsilon, MAX_DOCUMENT_BYTES, Query, QueryError};

use crate::configuration::read_text;
use crate::failure::Failure;

/// Finds the text: `-` is standard input, a name of a file is that file, anything else is the question itself.
///
/// # Errors
/// When the file or standard input cannot be read.
pub fn read(argument: &str) -> Result<String, Failure> {
    let limit = MAX_DOCUMENT_BYTES as u64;
    if argument == "-" {
        let (name, mut text) = (Path::new("standard input"), String::new());
        io::stdin().lock().take(limit).read_to_string(&mut text).map_err(|cause| Failure::file(name, cause))?;
        return Ok(text);
    }
    let one_word = !argument.is_empty() && !argument.contains(char::is_whitespace) && !argument.starts_with('{');
    if one_word || Path::new(argument).is_file() {
        return read_text(Path::new(argument), limit);
    }
    Ok(argument.to_owned())
}

/// The question with the noise that the command line asks for.
///
/// # Errors
/// When the question asks for another ε itself, or for what cannot be had with noise.
pub fn with_noise(query: Query, epsilon: Option<Epsilon>) -> Result<Query, Failure> {
    match (epsilon, query.epsilon()) {
        (None, _) => Ok(query),
        (Some(wanted), Some(asked)) if wanted != asked => {
            Err(Failure::Usage(format!("--epsilon {wanted}, and the question itself says epsilon = {asked}; say one")))
        }
        (Some(wanted), _) => Ok(query.with_epsilon(wanted)?),
    }
}

/// Reads SQL, or a query document where the text begins with a brace.
///
/// # Errors
/// What cannot be asked, and the nearest thing that can.
pub fn parse(codebook: &Codebook, text: &str) -> Result<Query, QueryError> {
    if text.trim_start().starts_with('{') { Query::from_json(codebook, text) } else { Query::from_sql(codebook, text) }
}
