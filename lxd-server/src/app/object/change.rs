//! Changes of an object's keys and description, and the first step of its end.

use super::{Rules, View};
use crate::app::peers;
use crate::app::profile::Users;
use crate::db::Tx;
use crate::db::tables::members;
use crate::db::tables::objects::{Object, State};
use crate::error::{Error, Result};
use serde::Deserialize;
use shared_api::config::{self, Map};

/// Part of an object to change: what is left out stays, an empty value removes a key.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Patch {
    /// The keys to set.
    #[serde(deserialize_with = "config::lenient")]
    pub config: Map,
    /// The new description.
    pub description: Option<String>,
}

/// What to make of an object's keys and description.
#[derive(Clone, Debug)]
pub enum Update {
    /// These are all.
    Replace(Map, String),
    /// Some are others.
    Patch(Patch),
}

impl Update {
    fn apply(&self, object: &Object, mut current: Map) -> (Map, String) {
        let (mut config, description) = match self {
            Self::Replace(config, description) => (config.clone(), description.clone()),
            Self::Patch(patch) => {
                current.extend(patch.config.clone());
                let description = patch.description.clone();
                (current, description.unwrap_or_else(|| object.description.clone()))
            }
        };
        config.retain(|_, value| !value.is_empty());
        (config, description)
    }
}

/// Writes an update of what `view` shows of an object; `alone` says that there is no cluster, where
/// all keys are shown at once.
pub async fn update(
    tx: &mut Tx<'_>,
    rules: &Rules,
    object: &Object,
    (view, alone): (View, bool),
    update: &Update,
) -> Result<()> {
    let (config, description) = update.apply(object, view.show(object).0);
    if view == View::Cluster {
        check_shared(rules, object, &config)?;
    }
    let merged = object.config.clone().into_iter().chain(config.clone()).collect();
    let whole = if alone || view == View::Cluster { &config } else { &merged };
    (rules.check)(&object.name, &object.kind, whole).map_err(Error::invalid)?;
    let (own, shared) = rules.split(&config);
    if let View::Member(node) = view {
        keep_source(object, node, &own)?;
        if !alone {
            only_own(object, &shared)?;
        }
        rules.tables.set_config(tx, object.id, node, &own).await?;
    }
    if alone || view == View::Cluster {
        rules.tables.set_config(tx, object.id, 0, &shared).await?;
    }
    rules.tables.set_description(tx, object.id, &description).await
}

/// Checks that an object can be deleted, and keeps it from being used from now on.
pub async fn begin_delete(
    tx: &mut Tx<'_>,
    rules: &Rules,
    name: &str,
    users: &Users,
) -> Result<Object> {
    let object = rules.find(tx, name).await?;
    if users.contains_key(name) {
        return Err(Error::invalid(format_args!("The {} is currently in use", rules.noun)));
    }
    for member in members::list(tx).await? {
        if !member.online && super::is_made(&object, member.id) {
            return Err(peers::failed(&member.address, "The member is offline"));
        }
    }
    rules.tables.set_state(tx, object.id, State::Errored).await?;
    Ok(object)
}

/// Deletes an object whose parts are removed.
///
/// # Errors
/// A member still has its part: it went offline since the deletion began.
pub async fn end_delete(tx: &mut Tx<'_>, rules: &Rules, id: i64) -> Result<()> {
    let object = rules.tables.list(tx).await?.into_iter().find(|object| object.id == id);
    for member in members::list(tx).await? {
        if object.as_ref().is_some_and(|object| super::is_made(object, member.id)) {
            return Err(peers::failed(&member.address, "The member is offline"));
        }
    }
    rules.tables.delete(tx, id).await
}

/// The keys of all members change when the object is there, and without those of one.
fn check_shared(rules: &Rules, object: &Object, config: &Map) -> Result<()> {
    if object.state != State::Created {
        return Err(Error::invalid(format_args!(
            "Cannot update {} global config when not in created state",
            rules.noun
        )));
    }
    rules.only_shared(config).map_err(Error::invalid)
}

/// Keys of all members may be among those of one member only as they are.
fn only_own(object: &Object, shared: &Map) -> Result<()> {
    match shared.iter().find(|(key, value)| object.config.get(*key) != Some(value)) {
        Some((key, _)) => Err(Error::invalid(format_args!(
            "Config key \"{key}\" may not be used as cluster member specific key"
        ))),
        None => Ok(()),
    }
}

