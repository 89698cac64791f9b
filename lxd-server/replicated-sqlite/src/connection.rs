//! SQLite connections. What they are asked for is done on the spot, by the thread that asks: a statement takes
//! microseconds, a switch to another thread and back takes tens of them.

use crate::driver::{Sqlite, SqliteArguments, SqliteQueryResult, SqliteRow, columns, error};
use crate::formalities::Prepared;
use crate::types::Value;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use futures::{FutureExt, StreamExt, TryStreamExt};
use rusqlite::fallible_iterator::FallibleIterator;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{OpenFlags, Statement};
use sqlx::{Either, Execute, Executor, SqlStr};
use std::path::{Path, PathBuf};

/// Prepared statements that a connection keeps.
const STATEMENTS: usize = 256;
/// Rows after which a statement is one that takes a while.
const ROWS: usize = 128;

/// What a statement brings: how it ended, or a row.
pub(crate) type Item = Either<SqliteQueryResult, SqliteRow>;

/// How to open a database: where it is, and what is set on each connection.
#[derive(Clone, Debug)]
pub struct OpenOptions {
    path: PathBuf,
    flags: OpenFlags,
    pragmas: Vec<(&'static str, &'static str)>,
}

impl OpenOptions {
    /// The file must be there. Foreign keys are checked.
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self {
            path: path.as_ref().to_owned(),
            flags: OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
            pragmas: vec![("foreign_keys", "ON")],
        }
    }

    /// Makes the file if it is not there.
    #[must_use]
    pub fn create(mut self) -> Self {
        self.flags |= OpenFlags::SQLITE_OPEN_CREATE;
        self
    }

    /// For reading only.
    #[must_use]
    pub fn read_only(mut self) -> Self {
        self.flags.remove(OpenFlags::SQLITE_OPEN_READ_WRITE);
        self.flags |= OpenFlags::SQLITE_OPEN_READ_ONLY;
        self
    }

    /// A file that nobody writes: neither locked nor accompanied by others.
    #[must_use]
    pub(crate) fn immutable(self) -> Self {
        let path = self.path.to_string_lossy().replace('%', "%25");
        let path = path.replace('?', "%3f").replace('#', "%23");
        let mut options = self.read_only();
        options.path = format!("file:{path}?immutable=1").into();
        options.flags |= OpenFlags::SQLITE_OPEN_URI;
        options
    }

    /// Sets a pragma, after those set before.
    #[must_use]
    pub fn pragma(mut self, name: &'static str, value: &'static str) -> Self {
        self.pragmas.push((name, value));
        self
    }
}

/// An open connection. `&mut` of it is a sqlx [`Executor`].
#[derive(Debug)]
pub struct Connection(rusqlite::Connection);

impl Connection {
    /// Opens a database.
    ///
    /// # Errors
    /// SQLite's.
    pub async fn open(options: &OpenOptions) -> sqlx::Result<Self> {
        pause().await;
        let connection =
            rusqlite::Connection::open_with_flags(&options.path, options.flags).map_err(error)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        let mut connection = Self(connection);
        for (name, value) in &options.pragmas {
            connection.run(&format!("PRAGMA {name} = {value}"), None)?;
        }
        Ok(connection)
    }

    /// Closes it. The last connection to a database moves its -wal into it.
    ///
    /// # Errors
    /// SQLite's.
    pub async fn close(self) -> sqlx::Result<()> {
        aside(|| self.0.close().map_err(|(_, why)| error(why)))
    }

    /// As [`Self::run`], letting others have their turn from time to time.
    pub(crate) async fn ask(
        &mut self,
        sql: &str,
        arguments: Option<&[Value]>,
    ) -> sqlx::Result<Vec<Item>> {
        pause().await;
        self.run(sql, arguments)
    }

    /// Runs a statement, which is kept prepared, or without arguments (not even none) plain text: statements
    /// separated by semicolons.
    pub(crate) fn run(
        &mut self,
        sql: &str,
        arguments: Option<&[Value]>,
    ) -> sqlx::Result<Vec<Item>> {
        let mut items = Vec::new();
        if arguments.is_some() {
            let mut statement = self.0.prepare_cached(sql).map_err(error)?;
            self.step(&mut statement, arguments, &mut items)?;
            return Ok(items);
        }
        let mut batch = rusqlite::Batch::new(&self.0, sql);
        while let Some(mut statement) = batch.next().map_err(error)? {
            self.step(&mut statement, None, &mut items)?;
        }
        Ok(items)
    }

    /// As [`Self::ask`], for a statement that reads or writes a whole database: it holds up no other task.
    pub(crate) async fn ask_aside(
        &mut self,
        sql: &str,
        arguments: &[Value],
    ) -> sqlx::Result<Vec<Item>> {
        pause().await;
        aside(|| self.run(sql, Some(arguments)))
    }

    /// What SQLite finds wrong with the database, unless it is "ok".
    pub(crate) async fn check(&mut self) -> sqlx::Result<String> {
        let found = self.ask_aside("PRAGMA quick_check(1)", &[]).await?;
        match found.into_iter().find_map(|item| item.right()?.values.into_iter().next()) {
            Some(Value::Text(verdict)) => Ok(verdict),
            _ => Err(sqlx::Error::RowNotFound),
        }
    }

