//! What pools and networks have in common: an object of the cluster, its part on each member, and
//! keys that belong to the object (node 0) or to one member's part.

use crate::db::Tx;
use crate::db::tables::json;
use crate::error::{Context, Result};
use replicated_sqlite::SqliteRow;
use serde::{Deserialize, Serialize};
use shared_api::config::Map;
use sqlx::{AssertSqlSafe, Row};

/// How far an object, or its part on a member, has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// Announced; not there yet.
    Pending = 0,
    /// There.
    Created = 1,
    /// Could not be made on some member.
    Errored = 2,
}

/// A pool or a network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// What other tables know it by.
    pub id: i64,
    /// Unique among its kind.
    pub name: String,
    /// Free text.
    pub description: String,
    /// A pool's driver, a network's type.
    pub kind: String,
    /// Of the whole.
    pub state: State,
    /// The keys of all members.
    pub config: Map,
    /// The members that have it defined, by name.
    pub parts: Vec<Part>,
}

/// An object on one member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The member's id.
    pub node: u64,
    /// The member's name.
    pub member: String,
    /// Of this part.
    pub state: State,
    /// The keys of this member.
    pub config: Map,
}

/// An object that is about to be.
#[derive(Clone, Debug)]
pub struct New<'a> {
    /// Drawn before; see [`crate::db::new_id`].
    pub id: i64,
    /// Unique among its kind.
    pub name: &'a str,
    /// Free text.
    pub description: &'a str,
    /// A pool's driver, a network's type.
    pub kind: &'a str,
}

/// The tables of one kind of object.
pub struct Tables {
    /// The objects' own; `_nodes` and `_config` are appended for the others.
    name: &'static str,
    /// The column that refers to it.
    key: &'static str,
    /// The driver or type.
    kind: &'static str,
    /// Inserts id, name, description, state and kind.
    insert: &'static str,
}

/// Storage pools.
pub const POOLS: Tables = Tables {
    name: "storage_pools",
    key: "storage_pool_id",
    kind: "driver",
    insert: "INSERT INTO storage_pools (id, name, description, state, driver)
        VALUES (?, ?, ?, ?, ?)",
};

/// Networks, which are all of the default project.
pub const NETWORKS: Tables = Tables {
    name: "networks",
    key: "network_id",
    kind: "CASE type WHEN 0 THEN 'bridge' WHEN 1 THEN 'macvlan' WHEN 2 THEN 'sriov'
        WHEN 3 THEN 'ovn' WHEN 4 THEN 'physical' ELSE '' END",
    insert: "INSERT INTO networks (id, name, description, state, type, project_id)
        VALUES (?, ?, ?, ?, CASE ? WHEN 'bridge' THEN 0 WHEN 'macvlan' THEN 1 WHEN 'sriov' THEN 2
            WHEN 'ovn' THEN 3 ELSE 4 END, 1)",
};

impl Object {
    /// Its part on a member.
    pub fn part(&self, node: u64) -> Option<&Part> {
        self.parts.iter().find(|part| part.node == node)
    }

    /// The keys in force on a member: the object's and the member's own.
    pub fn config_on(&self, node: u64) -> Map {
        let mut config = self.config.clone();
        if let Some(part) = self.part(node) {
            config.extend(part.config.clone());
        }
        config
    }
}

impl Tables {
    /// All objects, by name.
    pub async fn list(&self, tx: &mut Tx<'_>) -> Result<Vec<Object>> {
        let query = sqlx::query(AssertSqlSafe(format!("{} ORDER BY name", self.select())));
        let rows = query.fetch_all(tx).await;
        rows.context(format_args!("read {}", self.name))?.iter().map(object).collect()
    }

    /// The object of that name.
    pub async fn by_name(&self, tx: &mut Tx<'_>, name: &str) -> Result<Option<Object>> {
        let query = sqlx::query(AssertSqlSafe(format!("{} WHERE name = ?", self.select())));
        let row = query.bind(name).fetch_optional(tx).await;
        row.context(format_args!("read {}", self.name))?.as_ref().map(object).transpose()
    }

