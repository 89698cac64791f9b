//! The server itself: `/1.0`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::config::Values;
use crate::null;

/// The server as a trusted client sees it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Server {
    /// `null` for a restricted certificate.
    pub config: Option<Values>,
    pub api_extensions: Vec<String>,
    pub api_status: String,
    pub api_version: String,
    /// `trusted`.
    pub auth: String,
    pub public: bool,
    pub auth_methods: Vec<String>,
    pub environment: Environment,
}

/// The server as everybody may see it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ServerUntrusted {
    pub api_extensions: Vec<String>,
    pub api_status: String,
    pub api_version: String,
    /// `untrusted`.
    pub auth: String,
    pub public: bool,
    pub auth_methods: Vec<String>,
}

/// The part that PUT and PATCH change.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ServerPut {
    #[serde(deserialize_with = "null::as_default")]
    pub config: Values,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Environment {
    /// `host:port` of each address that the API is bound to.
    pub addresses: Vec<String>,
    pub architectures: Vec<String>,
    /// PEM.
    pub certificate: String,
    /// SHA-256 in hex.
    pub certificate_fingerprint: String,
    pub driver: String,
    pub driver_version: String,
    pub firewall: String,
    pub kernel: String,
    pub kernel_architecture: String,
    #[serde(deserialize_with = "null::as_default")]
    pub kernel_features: BTreeMap<String, String>,
    pub kernel_version: String,
    #[serde(deserialize_with = "null::as_default")]
    pub lxc_features: BTreeMap<String, String>,
    pub os_name: String,
    pub os_version: String,
    pub project: String,
    pub server: String,
    pub server_clustered: bool,
    pub server_event_mode: String,
    pub server_name: String,
    pub server_pid: u32,
    pub server_version: String,
    /// Drivers in use, joined by ` | `.
    pub storage: String,
    pub storage_version: String,
    pub storage_supported_drivers: Vec<StorageDriver>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct StorageDriver {
    pub name: String,
    pub version: String,
    pub remote: bool,
}
