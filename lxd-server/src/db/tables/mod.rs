//! The tables of the cluster database, a file for each thing that is stored.

pub mod certificates;
pub mod client_tokens;
pub mod cluster_certificate;
pub mod config;
pub mod groups;
pub mod members;
pub mod objects;
pub mod profiles;
pub mod projects;
pub mod removals;
pub mod requests;
pub mod tokens;

use crate::db::Tx;
use crate::error::{Context, Result};
use replicated_sqlite::SqliteRow;
use serde::de::DeserializeOwned;
use sqlx::{QueryBuilder, Row};

/// Rows inserted by one statement; SQLite takes 32,766 parameters.
const ROWS_MAX: usize = 1000;

/// Inserts the keys and values of objects: rows of id, key and value, in this order of columns.
async fn insert_keys(
    tx: &mut Tx<'_>,
    into: &'static str,
    rows: &[(i64, &str, &str)],
) -> Result<()> {
    for rows in rows.chunks(ROWS_MAX) {
        let mut insert = QueryBuilder::new(format!("INSERT INTO {into} "));
        insert.push_values(rows, |mut row, (object, key, value)| {
            row.push_bind(*object).push_bind(*key).push_bind(*value);
        });
        insert.build().execute(&mut *tx).await.context("insert configuration")?;
    }
    Ok(())
}

/// A column that SQLite gathered as JSON.
fn json<T: DeserializeOwned>(row: &SqliteRow, column: usize) -> Result<T> {
    let text: &str = row.try_get(column).context("read a column")?;
    serde_json::from_str(text).context("read a column of JSON")
}
