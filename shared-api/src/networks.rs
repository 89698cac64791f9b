//! Networks: `/1.0/networks…`.

use serde::{Deserialize, Serialize};

use crate::config::{self, Map};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Network {
    #[serde(deserialize_with = "config::lenient")]
    pub config: Map,
    pub description: String,
    pub name: String,
    /// `bridge`, or what kind of interface an unmanaged one is.
    #[serde(rename = "type")]
    pub kind: String,
    /// `null` for some unmanaged interfaces.
    pub used_by: Option<Vec<String>>,
    pub managed: bool,
    /// `Created`, `Pending`, `Errored` or `Unknown`; empty when unmanaged.
    pub status: String,
    /// Names of the members that have it; `null` when unmanaged.
    pub locations: Option<Vec<String>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NetworksPost {
    #[serde(deserialize_with = "config::lenient")]
    pub config: Map,
    pub description: String,
    pub name: String,
    /// Empty means `bridge`.
    #[serde(rename = "type")]
    pub kind: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NetworkPut {
    #[serde(deserialize_with = "config::lenient")]
    pub config: Map,
    pub description: String,
}

/// Renames a network.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NetworkPost {
    pub name: String,
}
