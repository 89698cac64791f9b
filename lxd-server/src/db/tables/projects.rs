//! Projects: `projects` and `projects_config`.

use crate::db::Tx;
use crate::db::tables::{insert_keys, json};
use crate::error::{Context, Error, Result};
use replicated_sqlite::SqliteRow;
use shared_api::config::Map;
use sqlx::{AssertSqlSafe, Row};

/// The id of the project `default`, which is always there.
pub const DEFAULT: i64 = 1;

/// A project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// What other tables know it by.
    pub id: i64,
    /// Unique.
    pub name: String,
    /// Free text.
    pub description: String,
    /// Its own keys.
    pub config: Map,
}

const SELECT: &str = "
SELECT id, name, description,
    (SELECT json_group_object(key, value) FROM projects_config WHERE project_id = id)
FROM projects";

/// All projects, by name.
pub async fn list(tx: &mut Tx<'_>) -> Result<Vec<Project>> {
    let query = sqlx::query(AssertSqlSafe(format!("{SELECT} ORDER BY name")));
    query.fetch_all(tx).await.context("read the projects")?.iter().map(project).collect()
}

/// The project of that name.
pub async fn by_name(tx: &mut Tx<'_>, name: &str) -> Result<Option<Project>> {
    let query = sqlx::query(AssertSqlSafe(format!("{SELECT} WHERE name = ?")));
    let row = query.bind(name).fetch_optional(tx).await.context("read the project")?;
    row.as_ref().map(project).transpose()
}

/// The id of the project of that name.
pub async fn id(tx: &mut Tx<'_>, name: &str) -> Result<Option<i64>> {
    let query = sqlx::query_scalar("SELECT id FROM projects WHERE name = ?").bind(name);
    query.fetch_optional(tx).await.context("look for the project")
}

/// Stores a new project, without any profile.
///
/// # Errors
/// There is one of that name.
pub async fn insert(tx: &mut Tx<'_>, new: &Project) -> Result<()> {
    let insert = "INSERT INTO projects (id, name, description) VALUES (?, ?, ?)
        ON CONFLICT (name) DO NOTHING";
    let insert = sqlx::query(insert).bind(new.id).bind(&new.name).bind(&new.description);
    let done = insert.execute(&mut *tx).await.context("insert the project")?;
    if done.rows_affected() == 0 {
        let text = "Failed adding database record: This \"projects\" entry already exists";
        return Err(Error::conflict(text));
    }
    insert_config(tx, new.id, &new.config).await
}

/// Replaces description and keys of the project of that id.
pub async fn update(tx: &mut Tx<'_>, changed: &Project) -> Result<()> {
    let update = sqlx::query("UPDATE projects SET description = ? WHERE id = ?");
    let update = update.bind(&changed.description).bind(changed.id).execute(&mut *tx).await;
    update.context("update the project")?;
    let delete = sqlx::query("DELETE FROM projects_config WHERE project_id = ?").bind(changed.id);
    delete.execute(&mut *tx).await.context("delete the project's keys")?;
    insert_config(tx, changed.id, &changed.config).await
}

/// Gives a project another name, which no other has.
pub async fn rename(tx: &mut Tx<'_>, id: i64, new: &str) -> Result<()> {
    let update = sqlx::query("UPDATE projects SET name = ? WHERE id = ?").bind(new).bind(id);
    update.execute(tx).await.context("rename the project").map(drop)
}

/// Deletes a project with its profiles, and takes it from the certificates and tokens that are for it.
pub async fn delete(tx: &mut Tx<'_>, id: i64) -> Result<()> {
    let delete = sqlx::query("DELETE FROM projects WHERE id = ?").bind(id).execute(tx).await;
    delete.context("delete the project").map(drop)
}

async fn insert_config(tx: &mut Tx<'_>, id: i64, config: &Map) -> Result<()> {
    let rows: Vec<_> =
        config.iter().map(|(key, value)| (id, key.as_str(), value.as_str())).collect();
    insert_keys(tx, "projects_config (project_id, key, value)", &rows).await
}

fn project(row: &SqliteRow) -> Result<Project> {
    Ok(Project { id: row.get(0), name: row.get(1), description: row.get(2), config: json(row, 3)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::testing;
    use futures::FutureExt;

    #[tokio::test(flavor = "multi_thread")]
    async fn the_default_project_is_there() {
        let db = testing::database().await;
        let all = db.read(|tx| list(tx).boxed()).await.unwrap();
        assert_eq!(all.len(), 1);
        assert_eq!((all[0].id, all[0].name.as_str()), (DEFAULT, "default"));
        assert_eq!(all[0].config["features.profiles"], "true");
        let one = db.read(|tx| by_name(tx, "default").boxed()).await.unwrap();
        assert_eq!(one.as_ref(), all.first());
        assert_eq!(db.read(|tx| id(tx, "default").boxed()).await.unwrap(), Some(DEFAULT));
        assert_eq!(db.read(|tx| id(tx, "nope").boxed()).await.unwrap(), None);
    }
}
