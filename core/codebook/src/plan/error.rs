//! Why a question cannot be planned.

/// Why a question, though it can be read, cannot be planned. The analyst is at fault; nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The table would be too large.
    #[error(
        "the table would have {cells} cells, more than the {limit} allowed; shorten `{axis}`, which has {codes} values, \
         by a condition, or leave an axis out"
    )]
    TooManyCells {
        /// How many cells were asked for.
        cells: u128,
        /// How many there may be.
        limit: usize,
        /// The longest axis.
        axis: String,
        /// How many values that axis shows.
        codes: usize,
    },
    /// The measure's values are so large that their squares cannot be added.
    #[error(
        "the variance of `{measure}` cannot be asked: squares of its largest values cannot be added; ask SUM or AVG"
    )]
    SquaresTooLarge {
        /// The measure's name.
        measure: String,
    },
    /// The noise that hides one row would be too large to be added up.
    #[error(
        "`{figure}` cannot be asked with so much noise: a single row can change it by so much that the noise would not fit \
         a sum; ask for a larger epsilon, fewer figures or fewer groupings"
    )]
    TooMuchNoise {
        /// The figure's name in files.
        figure: String,
    },
    /// The question was read with another codebook.
    #[error("the question was read with another codebook than the one it is planned with; read it again")]
    OtherCodebook,
}
