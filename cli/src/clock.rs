//! This machine's clock and randomness; nothing else in this program asks for them.

use std::time::{SystemTime, UNIX_EPOCH};

use optelsom_codebook::Timestamp;

use crate::failure::Failure;

/// What the clock says.
///
/// # Errors
/// When it stands before 1970.
pub fn now() -> Result<Timestamp, Failure> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let since = since.map_err(|_| Failure::Machine("its clock stands before 1970; set it".to_owned()))?;
    Ok(Timestamp::from_millis(0) + since)
}

/// Fresh random bytes.
///
/// # Errors
/// When the operating system gives none.
pub fn random<const N: usize>() -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|cause| Failure::Machine(format!("no random bytes: {cause}")))?;
    Ok(bytes)
}