    /// Calls `each` with every row of a query, on the spot; for what would not fit into memory at once.
    pub(crate) fn each(&mut self, sql: &str, mut each: impl FnMut(Vec<Value>)) -> sqlx::Result<()> {
        let mut statement = self.0.prepare(sql).map_err(error)?;
        let count = statement.column_count();
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next().map_err(error)? {
            each(values(row, count)?);
        }
        Ok(())
    }

    fn step(
        &self,
        statement: &mut Statement<'_>,
        arguments: Option<&[Value]>,
        items: &mut Vec<Item>,
    ) -> sqlx::Result<()> {
        let count = statement.parameter_count();
        for (place, value) in (1..=count).zip(arguments.unwrap_or_default()) {
            statement.raw_bind_parameter(place, value).map_err(error)?;
        }
        let names = columns(&statement.column_names());
        let mut rows = statement.raw_query();
        let mut fetch = |until: usize| {
            while items.len() < until {
                let Some(row) = rows.next().map_err(error)? else { return Ok(true) };
                let values = values(row, names.len())?;
                items.push(Either::Right(SqliteRow { columns: names.clone(), values }));
            }
            Ok::<_, sqlx::Error>(false)
        };
        if !fetch(ROWS)? {
            aside(|| fetch(usize::MAX))?;
        }
        items.push(Either::Left(SqliteQueryResult { changes: self.0.changes() }));
        Ok(())
    }

    /// Ends the transaction that is open, if there is one.
    pub(crate) fn abandon(&mut self) {
        if self.in_transaction() {
            // SQLite may have rolled back already.
            let _ = self.run("ROLLBACK", None);
        }
    }

    /// Whether a transaction is open.
    pub(crate) fn in_transaction(&self) -> bool {
        !self.0.is_autocommit()
    }

    /// What sqlx knows nothing of.
    pub(crate) fn inner(&self) -> &rusqlite::Connection {
        &self.0
    }

    /// Commits, which may wait for the disk.
    pub(crate) async fn commit(&mut self) -> sqlx::Result<()> {
        pause().await;
        aside(|| self.run("COMMIT", None)).map(drop)
    }
}

fn values(row: &rusqlite::Row<'_>, count: usize) -> sqlx::Result<Vec<Value>> {
    let value = |column| match row.get_ref(column)? {
        ValueRef::Null => Ok(Value::Null),
        ValueRef::Integer(value) => Ok(Value::Integer(value)),
        ValueRef::Real(value) => Ok(Value::Real(value)),
        ValueRef::Text(text) => Ok(Value::Text(String::from_utf8_lossy(text).into_owned())),
        ValueRef::Blob(bytes) => Ok(Value::Blob(bytes.to_owned())),
    };
    (0..count).map(value).collect::<rusqlite::Result<_>>().map_err(error)
}

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(value) => ValueRef::Integer(*value),
            Self::Real(value) => ValueRef::Real(*value),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

impl<'c> Executor<'c> for &'c mut Connection {
    type Database = Sqlite;

    fn fetch_many<'e, 'q, E>(self, mut query: E) -> BoxStream<'e, sqlx::Result<Item>>
    where
        'c: 'e,
        E: Execute<'q, Sqlite>,
        'q: 'e,
        E: 'q,
    {
        let arguments = query.take_arguments().map_err(sqlx::Error::Encode);
        let sql = query.sql();
        items(async move {
            let arguments: Option<SqliteArguments> = arguments?;
            self.ask(sql.as_str(), arguments.as_ref().map(|arguments| &arguments.0[..])).await
        })
    }

    fn fetch_optional<'e, 'q, E>(self, query: E) -> BoxFuture<'e, sqlx::Result<Option<SqliteRow>>>
    where
        'c: 'e,
        E: Execute<'q, Sqlite>,
        'q: 'e,
        E: 'q,
    {
        let mut rows = self.fetch(query);
        async move { rows.try_next().await }.boxed()
    }

    fn prepare_with<'e>(
        self,
        _: SqlStr,
        _: &'e [crate::driver::SqliteType],
    ) -> BoxFuture<'e, sqlx::Result<Prepared>>
    where
        'c: 'e,
    {
        // Statements are prepared when they run, and kept.
        let why = "statements are not prepared by hand".to_owned();
        async { Err(sqlx::Error::Protocol(why)) }.boxed()
    }
}

/// What a statement brings, one by one, as sqlx wants it.
pub(crate) fn items<'e>(
    run: impl Future<Output = sqlx::Result<Vec<Item>>> + Send + 'e,
) -> BoxStream<'e, sqlx::Result<Item>> {
    stream::once(run).map_ok(|items| stream::iter(items.into_iter().map(Ok))).try_flatten().boxed()
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

/// Statements are done at once, so a task that has many of them lets others have their turn.
async fn pause() {
    #[cfg(test)]
    if crate::simulation::active() {
        return crate::simulation::pause().await;
    }
    tokio::task::consume_budget().await;
}

/// Runs what takes a while without holding up other tasks, where the runtime has threads to spare for that.
pub(crate) fn aside<T>(work: impl FnOnce() -> T) -> T {
    match tokio::runtime::Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
        Ok(tokio::runtime::RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}
