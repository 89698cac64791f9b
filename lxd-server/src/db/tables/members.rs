//! Members of the cluster: `nodes` and the tables around it.

use crate::db::tables::insert_keys;
use crate::db::{SCHEMA_VERSION, Tx};
use crate::error::{Context, Error, Result};
use jiff::Timestamp;
use replicated_sqlite::SqliteRow;
use sqlx::Row;
use std::collections::BTreeMap;

/// The role of a replica that is promoted first.
const STANDBY: i64 = 1;

/// How far a member's membership has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// A member like any other.
    Member,
    /// Its join is under way.
    Joining,
    /// Its instances were moved away.
    Evacuated,
}

/// A row of `nodes`, with what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The node id; also the replica's in the Raft group.
    pub id: u64,
    /// Unique; `none` on a server that is in no cluster.
    pub name: String,
    /// Free text.
    pub description: String,
    /// `host:port` of its API and its replica.
    pub address: String,
    /// How far its membership has come.
    pub state: State,
    /// Whether the leader hears of it.
    pub online: bool,
    /// When it was last heard of, as of the last change of `online`.
    pub heartbeat: Option<Timestamp>,
    /// LXD's number of its architecture.
    pub architecture: i64,
    /// Members of one failure domain are likely to fail together.
    pub failure_domain: String,
    /// Promoted first when a voter is lost.
    pub standby: bool,
    /// Names of its cluster groups, sorted.
    pub groups: Vec<String>,
    /// Its own configuration keys.
    pub config: BTreeMap<String, String>,
}

/// A member that is about to be.
#[derive(Clone, Debug)]
pub struct Joiner {
    /// Its name.
    pub name: String,
    /// `host:port` of its API.
    pub address: String,
    /// LXD's number of its architecture.
    pub architecture: i64,
}

/// The tables whose rows belong to a member, but for its roles.
const OF_MEMBERS: [&str; 6] = [
    "nodes_config",
    "nodes_cluster_groups",
    "networks_nodes",
    "networks_config",
    "storage_pools_nodes",
    "storage_pools_config",
];

const SELECT: &str = "
SELECT nodes.id, nodes.name, nodes.description, address, state, online, heartbeat, arch, domains.name,
    EXISTS (SELECT 1 FROM nodes_roles WHERE node_id = nodes.id AND role = 1)
FROM nodes JOIN nodes_failure_domains AS domains ON domains.id = failure_domain_id";

/// All members, by name.
pub async fn list(tx: &mut Tx<'_>) -> Result<Vec<Member>> {
    let rows = sqlx::query(select(" ORDER BY nodes.name")).fetch_all(&mut *tx).await;
    let mut members: Vec<Member> = rows.context("read the members")?.iter().map(member).collect();
    let groups = "SELECT node_id, name FROM nodes_cluster_groups JOIN cluster_groups ON id = group_id ORDER BY name";
    for row in sqlx::query(groups).fetch_all(&mut *tx).await.context("read the members' groups")? {
        if let Some(member) = find(&mut members, row.get(0)) {
            member.groups.push(row.get(1));
        }
    }
    let config = sqlx::query("SELECT node_id, key, value FROM nodes_config").fetch_all(&mut *tx);
    for row in config.await.context("read the members' configuration")? {
        if let Some(member) = find(&mut members, row.get(0)) {
            member.config.insert(row.get(1), row.get(2));
        }
    }
    Ok(members)
}

/// The member with this id, without groups and configuration.
pub async fn get(tx: &mut Tx<'_>, id: u64) -> Result<Option<Member>> {
    let row = sqlx::query(select(" WHERE nodes.id = ?")).bind(key(id)).fetch_optional(tx);
    Ok(row.await.context("read a member")?.as_ref().map(member))
}

/// The member with this name, without groups and configuration.
pub async fn by_name(tx: &mut Tx<'_>, name: &str) -> Result<Option<Member>> {
    let row = sqlx::query(select(" WHERE nodes.name = ?")).bind(name).fetch_optional(tx);
    Ok(row.await.context("read a member")?.as_ref().map(member))
}

/// The schema version that each member knows, by node id; joiners count.
pub async fn schemas(tx: &mut Tx<'_>) -> Result<BTreeMap<u64, u64>> {
    let rows = sqlx::query_as::<_, (i64, i64)>("SELECT id, schema FROM nodes").fetch_all(tx);
    let rows = rows.await.context("read what the members know")?;
    Ok(rows
        .into_iter()
        .map(|(id, version)| (id.cast_unsigned(), version.cast_unsigned()))
        .collect())
}

/// Notes the schema version that a member knows.
pub async fn set_schema(tx: &mut Tx<'_>, id: u64, version: u64) -> Result<()> {
    let update = sqlx::query("UPDATE nodes SET schema = ? WHERE id = ?");
    let update = update.bind(version.cast_signed()).bind(key(id)).execute(tx);
    update.await.context("note what the member knows")?;
    Ok(())
}

