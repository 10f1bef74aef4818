//! The peer that a contribution is measured against: Prio3SumVec, the nearest in what it promises (sums of vectors among
//! parties that do not trust each other, each contribution checked).

use prio::vdaf::prio3::Prio3;
use prio::vdaf::{Aggregator, Client, VdafError, VerifyTransition};

const CONTEXT: &[u8] = b"bench";
/// The largest cell: 16 bits.
const LARGEST: u128 = u16::MAX as u128;
const BITS: usize = 16;

/// Shards one vector and verifies both shares: what one contribution costs all parties together.
///
/// # Errors
/// Those of the library; none for vectors of 16-bit figures.
pub fn contribute(vector: &[u128]) -> Result<(), VdafError> {
    // The proof is smallest and fastest where chunks are as long as they are many.
    let chunk = (vector.len() * BITS).isqrt();
    let vdaf = Prio3::new_sum_vec(2, LARGEST, vector.len(), chunk)?;
    let (nonce, verify_key) = ([7; 16], [9; 32]);
    let (public, shares) = vdaf.shard(CONTEXT, &vector.to_vec(), &nonce)?;
    let verify = |(id, share)| vdaf.verify_init(&verify_key, CONTEXT, id, &(), &nonce, &public, share);
    let begun = shares.iter().enumerate().map(verify).collect::<Result<Vec<_>, _>>()?;
    let (states, verifiers): (Vec<_>, Vec<_>) = begun.into_iter().unzip();
    let message = vdaf.verifier_shares_to_message(CONTEXT, &(), verifiers)?;
    for state in states {
        match vdaf.verify_next(CONTEXT, state, message.clone())? {
            VerifyTransition::Finish(output) => drop(std::hint::black_box(output)),
            VerifyTransition::Continue(..) => {
                return Err(VdafError::Uncategorized("one round was expected".to_owned()));
            }
        }
    }
    Ok(())
}
