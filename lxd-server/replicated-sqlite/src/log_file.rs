//! The file under the log, `raft.db`, and the one task that touches it.

use crate::codec::{decode, encode};
use crate::error::io;
use crate::types::Types;
use openraft::storage::IOFlushed;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteLockingMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Executor, QueryBuilder, Sqlite, SqliteConnection};
use std::io::Result;
use std::path::Path;
use tokio::sync::{mpsc, oneshot, watch};

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS log (idx INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
";

/// Jobs that share a transaction at most.
const BATCH: usize = 256;

/// What is kept beside the entries.
#[derive(Clone, Copy)]
pub(crate) enum Meta {
    Vote,
    Purged,
    Generation,
    Boot,
}

impl Meta {
    const fn key(self) -> &'static str {
        match self {
            Self::Vote => "vote",
            Self::Purged => "purged",
            Self::Generation => "generation",
            Self::Boot => "boot",
        }
    }
}

type Reply = oneshot::Sender<Result<()>>;

/// What the task can be asked for, in order.
pub(crate) enum Job {
    Append(Vec<(u64, Vec<u8>)>, IOFlushed<Types>),
    Vote(Vec<u8>, Reply),
    TruncateFrom(u64, Reply),
    Purge(u64, Vec<u8>, Reply),
    /// The new generation; up to where the log goes with it.
    Flip(Vec<u8>, Option<(u64, Vec<u8>)>, Reply),
    /// Entries from `from` until before `until`, until `limit` bytes are exceeded.
    Read {
        from: u64,
        until: u64,
        limit: usize,
        reply: oneshot::Sender<Result<Vec<Vec<u8>>>>,
    },
    Close(Reply),
}

/// The open file.
pub(crate) struct LogFile(SqliteConnection);

pub(crate) async fn connect(path: &Path) -> Result<LogFile> {
    let mut connection = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .locking_mode(SqliteLockingMode::Exclusive)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .connect()
        .await
        .map_err(io)?;
    connection.execute(SCHEMA).await.map_err(io)?;
    Ok(LogFile(connection))
}

type Done = Box<dyn FnOnce(Result<()>) + Send>;

impl LogFile {
    pub(crate) async fn meta<T: serde::de::DeserializeOwned>(
        &mut self,
        key: Meta,
    ) -> Result<Option<T>> {
        let query = sqlx::query_scalar("SELECT value FROM meta WHERE key = ?").bind(key.key());
        let value: Option<Vec<u8>> = query.fetch_optional(&mut self.0).await.map_err(io)?;
        value.map(|value| decode(&value)).transpose()
    }

    pub(crate) async fn put(&mut self, key: Meta, value: &impl serde::Serialize) -> Result<()> {
        self.set(key, encode(value)?).await.map_err(io)
    }

    /// The last entries, the newest last.
    pub(crate) async fn newest(&mut self, count: usize) -> Result<Vec<Vec<u8>>> {
        let query = sqlx::query_scalar("SELECT body FROM log ORDER BY idx DESC LIMIT ?");
        let mut bodies: Vec<Vec<u8>> =
            query.bind(signed(count as u64)).fetch_all(&mut self.0).await.map_err(io)?;
        bodies.reverse();
        Ok(bodies)
    }

    /// Bytes of all entries.
    pub(crate) async fn bytes(&mut self) -> Result<u64> {
        let query = sqlx::query_scalar("SELECT coalesce(sum(length(body)), 0) FROM log");
        let bytes: i64 = query.fetch_one(&mut self.0).await.map_err(io)?;
        Ok(bytes.unsigned_abs())
    }

    /// Does jobs until it is told to close, or nobody is left who could.
    pub(crate) async fn work(mut self, mut jobs: mpsc::Receiver<Job>, bytes: watch::Sender<u64>) {
        let mut batch = Vec::new();
        let mut closing = None;
        while closing.is_none() && jobs.recv_many(&mut batch, BATCH).await > 0 {
            let mut done: Vec<Done> = Vec::new();
            let mut size = *bytes.borrow();
            let mut run = Vec::with_capacity(batch.len());
            for job in batch.drain(..) {
                match job {
                    Job::Close(reply) => closing = Some(reply),
                    // What came after is not done, and whoever sent it hears that the log is gone.
                    job if closing.is_none() => run.push(job),
                    _ => {}
                }
            }
            let result = self.write(run, &mut done, &mut size).await;
            if result.is_ok() {
                bytes.send_replace(size);
            }
            for done in done {
                done(copy(&result));
            }
        }
        drop(jobs);
        let closed = self.0.close().await.map_err(io);
        if let Some(reply) = closing {
            let _ = reply.send(closed);
        }
    }

