//! Mask streams: AES-256-CTR, read as little-endian words of 64 bits, one key per stream and column.

use std::fmt;

use aws_lc_rs::cipher::{AES_256, EncryptionContext, StreamingEncryptingKey, UnboundCipherKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::iv::FixedLength;
use curve25519_dalek::Scalar;
use thiserror::Error;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::entropy::expand;
use crate::round::Round;
use crate::rules::{Rule, Rules};

/// Bytes of stream made at a time: with the words that it is added to, well within the first-level cache.
const BLOCK_BYTES: usize = 8 * 1024;
static ZEROS: [u8; BLOCK_BYTES] = [0; BLOCK_BYTES];

/// Whether a stream is added or taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// Added.
    Plus,
    /// Taken away.
    Minus,
}

/// The cipher could not be set up; nothing was masked, so nothing may leave.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the cipher of the mask stream could not be set up")]
pub struct MaskError;

impl From<Unspecified> for MaskError {
    fn from(_: Unspecified) -> Self {
        Self
    }
}

/// A secret that masks of all columns are stretched from. Zeroised when dropped, never printed.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct MaskSeed {
    secret: [u8; 32],
    #[zeroize(skip)]
    sign: Sign,
}

impl MaskSeed {
    /// A seed of 32 uniform bytes (or a uniform scalar), whose streams are added or taken away.
    pub fn new(secret: [u8; 32], sign: Sign) -> Self {
        Self { secret, sign }
    }

    /// The same streams with the other sign: removes what the seed has masked.
    #[must_use]
    pub fn inverse(&self) -> Self {
        let sign = match self.sign {
            Sign::Plus => Sign::Minus,
            Sign::Minus => Sign::Plus,
        };
        Self { secret: self.secret, sign }
    }

    fn stretch<const N: usize>(&self, context: &Context<'_>, stream: &str, column: usize, output: &mut [u8; N]) {
        let column = if context.rules.has(Rule::KeyPerStream) { column } else { 0 };
        let info = context.round.statement("mask").text(stream).number(column as u64).finish();
        expand(&self.secret, &info, output);
    }
}

impl fmt::Debug for MaskSeed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "MaskSeed({:?}, secret)", self.sign)
    }
}

/// What the keys of streams are bound to.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Query, attempt and roster.
    pub round: &'a Round,
    /// All of them.
    pub rules: Rules,
}

/// Adds to (or takes away from) the words of one column the stream of each seed, modulo 2^64.
///
/// # Errors
/// When the cipher cannot be set up. The words are spoilt then, but not unmasked any further than they were.
pub fn mask_column(
    context: &Context<'_>,
    seeds: &[MaskSeed],
    column: usize,
    words: &mut [u64],
) -> Result<(), MaskError> {
    let mut streams = Vec::with_capacity(seeds.len());
    for seed in seeds {
        let mut key = Zeroizing::new([0; 32]);
        seed.stretch(context, "table", column, &mut key);
        let start = EncryptionContext::Iv128(FixedLength::from([0; 16]));
        let key = UnboundCipherKey::new(&AES_256, &key[..])?;
        streams.push((StreamingEncryptingKey::less_safe_ctr(key, start)?, seed.sign));
    }
    let mut block = Zeroizing::new([0; BLOCK_BYTES]);
    for run in words.chunks_mut(BLOCK_BYTES / 8) {
        // Whole cipher blocks, also where the words end in the middle of one.
        let length = (run.len() * 8).next_multiple_of(16).min(BLOCK_BYTES);
        for (stream, sign) in &mut streams {
            let zeros = ZEROS.get(..length).ok_or(MaskError)?;
            stream.less_safe_update(zeros, block.get_mut(..length).ok_or(MaskError)?)?;
            combine(run, &block[..], *sign);
        }
    }
    Ok(())
}

fn combine(words: &mut [u64], stream: &[u8], sign: Sign) {
    let (stream, _) = stream.as_chunks::<8>();
    match sign {
        Sign::Plus => words.iter_mut().zip(stream).for_each(|(w, s)| *w = w.wrapping_add(u64::from_le_bytes(*s))),
        Sign::Minus => words.iter_mut().zip(stream).for_each(|(w, s)| *w = w.wrapping_sub(u64::from_le_bytes(*s))),
    }
}

