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
    /// The log is damaged, gone or an older one, or the state is lost beyond what the log goes back to: this
    /// member must not act under its id any more, for its vote and what it acknowledged may be among what
    /// was lost. It can come back under a new id.
    #[error("the replica is lost: {0}")]
    Lost(String),
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
    /// This member was closed or stopped by itself while it waited for an answer.
    #[error("the database on this member has stopped")]
    Stopped,
}

impl Error {
    /// Nothing was sent anywhere: the call had no effect.
    pub(crate) const fn unavailable(why: Why) -> Self {
        Self::Unavailable { why, may_take_effect: false }
    }

    /// This member has stopped, perhaps with the write in a log.
    pub(crate) const fn stopped(may_take_effect: bool) -> Self {
        match may_take_effect {
            true => Self::Unavailable { why: Why::Stopped, may_take_effect },
            false => Self::Stopped,
        }
    }
}

/// Whether an error of SQLite comes from the disk or the system, and says nothing about what the file holds.
pub(crate) fn is_trouble(error: &sqlx::Error) -> bool {
    use libsqlite3_sys as c;
    const TROUBLE: [i32; 9] = [
        c::SQLITE_PERM,
        c::SQLITE_BUSY,
        c::SQLITE_LOCKED,
        c::SQLITE_NOMEM,
        c::SQLITE_READONLY,
        c::SQLITE_IOERR,
        c::SQLITE_FULL,
        c::SQLITE_CANTOPEN,
        c::SQLITE_AUTH,
    ];
    match error {
        sqlx::Error::Database(error) => {
            let code = error.code().and_then(|code| code.parse::<i32>().ok());
            code.is_some_and(|code| TROUBLE.contains(&(code & 0xff)))
        }
        sqlx::Error::Io(_) | sqlx::Error::WorkerCrashed => true,
        _ => false,
    }
}

/// Any error as an I/O error, which is what openraft takes from its stores.
pub(crate) fn io(error: impl std::error::Error + Send + Sync + 'static) -> std::io::Error {
    std::io::Error::other(error)
}
