//! SQLite connections: all calls of this crate go through these.
//!
//! sqlx has a thread for each connection. A simulation cannot have that: there, whoever calls waits on the spot,
//! so that SQLite takes none of the simulated time, and what happens is a function of the seed.

use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{
    LockedSqliteHandle, SqliteConnectOptions, SqliteConnection, SqliteQueryResult, SqliteRow,
    SqliteStatement, SqliteTypeInfo,
};
use sqlx::{ConnectOptions, Either, Execute, Executor, SqlStr, Sqlite};

/// What a statement brings: how it ended, or a row.
pub(crate) type Item = Either<SqliteQueryResult, SqliteRow>;

/// An open connection. `&mut` of it is a sqlx [`Executor`].
#[derive(Debug)]
pub(crate) struct Connection(Kind);

#[derive(Debug)]
enum Kind {
    Own(SqliteConnection),
    /// Of a pool that the application has.
    Pooled(PoolConnection<Sqlite>),
}

impl Connection {
    pub(crate) async fn open(options: &SqliteConnectOptions) -> sqlx::Result<Self> {
        settle(options.connect()).await.map(|connection| Self(Kind::Own(connection)))
    }

    /// SQLite's own handle; sqlx's thread waits until it is dropped.
    pub(crate) async fn lock_handle(&mut self) -> sqlx::Result<LockedSqliteHandle<'_>> {
        settle(self.raw().lock_handle()).await
    }

    /// Ends the transaction that is open, if there is one, and waits for nothing: whatever is asked of this
    /// connection next comes after that.
    pub(crate) fn abandon(&mut self) {
        let rollback = self.raw().execute(sqlx::query("ROLLBACK"));
        #[cfg(test)]
        if crate::simulation::active() {
            // It fails where there is no transaction.
            drop(futures::executor::block_on(rollback));
            return;
        }
        // The first poll hands it to SQLite's thread.
        let _ = rollback.now_or_never();
    }

    /// Closes it. The last connection to a database moves its -wal into it.
    pub(crate) async fn close(self) -> sqlx::Result<()> {
        match self.0 {
            Kind::Own(connection) => settle(sqlx::Connection::close(connection)).await,
            Kind::Pooled(connection) => settle(connection.close()).await,
        }
    }

    fn raw(&mut self) -> &mut SqliteConnection {
        match &mut self.0 {
            Kind::Own(connection) => connection,
            Kind::Pooled(connection) => connection,
        }
    }
}

impl From<PoolConnection<Sqlite>> for Connection {
    fn from(connection: PoolConnection<Sqlite>) -> Self {
        Self(Kind::Pooled(connection))
    }
}

impl<'c> Executor<'c> for &'c mut Connection {
    type Database = Sqlite;

    fn fetch_many<'e, 'q, E>(self, query: E) -> BoxStream<'e, sqlx::Result<Item>>
    where
        'c: 'e,
        E: Execute<'q, Sqlite>,
        'q: 'e,
        E: 'q,
    {
        whole(self.raw().fetch_many(query))
    }

    fn fetch_optional<'e, 'q, E>(self, query: E) -> BoxFuture<'e, sqlx::Result<Option<SqliteRow>>>
    where
        'c: 'e,
        E: Execute<'q, Sqlite>,
        'q: 'e,
        E: 'q,
    {
        settle(self.raw().fetch_optional(query)).boxed()
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        types: &'e [SqliteTypeInfo],
    ) -> BoxFuture<'e, sqlx::Result<SqliteStatement>>
    where
        'c: 'e,
    {
        settle(self.raw().prepare_with(sql, types)).boxed()
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, sqlx::Result<sqlx::Describe<Sqlite>>>
    where
        'c: 'e,
    {
        settle(self.raw().describe(sql)).boxed()
    }
}

/// Runs what waits for the disk where it holds up no other task.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> std::io::Result<T> {
    #[cfg(test)]
    if crate::simulation::active() {
        crate::simulation::pause().await;
        return work();
    }
    tokio::task::spawn_blocking(work).await.map_err(crate::error::io)?
}

/// Runs what takes a while without holding up other tasks, where the runtime has threads to spare for that.
pub(crate) fn aside<T>(work: impl FnOnce() -> T) -> T {
    match tokio::runtime::Handle::current().runtime_flavor() {
        tokio::runtime::RuntimeFlavor::CurrentThread => work(),
        _ => tokio::task::block_in_place(work),
    }
}

/// Waits for SQLite's thread and nothing else.
async fn settle<F: Future>(call: F) -> F::Output {
    #[cfg(test)]
    if crate::simulation::active() {
        crate::simulation::pause().await;
        return futures::executor::block_on(call);
    }
    call.await
}

/// The same for what brings rows.
fn whole<'e>(items: BoxStream<'e, sqlx::Result<Item>>) -> BoxStream<'e, sqlx::Result<Item>> {
    #[cfg(test)]
    if crate::simulation::active() {
        use futures::{StreamExt, stream};
        let all = settle(items.collect::<Vec<_>>());
        return stream::once(all).flat_map(stream::iter).boxed();
    }
    items
}