    /// Stores a new object, pending and without parts; its name must be free.
    pub async fn insert(&self, tx: &mut Tx<'_>, new: &New<'_>) -> Result<()> {
        let insert = sqlx::query(self.insert)
            .bind(new.id)
            .bind(new.name)
            .bind(new.description)
            .bind(State::Pending as i64)
            .bind(new.kind);
        insert.execute(tx).await.context(format_args!("insert into {}", self.name))?;
        Ok(())
    }

    /// Replaces the description.
    pub async fn set_description(&self, tx: &mut Tx<'_>, id: i64, description: &str) -> Result<()> {
        let update = format!("UPDATE {} SET description = ? WHERE id = ?", self.name);
        let update = sqlx::query(AssertSqlSafe(update)).bind(description).bind(id);
        update.execute(tx).await.context(format_args!("update {}", self.name))?;
        Ok(())
    }

    /// Says how far the whole has come.
    pub async fn set_state(&self, tx: &mut Tx<'_>, id: i64, state: State) -> Result<()> {
        let update = format!("UPDATE {} SET state = ? WHERE id = ?", self.name);
        let update = sqlx::query(AssertSqlSafe(update)).bind(state as i64).bind(id);
        update.execute(tx).await.context(format_args!("update {}", self.name))?;
        Ok(())
    }

    /// Adds a member's part, or says how far it has come.
    pub async fn set_part(&self, tx: &mut Tx<'_>, id: i64, node: u64, state: State) -> Result<()> {
        let insert = format!(
            "INSERT INTO {name}_nodes ({key}, node_id, state) VALUES (?, ?, ?)
            ON CONFLICT ({key}, node_id) DO UPDATE SET state = excluded.state",
            name = self.name,
            key = self.key
        );
        let insert = sqlx::query(AssertSqlSafe(insert)).bind(id).bind(node.cast_signed());
        let insert = insert.bind(state as i64).execute(tx).await;
        insert.context(format_args!("write {}_nodes", self.name))?;
        Ok(())
    }

    /// Removes a member's part with its keys.
    pub async fn remove_part(&self, tx: &mut Tx<'_>, id: i64, node: u64) -> Result<()> {
        let Self { name, key, .. } = self;
        for table in ["nodes", "config"] {
            let delete = format!("DELETE FROM {name}_{table} WHERE {key} = ? AND node_id = ?");
            let delete = sqlx::query(AssertSqlSafe(delete)).bind(id).bind(node.cast_signed());
            let delete = delete.execute(&mut *tx).await;
            delete.context(format_args!("delete from {name}_{table}"))?;
        }
        Ok(())
    }

    /// Replaces the keys of the whole (node 0) or of a member's part; empty values are left out.
    pub async fn set_config(
        &self,
        tx: &mut Tx<'_>,
        id: i64,
        node: u64,
        config: &Map,
    ) -> Result<()> {
        let (name, key) = (self.name, self.key);
        let delete = format!("DELETE FROM {name}_config WHERE {key} = ? AND node_id = ?");
        let delete = sqlx::query(AssertSqlSafe(delete)).bind(id).bind(node.cast_signed());
        delete.execute(&mut *tx).await.context(format_args!("delete from {name}_config"))?;
        for (config_key, value) in config.iter().filter(|(_, value)| !value.is_empty()) {
            let insert = format!(
                "INSERT INTO {name}_config ({key}, node_id, key, value) VALUES (?, ?, ?, ?)"
            );
            let insert = sqlx::query(AssertSqlSafe(insert)).bind(id).bind(node.cast_signed());
            let insert = insert.bind(config_key).bind(value).execute(&mut *tx).await;
            insert.context(format_args!("insert into {name}_config"))?;
        }
        Ok(())
    }

    /// Deletes an object with its parts and keys.
    pub async fn delete(&self, tx: &mut Tx<'_>, id: i64) -> Result<()> {
        let delete = AssertSqlSafe(format!("DELETE FROM {} WHERE id = ?", self.name));
        let delete = sqlx::query(delete).bind(id).execute(tx).await;
        delete.context(format_args!("delete from {}", self.name))?;
        Ok(())
    }

