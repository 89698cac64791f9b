//! What sqlx asks of every driver, and nobody here needs: URLs, statements prepared by hand, its own kind of
//! transactions.

use crate::connection::{Connection, OpenOptions};
use crate::driver::{Sqlite, SqliteArguments, SqliteColumn, SqliteType};
use sqlx::{Either, SqlStr, Transaction};
use sqlx_core::Url;
use sqlx_core::transaction::TransactionManager;
use std::future::{Future, ready};
use std::time::Duration;
use tracing::log::LevelFilter;

impl sqlx::Connection for Connection {
    type Database = Sqlite;
    type Options = OpenOptions;

    async fn close(self) -> sqlx::Result<()> {
        Self::close(self).await
    }

    async fn close_hard(self) -> sqlx::Result<()> {
        Self::close(self).await
    }

    fn ping(&mut self) -> impl Future<Output = sqlx::Result<()>> + Send + '_ {
        ready(Ok(()))
    }

    fn begin(&mut self) -> impl Future<Output = sqlx::Result<Transaction<'_, Sqlite>>> + Send + '_ {
        Transaction::begin(self, None)
    }

    fn shrink_buffers(&mut self) {}

    fn flush(&mut self) -> impl Future<Output = sqlx::Result<()>> + Send + '_ {
        ready(Ok(()))
    }

    fn should_flush(&self) -> bool {
        false
    }
}

impl sqlx::ConnectOptions for OpenOptions {
    type Connection = Connection;

    fn from_url(url: &Url) -> sqlx::Result<Self> {
        Ok(Self::new(url.path()))
    }

    async fn connect(&self) -> sqlx::Result<Connection> {
        Connection::open(self).await
    }

    fn log_statements(self, _: LevelFilter) -> Self {
        self
    }

    fn log_slow_statements(self, _: LevelFilter, _: Duration) -> Self {
        self
    }
}

impl std::str::FromStr for OpenOptions {
    type Err = sqlx::Error;

    fn from_str(path: &str) -> sqlx::Result<Self> {
        Ok(Self::new(path))
    }
}

/// Begins and ends transactions, one in the other never.
#[derive(Debug)]
pub struct Transactions;

impl TransactionManager for Transactions {
    type Database = Sqlite;

    async fn begin(connection: &mut Connection, statement: Option<SqlStr>) -> sqlx::Result<()> {
        let begin = statement.as_ref().map_or("BEGIN", SqlStr::as_str);
        connection.run(begin, None).map(drop)
    }

    async fn commit(connection: &mut Connection) -> sqlx::Result<()> {
        connection.run("COMMIT", None).map(drop)
    }

    async fn rollback(connection: &mut Connection) -> sqlx::Result<()> {
        connection.run("ROLLBACK", None).map(drop)
    }

    fn start_rollback(connection: &mut Connection) {
        connection.abandon();
    }

    fn get_transaction_depth(connection: &Connection) -> usize {
        usize::from(connection.in_transaction())
    }
}

/// A statement that was prepared by hand: there is none.
#[derive(Clone, Debug)]
pub enum Prepared {}

impl sqlx::Statement for Prepared {
    type Database = Sqlite;

    fn into_sql(self) -> SqlStr {
        match self {}
    }

    fn sql(&self) -> &SqlStr {
        match *self {}
    }

    fn parameters(&self) -> Option<Either<&[SqliteType], usize>> {
        match *self {}
    }

    fn columns(&self) -> &[SqliteColumn] {
        match *self {}
    }

    sqlx_core::impl_statement_query!(SqliteArguments);
}