/// What a pool was made of stays, once it is made.
fn keep_source(object: &Object, node: u64, own: &Map) -> Result<()> {
    let part = object.part(node).filter(|part| part.state != State::Pending);
    if part.is_some_and(|part| part.config.get("source") != own.get("source")) {
        return Err(Error::internal("Pool source cannot be changed when not in pending state"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::object::tests::{RULES, map, members};
    use crate::db::tables::objects::New;
    use crate::db::testing::Testing;
    use futures::FutureExt;

    /// An object with one key for all members and one for each of two.
    async fn stored(state: State) -> (Testing, Object) {
        let db = members(2).await;
        let new = &New { id: 7, name: "one", description: "text", kind: "dir" };
        let write = db.write(|tx| {
            async move {
                RULES.tables.insert(tx, new).await?;
                RULES.tables.set_state(tx, 7, state).await?;
                RULES.tables.set_config(tx, 7, 0, &map(&[("user.a", "1")])).await?;
                for node in [1, 2] {
                    RULES.tables.set_part(tx, 7, node, state).await?;
                    RULES.tables.set_config(tx, 7, node, &map(&[("source", "/x")])).await?;
                }
                RULES.find(tx, "one").await
            }
            .boxed()
        });
        let object = write.await.unwrap();
        (db, object)
    }

    async fn updated(state: State, shown: (View, bool), change: &Update) -> Result<Object, String> {
        let (db, object) = stored(state).await;
        let object = &object;
        let write = db.write(|tx| {
            async move {
                update(tx, &RULES, object, shown, change).await?;
                RULES.find(tx, "one").await
            }
            .boxed()
        });
        write.await.map_err(|error| error.message)
    }

    fn replace(config: &[(&str, &str)]) -> Update {
        Update::Replace(map(config), "new".to_owned())
    }

    fn patch(config: &[(&str, &str)]) -> Update {
        Update::Patch(Patch { config: map(config), description: None })
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_keys_of_all_members_change_together() {
        let shown = (View::Cluster, false);
        let object = updated(State::Created, shown, &replace(&[("user.b", "2")])).await.unwrap();
        assert_eq!(object.config, map(&[("user.b", "2")]));
        assert_eq!(
            (object.description.as_str(), &object.parts[0].config["source"][..]),
            ("new", "/x")
        );
        let change = patch(&[("user.a", ""), ("user.b", "2")]);
        let object = updated(State::Created, shown, &change).await.unwrap();
        assert_eq!(object.config, map(&[("user.b", "2")]));
        assert_eq!(object.description, "text");
        let source = patch(&[("source", "/y")]);
        for (state, change, text) in [
            (State::Created, &source, "Config key \"source\" is cluster member specific"),
            (State::Created, &patch(&[("bogus", "1")]), "Invalid option \"bogus\""),
            (
                State::Pending,
                &patch(&[]),
                "Cannot update storage pool global config when not in created state",
            ),
        ] {
            assert_eq!(updated(state, shown, change).await.unwrap_err(), text);
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_member_has_its_own_keys() {
        let shown = (View::Member(2), false);
        let change = replace(&[("source", "/y"), ("user.a", "1")]);
        let object = updated(State::Pending, shown, &change).await.unwrap();
        assert_eq!(object.parts[1].config, map(&[("source", "/y")]));
        assert_eq!(object.parts[0].config, map(&[("source", "/x")]));
        let text = "Pool source cannot be changed when not in pending state";
        assert_eq!(updated(State::Created, shown, &change).await.unwrap_err(), text);
        let text = "Config key \"user.a\" may not be used as cluster member specific key";
        let change = patch(&[("user.a", "2")]);
        assert_eq!(updated(State::Created, shown, &change).await.unwrap_err(), text);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn without_a_cluster_all_keys_are_there_at_once() {
        let shown = (View::Member(1), true);
        let change = patch(&[("user.a", ""), ("user.b", "2")]);
        let object = updated(State::Created, shown, &change).await.unwrap();
        assert_eq!(object.config, map(&[("user.b", "2")]));
        assert_eq!(object.parts[0].config, map(&[("source", "/x")]));
        let text = "Pool source cannot be changed when not in pending state";
        assert_eq!(updated(State::Created, shown, &replace(&[])).await.unwrap_err(), text);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_is_in_use_or_out_of_reach_is_not_deleted() {
        let (db, _) = stored(State::Created).await;
        let begin = async |users: &Users| {
            let begun = db.write(|tx| begin_delete(tx, &RULES, "one", users).boxed()).await;
            begun.map(drop).map_err(|error| error.message)
        };
        let used = Users::from_iter([("one".to_owned(), vec!["/1.0/profiles/p".to_owned()])]);
        assert_eq!(begin(&used).await.unwrap_err(), "The storage pool is currently in use");
        let offline =
            db.write(|tx| members::set_online(tx, 2, false, jiff::Timestamp::UNIX_EPOCH).boxed());
        offline.await.unwrap();
        let text = "failed to notify peer n2:8443: The member is offline";
        assert_eq!(begin(&Users::new()).await.unwrap_err(), text);
        let online =
            db.write(|tx| members::set_online(tx, 2, true, jiff::Timestamp::UNIX_EPOCH).boxed());
        online.await.unwrap();
        assert_eq!(begin(&Users::new()).await, Ok(()));
        let object = db.read(|tx| RULES.find(tx, "one").boxed()).await.unwrap();
        assert_eq!(object.state, State::Errored);
    }
}
