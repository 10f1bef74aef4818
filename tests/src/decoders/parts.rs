//! Several things in one string of bytes, for decoders that take more than one: each after its length in 4 bytes. Whatever
//! the bytes, they are some parts: a length beyond what is left is all that is left.

/// The parts as one string of bytes.
pub(super) fn join<'p>(parts: impl IntoIterator<Item = &'p [u8]>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in parts {
        bytes.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}

/// Takes the next part; none once nothing is left.
pub(super) fn take<'b>(rest: &mut &'b [u8]) -> Option<&'b [u8]> {
    let (length, after) = rest.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX).min(after.len());
    let (part, after) = after.split_at(length);
    *rest = after;
    Some(part)
}

/// All parts.
pub(super) fn split(mut bytes: &[u8]) -> Vec<&[u8]> {
    std::iter::from_fn(|| take(&mut bytes)).collect()
}

/// Takes the next 8 bytes as a number; none where there are fewer.
pub(super) fn number(rest: &mut &[u8]) -> Option<u64> {
    let (number, after) = rest.split_first_chunk::<8>()?;
    *rest = after;
    Some(u64::from_be_bytes(*number))
}

/// Takes the next 32 bytes as a digest; none where there are fewer.
pub(super) fn digest(rest: &mut &[u8]) -> Option<optelsom_codebook::Hash256> {
    let (digest, after) = rest.split_first_chunk::<32>()?;
    *rest = after;
    Some(optelsom_codebook::Hash256::from_bytes(*digest))
}

#[cfg(test)]
mod tests {
    use super::{join, split};

    #[test]
    fn parts_come_back_and_any_bytes_are_some() {
        let parts: [&[u8]; 3] = [b"a", b"", b"bcd"];
        assert_eq!(split(&join(parts)), parts);
        assert_eq!(split(&[0xff, 0xff, 0xff, 0xff, 7]), [&[7][..]]);
        assert!(split(&[0, 0, 0]).is_empty());
    }
}
