//! Storage pools, networks, projects and profiles.

use super::{New, Old, Step, create, either, merged, update};
use crate::app;
use crate::client::Answer;
use crate::error::{Error, Kind, Result};
use shared_api::config::{Devices, Map, network, pool};
use shared_api::init;
use shared_api::{networks, paths, profiles, projects, storage};

/// A storage pool; `own` are the keys that it has on this member.
///
/// # Errors
/// It exists with another driver or is made of something else, or no server could make it.
pub(in crate::init) fn pool(
    pool: &init::Pool,
    current: Option<&Answer<storage::Pool>>,
    own: &Map,
) -> Result<Option<Step>> {
    let name = &pool.name;
    let (what, object) = (format!("storage pool \"{name}\""), format!("storage_pools/{name}"));
    let failed = |verb, error: Error| error.prefix(format_args!("Failed to {verb} {what}"));
    let Some(current) = current else {
        let body = storage::PoolsPost::from(pool.clone());
        app::storage::check(&body).map_err(|error| failed("create", error))?;
        let url = paths::storage_pool(name);
        let new = New { action: format!("create {what}"), object, list: paths::STORAGE_POOLS, url };
        return Ok(Some(create(new, &body)));
    };
    let storage::Pool { config, description, driver, .. } = &current.metadata;
    if *driver != pool.driver {
        let wanted = &pool.driver;
        return Err(Error::invalid(format_args!(
            "Storage pool \"{name}\" is of type \"{driver}\" instead of \"{wanted}\""
        )));
    }
    let this = format!("Storage pool \"{name}\"");
    // A source is as good as what the server has made of it.
    let mut own = own.clone();
    if let Some(source) = own.get(pool::INITIAL_SOURCE).cloned()
        && pool.config.get("source") == Some(&source)
    {
        own.insert("source".to_owned(), source);
    }
    let shared = shared(&this, &pool.config, &own, pool::is_member_key)?;
    let old = storage::PoolPut { config: config.clone(), description: description.clone() };
    let new = storage::PoolPut {
        config: merged(config, &shared),
        description: either(&pool.description, description),
    };
    if new == old {
        return Ok(None);
    }
    let body = storage::PoolsPost { config: new.config.clone(), ..pool.clone().into() };
    app::storage::check(&body).map_err(|error| failed("update", error))?;
    let url = paths::storage_pool(name);
    let changed = Old { action: format!("update {what}"), object, url, current };
    Ok(Some(update(changed, &old, &new)))
}

/// A network; `own` are the keys that it has on this member.
///
/// # Errors
/// No server could make it; it has other interfaces on this member.
pub(in crate::init) fn network(
    network: &init::Network,
    current: Option<&Answer<networks::Network>>,
    own: &Map,
) -> Result<Option<Step>> {
    let (name, project) = (&network.name, project_of(network));
    let what = format!("local member network \"{name}\" in project \"{project}\"");
    let object = format!("networks/{name}");
    let failed = |verb, error: Error| error.prefix(format_args!("Failed to {verb} {what}"));
    if project != "default" {
        return Err(failed("create", not_built()));
    }
    // Creating one that is there without the server says whose it is.
    let Some(current) = current.filter(|current| current.metadata.managed) else {
        let body = networks::NetworksPost::from(network.clone());
        app::network::check(&body).map_err(|error| failed("create", error))?;
        let url = paths::network(name);
        let new = New { action: format!("create {what}"), object, list: paths::NETWORKS, url };
        return Ok(Some(create(new, &body)));
    };
    let networks::Network { config, description, kind, .. } = &current.metadata;
    if !network.kind.is_empty() && network.kind != *kind {
        let wanted = &network.kind;
        return Err(Error::invalid(format_args!(
            "Network \"{name}\" is of type \"{kind}\" instead of \"{wanted}\""
        )));
    }
    let this = format!("Network \"{name}\"");
    let mut shared = shared(&this, &network.config, own, network::is_member_key)?;
    // An address that was chosen before is as good as one chosen now.
    shared.retain(|key, value| {
        let chosen = config.get(key).is_some_and(|value| value.contains('/'));
        !(value == "auto" && chosen)
    });
    let old = networks::NetworkPut { config: config.clone(), description: description.clone() };
    let new = networks::NetworkPut {
        config: merged(config, &shared),
        description: either(&network.description, description),
    };
    if new == old {
        return Ok(None);
    }
    let body = networks::NetworksPost { config: new.config.clone(), ..network.clone().into() };
    app::network::check(&body).map_err(|error| failed("update", error))?;
    let url = paths::network(name);
    let changed = Old { action: format!("update {what}"), object, url, current };
    Ok(Some(update(changed, &old, &new)))
}

