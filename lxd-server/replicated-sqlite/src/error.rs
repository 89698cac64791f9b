//! What can go wrong for a caller.

use crate::NodeId;

/// Why a read, a write or a change of the group did not happen (or may not have happened).
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No majority of the voters, or no leader in time: try again later. A server answers 503.
    #[error("the database is unavailable: {why}{}", if *.may_take_effect { "; the change may still take effect" } else { "" })]
    Unavailable {
        /// What was missing.
        why: &'static str,
        /// The write may be in a log already, so a later majority may still bring it about.
        may_take_effect: bool,
    },
    /// Only the leader can do this.
    #[error("this member does not lead the group")]
    NotLeader {
        /// Who does, as far as this member knows.
        leader: Option<NodeId>,
    },
    /// The transaction, or the change of members, kept colliding with others.
    #[error("the transaction kept colliding with others")]
    Contended,
    /// It can never succeed as it is.
    #[error("refused: {0}")]
    Refused(String),
    /// SQLite's or sqlx's error, e.g. of a statement in a closure.
    #[error("database: {0}")]
    Sql(#[from] sqlx::Error),
    /// The disk.
    #[error("storage: {0}")]
    Io(#[from] std::io::Error),
    /// This member has been closed, or has stopped by itself: see [`Status::stopped`](crate::Status).
    #[error("this member has stopped")]
    Stopped,
}

impl Error {
    /// Nothing was sent anywhere: the call had no effect.
    pub(crate) const fn unavailable(why: &'static str) -> Self {
        Self::Unavailable { why, may_take_effect: false }
    }
}

/// Any error as an I/O error, which is what openraft takes from its stores.
pub(crate) fn io(error: impl std::error::Error + Send + Sync + 'static) -> std::io::Error {
    std::io::Error::other(error)
}
