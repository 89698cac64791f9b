//! Profiles. All of a change happens in one transaction: its checks see what it changes.

use crate::app::project;
use crate::db::tables::objects::NETWORKS;
use crate::db::tables::profiles;
use crate::db::{Database, Tx, new_id};
use crate::error::{Error, Result};
use futures::FutureExt;
use serde::Deserialize;
use shared_api::config::{self, Devices, Map};
use shared_api::name::ProfileName;
use shared_api::paths;
use shared_api::profiles::{Profile, ProfilePut, ProfilesPost};
use std::collections::HashMap;

/// The profile that is always there.
const DEFAULT: &str = "default";

/// Part of a profile to change: what is left out stays, an empty value removes a key, a device
/// replaces that of its name.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Patch {
    #[serde(deserialize_with = "config::lenient")]
    pub config: Map,
    pub description: Option<String>,
    #[serde(deserialize_with = "config::lenient_devices")]
    pub devices: Devices,
}

/// The profiles of a project, by name.
pub async fn list(db: &Database, project: &str) -> Result<Vec<Profile>> {
    let all = db.read(|tx| {
        async move {
            let project = project::id(tx, project).await?;
            profiles::list(tx, project).await
        }
        .boxed()
    });
    Ok(all.await?.into_iter().map(show).collect())
}

/// The names of a project's profiles, sorted.
pub async fn names(db: &Database, project: &str) -> Result<Vec<String>> {
    db.read(|tx| {
        async move {
            let project = project::id(tx, project).await?;
            profiles::names(tx, project).await
        }
        .boxed()
    })
    .await
}

/// One profile.
pub async fn get(db: &Database, project: &str, name: &str) -> Result<Profile> {
    let one = db.read(|tx| {
        async move {
            let project = project::id(tx, project).await?;
            find(tx, project, name).await.map_err(|error| error.prefix("Fetch profile"))
        }
        .boxed()
    });
    one.await.map(show)
}

/// Makes a profile.
pub async fn create(db: &Database, project: &str, request: ProfilesPost) -> Result<()> {
    let ProfilesPost { config, description, devices, name } = request;
    checked(&name)?;
    let profile = &profiles::Profile { name, description, config: set(config), devices };
    let id = new_id();
    db.write(|tx| {
        async move {
            let project = project::id(tx, project).await?;
            validate(tx, profile).await?;
            let inserted = profiles::insert(tx, project, id, profile).await;
            inserted.map_err(|error| {
                error.prefix(format_args!("Error inserting \"{}\" into database", profile.name))
            })
        }
        .boxed()
    })
    .await
}

/// Replaces a profile. `unchanged` refuses if it is not the one that the client has seen.
pub async fn replace(
    db: &Database,
    project: &str,
    name: &str,
    unchanged: impl Fn(&Profile) -> Result<()> + Sync,
    request: ProfilePut,
) -> Result<()> {
    change(db, project, name, &unchanged, &|profile| {
        let ProfilePut { config, description, devices } = request.clone();
        (profile.config, profile.description, profile.devices) = (config, description, devices);
    })
    .await
}

/// Changes a part of a profile. `unchanged` refuses if it is not the one that the client has seen.
pub async fn patch(
    db: &Database,
    project: &str,
    name: &str,
    unchanged: impl Fn(&Profile) -> Result<()> + Sync,
    request: Patch,
) -> Result<()> {
    change(db, project, name, &unchanged, &|profile| {
        let Patch { config, description, devices } = request.clone();
        profile.config.extend(config);
        profile.devices.extend(devices);
        if let Some(description) = description {
            profile.description = description;
        }
    })
    .await
}

/// Gives a profile another name.
pub async fn rename(db: &Database, project: &str, old: &str, new: &str) -> Result<()> {
    if old == DEFAULT {
        return Err(Error::forbidden("The \"default\" profile cannot be renamed"));
    }
    checked(new)?;
    db.write(|tx| {
        async move {
            let project = project::id(tx, project).await?;
            profiles::rename(tx, project, old, new).await
        }
        .boxed()
    })
    .await
}

/// Deletes a profile.
pub async fn delete(db: &Database, project: &str, name: &str) -> Result<()> {
    if name == DEFAULT {
        return Err(Error::forbidden("The \"default\" profile cannot be deleted"));
    }
    db.write(|tx| {
        async move {
            let project = project::id(tx, project).await?;
            profiles::delete(tx, project, name).await
        }
        .boxed()
    })
    .await
}

/// URLs of profiles, by the name of what they use.
pub type Users = HashMap<String, Vec<String>>;

/// Gathers who uses what.
pub fn users(mentions: Vec<profiles::Mention>) -> Users {
    let mut users = Users::new();
    for profiles::Mention { of, profile, project } in mentions {
        users.entry(of).or_default().push(project::url(paths::profile(profile), &project));
    }
    users
}

async fn change(
    db: &Database,
    project: &str,
    name: &str,
    unchanged: &(dyn Fn(&Profile) -> Result<()> + Sync),
    change: &(dyn Fn(&mut profiles::Profile) + Sync),
) -> Result<()> {
    let device_id = new_id();
    db.write(|tx| {
        async move {
            let project = project::id(tx, project).await?;
            let mut profile = find(tx, project, name).await.map_err(|error| {
                error.prefix(format_args!("Failed to retrieve profile \"{name}\""))
            })?;
            unchanged(&show(profile.clone()))?;
            change(&mut profile);
            profile.config = set(std::mem::take(&mut profile.config));
            validate(tx, &profile).await?;
            profiles::update(tx, project, device_id, &profile).await
        }
        .boxed()
    })
    .await
}

async fn validate(tx: &mut Tx<'_>, profile: &profiles::Profile) -> Result<()> {
    for (name, device) in &profile.devices {
        if let Some(network) = device.get("network")
            && NETWORKS.by_name(tx, network).await?.is_none()
        {
            return Err(Error::invalid(format_args!(
                "Device validation failed for \"{name}\": Failed loading device \"{name}\": Failed to load network \"{network}\" for project \"default\": Network not found"
            )));
        }
    }
    Ok(())
}

async fn find(tx: &mut Tx<'_>, project: i64, name: &str) -> Result<profiles::Profile> {
    let profile = profiles::by_name(tx, project, name).await?;
    profile.ok_or_else(|| Error::not_found("Profile not found"))
}

fn checked(name: &str) -> Result<ProfileName> {
    name.parse().map_err(Error::invalid)
}

/// Without the keys whose value is empty: those are not set.
fn set(mut config: Map) -> Map {
    config.retain(|_, value| !value.is_empty());
    config
}

fn show(profile: profiles::Profile) -> Profile {
    let profiles::Profile { name, description, config, devices } = profile;
    Profile { config, description, devices, name, used_by: Vec::new() }
}
