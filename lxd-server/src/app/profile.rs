//! Profiles. All of a change happens in one transaction: its checks see what it changes.

use crate::app::project;
use crate::db::tables::objects::{NETWORKS, State};
use crate::db::tables::{profiles, projects};
use crate::db::{Database, Tx, new_id};
use crate::error::{Error, Result};
use crate::identity::Identity;
use futures::FutureExt;
use serde::Deserialize;
use shared_api::config::{self, Devices, Map, device, instance};
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

/// The project in which somebody is to change something.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    pub project: &'a str,
    pub who: &'a Identity,
}

impl Place<'_> {
    /// The project whose profiles these are: of `default`, too, a restricted client has to be.
    async fn home(&self, tx: &mut Tx<'_>) -> Result<projects::Project> {
        let home = project::home(tx, self.project).await?;
        if self.who.may_use(&home.name) {
            Ok(home)
        } else {
            Err(Error::forbidden("not authorized"))
        }
    }
}

/// The profiles of a project, by name.
pub async fn list(db: &Database, project: &str) -> Result<Vec<Profile>> {
    let all = db.read(|tx| {
        async move {
            let home = project::home(tx, project).await?;
            profiles::list(tx, home.id).await
        }
        .boxed()
    });
    Ok(all.await?.into_iter().map(show).collect())
}

/// The names of a project's profiles, sorted, and the name of the project whose they are.
pub async fn names(db: &Database, project: &str) -> Result<(Vec<String>, String)> {
    db.read(|tx| {
        async move {
            let home = project::home(tx, project).await?;
            Ok((profiles::names(tx, home.id).await?, home.name))
        }
        .boxed()
    })
    .await
}

/// One profile.
pub async fn get(db: &Database, project: &str, name: &str) -> Result<Profile> {
    let one = db.read(|tx| {
        async move {
            let home = project::home(tx, project).await?;
            find(tx, home.id, name).await.map_err(|error| error.prefix("Fetch profile"))
        }
        .boxed()
    });
    one.await.map(show)
}

/// Makes a profile. Returns, as all that change one do, the project whose it is.
pub async fn create(db: &Database, place: Place<'_>, request: ProfilesPost) -> Result<String> {
    let ProfilesPost { config, description, devices, name } = request;
    checked(&name)?;
    let profile = &profiles::Profile { name, description, config: set(config), devices };
    let id = new_id();
    db.write(|tx| {
        async move {
            let home = place.home(tx).await?;
            validate(tx, profile).await?;
            let inserted = profiles::insert(tx, home.id, id, profile).await;
            inserted.map_err(|error| {
                error.prefix(format_args!("Error inserting \"{}\" into database", profile.name))
            })?;
            Ok(home.name)
        }
        .boxed()
    })
    .await
}

/// Refuses what no server takes, whatever networks it has.
pub fn check(request: &ProfilesPost) -> Result<()> {
    checked(&request.name)?;
    instance::validate_profile(&request.config).map_err(Error::invalid)?;
    device::validate(&request.devices).map_err(Error::invalid)
}

/// Replaces a profile. `unchanged` refuses if it is not the one that the client has seen.
pub async fn replace(
    db: &Database,
    place: Place<'_>,
    name: &str,
    unchanged: impl Fn(&Profile) -> Result<()> + Sync,
    request: ProfilePut,
) -> Result<String> {
    change(db, place, name, &unchanged, &|profile| {
        let ProfilePut { config, description, devices } = request.clone();
        (profile.config, profile.description, profile.devices) = (config, description, devices);
    })
    .await
}

