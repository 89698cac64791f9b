//! The schema: our own tables, what the application's may look like, and digests of both form and content.

use crate::connection::{Connection, aside};
use crate::session::Turn;
use crate::store::Writers;
use crate::types::{Digest, TableHash};
use sqlx::{AssertSqlSafe, Executor, Row};
use std::collections::BTreeMap;

/// `_tx` (what became of transactions) and `_floor` (which of them are over) are replicated like any table.
/// `_raft` is written by the apply connection alone: it is this member's.
pub(crate) const OURS: &str = "
CREATE TABLE _tx (
    node INTEGER NOT NULL, boot INTEGER NOT NULL, sequence INTEGER NOT NULL, attempt INTEGER NOT NULL,
    PRIMARY KEY (node, boot, sequence)
) STRICT, WITHOUT ROWID;
CREATE TABLE _floor (
    node INTEGER PRIMARY KEY, boot INTEGER NOT NULL, oldest INTEGER NOT NULL
) STRICT;
CREATE TABLE _raft (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    applied BLOB NOT NULL, membership BLOB NOT NULL,
    version INTEGER NOT NULL, schema INTEGER NOT NULL, durable INTEGER NOT NULL, removed BLOB NOT NULL
) STRICT;
";

/// A number that two members share exactly if their schemas are alike.
pub(crate) async fn digest(connection: &mut Connection) -> sqlx::Result<u64> {
    let rows = sqlx::query(
        "SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_schema
         WHERE name NOT LIKE 'sqlite_%' AND name != '_raft' ORDER BY type, name",
    );
    let mut hasher = blake3::Hasher::new();
    for row in rows.fetch_all(connection).await? {
        for column in 0..4 {
            let text: &str = row.try_get(column)?;
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
    }
    let [a, b, c, d, e, f, g, h, ..] = *hasher.finalize().as_bytes();
    Ok(u64::from_le_bytes([a, b, c, d, e, f, g, h]))
}

/// The columns of each of the application's tables, in order.
pub(crate) type Shape = BTreeMap<String, Vec<Column>>;

/// A column: its name, type, place in the primary key (0: none), whether it may be null.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    name: String,
    kind: String,
    key: i64,
    nullable: bool,
}

/// What the application's tables look like.
pub(crate) async fn shape(connection: &mut Connection) -> sqlx::Result<Shape> {
    let rows = sqlx::query(
        "SELECT t.name, c.name, c.type, c.pk, c.\"notnull\" FROM pragma_table_list t
         JOIN pragma_table_xinfo(t.name) c
         WHERE t.schema = 'main' AND t.type IN ('table', 'virtual')
           AND t.name NOT LIKE 'sqlite_%' AND t.name NOT LIKE '\\_%' ESCAPE '\\'
         ORDER BY t.name, c.cid",
    );
    let mut shape = Shape::new();
    for row in rows.fetch_all(connection).await? {
        let nullable = row.try_get::<i64, _>(4)? == 0;
        let column =
            Column { name: row.try_get(1)?, kind: row.try_get(2)?, key: row.try_get(3)?, nullable };
        shape.entry(row.try_get(0)?).or_default().push(column);
    }
    Ok(shape)
}

/// Takes a schema step for trial. `Some`: why it cannot be taken.
pub(crate) async fn rehearse(writers: &mut Writers, sql: &str) -> sqlx::Result<Option<String>> {
    let work = writers.work().await?;
    let before = shape(work).await?;
    work.execute("BEGIN IMMEDIATE").await?;
    writers.turn(Turn::Schema);
    let result = writers.open().execute(AssertSqlSafe(sql)).await;
    writers.turn(Turn::Writer);
    let why = match result {
        Ok(_) => fault(writers.open(), &before).await,
        Err(error) => Ok(Some(error.to_string())),
    };
    writers.reset().await?;
    if let Some(why) = why? {
        return Ok(Some(why));
    }
    // As it will be applied: without foreign keys and triggers.
    writers.apply.execute("BEGIN IMMEDIATE").await?;
    let result = writers.apply.execute(AssertSqlSafe(sql)).await;
    writers.apply.execute("ROLLBACK").await?;
    Ok(result.err().map(|error| error.to_string()))
}

