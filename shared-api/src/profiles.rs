//! Profiles: `/1.0/profiles…`.

use serde::{Deserialize, Serialize};

use crate::config::{self, Devices, Map};
use crate::null;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Profile {
    #[serde(deserialize_with = "config::lenient")]
    pub config: Map,
    pub description: String,
    #[serde(deserialize_with = "config::lenient_devices")]
    pub devices: Devices,
    pub name: String,
    /// URLs of the instances that have it.
    #[serde(deserialize_with = "null::as_default")]
    pub used_by: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProfilesPost {
    #[serde(deserialize_with = "config::lenient")]
    pub config: Map,
    pub description: String,
    #[serde(deserialize_with = "config::lenient_devices")]
    pub devices: Devices,
    pub name: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProfilePut {
    #[serde(deserialize_with = "config::lenient")]
    pub config: Map,
    pub description: String,
    #[serde(deserialize_with = "config::lenient_devices")]
    pub devices: Devices,
}

/// Renames a profile.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProfilePost {
    pub name: String,
}
