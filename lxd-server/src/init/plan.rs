//! What to ask of the server so that it becomes what a preseed says, given what it is.
//!
//! As in LXD an object that exists is merged with what the preseed says of it: keys that the preseed
//! does not name stay, and so does a description that it leaves empty.

use crate::client::{Answer, Request};
use crate::error::{Error, Result};
use reqwest::Method;
use serde::Serialize;
use serde_json::{Value, json};
use shared_api::address::Address;
use shared_api::cluster::{Cluster, ClusterPut, JoinToken};
use shared_api::config::{Devices, Map, Values};
use shared_api::init::{self, ClusterPreseed};
use shared_api::server::{Environment, Server};
use shared_api::{networks, paths, profiles, projects, storage};

const HTTPS_ADDRESS: &str = "core.https_address";
const CLUSTER_ADDRESS: &str = "cluster.https_address";
const TRUST_PASSWORD: &str = "core.trust_password";

/// One change of the server.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Step {
    /// Such as `create storage pool "default"`.
    pub(super) action: String,
    pub(super) request: Request,
    /// Takes it back.
    pub(super) undo: Request,
}

/// The server's configuration. The first member of a cluster listens for the others where it listens
/// for clients.
///
/// A trust password is always sent, so that the server checks it. If it was another before, it
/// cannot be put back.
pub(super) fn server(
    config: &Map,
    cluster: Option<&ClusterPreseed>,
    current: &Answer<Server>,
) -> Option<Step> {
    let old = current.metadata.config.clone().unwrap_or_default();
    let mut new = old.clone();
    for (key, value) in config {
        new.insert(key.clone(), server_value(key, value));
    }
    let clustered = current.metadata.environment.server_clustered;
    if !clustered && cluster.is_some_and(|cluster| cluster.enabled && !is_join(cluster)) {
        listen_for_members(&mut new);
    }
    let body = |config: &Values| json!({ "config": config });
    let action = "update server configuration".to_owned();
    (new != old).then(|| update(action, paths::API.into(), current, body(&old), body(&new)))
}

/// A storage pool.
///
/// # Errors
/// It exists with another driver.
pub(super) fn pool(
    pool: &init::Pool,
    current: Option<&Answer<storage::Pool>>,
) -> Result<Option<Step>> {
    let name = &pool.name;
    let Some(current) = current else {
        let body = storage::PoolsPost::from(pool.clone());
        let action = format!("create storage pool \"{name}\"");
        let url = paths::storage_pool(name);
        return Ok(Some(create(action, paths::STORAGE_POOLS.into(), &body, url)));
    };
    let storage::Pool { config, description, driver, .. } = &current.metadata;
    if *driver != pool.driver {
        let wanted = &pool.driver;
        return Err(Error::invalid(format_args!(
            "Storage pool \"{name}\" is of type \"{driver}\" instead of \"{wanted}\""
        )));
    }
    let old = storage::PoolPut { config: config.clone(), description: description.clone() };
    let new = storage::PoolPut {
        config: merged(config, &pool.config),
        description: either(&pool.description, description),
    };
    let action = format!("update storage pool \"{name}\"");
    Ok((new != old).then(|| update(action, paths::storage_pool(name), current, &old, &new)))
}

/// A network.
pub(super) fn network(
    network: &init::Network,
    current: Option<&Answer<networks::Network>>,
) -> Option<Step> {
    let (name, project) = (&network.name, project_of(network));
    let what = format!("local member network \"{name}\" in project \"{project}\"");
    let url = network_url(network);
    // Creating one that is there without the server says whose it is.
    let Some(current) = current.filter(|current| current.metadata.managed) else {
        let body = networks::NetworksPost::from(network.clone());
        let list = in_project(paths::NETWORKS, project);
        return Some(create(format!("create {what}"), list, &body, url));
    };
    let networks::Network { config, description, .. } = &current.metadata;
    let old = networks::NetworkPut { config: config.clone(), description: description.clone() };
    let mut wanted = network.config.clone();
    // An address that was chosen before is as good as one chosen now.
    wanted.retain(|key, value| {
        let chosen = config.get(key).is_some_and(|value| value.contains('/'));
        !(value == "auto" && chosen)
    });
    let new = networks::NetworkPut {
        config: merged(config, &wanted),
        description: either(&network.description, description),
    };
    (new != old).then(|| update(format!("update {what}"), url, current, &old, &new))
}

/// Where a network is found.
pub(super) fn network_url(network: &init::Network) -> String {
    in_project(&paths::network(&network.name), project_of(network))
}

/// The project of a network.
pub(super) fn project_of(network: &init::Network) -> &str {
    if network.project.is_empty() { "default" } else { &network.project }
}

/// A project.
pub(super) fn project(
    project: &init::Project,
    current: Option<&Answer<projects::Project>>,
) -> Option<Step> {
    let what = format!("local member project \"{}\"", project.name);
    let url = paths::project(&project.name);
    let Some(current) = current else {
        let body = projects::ProjectsPost::from(project.clone());
        return Some(create(format!("create {what}"), paths::PROJECTS.into(), &body, url));
    };
    let projects::Project { config, description, .. } = &current.metadata;
    let old = projects::ProjectPut { config: config.clone(), description: description.clone() };
    let new = projects::ProjectPut {
        config: merged(config, &project.config),
        description: either(&project.description, description),
    };
    (new != old).then(|| update(format!("update {what}"), url, current, &old, &new))
}

