//! Storage pools: `/1.0/storage-pools…`.

use serde::{Deserialize, Serialize};

use crate::config::{self, Map};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Pool {
    #[serde(deserialize_with = "config::lenient")]
    pub config: Map,
    pub description: String,
    pub name: String,
    pub driver: String,
    /// `null` for a pending pool in a list.
    pub used_by: Option<Vec<String>>,
    /// `Created`, `Pending`, `Errored` or `Unknown`.
    pub status: String,
    /// Names of the members that have it.
    pub locations: Option<Vec<String>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PoolsPost {
    #[serde(deserialize_with = "config::lenient")]
    pub config: Map,
    pub description: String,
    pub name: String,
    pub driver: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PoolPut {
    #[serde(deserialize_with = "config::lenient")]
    pub config: Map,
    pub description: String,
}
