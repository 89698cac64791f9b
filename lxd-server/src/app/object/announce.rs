//! The beginning of an object: announced for each member by itself, then wanted of all of them; or
//! wanted at once where there is only one member.

use super::Rules;
use crate::app::peers;
use crate::db::Tx;
use crate::db::tables::members::{self, Member};
use crate::db::tables::objects::{New, Object, State};
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use shared_api::config::Map;

/// What is asked for, as far as it can be checked without the database.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// A good name.
    pub name: String,
    /// A driver or type that there is.
    pub kind: String,
    /// Free text.
    pub description: String,
    /// Without empty values.
    pub config: Map,
}

/// What was there before an object was begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Before {
    /// Nothing.
    Nothing,
    /// It was announced for its members.
    Announced,
}

/// Announces an object for one member, with that member's keys. Nothing is made yet.
pub async fn define(
    tx: &mut Tx<'_>,
    rules: &Rules,
    id: i64,
    target: &str,
    wanted: &Wanted,
) -> Result<()> {
    let member = peers::by_name(tx, target).await?;
    if let Some(key) = wanted.config.keys().find(|key| !(rules.is_member_specific)(key)) {
        let text = format!("Config key \"{key}\" may not be used as member-specific key");
        return Err(Error::new(rules.not_member_specific, text));
    }
    let object = rules.tables.by_name(tx, &wanted.name).await?;
    match &object {
        None => rules.tables.insert(tx, &new(id, wanted)).await?,
        Some(object) => {
            if object.state != State::Pending {
                let text = format!("{} is not in pending state", rules.capital_noun());
                return Err(Error::internal(text));
            }
            same_kind(rules, object, wanted)?;
            if object.part(member.id).is_some() {
                return Err(Error::invalid(format_args!("{} \"{target}\"", rules.defined)));
            }
        }
    }
    let id = object.map_or(id, |object| object.id);
    rules.tables.set_part(tx, id, member.id, State::Pending).await?;
    rules.tables.set_config(tx, id, member.id, &wanted.config).await
}

/// Writes what is wanted of all members; the object stays pending. Tells its id.
///
/// `node` is this member's; `config` is stored instead of what was asked for.
pub async fn begin(
    tx: &mut Tx<'_>,
    rules: &Rules,
    id: i64,
    node: u64,
    wanted: &Wanted,
    config: &Map,
) -> Result<(i64, Before)> {
    let mut members = members::list(tx).await?;
    members.retain(|member| member.state != members::State::Joining);
    let Some(object) = rules.tables.by_name(tx, &wanted.name).await? else {
        if members.len() > 1 {
            return Err(Error::internal(format_args!(
                "{} not pending on any node (use --target <node> first)",
                rules.short
            )));
        }
        let (own, shared) = rules.split(config);
        rules.tables.insert(tx, &new(id, wanted)).await?;
        rules.tables.set_config(tx, id, 0, &shared).await?;
        rules.tables.set_part(tx, id, node, State::Pending).await?;
        rules.tables.set_config(tx, id, node, &own).await?;
        return Ok((id, Before::Nothing));
    };
    check_announced(rules, &object, &members, wanted)?;
    if object.state == State::Pending {
        rules.tables.set_config(tx, object.id, 0, config).await?;
        rules.tables.set_description(tx, object.id, &wanted.description).await?;
    }
    Ok((object.id, Before::Announced))
}

/// Refuses unless an object that is there may now be made as wanted.
fn check_announced(
    rules: &Rules,
    object: &Object,
    members: &[Member],
    wanted: &Wanted,
) -> Result<()> {
    if object.state == State::Created {
        let (kind, text) = rules.exists;
        return Err(match members {
            [_] => Error::new(kind, text),
            _ => Error::internal(format_args!("The {} is already created", rules.noun)),
        });
    }
    same_kind(rules, object, wanted)?;
    let missing: Vec<&str> = members
        .iter()
        .filter(|member| object.part(member.id).is_none())
        .map(|member| member.name.as_str())
        .collect();
    if !missing.is_empty() {
        let (short, missing) = (rules.short, missing.join(", "));
        return Err(Error::internal(format_args!("{short} not defined on nodes: {missing}")));
    }
    rules.only_shared(&wanted.config).map_err(Error::internal)?;
    if object.state == State::Errored && !wanted.config.is_empty() {
        return Err(Error::internal(format_args!(
            "{} already partially created. Please do not specify any global config when re-running create",
            rules.capital_noun()
        )));
    }
    Ok(())
}

