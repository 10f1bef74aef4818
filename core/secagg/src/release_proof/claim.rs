//! What a release says of each cell.

use optelsom_disclosure::Policy;
use optelsom_ledger::canonical::Writer;
use thiserror::Error;

/// The most values that a cell can be proved to have one of: k − 1 for *too few*, the rounding errors for rounded cells.
/// The prover's work grows with it for each such cell.
pub const MOST_VALUES: usize = 256;

/// The largest magnitude of a rounding error.
const MOST_ERROR: u64 = 1 << 32;

/// What a release says of one cell of one column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CellClaim {
    /// The total is this.
    Shown(i64),
    /// The total is this value and one of the rounding errors of the rule in force.
    Rounded {
        /// The value after rounding.
        value: i64,
    },
    /// The total is more than 0 and less than k.
    TooFew,
    /// Nothing is said of the total.
    Hidden,
}

/// The number that stands for *rounded* and *too few* in [`Protection`]'s lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Set {
    TooFew,
    Rounded,
}

impl Set {
    pub(super) const ALL: [Self; 2] = [Self::TooFew, Self::Rounded];

    pub(super) const fn index(self) -> usize {
        match self {
            Self::TooFew => 0,
            Self::Rounded => 1,
        }
    }
}

impl CellClaim {
    /// What is known of the total, and the set that the rest is one of; nothing where the total is shown.
    pub(super) fn secret(self) -> Option<(i64, Option<Set>)> {
        match self {
            Self::Shown(_) => None,
            Self::Rounded { value } => Some((value, Some(Set::Rounded))),
            Self::TooFew => Some((0, Some(Set::TooFew))),
            Self::Hidden => Some((0, None)),
        }
    }

    /// Adds the claim to bytes: one that says which, then the value where there is one. Claims in a row read back in one
    /// way only.
    pub(super) fn write(self, bytes: &mut Vec<u8>) {
        let (kind, value) = match self {
            Self::Shown(value) => (1, Some(value)),
            Self::Rounded { value } => (2, Some(value)),
            Self::TooFew => (3, None),
            Self::Hidden => (4, None),
        };
        bytes.push(kind);
        bytes.extend(value.into_iter().flat_map(i64::to_be_bytes));
    }
}

/// A rounding rule, by the errors that it makes: total minus value shown.
///
/// Rounding to the nearest multiple of 5 makes −2 … 2; rounding to a multiple of 10 with halves up −5 … 4; random
/// rounding to base 3 −2 … 2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rounding(Vec<i64>);

/// Errors that no rounding rule makes.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum RoundingError {
    /// None, or more than can be proved.
    #[error("a rounding rule has {0} possible errors; it must have 1 to {MOST_VALUES}")]
    Count(usize),
    /// Not in order, one twice, or one too large.
    #[error("the errors of a rounding rule must be in ascending order, each once, of a magnitude up to 2^32")]
    Order,
}

impl Rounding {
    /// Takes the possible errors, in ascending order, each once: 1 to [`MOST_VALUES`] of them, none beyond ±2^32.
    ///
    /// # Errors
    /// For any other list.
    pub fn new(errors: Vec<i64>) -> Result<Self, RoundingError> {
        if errors.is_empty() || errors.len() > MOST_VALUES {
            return Err(RoundingError::Count(errors.len()));
        }
        let ascending = errors.windows(2).all(|pair| matches!(pair, [a, b] if a < b));
        if !ascending || errors.iter().any(|error| error.unsigned_abs() > MOST_ERROR) {
            return Err(RoundingError::Order);
        }
        Ok(Self(errors))
    }

    /// Rounding to the nearest multiple of `base`, half a base up: what disclosure control does. 1 to [`MOST_VALUES`].
    ///
    /// # Errors
    /// For any other base.
    pub fn nearest(base: u64) -> Result<Self, RoundingError> {
        let count = usize::try_from(base).unwrap_or(usize::MAX);
        let base = i64::try_from(base).ok().filter(|_| (1..=MOST_VALUES).contains(&count));
        let base = base.ok_or(RoundingError::Count(count))?;
        Self::new((-(base / 2)..base - base / 2).collect())
    }

    /// The possible errors, in ascending order.
    pub fn errors(&self) -> &[i64] {
        &self.0
    }
}

/// What *too few* and *rounded* mean in a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protection {
    minimum_frequency: u64,
    rounding: Option<Rounding>,
}

impl Protection {
    /// That of a disclosure policy. Rounding to a base of more than [`MOST_VALUES`] can't be proved, and is left out.
    pub fn of(policy: &Policy) -> Self {
        let rounding = policy.rounding_base().and_then(|base| Rounding::nearest(base).ok());
        Self { minimum_frequency: policy.minimum_frequency(), rounding }
    }

    /// With this k, and nothing rounded.
    pub fn new(minimum_frequency: u64) -> Self {
        Self { minimum_frequency, rounding: None }
    }

    /// The same, with cells rounded by this rule.
    #[must_use]
    pub fn with_rounding(self, rounding: Rounding) -> Self {
        Self { rounding: Some(rounding), ..self }
    }

    /// k: *too few* is 1 to k − 1.
    pub fn minimum_frequency(&self) -> u64 {
        self.minimum_frequency
    }

    /// The rule by which cells are rounded, if any are.
    pub fn rounding(&self) -> Option<&Rounding> {
        self.rounding.as_ref()
    }

    /// Whether *too few* can be proved: there is such a number, and no more of them than [`MOST_VALUES`].
    pub fn proves_too_few(&self) -> bool {
        (2..=MOST_VALUES as u64 + 1).contains(&self.minimum_frequency)
    }

    /// The values that members of a set may have; none where nothing can be in it.
    pub(super) fn values(&self, set: Set) -> Vec<i64> {
        match set {
            Set::TooFew if self.proves_too_few() => (1..self.minimum_frequency.cast_signed()).collect(),
            Set::TooFew => Vec::new(),
            Set::Rounded => self.rounding.as_ref().map_or_else(Vec::new, |rule| rule.errors().to_vec()),
        }
    }

    pub(super) fn write(&self, writer: Writer) -> Writer {
        let errors = self.rounding.as_ref().map_or(&[][..], Rounding::errors);
        writer.number(self.minimum_frequency).list(errors, |w, error| w.bytes(&error.to_be_bytes()))
    }
}
