//! Work that goes on after its request was answered.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Work in the background, at an instant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Operation {
    pub id: Uuid,
    pub class: Class,
    pub description: String,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// The text of `status_code`.
    pub status: String,
    pub status_code: StatusCode,
    /// URLs of what is worked on, by kind.
    pub resources: Option<BTreeMap<String, Option<Vec<String>>>>,
    pub metadata: Option<serde_json::Map<String, serde_json::Value>>,
    pub may_cancel: bool,
    /// Why it failed, or empty.
    pub err: String,
    /// Name of the member that runs it; `none` on a server that is not in a cluster.
    #[serde(default)]
    pub location: String,
}

/// Operations of a list with `recursion=1`, by lower-case status; `{}` when there are none.
pub type ByStatus = BTreeMap<String, Vec<Operation>>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    Task,
    Websocket,
    Token,
}

/// State of an operation or of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
#[repr(u16)]
pub enum StatusCode {
    OperationCreated = 100,
    Started = 101,
    Stopped = 102,
    Running = 103,
    Cancelling = 104,
    Pending = 105,
    Starting = 106,
    Stopping = 107,
    Aborting = 108,
    Freezing = 109,
    Frozen = 110,
    Thawed = 111,
    Error = 112,
    Ready = 113,
    Success = 200,
    Failure = 400,
    Cancelled = 401,
}

/// A number that is no [`StatusCode`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown status code {0}")]
pub struct UnknownStatusCode(pub u16);

impl StatusCode {
    const ALL: [(Self, &'static str); 17] = [
        (Self::OperationCreated, "Operation created"),
        (Self::Started, "Started"),
        (Self::Stopped, "Stopped"),
        (Self::Running, "Running"),
        (Self::Cancelling, "Cancelling"),
        (Self::Pending, "Pending"),
        (Self::Starting, "Starting"),
        (Self::Stopping, "Stopping"),
        (Self::Aborting, "Aborting"),
        (Self::Freezing, "Freezing"),
        (Self::Frozen, "Frozen"),
        (Self::Thawed, "Thawed"),
        (Self::Error, "Error"),
        (Self::Ready, "Ready"),
        (Self::Success, "Success"),
        (Self::Failure, "Failure"),
        (Self::Cancelled, "Cancelled"),
    ];

    /// The word for users.
    pub fn text(self) -> &'static str {
        let known = Self::ALL.iter().find(|(code, _)| *code == self);
        known.map(|(_, text)| *text).expect("every code has its text")
    }

    /// Whether it will not change any more.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Success | Self::Failure | Self::Cancelled)
    }
}

impl From<StatusCode> for u16 {
    fn from(code: StatusCode) -> Self {
        code as Self
    }
}

impl TryFrom<u16> for StatusCode {
    type Error = UnknownStatusCode;

    fn try_from(number: u16) -> Result<Self, UnknownStatusCode> {
        let known = Self::ALL.iter().find(|(code, _)| u16::from(*code) == number);
        known.map(|(code, _)| *code).ok_or(UnknownStatusCode(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_numbers_agree() {
        for (code, text) in StatusCode::ALL {
            assert_eq!(StatusCode::try_from(u16::from(code)), Ok(code));
            assert_eq!(code.text(), text);
        }
        assert_eq!(StatusCode::try_from(99), Err(UnknownStatusCode(99)));
    }
}