/// Makes the one row of a server without a cluster the first member of one.
pub async fn found(tx: &mut Tx<'_>, id: u64, first: &Joiner) -> Result<()> {
    let update = "UPDATE nodes SET name = ?, address = ?, arch = ? WHERE id = ? AND name = 'none'";
    let update = sqlx::query(update)
        .bind(&first.name)
        .bind(&first.address)
        .bind(first.architecture)
        .bind(key(id));
    let done = update.execute(tx).await.context("name the first member")?;
    if done.rows_affected() == 0 {
        return Err(Error::internal("This server is already clustered"));
    }
    Ok(())
}

/// Refuses if there is another member than this, or one that joins.
///
/// # Errors
/// Invalid, with the others' names.
pub async fn require_last(tx: &mut Tx<'_>, id: u64) -> Result<()> {
    let others = sqlx::query_scalar("SELECT name FROM nodes WHERE id <> ? ORDER BY name");
    let others: Vec<String> =
        others.bind(key(id)).fetch_all(tx).await.context("look for other members")?;
    if others.is_empty() {
        return Ok(());
    }
    let others = others.join(", ");
    let text = "Only the last member of a cluster can become a server of its own";
    Err(Error::invalid(format_args!("{text}: remove the others first ({others})")))
}

/// Makes the last member a server that is in no cluster.
pub async fn unname(tx: &mut Tx<'_>, id: u64) -> Result<()> {
    let update = "UPDATE nodes SET name = 'none', address = '0.0.0.0' WHERE id = ?";
    let update = sqlx::query(update).bind(key(id)).execute(tx).await;
    update.context("take the member's name")?;
    Ok(())
}

/// Gives a joiner its row and a new id; it is in no group yet.
pub async fn accept(tx: &mut Tx<'_>, joiner: &Joiner) -> Result<u64> {
    let used = "SELECT name FROM nodes WHERE name = ? OR address = ?";
    let used = sqlx::query(used).bind(&joiner.name).bind(&joiner.address).fetch_optional(&mut *tx);
    if let Some(row) = used.await.context("look for the member's name")? {
        let taken: String = row.get(0);
        return Err(Error::internal(if taken == joiner.name {
            format!("The cluster already has a member with name: {taken}")
        } else {
            format!("The cluster already has a member with address: {}", joiner.address)
        }));
    }
    let id = next_id(tx).await?;
    let insert = "INSERT INTO nodes (id, name, description, address, schema, api_extensions,
        heartbeat, state, online, arch, failure_domain_id) VALUES (?, ?, '', ?, ?, 0, '', 1, 1, ?, 0)";
    let insert = sqlx::query(insert)
        .bind(id)
        .bind(&joiner.name)
        .bind(&joiner.address)
        .bind(SCHEMA_VERSION.cast_signed())
        .bind(joiner.architecture);
    insert.execute(tx).await.context("insert the member")?;
    Ok(id.cast_unsigned())
}

/// An id which nobody had before and nobody will have again.
async fn next_id(tx: &mut Tx<'_>) -> Result<i64> {
    let next = "UPDATE counters SET value = value + 1 WHERE name = 'node' RETURNING value";
    sqlx::query_scalar(next).fetch_one(tx).await.context("draw a node id")
}

/// A joiner becomes a member.
pub async fn activate(tx: &mut Tx<'_>, id: u64) -> Result<()> {
    let update = sqlx::query("UPDATE nodes SET state = 0, online = 1 WHERE id = ? AND state = 1");
    update.bind(key(id)).execute(tx).await.context("make the joiner a member")?;
    Ok(())
}

/// Gives a member another description.
pub async fn describe(tx: &mut Tx<'_>, id: u64, description: &str) -> Result<()> {
    let update = sqlx::query("UPDATE nodes SET description = ? WHERE id = ?");
    let update = update.bind(description).bind(key(id)).execute(tx).await;
    update.context("describe the member").map(drop)
}

/// Replaces a member's own configuration keys.
pub async fn set_config(tx: &mut Tx<'_>, id: u64, config: &BTreeMap<String, String>) -> Result<()> {
    let delete = sqlx::query("DELETE FROM nodes_config WHERE node_id = ?").bind(key(id));
    delete.execute(&mut *tx).await.context("delete the member's keys")?;
    let rows: Vec<_> =
        config.iter().map(|(name, value)| (key(id), name.as_str(), value.as_str())).collect();
    insert_keys(tx, "nodes_config (node_id, key, value)", &rows).await
}

