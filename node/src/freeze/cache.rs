//! Each distinct value of a column is worked out once. Small tables in front make the common case quick; both are
//! bounded, and what does not fit is worked out again.

use std::collections::HashMap;

/// Values short enough to be compared as one number.
const SHORT: usize = 15;
const RECENT: usize = 4096;
/// The most values remembered per column, and the longest of them: some 30 MB at worst.
const REMEMBERED: usize = 65_536;
const LONGEST: usize = 256;

/// What the values of one column stand for.
pub(super) struct Cache<T> {
    recent: Vec<Option<(u128, T)>>,
    all: HashMap<Box<[u8]>, T>,
}

impl<T: Copy> Cache<T> {
    pub(super) fn new() -> Self {
        Self { recent: vec![None; RECENT], all: HashMap::new() }
    }

    /// What `value` stands for, by `work_out` if it is not remembered.
    pub(super) fn get<E>(&mut self, value: &[u8], work_out: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let Some(key) = short_key(value) else { return self.remembered(value, work_out) };
        let slot = place(key);
        if let Some(Some((known, found))) = self.recent.get(slot)
            && *known == key
        {
            return Ok(*found);
        }
        let found = self.remembered(value, work_out)?;
        if let Some(entry) = self.recent.get_mut(slot) {
            *entry = Some((key, found));
        }
        Ok(found)
    }

    fn remembered<E>(&mut self, value: &[u8], work_out: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        if let Some(found) = self.all.get(value) {
            return Ok(*found);
        }
        let found = work_out()?;
        if self.all.len() < REMEMBERED && value.len() <= LONGEST {
            self.all.insert(value.into(), found);
        }
        Ok(found)
    }
}

/// A short value and its length as one number.
fn short_key(value: &[u8]) -> Option<u128> {
    let length = u8::try_from(value.len()).ok().filter(|length| usize::from(*length) <= SHORT)?;
    let mut bytes = [0; 16];
    bytes.get_mut(..value.len())?.copy_from_slice(value);
    bytes[SHORT] = length;
    Some(u128::from_le_bytes(bytes))
}

/// A slot of the small table.
fn place(key: u128) -> usize {
    #[allow(clippy::cast_possible_truncation)] // both halves are taken
    let (low, high) = (key as u64, (key >> 64) as u64);
    let mixed = (low ^ high.rotate_left(29)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    #[allow(clippy::cast_possible_truncation)] // twelve bits are left
    let slot = (mixed >> (64 - RECENT.trailing_zeros())) as usize;
    slot
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn remembers_the_right_value(values in prop::collection::vec("[a-c]{0,18}", 0..200)) {
            let mut cache = Cache::new();
            for value in &values {
                let length = cache.get::<()>(value.as_bytes(), || Ok(value.clone().len() * 31 + usize::from(value.bytes().map(|b| b % 7).sum::<u8>())));
                let again = value.len() * 31 + usize::from(value.bytes().map(|b| b % 7).sum::<u8>());
                prop_assert_eq!(length, Ok(again));
            }
        }
    }
}
