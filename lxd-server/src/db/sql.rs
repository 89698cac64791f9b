//! The databases as an operator sees them (`lxd sql`): statements of their own, and SQL text.
//! Tables of the replication itself, whose names begin with `_`, are not shown as text.

use super::{Database, Local, Tx};
use crate::error::{Context, Error, Result};
use futures::FutureExt;
use replicated_sqlite::{Table, Value};
use serde_json::Number;
use shared_api::sql::{Kind, Outcome};
use sqlx::AssertSqlSafe;
use std::fmt::Write;

/// What of a database to write as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Schema,
    All,
}

/// Runs statements on the cluster's database, all or none; they are replicated.
///
/// # Errors
/// SQLite's words, if a statement is wrong or not allowed there (such as DDL).
pub async fn execute_global(db: &Database, sql: &str) -> Result<Vec<Outcome>> {
    let tables = db.execute(sql).await.map_err(refusal)?;
    Ok(tables.into_iter().map(outcome).collect())
}

/// Runs statements on this host's own database, all or none.
///
/// # Errors
/// SQLite's words, if a statement is wrong.
pub async fn execute_local(local: &Local, sql: &str) -> Result<Vec<Outcome>> {
    let (mut tx, sql) = (Tx::from(local.connection().await?), sql.to_owned());
    // A task of its own, so that a client that hangs up leaves no transaction open.
    let run = tokio::spawn(async move {
        tx.execute_all("BEGIN IMMEDIATE").await?;
        let tables = tx.execute_all(&sql).await;
        let end = if tables.is_ok() { "COMMIT" } else { "ROLLBACK" };
        let ended = tx.execute_all(end).await;
        tables.and_then(|tables| ended.map(|_| tables))
    });
    let tables = run.await.context("run the statements")?;
    let tables = tables.map_err(|error| refusal(error.into()))?;
    Ok(tables.into_iter().map(outcome).collect())
}

/// The cluster's database as this member's replica has it; needs no quorum.
pub async fn dump_global(db: &Database, part: Part) -> Result<String> {
    db.read_local(|tx| dump(tx, part).boxed()).await
}

/// This host's own database.
pub async fn dump_local(local: &Local, part: Part) -> Result<String> {
    dump(&mut Tx::from(local.connection().await?), part).await
}

async fn dump(tx: &mut Tx<'_>, part: Part) -> Result<String> {
    let tables: Vec<(String, String)> = sqlx::query_as(
        "SELECT name, sql FROM sqlite_schema
         WHERE type = 'table' AND name NOT GLOB '_*' AND name NOT GLOB 'sqlite_*'
         ORDER BY rowid",
    )
    .fetch_all(&mut *tx)
    .await
    .context("read the schema")?;
    let mut text = "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n".to_owned();
    for (name, create) in &tables {
        let _ = writeln!(text, "{create};");
        if part == Part::All {
            rows(tx, name, &mut text).await?;
        }
    }
    let others: Vec<String> = sqlx::query_scalar(
        "SELECT sql FROM sqlite_schema
         WHERE type <> 'table' AND sql IS NOT NULL AND tbl_name NOT GLOB '_*'
         ORDER BY rowid",
    )
    .fetch_all(&mut *tx)
    .await
    .context("read the schema")?;
    for create in others {
        let _ = writeln!(text, "{create};");
    }
    text.push_str("COMMIT;\n");
    Ok(text)
}

/// Writes a table's rows as statements that insert them.
async fn rows(tx: &mut Tx<'_>, table: &str, text: &mut String) -> Result<()> {
    let columns: Vec<String> = sqlx::query_scalar("SELECT name FROM pragma_table_info(?)")
        .bind(table)
        .fetch_all(&mut *tx)
        .await
        .context("read the schema")?;
    let values: Vec<_> = columns.iter().map(|column| format!("quote(\"{column}\")")).collect();
    let values = values.join(" || ',' || ");
    let inserts =
        format!("SELECT 'INSERT INTO {table} VALUES(' || {values} || ');' FROM \"{table}\"");
    let inserts: Vec<String> = sqlx::query_scalar(AssertSqlSafe(inserts))
        .fetch_all(&mut *tx)
        .await
        .context(format_args!("read the table {table}"))?;
    for insert in inserts {
        let _ = writeln!(text, "{insert}");
    }
    Ok(())
}