/// A profile. Devices are merged key by key.
pub(super) fn profile(
    profile: &init::Profile,
    current: Option<&Answer<profiles::Profile>>,
) -> Option<Step> {
    let what = format!("profile \"{}\"", profile.name);
    let url = paths::profile(&profile.name);
    let Some(current) = current else {
        let body = profiles::ProfilesPost::from(profile.clone());
        return Some(create(format!("create {what}"), paths::PROFILES.into(), &body, url));
    };
    let profiles::Profile { config, description, devices, .. } = &current.metadata;
    let old = profiles::ProfilePut {
        config: config.clone(),
        description: description.clone(),
        devices: devices.clone(),
    };
    let new = profiles::ProfilePut {
        config: merged(config, &profile.config),
        description: either(&profile.description, description),
        devices: merged_devices(devices, &profile.devices),
    };
    (new != old).then(|| update(format!("update {what}"), url, current, &old, &new))
}

/// The request that founds or joins a cluster, and LXD's words for what failed if it fails; nothing
/// if the server is what the preseed says, or if that says nothing.
///
/// # Errors
/// The server cannot be reached by the others of the cluster that it is to join.
pub(super) fn cluster(
    cluster: &ClusterPreseed,
    current: &Cluster,
    shown: &Environment,
) -> Result<Option<(&'static str, Request)>> {
    let is_member = current.enabled && current.server_name == cluster.server_name;
    if !cluster.enabled || (is_member && is_of(shown, cluster)) {
        return Ok(None);
    }
    if is_join(cluster) && cluster.server_address.is_empty() {
        let text = "Failed to configure cluster: No server address provided for this member";
        return Err(Error::invalid(text));
    }
    let body = ClusterPut {
        server_name: cluster.server_name.clone(),
        enabled: true,
        member_config: cluster.member_config.clone(),
        cluster_address: cluster.cluster_address.clone(),
        cluster_certificate: cluster.cluster_certificate.clone(),
        server_address: cluster.server_address.clone(),
        cluster_password: cluster.cluster_password.clone(),
    };
    let failure =
        if is_join(cluster) { "Failed to join cluster" } else { "Failed to configure cluster" };
    Ok(Some((failure, Request::new(Method::PUT, paths::CLUSTER, json(&body)))))
}

/// Whether a cluster exists already, and this server is to join it.
fn is_join(cluster: &ClusterPreseed) -> bool {
    !cluster.cluster_address.is_empty() || !cluster.cluster_token.is_empty()
}

/// Whether the certificate that a member shows is that of the cluster that is meant.
fn is_of(shown: &Environment, cluster: &ClusterPreseed) -> bool {
    match JoinToken::decode(&cluster.cluster_token) {
        Ok(token) => token.fingerprint.to_string() == shown.certificate_fingerprint,
        Err(_) => !is_join(cluster) || cluster.cluster_certificate == shown.certificate,
    }
}

fn in_project(path: &str, project: &str) -> String {
    match project {
        "default" => path.to_owned(),
        _ => paths::with_query(path, &[("project", project)]),
    }
}

fn listen_for_members(config: &mut Values) {
    let address = config.get(HTTPS_ADDRESS).and_then(Value::as_str).unwrap_or_default();
    let is_one_host = address.parse().is_ok_and(|address: Address| !address.is_wildcard());
    if is_one_host && !config.contains_key(CLUSTER_ADDRESS) {
        let address = Value::String(address.to_owned());
        config.insert(CLUSTER_ADDRESS.to_owned(), address);
    }
}

/// A trust password is shown as `true`, and sent back as that it means the one that is set.
fn server_value(key: &str, value: &str) -> Value {
    match (key, value) {
        (TRUST_PASSWORD, "true") => Value::Bool(true),
        _ => Value::String(value.to_owned()),
    }
}

fn merged(current: &Map, wanted: &Map) -> Map {
    let mut config = current.clone();
    config.extend(wanted.clone());
    config
}

fn merged_devices(current: &Devices, wanted: &Devices) -> Devices {
    let mut devices = current.clone();
    for (name, config) in wanted {
        devices.entry(name.clone()).or_default().extend(config.clone());
    }
    devices
}

fn either(wanted: &str, current: &str) -> String {
    if wanted.is_empty() { current.to_owned() } else { wanted.to_owned() }
}

fn create(action: String, list: String, body: &impl Serialize, object: String) -> Step {
    Step {
        action,
        request: Request::new(Method::POST, list, json(body)),
        undo: Request::new(Method::DELETE, object, Value::Null),
    }
}

fn update<T>(
    action: String,
    url: String,
    current: &Answer<T>,
    old: impl Serialize,
    new: impl Serialize,
) -> Step {
    let request = Request::new(Method::PUT, url.clone(), json(&new));
    Step {
        action,
        request: Request { if_match: current.etag.clone(), ..request },
        undo: Request::new(Method::PUT, url, json(&old)),
    }
}

fn json(body: &impl Serialize) -> Value {
    serde_json::to_value(body).expect("the wire's types are plain data")
}

#[cfg(test)]
mod tests;
