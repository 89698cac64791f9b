//! Profiles: `profiles`, `profiles_config`, `profiles_devices` and `profiles_devices_config`.
//! A list is one query, whatever its length: SQLite gathers the keys of each row as JSON.

use crate::db::Tx;
use crate::db::tables::{insert_keys, json};
use crate::error::{Context, Error, Result};
use replicated_sqlite::SqliteRow;
use serde::Deserialize;
use shared_api::config::{Devices, Map};
use sqlx::{AssertSqlSafe, Row};
use std::collections::BTreeMap;

/// A profile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// Unique in its project.
    pub name: String,
    /// Free text.
    pub description: String,
    /// Keys of the instances that have it.
    pub config: Map,
    /// Devices of the instances that have it; the key `type` is always there.
    pub devices: Devices,
}

/// A key of a profile's device that names a pool or a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mention {
    /// The pool's or network's name.
    pub of: String,
    /// The profile that has the device.
    pub profile: String,
    /// The profile's project.
    pub project: String,
}

/// What `profiles_devices.type` holds: the position in here.
const TYPES: [&str; 12] = [
    "none",
    "nic",
    "disk",
    "unix-char",
    "unix-block",
    "usb",
    "gpu",
    "infiniband",
    "proxy",
    "unix-hotplug",
    "tpm",
    "pci",
];

const SELECT: &str = "
SELECT name, description,
    (SELECT json_group_object(key, value) FROM profiles_config WHERE profile_id = profiles.id),
    (SELECT json_group_object(name, json_object('type', type, 'config',
        (SELECT json_group_object(key, value) FROM profiles_devices_config
        WHERE profile_device_id = profiles_devices.id)))
    FROM profiles_devices WHERE profile_id = profiles.id)
FROM profiles WHERE project_id = ?";

/// The profiles of a project, by name.
pub async fn list(tx: &mut Tx<'_>, project: i64) -> Result<Vec<Profile>> {
    let query = sqlx::query(AssertSqlSafe(format!("{SELECT} ORDER BY name"))).bind(project);
    query.fetch_all(tx).await.context("read the profiles")?.iter().map(profile).collect()
}

/// The names of a project's profiles, sorted.
pub async fn names(tx: &mut Tx<'_>, project: i64) -> Result<Vec<String>> {
    let query = sqlx::query_scalar("SELECT name FROM profiles WHERE project_id = ? ORDER BY name");
    query.bind(project).fetch_all(tx).await.context("read the names of the profiles")
}

/// The profile of that name.
pub async fn by_name(tx: &mut Tx<'_>, project: i64, name: &str) -> Result<Option<Profile>> {
    let query = sqlx::query(AssertSqlSafe(format!("{SELECT} AND name = ?")));
    let row = query.bind(project).bind(name).fetch_optional(tx).await;
    row.context("read the profile")?.as_ref().map(profile).transpose()
}

/// Stores a new profile. Its devices get the ids from `id` on.
pub async fn insert(tx: &mut Tx<'_>, project: i64, id: i64, profile: &Profile) -> Result<()> {
    let insert = "INSERT INTO profiles (id, project_id, name, description) VALUES (?, ?, ?, ?)
        ON CONFLICT (project_id, name) DO NOTHING";
    let insert =
        sqlx::query(insert).bind(id).bind(project).bind(&profile.name).bind(&profile.description);
    let done = insert.execute(&mut *tx).await.context("insert the profile")?;
    if done.rows_affected() == 0 {
        return Err(Error::internal("The profile already exists"));
    }
    insert_config(tx, id, &profile.config).await?;
    insert_devices(tx, id, id, &profile.devices).await
}

/// Replaces all of the profile of that name. Its devices get the ids from `device_id` on.
pub async fn update(
    tx: &mut Tx<'_>,
    project: i64,
    device_id: i64,
    profile: &Profile,
) -> Result<()> {
    let update =
        "UPDATE profiles SET description = ? WHERE project_id = ? AND name = ? RETURNING id";
    let update =
        sqlx::query_scalar(update).bind(&profile.description).bind(project).bind(&profile.name);
    let id: Option<i64> = update.fetch_optional(&mut *tx).await.context("update the profile")?;
    let id = id.ok_or_else(|| Error::not_found("Profile not found"))?;
    for table in ["profiles_config", "profiles_devices"] {
        let delete = AssertSqlSafe(format!("DELETE FROM {table} WHERE profile_id = ?"));
        let delete = sqlx::query(delete).bind(id).execute(&mut *tx).await;
        delete.context("delete what the profile held")?;
    }
    insert_config(tx, id, &profile.config).await?;
    insert_devices(tx, id, device_id, &profile.devices).await
}