/// Changes a part of a profile. `unchanged` refuses if it is not the one that the client has seen.
pub async fn patch(
    db: &Database,
    place: Place<'_>,
    name: &str,
    unchanged: impl Fn(&Profile) -> Result<()> + Sync,
    request: Patch,
) -> Result<String> {
    change(db, place, name, &unchanged, &|profile| {
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
pub async fn rename(db: &Database, place: Place<'_>, old: &str, new: &str) -> Result<String> {
    if old == DEFAULT {
        return Err(Error::forbidden("The \"default\" profile cannot be renamed"));
    }
    checked(new)?;
    db.write(|tx| {
        async move {
            let home = place.home(tx).await?;
            profiles::rename(tx, home.id, old, new).await?;
            Ok(home.name)
        }
        .boxed()
    })
    .await
}

/// Deletes a profile.
pub async fn delete(db: &Database, place: Place<'_>, name: &str) -> Result<String> {
    if name == DEFAULT {
        return Err(Error::forbidden("The \"default\" profile cannot be deleted"));
    }
    db.write(|tx| {
        async move {
            let home = place.home(tx).await?;
            profiles::delete(tx, home.id, name).await?;
            Ok(home.name)
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
    place: Place<'_>,
    name: &str,
    unchanged: &(dyn Fn(&Profile) -> Result<()> + Sync),
    change: &(dyn Fn(&mut profiles::Profile) + Sync),
) -> Result<String> {
    let device_id = new_id();
    db.write(|tx| {
        async move {
            let home = place.home(tx).await?;
            let mut profile = find(tx, home.id, name).await.map_err(|error| {
                error.prefix(format_args!("Failed to retrieve profile \"{name}\""))
            })?;
            unchanged(&show(profile.clone()))?;
            change(&mut profile);
            profile.config = set(std::mem::take(&mut profile.config));
            validate(tx, &profile).await?;
            profiles::update(tx, home.id, device_id, &profile).await?;
            Ok(home.name)
        }
        .boxed()
    })
    .await
}

/// Checks the keys and devices, and that the networks which they name are there.
async fn validate(tx: &mut Tx<'_>, profile: &profiles::Profile) -> Result<()> {
    instance::validate_profile(&profile.config).map_err(Error::invalid)?;
    device::validate(&profile.devices).map_err(Error::invalid)?;
    let named: Vec<(&str, &str)> = device::networks(&profile.devices).collect();
    for (name, network) in named {
        let Some(found) = NETWORKS.by_name(tx, network).await? else {
            let reason = format!(
                "Failed loading device \"{name}\": Failed to load network \"{network}\" for project \"default\": Network not found"
            );
            return Err(Error::invalid(device::failed(name, &reason)));
        };
        if found.state != State::Created {
            let reason = "Specified network is not fully created";
            return Err(Error::invalid(device::failed(name, reason)));
        }
        device::validate_on_network(name, &profile.devices[name], &found.config)
            .map_err(Error::invalid)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::tables::objects::New;
    use crate::db::testing;
    use crate::error::Kind;
    use futures::FutureExt;

    const ROOT: Place<'_> = Place { project: "default", who: &Identity::Socket { uid: 0 } };

    fn map(pairs: &[(&str, &str)]) -> Map {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn post(name: &str, config: &[(&str, &str)], device: &[(&str, &str)]) -> ProfilesPost {
        let devices = if device.is_empty() { vec![] } else { vec![("d".to_owned(), map(device))] };
        ProfilesPost {
            config: map(config),
            description: String::new(),
            devices: devices.into_iter().collect(),
            name: name.to_owned(),
        }
    }

    fn anything(_: &Profile) -> Result<()> {
        Ok(())
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_is_not_right_is_refused_in_the_words_of_lxd() {
        let db = testing::database().await;
        let nic = [("type", "nic"), ("network", "nope")];
        for (request, text) in [
            (post("", &[], &[]), "No name provided"),
            (post("a/b", &[], &[]), "Profile names may not contain slashes"),
            (post("a\nb", &[], &[]), "Invalid profile name \"a\\nb\""),
            (post("a", &[("bogus", "1")], &[]), "Unknown configuration key: bogus"),
            (post("a", &[("limits.cpu", "x")], &[]), "Invalid CPU limit syntax"),
            (
                post("a", &[], &[("type", "foo")]),
                "Device validation failed for \"d\": Failed loading device \"d\": Unsupported device type",
            ),
            (
                post("a", &[], &nic),
                "Device validation failed for \"d\": Failed loading device \"d\": Failed to load network \"nope\" for project \"default\": Network not found",
            ),
        ] {
            let error = create(&db, ROOT, request).await.unwrap_err();
            assert_eq!((error.kind, error.message.as_str()), (Kind::Invalid, text));
        }
        let taken = create(&db, ROOT, post("default", &[], &[])).await.unwrap_err();
        let text = "Error inserting \"default\" into database: The profile already exists";
        assert_eq!((taken.kind, taken.message.as_str()), (Kind::Internal, text));
        let elsewhere = list(&db, "nope").await.unwrap_err();
        let text = "Failed loading project \"nope\": Project not found";
        assert_eq!((elsewhere.kind, elsewhere.message.as_str()), (Kind::NotFound, text));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_patch_changes_only_what_it_names() {
        let db = testing::database().await;
        let root = [("type", "disk"), ("path", "/"), ("pool", "local")];
        let request = post("web", &[("user.a", "1"), ("user.b", "")], &root);
        create(&db, ROOT, request).await.unwrap();
        let gap = Devices::from([("gap".to_owned(), map(&[("type", "none")]))]);
        let change = Patch {
            config: map(&[("user.a", ""), ("user.c", "3")]),
            description: Some("text".to_owned()),
            devices: gap,
        };
        patch(&db, ROOT, "web", anything, change).await.unwrap();
        let web = get(&db, "default", "web").await.unwrap();
        assert_eq!((web.description.as_str(), &web.config), ("text", &map(&[("user.c", "3")])));
        assert_eq!(web.devices.keys().collect::<Vec<_>>(), ["d", "gap"]);
        assert_eq!(web.devices["d"], map(&root));

        let put = ProfilePut::default();
        replace(&db, ROOT, "web", anything, put.clone()).await.unwrap();
        let web = get(&db, "default", "web").await.unwrap();
        let bare = Profile { name: "web".to_owned(), ..Profile::default() };
        assert_eq!(web, bare);

        let stale = |_: &Profile| Err(Error::new(Kind::Stale, "changed"));
        let refused = replace(&db, ROOT, "web", stale, put.clone()).await.unwrap_err();
        assert_eq!(refused.kind, Kind::Stale);
        let missing = replace(&db, ROOT, "nope", anything, put).await.unwrap_err();
        assert_eq!(missing.message, "Failed to retrieve profile \"nope\": Profile not found");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_default_profile_stays() {
        let db = testing::database().await;
        let renamed = rename(&db, ROOT, "default", "x").await.unwrap_err();
        assert_eq!(renamed.message, "The \"default\" profile cannot be renamed");
        let deleted = delete(&db, ROOT, "default").await.unwrap_err();
        assert_eq!(deleted.message, "The \"default\" profile cannot be deleted");
        create(&db, ROOT, post("a", &[], &[])).await.unwrap();
        rename(&db, ROOT, "a", "b").await.unwrap();
        let (all, home) = names(&db, "default").await.unwrap();
        assert_eq!((all, home.as_str()), (vec!["b".to_owned(), "default".to_owned()], "default"));
        delete(&db, ROOT, "b").await.unwrap();
        let missing = get(&db, "default", "b").await.unwrap_err();
        assert_eq!(missing.message, "Fetch profile: Profile not found");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_project_lists_what_is_in_it() {
        let db = testing::database().await;
        let new = &New { id: 7, name: "br0", description: "", kind: "bridge" };
        db.write(|tx| NETWORKS.insert(tx, new).boxed()).await.unwrap();
        let nic = [("type", "nic"), ("network", "br0")];
        let pending = create(&db, ROOT, post("web", &[], &nic)).await.unwrap_err();
        let text = "Device validation failed for \"d\": Specified network is not fully created";
        assert_eq!(pending.message, text);
        db.write(|tx| NETWORKS.set_state(tx, 7, State::Created).boxed()).await.unwrap();
        create(&db, ROOT, post("web", &[], &nic)).await.unwrap();
        let default = project::get(&db, "default").await.unwrap();
        assert_eq!(
            default.used_by,
            ["/1.0/profiles/default", "/1.0/profiles/web", "/1.0/networks/br0"]
        );
        assert_eq!(project::list(&db).await.unwrap(), [default]);
    }
}
