//! What to ask of the server so that it becomes what a preseed says, given what it is.
//!
//! As in LXD an object that exists is merged with what the preseed says of it: keys that the preseed
//! does not name stay, and so does a description that it leaves empty. An empty value unsets its key.

mod cluster;
mod objects;
mod server;

pub(super) use cluster::{Membership, cluster};
pub(super) use objects::{network, pool, profile, project};
pub(super) use server::server;

use crate::client::{Answer, Request};
use reqwest::Method;
use serde::Serialize;
use serde_json::Value;
use shared_api::config::Map;

/// The object of a step that changes the server's configuration.
pub(super) const CONFIG: &str = "config";

/// All that has to be done, in this order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Plan {
    pub(super) steps: Vec<Step>,
    /// The last step: founding or joining a cluster, after which nothing is taken back.
    pub(super) cluster: Option<Membership>,
}

impl Plan {
    /// Whether the server is what it should be.
    pub(super) fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.cluster.is_none()
    }
}

/// One change of the server.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Step {
    /// Such as `create storage pool "default"`.
    pub(super) action: String,
    /// What is changed, such as `storage_pools/default`.
    pub(super) object: String,
    pub(super) request: Request,
    /// Takes it back.
    pub(super) undo: Request,
}

/// What is created: how it is called, where it is listed and where it is found.
struct New<'a> {
    action: String,
    object: String,
    list: &'a str,
    url: String,
}

fn create(new: New<'_>, body: &impl Serialize) -> Step {
    Step {
        action: new.action,
        object: new.object,
        request: Request::new(Method::POST, new.list, json(body)),
        undo: Request::new(Method::DELETE, new.url, Value::Null),
    }
}

/// What is changed: how it is called, where it is, and as what it was read.
struct Old<'a, T> {
    action: String,
    object: String,
    url: String,
    current: &'a Answer<T>,
}

fn update<T>(changed: Old<'_, T>, old: impl Serialize, new: impl Serialize) -> Step {
    let request = Request::new(Method::PUT, changed.url.clone(), json(&new));
    Step {
        action: changed.action,
        object: changed.object,
        request: Request { if_match: changed.current.etag.clone(), ..request },
        undo: Request::new(Method::PUT, changed.url, json(&old)),
    }
}

pub(super) fn json(body: &impl Serialize) -> Value {
    serde_json::to_value(body).expect("the wire's types are plain data")
}

fn merged(current: &Map, wanted: &Map) -> Map {
    let mut config = current.clone();
    for (key, value) in wanted {
        if value.is_empty() {
            config.remove(key);
        } else {
            config.insert(key.clone(), value.clone());
        }
    }
    config
}

fn either(wanted: &str, current: &str) -> String {
    if wanted.is_empty() { current.to_owned() } else { wanted.to_owned() }
}

#[cfg(test)]
mod tests;