    async fn write(
        &mut self,
        jobs: Vec<Job>,
        done: &mut Vec<Done>,
        size: &mut u64,
    ) -> sqlx::Result<()> {
        if jobs.is_empty() {
            return Ok(());
        }
        // A failed step must still leave every job answered, so errors are kept until the end.
        let mut result = self.0.execute("BEGIN IMMEDIATE").await.map(|_| ());
        for job in jobs {
            let step = self.step(job, done, size).await;
            result = result.and(step);
        }
        match result {
            Ok(()) => self.0.execute("COMMIT").await.map(|_| ()),
            Err(error) => {
                let _ = self.0.execute("ROLLBACK").await;
                Err(error)
            }
        }
    }

    async fn step(&mut self, job: Job, done: &mut Vec<Done>, size: &mut u64) -> sqlx::Result<()> {
        let mut answer = |reply: Reply| done.push(Box::new(move |result| drop(reply.send(result))));
        match job {
            Job::Append(rows, flushed) => {
                done.push(Box::new(move |result| flushed.io_completed(result)));
                *size += rows.iter().map(|(_, body)| body.len() as u64).sum::<u64>();
                self.insert(&rows).await
            }
            Job::Vote(value, reply) => {
                answer(reply);
                self.set(Meta::Vote, value).await
            }
            Job::TruncateFrom(from, reply) => {
                answer(reply);
                self.delete("DELETE FROM log WHERE idx >= ? RETURNING length(body)", from, size)
                    .await
            }
            Job::Purge(upto, value, reply) => {
                answer(reply);
                self.purge(upto, value, size).await
            }
            Job::Flip(generation, purged, reply) => {
                answer(reply);
                self.set(Meta::Generation, generation).await?;
                match purged {
                    Some((upto, value)) => self.purge(upto, value, size).await,
                    None => Ok(()),
                }
            }
            Job::Read { from, until, limit, reply } => {
                let _ = reply.send(self.read(from, until, limit).await.map_err(io));
                Ok(())
            }
            Job::Close(_) => Ok(()),
        }
    }

    async fn insert(&mut self, rows: &[(u64, Vec<u8>)]) -> sqlx::Result<()> {
        for rows in rows.chunks(64) {
            let mut query = QueryBuilder::<Sqlite>::new("INSERT INTO log ");
            query.push_values(rows, |mut row, (index, body)| {
                row.push_bind(signed(*index)).push_bind(body.clone());
            });
            query.build().execute(&mut self.0).await?;
        }
        Ok(())
    }

    async fn purge(&mut self, upto: u64, value: Vec<u8>, size: &mut u64) -> sqlx::Result<()> {
        self.delete("DELETE FROM log WHERE idx <= ? RETURNING length(body)", upto, size).await?;
        self.set(Meta::Purged, value).await
    }

    async fn delete(&mut self, sql: &'static str, index: u64, size: &mut u64) -> sqlx::Result<()> {
        let query = sqlx::query_scalar(sql).bind(signed(index));
        let gone: Vec<i64> = query.fetch_all(&mut self.0).await?;
        *size = size.saturating_sub(gone.iter().map(|bytes| bytes.unsigned_abs()).sum());
        Ok(())
    }

    async fn read(&mut self, from: u64, until: u64, limit: usize) -> sqlx::Result<Vec<Vec<u8>>> {
        use futures::TryStreamExt;
        let query =
            sqlx::query_scalar("SELECT body FROM log WHERE idx >= ? AND idx < ? ORDER BY idx");
        let mut rows = query.bind(signed(from)).bind(signed(until)).fetch(&mut self.0);
        let (mut bodies, mut total) = (Vec::new(), 0usize);
        while let Some(body) = rows.try_next().await? {
            let body: Vec<u8> = body;
            total = total.saturating_add(body.len());
            if !bodies.is_empty() && total > limit {
                break;
            }
            bodies.push(body);
        }
        Ok(bodies)
    }

    async fn set(&mut self, key: Meta, value: Vec<u8>) -> sqlx::Result<()> {
        let query = sqlx::query("REPLACE INTO meta VALUES (?, ?)").bind(key.key()).bind(value);
        query.execute(&mut self.0).await.map(drop)
    }
}

/// Every job of a transaction hears the same.
fn copy(result: &sqlx::Result<()>) -> Result<()> {
    match result {
        Ok(()) => Ok(()),
        Err(error) => Err(std::io::Error::other(error.to_string())),
    }
}

/// SQLite's integers are signed; log indexes never come near the sign.
fn signed(index: u64) -> i64 {
    i64::try_from(index).unwrap_or(i64::MAX)
}
