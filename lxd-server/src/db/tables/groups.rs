//! Cluster groups: `cluster_groups`, and `nodes_cluster_groups`, which says who is in which.

use crate::db::Tx;
use crate::db::tables::json;
use crate::error::{Context, Error, Result};
use replicated_sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Row};

/// The group `default`, which is always there.
pub const DEFAULT: i64 = 1;

/// A cluster group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// It stays the same when the group is renamed.
    pub id: i64,
    /// Unique.
    pub name: String,
    /// Free text.
    pub description: String,
    /// Names of its members, sorted; joiners are none yet.
    pub members: Vec<String>,
}

const SELECT: &str = "
SELECT id, name, description, (
    SELECT json_group_array(member) FROM (
        SELECT nodes.name AS member FROM nodes JOIN nodes_cluster_groups ON node_id = nodes.id
        WHERE group_id = cluster_groups.id AND state <> 1 ORDER BY nodes.name))
FROM cluster_groups";

/// All groups, by name.
pub async fn list(tx: &mut Tx<'_>) -> Result<Vec<Group>> {
    let query = sqlx::query(AssertSqlSafe(format!("{SELECT} ORDER BY name")));
    query.fetch_all(tx).await.context("read the cluster groups")?.iter().map(group).collect()
}

/// The group of that name.
pub async fn by_name(tx: &mut Tx<'_>, name: &str) -> Result<Option<Group>> {
    let query = sqlx::query(AssertSqlSafe(format!("{SELECT} WHERE name = ?")));
    let row = query.bind(name).fetch_optional(tx).await.context("read the cluster group")?;
    row.as_ref().map(group).transpose()
}

/// Stores a new group without members.
pub async fn insert(tx: &mut Tx<'_>, id: i64, name: &str, description: &str) -> Result<()> {
    let insert = "INSERT INTO cluster_groups (id, name, description) VALUES (?, ?, ?)
        ON CONFLICT (name) DO NOTHING";
    let insert = sqlx::query(insert).bind(id).bind(name).bind(description).execute(tx).await;
    if insert.context("insert the cluster group")?.rows_affected() == 0 {
        return Err(Error::internal("This cluster group already exists"));
    }
    Ok(())
}

/// Gives a group another description.
pub async fn describe(tx: &mut Tx<'_>, id: i64, description: &str) -> Result<()> {
    let update = sqlx::query("UPDATE cluster_groups SET description = ? WHERE id = ?");
    let update = update.bind(description).bind(id).execute(tx).await;
    update.context("describe the cluster group").map(drop)
}

/// Gives a group another name, which nobody has.
pub async fn rename(tx: &mut Tx<'_>, id: i64, name: &str) -> Result<()> {
    let update = sqlx::query("UPDATE cluster_groups SET name = ? WHERE id = ?");
    let update = update.bind(name).bind(id).execute(tx).await;
    update.context("rename the cluster group").map(drop)
}

/// Deletes a group that has neither members nor joiners.
pub async fn delete(tx: &mut Tx<'_>, id: i64) -> Result<()> {
    let used = "SELECT EXISTS (SELECT 1 FROM nodes_cluster_groups WHERE group_id = ?)";
    let used = sqlx::query_scalar(used).bind(id).fetch_one(&mut *tx).await;
    if used.context("look for the cluster group's members")? {
        return Err(Error::internal("Only empty cluster groups can be removed"));
    }
    let delete = sqlx::query("DELETE FROM cluster_groups WHERE id = ?").bind(id).execute(tx);
    delete.await.context("delete the cluster group").map(drop)
}

/// A group has these members from now on; joiners in it stay.
pub async fn set_members(tx: &mut Tx<'_>, id: i64, nodes: &[u64]) -> Result<()> {
    let delete = "DELETE FROM nodes_cluster_groups
        WHERE group_id = ? AND node_id IN (SELECT id FROM nodes WHERE state <> 1)";
    let delete = sqlx::query(delete).bind(id).execute(&mut *tx).await;
    delete.context("take the members out of the cluster group")?;
    for node in nodes {
        add(tx, *node, id).await?;
    }
    Ok(())
}

/// A member is in these groups from now on, and in no other.
pub async fn set_groups(tx: &mut Tx<'_>, node: u64, groups: &[i64]) -> Result<()> {
    let delete = sqlx::query("DELETE FROM nodes_cluster_groups WHERE node_id = ?");
    let delete = delete.bind(node.cast_signed()).execute(&mut *tx).await;
    delete.context("take the member out of its cluster groups")?;
    for group in groups {
        add(tx, node, *group).await?;
    }
    Ok(())
}

/// Puts a new member into those of the groups that are left, or else into the default one.
pub async fn place(tx: &mut Tx<'_>, node: u64, groups: &[i64]) -> Result<()> {
    let mut left: Vec<i64> = list(tx).await?.iter().map(|group| group.id).collect();
    left.retain(|id| groups.contains(id));
    set_groups(tx, node, if left.is_empty() { &[DEFAULT] } else { &left }).await
}

/// Members that are in no group, by name.
pub async fn lost(tx: &mut Tx<'_>) -> Result<Vec<String>> {
    let select = "SELECT name FROM nodes
        WHERE id NOT IN (SELECT node_id FROM nodes_cluster_groups) ORDER BY name";
    sqlx::query_scalar(select).fetch_all(tx).await.context("look for members without groups")
}

async fn add(tx: &mut Tx<'_>, node: u64, group: i64) -> Result<()> {
    let insert = "INSERT OR IGNORE INTO nodes_cluster_groups (node_id, group_id) VALUES (?, ?)";
    let insert = sqlx::query(insert).bind(node.cast_signed()).bind(group).execute(tx).await;
    insert.context("put the member into the cluster group").map(drop)
}

fn group(row: &SqliteRow) -> Result<Group> {
    Ok(Group { id: row.get(0), name: row.get(1), description: row.get(2), members: json(row, 3)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::tables::members::{self, Joiner};
    use crate::db::testing;
    use futures::FutureExt;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_joiner_is_placed_where_there_is_something_left() {
        let db = testing::database().await;
        for (name, groups, expected) in [
            ("n2", &[][..], &["default"][..]),
            ("n3", &[7, 8], &["a", "b"]),
            ("n4", &[7, 9], &["a"]),
            ("n5", &[9], &["default"]),
        ] {
            let joiner =
                Joiner { name: name.to_owned(), address: format!("{name}:8443"), architecture: 2 };
            let write = db.write(|tx| {
                let joiner = &joiner;
                async move {
                    if by_name(&mut *tx, "a").await?.is_none() {
                        insert(&mut *tx, 7, "a", "").await?;
                        insert(&mut *tx, 8, "b", "").await?;
                    }
                    let id = members::accept(&mut *tx, joiner).await?;
                    place(tx, id, groups).await
                }
                .boxed()
            });
            write.await.unwrap();
            let members = db.read(|tx| members::list(tx).boxed()).await.unwrap();
            let placed = members.iter().find(|member| member.name == name).unwrap();
            assert_eq!(placed.groups, expected, "{name}");
        }
        // Joiners are no members, but they hold their group.
        let groups = db.read(|tx| list(tx).boxed()).await.unwrap();
        assert!(groups[0].members.is_empty() && groups[0].name == "a", "{groups:?}");
        let error = db.write(|tx| delete(tx, 7).boxed()).await.unwrap_err();
        assert_eq!(error.message, "Only empty cluster groups can be removed");
        db.write(|tx| set_members(tx, 7, &[]).boxed()).await.unwrap();
        assert_eq!(db.read(|tx| lost(tx).boxed()).await.unwrap(), [""; 0]);
    }
}
