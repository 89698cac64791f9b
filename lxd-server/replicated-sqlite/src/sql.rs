//! SQL as an operator types it.

use crate::connection::Connection;
use crate::db::Db;
use crate::error::Error;
use crate::session;
use crate::tx::Tx;
use crate::types::Value;
use futures::{FutureExt, TryStreamExt};
use sqlx::{AssertSqlSafe, Either};
use std::ops::DerefMut;

/// What one statement returned.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// Names of the columns; none if the statement returns no rows by nature.
    pub columns: Vec<String>,
    /// The rows, each with a value for every column.
    pub rows: Vec<Vec<Value>>,
    /// Rows inserted, updated or deleted.
    pub rows_affected: u64,
}

impl Db {
    /// Runs statements, separated by semicolons, in one transaction, on any member. They may do what closures
    /// may do.
    ///
    /// # Errors
    /// As [`Db::write`]; SQLite's own error if a statement is wrong or not allowed.
    pub async fn execute(&self, sql: &str) -> Result<Vec<Table>, Error> {
        self.write(|tx| tx.execute_all(sql).boxed()).await
    }
}

impl Tx<'_> {
    /// Runs statements, separated by semicolons.
    ///
    /// # Errors
    /// SQLite's own error if a statement is wrong or not allowed.
    pub async fn execute_all(&mut self, sql: &str) -> Result<Vec<Table>, Error> {
        run(self, sql).await
    }
}

impl<C: DerefMut<Target = Connection> + Send + 'static> From<C> for Tx<'_> {
    /// A connection to a database that is not replicated, for what is done to both kinds alike. It begins
    /// and commits nothing by itself, and refuses nothing.
    fn from(connection: C) -> Self {
        Self::plain(Box::new(connection))
    }
}

async fn run(tx: &mut Tx<'_>, sql: &str) -> Result<Vec<Table>, Error> {
    let mut columns = session::columns(tx.connection(), sql)?.into_iter();
    let mut tables = Vec::new();
    let mut rows = Vec::new();
    let mut items = sqlx::raw_sql(AssertSqlSafe(sql)).fetch_many(&mut *tx);
    while let Some(item) = items.try_next().await? {
        match item {
            Either::Right(row) => rows.push(row.values),
            Either::Left(done) => {
                let columns = columns.next().unwrap_or_default();
                // SQLite leaves the count of an earlier statement in place for those that only read.
                let rows_affected = if columns.is_empty() { done.rows_affected() } else { 0 };
                tables.push(Table { columns, rows: std::mem::take(&mut rows), rows_affected });
            }
        }
    }
    Ok(tables)
}
