//! Finding the wanted columns among those that there are.

use super::SourceError;

/// How like two names must be (Jaro-Winkler) for one to be suggested for the other.
const ALIKE: f64 = 0.75;

/// The candidate that is most like `text`, if any is like it.
pub fn did_you_mean<'a>(text: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let text = text.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(&text, &candidate.to_lowercase()), candidate))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// The position of each wanted column among `present`.
///
/// # Errors
/// When a wanted column is not there, or is there twice.
pub fn locate(wanted: &[String], present: &[String]) -> Result<Vec<usize>, SourceError> {
    let find = |column: &String| {
        let mut places = present.iter().enumerate().filter(|(_, name)| *name == column).map(|(at, _)| at);
        match (places.next(), places.next()) {
            (Some(at), None) => Ok(at),
            (Some(_), Some(_)) => Err(SourceError::RepeatedColumn { column: column.clone() }),
            (None, _) => Err(SourceError::MissingColumn {
                column: column.clone(),
                suggestion: did_you_mean(column, present.iter().map(String::as_str)).map(str::to_owned),
                columns: present.to_vec(),
            }),
        }
    };
    wanted.iter().map(find).collect()
}