    fn select(&self) -> String {
        let Self { name, key, kind, .. } = self;
        format!(
            "SELECT id, name, description, {kind}, state,
                (SELECT json_group_array(json_object('node', node_id, 'member', nodes.name,
                    'state', {name}_nodes.state) ORDER BY nodes.name)
                FROM {name}_nodes JOIN nodes ON nodes.id = node_id WHERE {key} = {name}.id),
                (SELECT json_group_array(json_array(node_id, key, value))
                FROM {name}_config WHERE {key} = {name}.id)
            FROM {name}"
        )
    }
}

fn object(row: &SqliteRow) -> Result<Object> {
    let parts: Vec<PartRow> = json(row, 5)?;
    let keys: Vec<(u64, String, String)> = json(row, 6)?;
    let mut object = Object {
        id: row.get(0),
        name: row.get(1),
        description: row.get(2),
        kind: row.get(3),
        state: state(row.get(4)),
        config: Map::new(),
        parts: parts.into_iter().map(PartRow::into_part).collect(),
    };
    for (node, key, value) in keys {
        if node == 0 {
            object.config.insert(key, value);
        } else if let Some(part) = object.parts.iter_mut().find(|part| part.node == node) {
            part.config.insert(key, value);
        }
    }
    Ok(object)
}

fn state(number: i64) -> State {
    match number {
        0 => State::Pending,
        1 => State::Created,
        _ => State::Errored,
    }
}

/// A part as SQLite gathers it.
#[derive(Deserialize)]
struct PartRow {
    node: u64,
    member: String,
    state: i64,
}

impl PartRow {
    fn into_part(self) -> Part {
        let Self { node, member, state: number } = self;
        Part { node, member, state: state(number), config: Map::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::testing;
    use futures::FutureExt;

    fn map(pairs: &[(&str, &str)]) -> Map {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    async fn stores_and_deletes(tables: &'static Tables, kind: &'static str) {
        let db = testing::database().await;
        let new = &New { id: 7, name: "one", description: "text", kind };
        let (all, own) = (&map(&[("user.a", "1"), ("user.b", "")]), &map(&[("source", "/x")]));
        let write = db.write(|tx| {
            async move {
                tables.insert(tx, new).await?;
                tables.set_config(tx, 7, 0, all).await?;
                tables.set_part(tx, 7, 1, State::Pending).await?;
                tables.set_config(tx, 7, 1, own).await
            }
            .boxed()
        });
        write.await.unwrap();
        let stored = db.read(|tx| tables.by_name(tx, "one").boxed()).await.unwrap().unwrap();
        let part =
            Part { node: 1, member: "none".to_owned(), state: State::Pending, config: own.clone() };
        let expected = Object {
            id: 7,
            name: "one".to_owned(),
            description: "text".to_owned(),
            kind: kind.to_owned(),
            state: State::Pending,
            config: map(&[("user.a", "1")]),
            parts: vec![part],
        };
        assert_eq!(stored, expected);
        assert_eq!(stored.config_on(1), map(&[("source", "/x"), ("user.a", "1")]));

        let change = db.write(|tx| {
            async move {
                tables.set_state(tx, 7, State::Created).await?;
                tables.set_part(tx, 7, 1, State::Created).await?;
                tables.set_description(tx, 7, "new").await?;
                tables.set_config(tx, 7, 0, &Map::new()).await
            }
            .boxed()
        });
        change.await.unwrap();
        let list = db.read(|tx| tables.list(tx).boxed()).await.unwrap();
        assert_eq!(list.len(), 1);
        assert_eq!((list[0].state, list[0].parts[0].state), (State::Created, State::Created));
        assert_eq!((list[0].description.as_str(), &list[0].config), ("new", &Map::new()));

        db.write(|tx| tables.delete(tx, 7).boxed()).await.unwrap();
        assert_eq!(db.read(|tx| tables.list(tx).boxed()).await.unwrap(), []);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn pools() {
        stores_and_deletes(&POOLS, "dir").await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn networks() {
        for kind in ["bridge", "macvlan", "sriov", "ovn", "physical"] {
            stores_and_deletes(&NETWORKS, kind).await;
        }
    }
}
