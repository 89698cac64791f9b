//! Projects: `projects` and `projects_config`.

use crate::db::Tx;
use crate::db::tables::json;
use crate::error::{Context, Result};
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