/// A project.
///
/// # Errors
/// No server would take it.
pub(in crate::init) fn project(
    project: &init::Project,
    current: Option<&Answer<projects::Project>>,
) -> Result<Option<Step>> {
    let name = &project.name;
    let (what, object) = (format!("local member project \"{name}\""), format!("projects/{name}"));
    let failed = |verb, error: Error| error.prefix(format_args!("Failed to {verb} {what}"));
    let url = paths::project(name);
    let Some(current) = current else {
        let body = projects::ProjectsPost::from(project.clone());
        app::project::checked(body.clone()).map_err(|error| failed("create", error))?;
        let new = New { action: format!("create {what}"), object, list: paths::PROJECTS, url };
        return Ok(Some(create(new, &body)));
    };
    let projects::Project { config, description, .. } = &current.metadata;
    let old = projects::ProjectPut { config: config.clone(), description: description.clone() };
    let new = projects::ProjectPut {
        config: merged(config, &project.config),
        description: either(&project.description, description),
    };
    if new == old {
        return Ok(None);
    }
    let checked = app::project::check_change(name, config, &new.config);
    checked.map_err(|error| failed("update", error))?;
    let changed = Old { action: format!("update {what}"), object, url, current };
    Ok(Some(update(changed, &old, &new)))
}

/// A profile. Devices are merged key by key.
///
/// # Errors
/// No server would take it.
pub(in crate::init) fn profile(
    profile: &init::Profile,
    current: Option<&Answer<profiles::Profile>>,
) -> Result<Option<Step>> {
    let name = &profile.name;
    let (what, object) = (format!("profile \"{name}\""), format!("profiles/{name}"));
    let failed = |verb, error: Error| error.prefix(format_args!("Failed to {verb} {what}"));
    let url = paths::profile(name);
    let Some(current) = current else {
        let body = profiles::ProfilesPost::from(profile.clone());
        app::profile::check(&body).map_err(|error| failed("create", error))?;
        let new = New { action: format!("create {what}"), object, list: paths::PROFILES, url };
        return Ok(Some(create(new, &body)));
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
    if new == old {
        return Ok(None);
    }
    let (config, devices) = (new.config.clone(), new.devices.clone());
    let body = profiles::ProfilesPost { config, devices, ..profile.clone().into() };
    app::profile::check(&body).map_err(|error| failed("update", error))?;
    let changed = Old { action: format!("update {what}"), object, url, current };
    Ok(Some(update(changed, &old, &new)))
}

fn project_of(network: &init::Network) -> &str {
    if network.project.is_empty() { "default" } else { &network.project }
}

fn not_built() -> Error {
    let text = "Networks of projects besides \"default\" are not supported by this server";
    Error::new(Kind::NotImplemented, text)
}

/// The keys that are the same on all members.
///
/// # Errors
/// Those of one member are other ones on this member, whose `own` are given.
fn shared(this: &str, wanted: &Map, own: &Map, is_member_key: fn(&str) -> bool) -> Result<Map> {
    let (of_member, shared): (Map, Map) =
        wanted.clone().into_iter().partition(|(key, _)| is_member_key(key));
    for (key, value) in of_member.iter().filter(|(_, value)| !value.is_empty()) {
        let is = own.get(key).map_or("", String::as_str);
        if is != value {
            let text = format!("{this} has {key} \"{is}\" on this member instead of \"{value}\"");
            return Err(Error::invalid(text));
        }
    }
    Ok(shared)
}

fn merged_devices(current: &Devices, wanted: &Devices) -> Devices {
    let mut devices = current.clone();
    for (name, config) in wanted {
        devices.entry(name.clone()).or_default().extend(config.clone());
    }
    devices
}
