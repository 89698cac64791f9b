//! The transaction a closure sees: `&mut Tx` is a sqlx executor, so closures are ordinary sqlx. In a write
//! on a member that does not lead it also records what was asked and what came back.

use crate::connection::{Connection, Item, items};
use crate::driver::{Sqlite, SqliteRow, SqliteType};
use crate::formalities::Prepared;
use crate::types::{Digest, Step, Transcript, Value};
use futures::future::BoxFuture;
use futures::stream::{BoxStream, TryStreamExt};
use sqlx::{Either, Execute, Executor, SqlStr};
use std::marker::PhantomData;
use std::ops::DerefMut;

/// One statement's worth of rows and results, read to the end.
///
/// Reading to the end costs nothing worth having (results are small) and makes the digest cover what the
/// statement would have returned, not what happened to be consumed.
type Outcome = Result<Vec<Item>, sqlx::Error>;

/// A connection that is held for as long as the transaction lives.
pub(crate) type Held = Box<dyn DerefMut<Target = Connection> + Send>;

/// The writer's own statements begin with this, and nobody else's may: what sqlx has prepared for the
/// writer is not checked again when a closure asks for the same text.
pub(crate) const OURS: &str = "/* writer */";

/// Whether a statement is the writer's. A kept one is found whatever space is around it.
fn ours(sql: &str) -> bool {
    sql.trim_start().starts_with(OURS)
}

/// A transaction, as a closure sees it. `&mut Tx` is a sqlx [`Executor`] for SQLite.
///
/// In a write it may SELECT, INSERT, UPDATE and DELETE on the application's tables and call deterministic
/// functions. Everything else (transactions, savepoints, PRAGMA, ATTACH, DDL) is refused by SQLite. Ids come
/// back by RETURNING: `last_insert_rowid` is not what other members see.
///
/// `'env` is what the closure borrows from its surroundings, as in `std::thread::scope`. It lets the closure's
/// future borrow from there and from `&'t mut Tx<'env>` at once, which a bare `for<'t>` would forbid.
pub struct Tx<'env> {
    connection: Held,
    transcript: Option<Transcript>,
    env: PhantomData<&'env mut &'env ()>,
}

impl Tx<'_> {
    /// Nothing is recorded: it reads, or it runs on the leader.
    pub(crate) fn plain(connection: Held) -> Self {
        Self { connection, transcript: None, env: PhantomData }
    }

    /// Everything is recorded. The connection has been [`normalise`]d.
    pub(crate) fn recording(connection: Held) -> Self {
        Self { connection, transcript: Some(Transcript::default()), env: PhantomData }
    }

    pub(crate) fn connection(&mut self) -> &mut Connection {
        &mut self.connection
    }

    pub(crate) fn into_transcript(self) -> Transcript {
        self.transcript.unwrap_or_default()
    }

    async fn run(&mut self, sql: SqlStr, arguments: Option<Vec<Value>>) -> Outcome {
        if ours(sql.as_str()) {
            return Err(sqlx::Error::Protocol("this statement is the writer's".to_owned()));
        }
        if self.transcript.is_none() {
            return self.connection.ask(sql.as_str(), arguments.as_deref()).await;
        }
        let outcome = self.connection.ask(sql.as_str(), arguments.as_deref()).await;
        let seen = digest(&outcome)?;
        if let Some(transcript) = &mut self.transcript {
            let sql = sql.as_str().to_owned();
            transcript.steps.push(Step { sql, params: arguments, seen });
        }
        outcome
    }
}

impl std::fmt::Debug for Tx<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let recorded = self.transcript.as_ref().map(|transcript| transcript.steps.len());
        f.debug_struct("Tx").field("recorded", &recorded).finish()
    }
}

impl<'t> Executor<'t> for &'t mut Tx<'_> {
    type Database = Sqlite;

    fn fetch_many<'e, 'q, E>(self, mut query: E) -> BoxStream<'e, sqlx::Result<Item>>
    where
        't: 'e,
        E: Execute<'q, Sqlite>,
        'q: 'e,
        E: 'q,
    {
        let arguments = query.take_arguments().map_err(sqlx::Error::Encode);
        let sql = query.sql();
        items(async move { self.run(sql, arguments?.map(|arguments| arguments.0)).await })
    }