/// Gives a profile another name.
pub async fn rename(tx: &mut Tx<'_>, project: i64, old: &str, new: &str) -> Result<()> {
    if by_name(tx, project, new).await?.is_some() {
        return Err(Error::internal(format_args!("Name \"{new}\" already in use")));
    }
    let update = sqlx::query("UPDATE profiles SET name = ? WHERE project_id = ? AND name = ?");
    let update = update.bind(new).bind(project).bind(old).execute(tx).await;
    if update.context("rename the profile")?.rows_affected() == 0 {
        return Err(Error::not_found("Profile not found"));
    }
    Ok(())
}

/// Deletes a profile.
pub async fn delete(tx: &mut Tx<'_>, project: i64, name: &str) -> Result<()> {
    let delete = sqlx::query("DELETE FROM profiles WHERE project_id = ? AND name = ?");
    let delete = delete.bind(project).bind(name).execute(tx).await;
    if delete.context("delete the profile")?.rows_affected() == 0 {
        return Err(Error::not_found("Profile not found"));
    }
    Ok(())
}

/// Which profiles' disks name which pool, by profile.
pub async fn pools(tx: &mut Tx<'_>) -> Result<Vec<Mention>> {
    mentions(tx, "type = 2 AND key = 'pool'").await
}

/// Which profiles' nics name which network, as `network` or as the interface above theirs; by
/// profile.
pub async fn networks(tx: &mut Tx<'_>) -> Result<Vec<Mention>> {
    mentions(tx, "type = 1 AND key IN ('network', 'parent')").await
}

async fn mentions(tx: &mut Tx<'_>, condition: &str) -> Result<Vec<Mention>> {
    let select = format!(
        "SELECT DISTINCT value, profiles.name, projects.name
        FROM profiles_devices_config
            JOIN profiles_devices ON profiles_devices.id = profile_device_id
            JOIN profiles ON profiles.id = profile_id
            JOIN projects ON projects.id = project_id
        WHERE {condition} ORDER BY projects.id, profiles.name"
    );
    let rows = sqlx::query(AssertSqlSafe(select)).fetch_all(tx).await;
    let mention =
        |row: &SqliteRow| Mention { of: row.get(0), profile: row.get(1), project: row.get(2) };
    Ok(rows.context("read what profiles use")?.iter().map(mention).collect())
}

async fn insert_config(tx: &mut Tx<'_>, profile: i64, config: &Map) -> Result<()> {
    let rows: Vec<_> =
        config.iter().map(|(key, value)| (profile, key.as_str(), value.as_str())).collect();
    insert_keys(tx, "profiles_config (profile_id, key, value)", &rows).await
}

/// The devices get the ids `first`, `first + 1` and so on, by name.
async fn insert_devices(
    tx: &mut Tx<'_>,
    profile: i64,
    first: i64,
    devices: &Devices,
) -> Result<()> {
    let mut rows = Vec::new();
    for (id, (name, config)) in (first..).zip(devices) {
        let insert =
            "INSERT INTO profiles_devices (id, profile_id, name, type) VALUES (?, ?, ?, ?)";
        let insert = sqlx::query(insert).bind(id).bind(profile).bind(name).bind(number(config));
        insert.execute(&mut *tx).await.context("insert the profile's device")?;
        let keys = config.iter().filter(|(key, _)| *key != "type");
        rows.extend(keys.map(|(key, value)| (id, key.as_str(), value.as_str())));
    }
    insert_keys(tx, "profiles_devices_config (profile_device_id, key, value)", &rows).await
}

fn number(device: &Map) -> i64 {
    let position = TYPES.iter().position(|name| device.get("type").is_some_and(|t| t == name));
    position.and_then(|position| position.try_into().ok()).unwrap_or_default()
}

fn profile(row: &SqliteRow) -> Result<Profile> {
    let devices: BTreeMap<String, Device> = json(row, 3)?;
    Ok(Profile {
        name: row.get(0),
        description: row.get(1),
        config: json(row, 2)?,
        devices: devices.into_iter().map(|(name, device)| (name, device.into_map())).collect(),
    })
}

