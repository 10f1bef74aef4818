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

    fn stretch(&self, context: &Context<'_>, stream: &str, column: usize, output: &mut [u8]) {
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
        seed.stretch(context, "table", column, &mut key[..]);
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
        seed.stretch(context, "blinding", column, &mut wide[..]);
        let scalar = Zeroizing::new(Scalar::from_bytes_mod_order_wide(&wide));
        match seed.sign {
            Sign::Plus => sum + *scalar,
            Sign::Minus => sum - *scalar,
        }
    })
}
