//! The daemon's one error: a kind to branch on, a message for the user, a source for the log.
//! Foreign errors enter through [`Context::context`] alone, so no I/O error turns into a 404.

use serde::{Deserialize, Serialize};
use std::error::Error as StdError;
use std::fmt;

/// `Result` with the daemon's error.
pub type Result<T, E = Error> = std::result::Result<T, E>;

type Source = Box<dyn StdError + Send + Sync>;

/// What a caller may branch on; `api/error.rs` gives each its HTTP status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// The request is wrong (400).
    Invalid,
    /// The caller may not do this (403).
    Forbidden,
    /// There is no such thing (404).
    NotFound,
    /// It exists already, or another request got there first (409).
    Conflict,
    /// The `If-Match` of the request names an older state (412).
    Stale,
    /// The `Idempotency-Key` of the request was used for another one (422).
    Mismatch,
    /// Too many of them at once, or too soon after a wrong password (429).
    Busy,
    /// Not built, for a path that LXD has (501).
    NotImplemented,
    /// No majority of the members can be reached (503).
    Unavailable,
    /// A server that is needed for it does not answer (503).
    Unreachable,
    /// This server's replica is lost: it needs another, under another id (503).
    Lost,
    /// A refusal that LXD answers with 500, or a fault of the daemon or its host (500).
    Internal,
}

/// What went wrong, told by the action that failed.
#[derive(Debug)]
pub struct Error {
    /// What to branch on.
    pub kind: Kind,
    /// What the user sees.
    pub message: String,
    source: Option<Source>,
}

impl Error {
    /// An error of a kind, with the text that the user sees.
    pub fn new(kind: Kind, message: impl fmt::Display) -> Self {
        Self { kind, message: message.to_string(), source: None }
    }

    /// The request is wrong.
    pub fn invalid(message: impl fmt::Display) -> Self {
        Self::new(Kind::Invalid, message)
    }

    /// The caller may not do this.
    pub fn forbidden(message: impl fmt::Display) -> Self {
        Self::new(Kind::Forbidden, message)
    }

    /// There is no such thing.
    pub fn not_found(message: impl fmt::Display) -> Self {
        Self::new(Kind::NotFound, message)
    }

    /// It exists already.
    pub fn conflict(message: impl fmt::Display) -> Self {
        Self::new(Kind::Conflict, message)
    }

    /// No majority can be reached.
    pub fn unavailable(message: impl fmt::Display) -> Self {
        Self::new(Kind::Unavailable, message)
    }

    /// A fault, or a refusal that LXD answers with 500.
    pub fn internal(message: impl fmt::Display) -> Self {
        Self::new(Kind::Internal, message)
    }

    /// Hangs the cause from it, for the log.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Source>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Puts LXD's words for the failed action before the message; kind and source stay.
    #[must_use]
    pub fn prefix(mut self, action: impl fmt::Display) -> Self {
        self.message = format!("{action}: {}", self.message);
        self
    }

    /// The message and all its causes, for the log and for root on the socket.
    pub fn chain(&self) -> String {
        let mut text = self.message.clone();
        let mut cause = self.source();
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_ref().map(|source| &**source as &(dyn StdError + 'static))
    }
}

/// Turns a foreign error into ours, named by the action that failed ("verb object").
pub trait Context<T> {
    /// `fs::read(path).context("read the certificate")?` gives "Failed to read the certificate".
    fn context(self, action: impl fmt::Display) -> Result<T>;
}

impl<T, E: Into<Source>> Context<T> for std::result::Result<T, E> {
    fn context(self, action: impl fmt::Display) -> Result<T> {
        self.map_err(|source| Error {
            kind: Kind::Internal,
            message: format!("Failed to {action}"),
            source: Some(source.into()),
        })
    }
}

impl<T> Context<T> for Option<T> {
    fn context(self, action: impl fmt::Display) -> Result<T> {
        self.ok_or_else(|| Error::internal(format_args!("Failed to {action}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_error_is_internal_and_keeps_its_cause() {
        let missing = std::io::Error::from(std::io::ErrorKind::NotFound);
        let error = Err::<(), _>(missing).context("read server.crt").expect_err("it is an error");
        assert_eq!(error.kind, Kind::Internal);
        assert_eq!(error.message, "Failed to read server.crt");
        assert_eq!(error.chain(), "Failed to read server.crt: entity not found");
    }
}