fn same_kind(rules: &Rules, object: &Object, wanted: &Wanted) -> Result<()> {
    if object.kind == wanted.kind {
        return Ok(());
    }
    let text = format!("{} already exists with a different {}", rules.capital_noun(), rules.kind);
    Err(Error::internal(text))
}

fn new(id: i64, wanted: &Wanted) -> New<'_> {
    New { id, name: &wanted.name, description: &wanted.description, kind: &wanted.kind }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::object::tests::{RULES, map, members};
    use crate::db::testing;
    use crate::error::Kind;
    use futures::FutureExt;

    fn wanted(config: &[(&str, &str)]) -> Wanted {
        Wanted {
            name: "one".to_owned(),
            kind: "dir".to_owned(),
            description: "text".to_owned(),
            config: map(config),
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_only_member_needs_no_announcement() {
        let db = testing::database().await;
        let wanted = &wanted(&[("source", "/x"), ("user.a", "1")]);
        let begun = db.write(|tx| begin(tx, &RULES, 7, 1, wanted, &wanted.config).boxed()).await;
        assert_eq!(begun.unwrap(), (7, Before::Nothing));
        let object = db.read(|tx| RULES.find(tx, "one").boxed()).await.unwrap();
        assert_eq!((object.state, &object.config), (State::Pending, &map(&[("user.a", "1")])));
        assert_eq!(object.parts[0].config, map(&[("source", "/x")]));

        db.write(|tx| RULES.tables.set_state(tx, 7, State::Created).boxed()).await.unwrap();
        let again = db.write(|tx| begin(tx, &RULES, 8, 1, wanted, &wanted.config).boxed()).await;
        let error = again.unwrap_err();
        assert_eq!((error.kind, error.message.as_str()), (Kind::Conflict, "It exists"));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn several_members_are_announced_one_by_one() {
        let db = members(2).await;
        let (own, shared) = (&wanted(&[("source", "/x")]), &wanted(&[("user.a", "1")]));
        let begin = async |wanted: &Wanted| {
            let begun = db.write(|tx| begin(tx, &RULES, 7, 1, wanted, &wanted.config).boxed());
            begun.await.map_err(|error| error.message)
        };
        let define = async |target: &str, wanted: &Wanted| {
            let defined = db.write(|tx| define(tx, &RULES, 7, target, wanted).boxed()).await;
            defined.map_err(|error| error.message)
        };
        let refusal = |text: &str| Err(text.to_owned());
        assert_eq!(
            begin(shared).await.map(drop),
            refusal("Pool not pending on any node (use --target <node> first)")
        );
        assert_eq!(define("n1", own).await, Ok(()));
        assert_eq!(define("n1", own).await, refusal("Defined on \"n1\""));
        assert_eq!(define("nope", own).await, refusal("Cluster member not found"));
        assert_eq!(
            define("n2", shared).await,
            refusal("Config key \"user.a\" may not be used as member-specific key")
        );
        let other = &Wanted { kind: "zfs".to_owned(), ..own.clone() };
        let text = "Storage pool already exists with a different driver";
        assert_eq!(define("n2", other).await, refusal(text));
        assert_eq!(begin(shared).await.map(drop), refusal("Pool not defined on nodes: n2"));
        assert_eq!(define("n2", own).await, Ok(()));
        assert_eq!(
            begin(own).await.map(drop),
            refusal("Config key \"source\" is cluster member specific")
        );
        assert_eq!(begin(shared).await, Ok((7, Before::Announced)));

        db.write(|tx| RULES.tables.set_state(tx, 7, State::Errored).boxed()).await.unwrap();
        assert!(begin(shared).await.unwrap_err().contains("partially created"));
        assert_eq!(begin(&wanted(&[])).await, Ok((7, Before::Announced)));
        let object = db.read(|tx| RULES.find(tx, "one").boxed()).await.unwrap();
        assert_eq!(object.config, map(&[("user.a", "1")]));

        db.write(|tx| RULES.tables.set_state(tx, 7, State::Created).boxed()).await.unwrap();
        assert_eq!(begin(shared).await.map(drop), refusal("The storage pool is already created"));
        assert_eq!(define("n2", own).await, refusal("Storage pool is not in pending state"));
    }
}