/// Puts a member into the failure domain of that name; if it is a new one, it gets the id that comes with it.
pub async fn set_failure_domain(
    tx: &mut Tx<'_>,
    member: u64,
    (name, id): (&str, i64),
) -> Result<()> {
    let insert = "INSERT OR IGNORE INTO nodes_failure_domains (id, name) VALUES (?, ?)";
    let insert = sqlx::query(insert).bind(id).bind(name).execute(&mut *tx).await;
    insert.context("make the failure domain")?;
    let update = "UPDATE nodes
        SET failure_domain_id = (SELECT id FROM nodes_failure_domains WHERE name = ?) WHERE id = ?";
    let update = sqlx::query(update).bind(name).bind(key(member)).execute(tx).await;
    update.context("put the member into its failure domain")?;
    Ok(())
}

/// Removes a member and all that was its own; its id is kept as used up.
pub async fn remove(tx: &mut Tx<'_>, id: u64) -> Result<()> {
    for table in ["networks_config", "storage_pools_config"] {
        let delete = format!("DELETE FROM {table} WHERE node_id = ?");
        let delete = sqlx::query(sqlx::AssertSqlSafe(delete)).bind(key(id)).execute(&mut *tx);
        delete.await.context("delete the member's keys")?;
    }
    let delete = sqlx::query("DELETE FROM nodes WHERE id = ?").bind(key(id)).execute(&mut *tx);
    delete.await.context("delete the member")?;
    let insert = sqlx::query("INSERT OR IGNORE INTO nodes_removed (id) VALUES (?)").bind(key(id));
    insert.execute(tx).await.context("note the member's id as used")?;
    Ok(())
}

/// Gives a member that lost its replica a new id: all that is its own goes along,
/// but for its role. It counts as heard of, so that it is given a replica.
pub async fn renew(tx: &mut Tx<'_>, former: u64) -> Result<u64> {
    let id = next_id(tx).await?;
    // Both rows are there for a moment, and names and addresses are unique.
    let insert = "INSERT INTO nodes SELECT ?, name || ' ', description, address || ' ', schema,
        api_extensions, heartbeat, state, 1, arch, failure_domain_id FROM nodes WHERE id = ?";
    let insert = sqlx::query(insert).bind(id).bind(key(former)).execute(&mut *tx);
    insert.await.context("insert the member anew")?;
    for table in OF_MEMBERS {
        let update = format!("UPDATE {table} SET node_id = ? WHERE node_id = ?");
        let update = sqlx::query(sqlx::AssertSqlSafe(update)).bind(id).bind(key(former));
        update.execute(&mut *tx).await.context("give the member what is its own")?;
    }
    remove(&mut *tx, former).await?;
    let update = "UPDATE nodes SET name = rtrim(name), address = rtrim(address) WHERE id = ?";
    let update = sqlx::query(update).bind(id).execute(tx);
    update.await.context("name the member")?;
    Ok(id.cast_unsigned())
}

/// Notes that a member can be heard of, or no more; `heartbeat` is when it last was.
pub async fn set_online(
    tx: &mut Tx<'_>,
    id: u64,
    online: bool,
    heartbeat: Timestamp,
) -> Result<()> {
    let update = sqlx::query("UPDATE nodes SET online = ?, heartbeat = ? WHERE id = ?");
    let update = update.bind(online).bind(heartbeat.to_string()).bind(key(id));
    update.execute(tx).await.context("note whether a member is online")?;
    Ok(())
}

/// Makes a member a stand-by.
pub async fn add_standby(tx: &mut Tx<'_>, id: u64) -> Result<()> {
    let insert = sqlx::query(
        "INSERT OR IGNORE INTO nodes_roles (node_id, role) SELECT id, ? FROM nodes WHERE id = ?",
    );
    insert.bind(STANDBY).bind(key(id)).execute(tx).await.context("make a member a stand-by")?;
    Ok(())
}

/// A member is a stand-by no more.
pub async fn drop_standby(tx: &mut Tx<'_>, id: u64) -> Result<()> {
    let delete = sqlx::query("DELETE FROM nodes_roles WHERE node_id = ? AND role = ?");
    let delete = delete.bind(key(id)).bind(STANDBY).execute(tx).await;
    delete.context("end a member's time as stand-by")?;
    Ok(())
}

fn member(row: &SqliteRow) -> Member {
    let heartbeat: String = row.get(6);
    Member {
        id: row.get::<i64, _>(0).cast_unsigned(),
        name: row.get(1),
        description: row.get(2),
        address: row.get(3),
        state: match row.get::<i64, _>(4) {
            1 => State::Joining,
            2 => State::Evacuated,
            _ => State::Member,
        },
        online: row.get(5),
        heartbeat: heartbeat.parse().ok(),
        architecture: row.get(7),
        failure_domain: row.get(8),
        standby: row.get(9),
        groups: Vec::new(),
        config: BTreeMap::new(),
    }
}

fn find(members: &mut [Member], id: i64) -> Option<&mut Member> {
    members.iter_mut().find(|member| member.id == id.cast_unsigned())
}

fn select(clause: &str) -> sqlx::AssertSqlSafe<String> {
    sqlx::AssertSqlSafe(format!("{SELECT}{clause}"))
}

fn key(id: u64) -> i64 {
    id.cast_signed()
}
