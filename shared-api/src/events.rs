//! What the events websocket sends: one JSON text frame for each event.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    #[serde(rename = "type")]
    pub kind: Kind,
    pub timestamp: Timestamp,
    /// An operation, a [`Lifecycle`] or a [`Logging`], by `kind`.
    pub metadata: Value,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub location: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub project: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Operation,
    Logging,
    Lifecycle,
}

/// Something was made, changed or deleted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Lifecycle {
    /// Such as `profile-created`.
    pub action: String,
    /// URL of the object, with its project.
    pub source: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requestor: Option<Requestor>,
}

/// Who asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Requestor {
    pub username: String,
    /// `unix`, `tls` or `cluster`.
    pub protocol: String,
    /// `@` on the unix socket.
    pub address: String,
}

/// A line of the daemon's log.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Logging {
    pub message: String,
    pub level: String,
    #[serde(deserialize_with = "crate::config::lenient")]
    pub context: crate::config::Map,
}
