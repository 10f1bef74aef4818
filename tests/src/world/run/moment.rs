//! Where in a round something happens to a supplier.

use optelsom_secagg::messages::CoordinatorMessage;

/// What a supplier is asked when something happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// Whether it takes part.
    Ask,
    /// To join.
    Join,
    /// To pair.
    Pair,
    /// To submit.
    Exchange,
    /// To certify.
    Certify,
    /// For its vote.
    Finalise,
    /// For its self-mask.
    Open,
}

impl Moment {
    /// All of them, in their order.
    pub const ALL: [Self; 7] =
        [Self::Ask, Self::Join, Self::Pair, Self::Exchange, Self::Certify, Self::Finalise, Self::Open];

    pub(super) fn of(message: &CoordinatorMessage) -> Option<Self> {
        match message {
            CoordinatorMessage::Ask { .. } => Some(Self::Ask),
            CoordinatorMessage::Join { .. } => Some(Self::Join),
            CoordinatorMessage::Pair { .. } => Some(Self::Pair),
            CoordinatorMessage::Exchange { .. } => Some(Self::Exchange),
            CoordinatorMessage::Certify { .. } => Some(Self::Certify),
            CoordinatorMessage::Finalise { .. } => Some(Self::Finalise),
            CoordinatorMessage::Open { .. } => Some(Self::Open),
            CoordinatorMessage::RecoverShares { .. } | CoordinatorMessage::Void | CoordinatorMessage::Ended { .. } => {
                None
            }
        }
    }
}