/// Adds to a blinding the scalar of each seed for this column, modulo ℓ.
pub fn mask_blinding(context: &Context<'_>, seeds: &[MaskSeed], column: usize, blinding: &Scalar) -> Scalar {
    seeds.iter().fold(*blinding, |sum, seed| {
        let mut wide = Zeroizing::new([0; 64]);
        seed.stretch(context, "blinding", column, &mut wide);
        let scalar = Zeroizing::new(Scalar::from_bytes_mod_order_wide(&wide));
        match seed.sign {
            Sign::Plus => sum + *scalar,
            Sign::Minus => sum - *scalar,
        }
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use optelsom_codebook::{Hash256, QueryId};

    use super::*;
    use crate::messages::Attempt;

    fn round() -> Round {
        let (query, roster) = (QueryId::from_bytes([1; 32]), Hash256::from_bytes([2; 32]));
        Round { query, attempt: Attempt::new(3).unwrap(), roster }
    }

    fn seed(sign: Sign) -> MaskSeed {
        MaskSeed::new(std::array::from_fn(|i| u8::try_from(i).unwrap()), sign)
    }

    /// Computed apart with Python's hmac and OpenSSL's aes-256-ctr from the description of the key derivation.
    #[test]
    fn known_answers() {
        let round = round();
        let context = Context { round: &round, rules: Rules::all() };
        let expected = [
            [0xa695_47ad_16ef_a02c, 0x5e8c_c8bf_a45a_a707, 0x9673_17c7_05af_f997, 0x9f32_a318_fe0d_83a0],
            [0xf6c0_5f06_57c1_a5d6, 0xc9c0_4a94_98e9_1a0d, 0x5dfb_0091_5c94_514f, 0xc3f7_9788_a417_ba77],
        ];
        let blindings = [
            "de238a9c23cee0f8539a5eb4e48529fb9532d101ac4e1949fd771b68e31e060b",
            "f0cef6ba6c7afd102eb5dab3aeb34ed7ef3f5d002a12d38f3a6fd9196d3dd105",
        ];
        for (column, (expected, blinding)) in expected.iter().zip(blindings).enumerate() {
            for length in 1..=4 {
                let mut words = vec![0; length];
                mask_column(&context, &[seed(Sign::Plus)], column, &mut words).unwrap();
                assert_eq!(words, expected[..length]);
            }
            let masked = mask_blinding(&context, &[seed(Sign::Plus)], column, &Scalar::ZERO);
            assert_eq!(hex::encode(masked.to_bytes()), blinding);
        }
    }

    #[test]
    fn masks_come_off_again_at_any_length() {
        let round = round();
        let context = Context { round: &round, rules: Rules::all() };
        let seeds = [seed(Sign::Plus), MaskSeed::new([9; 32], Sign::Minus), MaskSeed::new([10; 32], Sign::Plus)];
        let inverses: Vec<_> = seeds.iter().map(MaskSeed::inverse).collect();
        for length in [0, 1, 2, 3, 1023, 1024, 1025, 5000] {
            let plain: Vec<u64> = (0..length).collect();
            let mut words = plain.clone();
            mask_column(&context, &seeds, 4, &mut words).unwrap();
            assert!(length == 0 || words != plain);
            mask_column(&context, &inverses, 4, &mut words).unwrap();
            assert_eq!(words, plain);
        }
        let blinding = Scalar::from(123_u64);
        let masked = mask_blinding(&context, &seeds, 4, &blinding);
        assert_eq!(mask_blinding(&context, &inverses, 4, &masked), blinding);
    }

    #[test]
    fn every_round_and_column_has_streams_of_its_own() {
        let word = |round: Round, column| {
            let mut words = [0; 2];
            let context = Context { round: &round, rules: Rules::all() };
            mask_column(&context, &[seed(Sign::Plus)], column, &mut words).unwrap();
            words
        };
        let (first, next) = (round(), Round { attempt: Attempt::new(4).unwrap(), ..round() });
        let other = Round { query: QueryId::from_bytes([8; 32]), ..round() };
        let all = [word(first, 0), word(first, 1), word(next, 0), word(other, 0)];
        for (index, one) in all.iter().enumerate() {
            assert!(all[index + 1..].iter().all(|another| another != one));
        }
    }
}
