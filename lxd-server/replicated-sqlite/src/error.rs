//! What can go wrong for a caller. The texts are for whoever uses the application: none names a part of this crate.

use crate::NodeId;

/// Why a read, a write or a change of the group did not happen (or may not have happened).
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not now: try again later. A server answers 503.
    #[error("{why}{}", if *.may_take_effect { "; the change may still take effect" } else { "" })]
    Unavailable {
        /// What was missing.
        why: Why,
        /// The write may be in a log already, so a later majority may still bring it about.
        may_take_effect: bool,
    },
    /// Only the leader can do this.
    #[error("another member leads")]
    NotLeader {
        /// Who does, as far as this member knows.
        leader: Option<NodeId>,
    },
    /// The transaction, or the change of members, kept colliding with others.
    #[error("others changed the same at the same time")]
    Contended,
    /// It can never succeed as it is.
    #[error("{0}")]
    Refused(String),
    /// SQLite's or sqlx's error, e.g. of a statement in a closure.
    #[error("database: {0}")]
    Sql(#[from] sqlx::Error),
    /// The disk.
    #[error("storage: {0}")]
    Io(#[from] std::io::Error),
    /// This member has been closed, or has stopped by itself: see [`Status::stopped`](crate::Status).
    #[error("the database on this member has stopped")]
    Stopped,
}

/// What was missing for a call to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// A majority of the voters does not answer this member.
    #[error("the majority of the members does not answer")]
    NoMajority,
    /// A majority answers, but none that leads could be reached before the deadline.
    #[error("no member took the lead in time")]
    NoLeader,
    /// This member belongs to no group yet.
    #[error("this member belongs to no cluster yet")]
    NoGroup,
    /// What was written has not arrived at this member before the deadline.
    #[error("this member lags behind the others")]
    Behind,
    /// The deadline passed before it was done.
    #[error("it took too long")]
    Late,
    /// The closure ran longer than [`Options::closure_max`](crate::Options::closure_max).
    #[error("the change held up all others for too long and was given up")]
    Hung,
}

impl Error {
    /// Nothing was sent anywhere: the call had no effect.
    pub(crate) const fn unavailable(why: Why) -> Self {
        Self::Unavailable { why, may_take_effect: false }
    }
}

/// Any error as an I/O error, which is what openraft takes from its stores.
pub(crate) fn io(error: impl std::error::Error + Send + Sync + 'static) -> std::io::Error {
    std::io::Error::other(error)
}
