//! What another member says besides answering.

/// Why another member takes no stream.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error("{0}")]
    Mistake(String),
    #[error("this member has been removed")]
    Removed,
    /// What it says about that.
    #[error("its replica has stopped")]
    Stopped(Option<String>),
}

/// What a member says of itself and of this one; forgotten with the stream that it said so on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    /// What it is in trouble with.
    pub(super) trouble: Option<String>,
    /// This member has been removed.
    pub(super) removed: bool,
}