fn outcome(table: Table) -> Outcome {
    let Table { columns, rows, rows_affected } = table;
    if columns.is_empty() {
        return Outcome { kind: Kind::Exec, columns: None, rows: None, rows_affected };
    }
    let rows = rows.into_iter().map(|row| row.into_iter().map(json).collect()).collect();
    Outcome { kind: Kind::Select, columns: Some(columns), rows: Some(rows), rows_affected }
}

/// A value as LXD shows it: bytes as text, a whole number without a fraction.
fn json(value: Value) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Integer(number) => number.into(),
        Value::Real(number) => {
            let text = number.to_string();
            let whole = text.parse::<i64>().map(Number::from).ok();
            let number = whole.or_else(|| Number::from_f64(number));
            number.map_or(text.into(), serde_json::Value::Number)
        }
        Value::Text(text) => text.into(),
        Value::Blob(bytes) => String::from_utf8_lossy(&bytes).into(),
    }
}

/// SQLite's words, or why the database could not be asked.
fn refusal(error: Error) -> Error {
    use replicated_sqlite::Error as Cause;
    let cause = std::error::Error::source(&error).and_then(|cause| cause.downcast_ref());
    match cause {
        Some(Cause::Sql(sqlx::Error::Database(cause))) => {
            Error::internal(format_args!("Failed to exec query: {}", cause.message()))
        }
        _ => error.prefix("Failed to exec query"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    async fn local() -> (tempfile::TempDir, Local) {
        let dir = tempfile::tempdir().unwrap();
        let local = Local::open(&dir.path().join("local.db")).await.unwrap();
        (dir, local)
    }

    #[tokio::test]
    async fn statements_return_tables_and_counts() {
        let (_dir, local) = local().await;
        let sql = "INSERT INTO config VALUES ('a', 'x'), ('b', 'y'); SELECT * FROM config WHERE key = 'c';
                   SELECT key, NULL, 1.5 AS f, 1.0 AS g, x'4142' AS blob FROM config; DELETE FROM config;";
        let outcomes = execute_local(&local, sql).await.unwrap();
        assert_eq!(
            serde_json::to_value(outcomes).unwrap(),
            json!([
                { "type": "exec", "columns": null, "rows": null, "rows_affected": 2 },
                { "type": "select", "columns": ["key", "value"], "rows": [], "rows_affected": 0 },
                {
                    "type": "select",
                    "columns": ["key", "NULL", "f", "g", "blob"],
                    "rows": [["a", null, 1.5, 1, "AB"], ["b", null, 1.5, 1, "AB"]],
                    "rows_affected": 0,
                },
                { "type": "exec", "columns": null, "rows": null, "rows_affected": 2 },
            ])
        );
        assert_eq!(execute_local(&local, ";").await.unwrap(), []);
    }

    #[tokio::test]
    async fn a_wrong_statement_takes_the_others_back() {
        let (_dir, local) = local().await;
        let error = execute_local(&local, "INSERT INTO config VALUES ('a', 'x'); bogus").await;
        let expected = "Failed to exec query: near \"bogus\": syntax error";
        assert_eq!(error.unwrap_err().message, expected);
        assert_eq!(local.config().await.unwrap().len(), 0);
    }

    #[tokio::test]
    async fn a_dump_makes_the_same_database_again() {
        let (_dir, first) = local().await;
        let sql =
            "CREATE TABLE t (id INTEGER PRIMARY KEY, r REAL, b BLOB); CREATE INDEX i ON t (r);
                   INSERT INTO t VALUES (1, 0.1, x'00ff'), (2, 1e300, NULL);
                   INSERT INTO config VALUES ('it''s', 'two\nlines')";
        execute_local(&first, sql).await.unwrap();
        let text = dump_local(&first, Part::All).await.unwrap();
        let (_dir, second) = local().await;
        let fresh = dump_local(&second, Part::Schema).await.unwrap();
        assert!(!fresh.contains("_sqlx_migrations") && !fresh.contains("INSERT"), "{fresh}");
        let drop = "DROP TABLE config; DROP TABLE replica; DROP TABLE members; DROP TABLE undo_log";
        execute_local(&second, drop).await.unwrap();
        let body = text.split_once("BEGIN TRANSACTION;").unwrap().1;
        execute_local(&second, body.strip_suffix("COMMIT;\n").unwrap()).await.unwrap();
        assert_eq!(dump_local(&second, Part::All).await.unwrap(), text);
    }
}
