//! Projects: `/1.0/projects…`.

use serde::{Deserialize, Serialize};

use crate::config::{self, Map};
use crate::null;

/// The project that is always there, and that everything is in unless a request names another.
pub const DEFAULT: &str = "default";

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Project {
    #[serde(deserialize_with = "config::lenient")]
    pub config: Map,
    pub description: String,
    pub name: String,
    /// URLs of the objects in it.
    #[serde(deserialize_with = "null::as_default")]
    pub used_by: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProjectsPost {
    #[serde(deserialize_with = "config::lenient")]
    pub config: Map,
    pub description: String,
    pub name: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProjectPut {
    #[serde(deserialize_with = "config::lenient")]
    pub config: Map,
    pub description: String,
}

/// Renames a project.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProjectPost {
    pub name: String,
}
