//! What pools and networks share: objects of the cluster with a part on each member's host.

mod announce;
mod change;
mod join;

pub use announce::{Before, Wanted, begin, define};
pub use change::{Patch, Update, begin_delete, end_delete, update};
pub use join::not_here;

use crate::app::{cluster, peers};
use crate::context::Context;
use crate::db::Tx;
use crate::db::tables::objects::{Object, State, Tables};
use crate::error::{Error, Kind, Result};
use shared_api::config::Map;
use std::time::Duration;

/// How long a change may go unnoticed by a member that could not be told of it.
pub const ROUND: Duration = Duration::from_secs(5);

/// The rules of one kind of object, and LXD's words about it.
pub struct Rules {
    /// Where it is stored.
    pub tables: &'static Tables,
    /// Whether each member has its own value of a key.
    pub is_member_specific: fn(&str) -> bool,
    /// What is wrong with the keys of an object of that name and driver or type.
    pub check: fn(&str, &str, &Map) -> Result<(), String>,
    /// Such as `storage pool`.
    pub noun: &'static str,
    /// Such as `Pool`.
    pub short: &'static str,
    /// Such as `driver`.
    pub kind: &'static str,
    /// There is none of that name.
    pub missing: &'static str,
    /// There is one of that name, on the only member.
    pub exists: (Kind, &'static str),
    /// A member has it already; the member's name follows.
    pub defined: &'static str,
    /// How a key that is not of one member alone is refused.
    pub not_member_specific: Kind,
}

impl Rules {
    /// The object of that name.
    pub async fn find(&self, tx: &mut Tx<'_>, name: &str) -> Result<Object> {
        let object = self.tables.by_name(tx, name).await?;
        object.ok_or_else(|| Error::not_found(self.missing))
    }

    /// The member-specific keys, and the others.
    pub fn split(&self, config: &Map) -> (Map, Map) {
        config.clone().into_iter().partition(|(key, _)| (self.is_member_specific)(key))
    }

    /// Refuses keys that each member has for itself.
    fn only_shared(&self, config: &Map) -> Result<(), String> {
        match config.keys().find(|key| (self.is_member_specific)(key)) {
            Some(key) => Err(format!("Config key \"{key}\" is cluster member specific")),
            None => Ok(()),
        }
    }

    /// The noun at the beginning of a sentence.
    fn capital_noun(&self) -> String {
        let (first, rest) = self.noun.split_at(1);
        format!("{}{rest}", first.to_uppercase())
    }
}

/// Which keys and whose status are shown or changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// The keys that all members share, and how far the whole has come.
    Cluster,
    /// The keys in force on a member, and how far its part has come.
    Member(u64),
}

impl View {
    /// What is shown unless a request names a member: without a cluster there is only one.
    pub fn of(ctx: &Context) -> Self {
        if cluster::is_clustered(ctx) { Self::Cluster } else { Self::Member(ctx.node.id()) }
    }

    /// This view, or that of the member that a request names.
    pub async fn or_target(self, tx: &mut Tx<'_>, target: Option<&str>) -> Result<Self> {
        match target {
            Some(target) => Ok(Self::Member(peers::by_name(tx, target).await?.id)),
            None => Ok(self),
        }
    }

    /// The keys to show, and the status in LXD's words.
    pub fn show(self, object: &Object) -> (Map, String) {
        let (config, state) = match self {
            Self::Cluster => (object.config.clone(), Some(object.state)),
            Self::Member(node) => {
                (object.config_on(node), object.part(node).map(|part| part.state))
            }
        };
        let status = match state {
            Some(State::Pending) => "Pending",
            Some(State::Created) => "Created",
            Some(State::Errored) => "Errored",
            None => "Unknown",
        };
        (config, status.to_owned())
    }
}

/// The names of the members that have an object defined.
pub fn locations(object: &Object) -> Vec<String> {
    object.parts.iter().map(|part| part.member.clone()).collect()
}

/// Whether a member's part is there.
pub fn is_made(object: &Object, node: u64) -> bool {
    object.part(node).is_some_and(|part| part.state == State::Created)
}

/// An error of the host with all its causes, as LXD tells them.
pub fn refused(error: &dyn std::error::Error) -> Error {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    Error::internal(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::tables::members::{self, Joiner};
    use crate::db::tables::objects::POOLS;
    use crate::db::testing::{self, Testing};
    use futures::FutureExt;

    /// Rules of pools, with few keys.
    pub(super) static RULES: Rules = Rules {
        tables: &POOLS,
        is_member_specific: |key| key == "source",
        check: |_, _, config| match config.contains_key("bogus") {
            true => Err("Invalid option \"bogus\"".to_owned()),
            false => Ok(()),
        },
        noun: "storage pool",
        short: "Pool",
        kind: "driver",
        missing: "Storage pool not found",
        exists: (Kind::Conflict, "It exists"),
        defined: "Defined on",
        not_member_specific: Kind::Internal,
    };

    pub(super) fn map(pairs: &[(&str, &str)]) -> Map {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    /// The database of a cluster of members n1, n2 and so on, whose ids are 1, 2 and so on.
    pub(super) async fn members(count: u64) -> Testing {
        let db = testing::database().await;
        for number in 1..=count {
            let name = format!("n{number}");
            let joiner = &Joiner { address: format!("{name}:8443"), name, architecture: 2 };
            let write = db.write(|tx| {
                async move {
                    if number == 1 {
                        return members::found(tx, 1, joiner).await;
                    }
                    let id = members::accept(tx, joiner).await?;
                    members::activate(tx, id).await
                }
                .boxed()
            });
            write.await.unwrap();
        }
        db
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn joiners_choose_what_members_have_chosen() {
        let db = members(2).await;
        let new =
            &crate::db::tables::objects::New { id: 7, name: "one", description: "", kind: "dir" };
        let own = &std::collections::BTreeMap::from([("one".to_owned(), map(&[("source", "/y")]))]);
        let write = db.write(|tx| {
            async move {
                POOLS.insert(tx, new).await?;
                POOLS.set_state(tx, 7, State::Created).await?;
                POOLS.set_part(tx, 7, 1, State::Created).await?;
                POOLS.set_config(tx, 7, 1, &map(&[("source", "/x"), ("volatile.a", "1")])).await?;
                RULES.add_member(tx, 2, own).await?;
                Ok((RULES.member_config(tx).await?, RULES.find(tx, "one").await?))
            }
            .boxed()
        });
        let (keys, object) = write.await.unwrap();
        assert_eq!(keys.len(), 1);
        assert_eq!((keys[0].entity.as_str(), keys[0].key.as_str()), ("storage-pool", "source"));
        assert_eq!(keys[0].description, "\"source\" property for storage pool \"one\"");
        assert_eq!(locations(&object), ["n1", "n2"]);
        assert_eq!(View::Member(2).show(&object), (map(&[("source", "/y")]), "Created".to_owned()));

        let mut chosen = keys;
        chosen[0].value = "/z".to_owned();
        assert_eq!(RULES.own_keys("one", &chosen).unwrap(), map(&[("source", "/z")]));
        assert_eq!(RULES.own_keys("two", &chosen).unwrap(), Map::new());
        chosen[0].key = "user.a".to_owned();
        assert!(RULES.own_keys("one", &chosen).is_err());
    }
}