    fn fetch_optional<'e, 'q, E>(self, query: E) -> BoxFuture<'e, sqlx::Result<Option<SqliteRow>>>
    where
        't: 'e,
        E: Execute<'q, Sqlite>,
        'q: 'e,
        E: 'q,
    {
        let mut rows = self.fetch(query);
        Box::pin(async move { rows.try_next().await })
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        types: &'e [SqliteType],
    ) -> BoxFuture<'e, sqlx::Result<Prepared>>
    where
        't: 'e,
    {
        self.connection().prepare_with(sql, types)
    }
}

/// Runs a transcript and tells whether it saw what it had seen where it was recorded; if not, the number
/// of the step that differs. The connection has been [`normalise`]d.
pub(crate) async fn replay(
    connection: &mut Connection,
    transcript: &Transcript,
) -> sqlx::Result<Result<(), usize>> {
    for (number, step) in transcript.steps.iter().enumerate() {
        if ours(&step.sql) {
            return Ok(Err(number));
        }
        let outcome = connection.ask(&step.sql, step.params.as_deref()).await;
        if digest(&outcome)? != step.seen {
            return Ok(Err(number));
        }
    }
    Ok(Ok(()))
}

/// Created on every connection that records or replays, see [`normalise`].
pub(crate) const ORIGIN: &str = "CREATE TEMP TABLE origin (id INTEGER PRIMARY KEY)";

/// Makes `changes()` start from the same value everywhere.
///
/// SQLite keeps it per connection, and sqlx reports it after every statement, also after those that do not set
/// it. Without this, leftovers of an earlier transaction would make digests differ for ever.
pub(crate) async fn normalise(connection: &mut Connection) -> sqlx::Result<()> {
    connection.execute(sqlx::query("/* writer */ REPLACE INTO temp.origin VALUES (1)")).await?;
    Ok(())
}

/// Digests what a statement returned. A statement that SQLite refused has a digest too: the closure may
/// have gone on from that. Anything else that went wrong is the connection's trouble, not the data's.
fn digest(outcome: &Outcome) -> sqlx::Result<Digest> {
    let mut hasher = blake3::Hasher::new();
    match outcome {
        Ok(items) => {
            for item in items {
                match item {
                    // Not `last_insert_rowid`: tables whose rowid means nothing would collide on every insert.
                    Either::Left(result) => {
                        hasher.update(b"=");
                        hasher.update(&result.rows_affected().to_le_bytes());
                    }
                    Either::Right(row) => absorb_row(&mut hasher, &row.values),
                }
            }
        }
        Err(sqlx::Error::Database(error)) if !environment(error.code().as_deref()) => {
            hasher.update(b"!");
            hasher.update(error.code().unwrap_or_default().as_bytes());
        }
        Err(error) => return Err(sqlx::Error::Protocol(error.to_string())),
    }
    let mut digest = Digest::default();
    digest.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    Ok(digest)
}

/// Whether an error is this host's trouble (busy, memory, interrupted, I/O, damaged, full), not the data's.
fn environment(code: Option<&str>) -> bool {
    let code: u32 = code.and_then(|code| code.parse().ok()).unwrap_or(0);
    matches!(code & 0xff, 5..=11 | 13..=15)
}

/// Adds a row to a digest, so that no two rows that differ look alike.
pub(crate) fn absorb_row(hasher: &mut blake3::Hasher, row: &[Value]) {
    hasher.update(b"r");
    for value in row {
        absorb(hasher, value);
    }
}

fn absorb(hasher: &mut blake3::Hasher, value: &Value) {
    let (tag, bytes): (u8, &[u8]) = match value {
        Value::Null => (0, &[]),
        Value::Integer(value) => (1, &value.to_le_bytes()),
        Value::Real(value) => (2, &value.to_bits().to_le_bytes()),
        Value::Text(value) => (3, value.as_bytes()),
        Value::Blob(value) => (4, value),
    };
    hasher.update(&[tag]);
    hasher.update(&(bytes.len() as u64).to_le_bytes());
    hasher.update(bytes);
}