/// A device as SQLite gathers it.
#[derive(Deserialize)]
struct Device {
    #[serde(rename = "type")]
    kind: usize,
    config: Map,
}

impl Device {
    fn into_map(mut self) -> Map {
        let kind = TYPES.get(self.kind).copied().unwrap_or_default();
        self.config.insert("type".to_owned(), kind.to_owned());
        self.config
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::tables::projects::DEFAULT;
    use crate::db::testing;
    use crate::error::Kind;
    use futures::FutureExt;

    fn map(pairs: &[(&str, &str)]) -> Map {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn example(name: &str) -> Profile {
        let root = map(&[("type", "disk"), ("path", "/"), ("pool", "local")]);
        let eth0 = map(&[("type", "nic"), ("nictype", "bridged"), ("parent", "lxdbr0")]);
        let gap = map(&[("type", "none")]);
        Profile {
            name: name.to_owned(),
            description: "A \"quoted\" text".to_owned(),
            config: map(&[("limits.cpu", "2"), ("user.text", "a\n\"b\" \\ é")]),
            devices: [("eth0", eth0), ("gap", gap), ("root", root)]
                .map(|(name, device)| (name.to_owned(), device))
                .into(),
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_is_stored_comes_back() {
        let db = testing::database().await;
        let new = &example("web");
        db.write(|tx| insert(tx, DEFAULT, 50, new).boxed()).await.unwrap();
        let stored = db.read(|tx| by_name(tx, DEFAULT, "web").boxed()).await.unwrap();
        assert_eq!(stored.as_ref(), Some(new));
        let all = db.read(|tx| list(tx, DEFAULT).boxed()).await.unwrap();
        assert_eq!(all.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["default", "web"]);
        assert_eq!(&all[1], new);
        assert_eq!(all[0].devices, Devices::new());
        assert_eq!(
            db.read(|tx| names(tx, DEFAULT).boxed()).await.unwrap(),
            ["default".to_owned(), "web".to_owned()]
        );
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_update_replaces_everything() {
        let db = testing::database().await;
        let old = &example("web");
        db.write(|tx| insert(tx, DEFAULT, 50, old).boxed()).await.unwrap();
        let new = &Profile { name: "web".to_owned(), ..Profile::default() };
        db.write(|tx| update(tx, DEFAULT, 50, new).boxed()).await.unwrap();
        let stored = db.read(|tx| by_name(tx, DEFAULT, "web").boxed()).await.unwrap();
        assert_eq!(stored.as_ref(), Some(new));
        db.write(|tx| update(tx, DEFAULT, 50, old).boxed()).await.unwrap();
        let stored = db.read(|tx| by_name(tx, DEFAULT, "web").boxed()).await.unwrap();
        assert_eq!(stored.as_ref(), Some(old));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn names_are_unique_and_must_exist() {
        let db = testing::database().await;
        let new = &example("web");
        db.write(|tx| insert(tx, DEFAULT, 50, new).boxed()).await.unwrap();
        let error = db.write(|tx| insert(tx, DEFAULT, 60, new).boxed()).await.unwrap_err();
        assert_eq!(error.message, "The profile already exists");
        let taken = db.write(|tx| rename(tx, DEFAULT, "web", "default").boxed()).await;
        assert_eq!(taken.unwrap_err().message, "Name \"default\" already in use");
        let missing = db.write(|tx| rename(tx, DEFAULT, "nope", "other").boxed()).await;
        assert_eq!(missing.unwrap_err().kind, Kind::NotFound);
        db.write(|tx| rename(tx, DEFAULT, "web", "web2").boxed()).await.unwrap();
        db.write(|tx| delete(tx, DEFAULT, "web2").boxed()).await.unwrap();
        let missing = db.write(|tx| delete(tx, DEFAULT, "web2").boxed()).await;
        assert_eq!(missing.unwrap_err().kind, Kind::NotFound);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn pools_and_networks_know_their_profiles() {
        let db = testing::database().await;
        let new = &example("web");
        db.write(|tx| insert(tx, DEFAULT, 50, new).boxed()).await.unwrap();
        let mention = |of: &str| {
            let (of, profile, project) = (of.to_owned(), "web".to_owned(), "default".to_owned());
            vec![Mention { of, profile, project }]
        };
        assert_eq!(db.read(|tx| pools(tx).boxed()).await.unwrap(), mention("local"));
        assert_eq!(db.read(|tx| networks(tx).boxed()).await.unwrap(), mention("lxdbr0"));
    }
}