/// What changesets would not carry faithfully, or what a step took away; `None` if nothing.
async fn fault(connection: &mut Connection, before: &Shape) -> sqlx::Result<Option<String>> {
    let after = shape(connection).await?;
    for (table, columns) in before {
        let kept = after.get(table).is_some_and(|now| now.starts_with(columns));
        if !kept {
            return Ok(Some(format!("table {table} is gone or lost columns: steps only add")));
        }
    }
    let tables = sqlx::query(
        "SELECT t.name, t.type, t.strict, t.wr, s.sql FROM pragma_table_list t
         JOIN sqlite_schema s ON s.name = t.name
         WHERE t.schema = 'main' AND t.type IN ('table', 'virtual', 'shadow')
           AND t.name NOT LIKE 'sqlite_%' AND t.name NOT LIKE '\\_%' ESCAPE '\\'",
    );
    for row in tables.fetch_all(&mut *connection).await? {
        let table: String = row.try_get(0)?;
        let columns = after.get(&table).map_or(&[][..], Vec::as_slice);
        if let Some(why) = complaint(&row, columns)? {
            return Ok(Some(format!("table {table}: {why}")));
        }
    }
    Ok(None)
}

fn complaint(
    row: &crate::driver::SqliteRow,
    columns: &[Column],
) -> sqlx::Result<Option<&'static str>> {
    let (kind, sql): (&str, String) = (row.try_get(1)?, row.try_get(4)?);
    if kind != "table" {
        return Ok(Some("virtual tables are not replicated"));
    }
    if row.try_get::<i64, _>(2)? == 0 {
        return Ok(Some("it must be STRICT"));
    }
    let keys: Vec<&Column> = columns.iter().filter(|column| column.key > 0).collect();
    let rowid_key = matches!(keys[..], [key] if key.kind.eq_ignore_ascii_case("INTEGER"));
    let without_rowid = row.try_get::<i64, _>(3)? == 1;
    if !rowid_key && !without_rowid {
        return Ok(Some("it needs an INTEGER PRIMARY KEY, or to be WITHOUT ROWID"));
    }
    // WITHOUT ROWID implies NOT NULL for the key, and SQLite reports it so.
    if !rowid_key && keys.iter().any(|key| key.nullable) {
        return Ok(Some("its key may be NULL"));
    }
    let words = sql.to_ascii_uppercase();
    if words.split(|letter: char| !letter.is_ascii_alphabetic()).any(|word| word == "DEFERRABLE") {
        return Ok(Some("deferrable foreign keys are not checked on replicas"));
    }
    Ok(None)
}

/// Digests the rows of every replicated table, in the order of their keys.
pub(crate) async fn hashes(connection: &mut Connection) -> sqlx::Result<Vec<TableHash>> {
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT name FROM sqlite_schema
         WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name != '_raft' ORDER BY name",
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut hashes = Vec::with_capacity(tables.len());
    for table in tables {
        let keys: Vec<String> = sqlx::query_scalar(
            "SELECT '\"' || replace(name, '\"', '\"\"') || '\"' FROM pragma_table_info(?)
             WHERE pk > 0 ORDER BY pk",
        )
        .bind(&table)
        .fetch_all(&mut *connection)
        .await?;
        let (name, order) = (table.replace('"', "\"\""), keys.join(", "));
        let sql = format!("SELECT * FROM \"{name}\" ORDER BY {order}");
        let mut hasher = blake3::Hasher::new();
        aside(|| connection.each(&sql, |row| crate::tx::absorb_row(&mut hasher, &row)))?;
        let mut hash = Digest::default();
        hash.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        hashes.push(TableHash { table, hash });
    }
    Ok(hashes)
}
