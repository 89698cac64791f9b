//! The file under the log, `raft.db`, and the one task that touches it.

use crate::codec::decode;
use crate::connection::{Connection, OpenOptions};
use crate::disk;
use crate::driver::Sqlite;
use crate::error::io;
use crate::figures::Meters;
use crate::types::Types;
use openraft::storage::IOFlushed;
use sqlx::{Executor, QueryBuilder};
use std::io::Result;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

const SCHEMA: &str = "
CREATE TABLE log (idx INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;
CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
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
    Set(Meta, Vec<u8>, Reply),
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

/// What is durable of the log.
#[derive(Clone, Copy)]
pub(crate) struct Extent {
    /// Bytes of all entries.
    pub(crate) bytes: u64,
    /// Index of the last one, purged or not.
    pub(crate) last: u64,
}

/// The open file.
pub(crate) struct LogFile(Connection);

pub(crate) async fn connect(path: &Path) -> Result<LogFile> {
    disk::create(path, SCHEMA).await?;
    let options = OpenOptions::new(path)
        .pragma("locking_mode", "EXCLUSIVE")
        .pragma("journal_mode", "WAL")
        .pragma("synchronous", "FULL")
        // Entries are read from memory; KiB.
        .pragma("cache_size", "-512");
    Ok(LogFile(Connection::open(&options).await.map_err(io)?))
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
    pub(crate) async fn work(
        mut self,
        mut jobs: mpsc::Receiver<Job>,
        extent: watch::Sender<Extent>,
        meters: Arc<Meters>,
    ) {
        let mut batch = Vec::new();
        let mut closing = None;
        while closing.is_none() && jobs.recv_many(&mut batch, BATCH).await > 0 {
            let mut done: Vec<Done> = Vec::new();
            let mut now = *extent.borrow();
            let mut run = Vec::with_capacity(batch.len());
            for job in batch.drain(..) {
                match job {
                    Job::Close(reply) => closing = Some(reply),
                    // What came after is not done, and whoever sent it hears that the log is gone.
                    job if closing.is_none() => run.push(job),
                    _ => {}
                }
            }
            let begun = Instant::now();
            let result = self.write(run, &mut done, &mut now).await;
            meters.log_writes.note(begun.elapsed());
            if result.is_ok() {
                extent.send_replace(now);
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
        extent: &mut Extent,
    ) -> sqlx::Result<()> {
        if jobs.is_empty() {
            return Ok(());
        }
        // A failed step must still leave every job answered, so errors are kept until the end.
        let mut result = self.0.execute("BEGIN IMMEDIATE").await.map(|_| ());
        for job in jobs {
            let step = self.step(job, done, extent).await;
            result = result.and(step);
        }
        match result {
            Ok(()) => self.0.commit().await,
            Err(error) => {
                let _ = self.0.execute("ROLLBACK").await;
                Err(error)
            }
        }
    }

    async fn step(
        &mut self,
        job: Job,
        done: &mut Vec<Done>,
        extent: &mut Extent,
    ) -> sqlx::Result<()> {
        let mut answer = |reply: Reply| done.push(Box::new(move |result| drop(reply.send(result))));
        match job {
            Job::Append(rows, flushed) => {
                done.push(Box::new(move |result| flushed.io_completed(result)));
                extent.bytes += rows.iter().map(|(_, body)| body.len() as u64).sum::<u64>();
                extent.last = rows.last().map_or(extent.last, |(index, _)| *index);
                self.insert(&rows).await
            }
            Job::Set(key, value, reply) => {
                answer(reply);
                self.set(key, value).await
            }
            Job::TruncateFrom(from, reply) => {
                answer(reply);
                extent.last = extent.last.min(from.saturating_sub(1));
                self.delete("DELETE FROM log WHERE idx >= ? RETURNING length(body)", from, extent)
                    .await
            }
            Job::Purge(upto, value, reply) => {
                answer(reply);
                self.purge(upto, value, extent).await
            }
            Job::Flip(generation, purged, reply) => {
                answer(reply);
                self.set(Meta::Generation, generation).await?;
                match purged {
                    Some((upto, value)) => self.purge(upto, value, extent).await,
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

    async fn purge(&mut self, upto: u64, value: Vec<u8>, extent: &mut Extent) -> sqlx::Result<()> {
        self.delete("DELETE FROM log WHERE idx <= ? RETURNING length(body)", upto, extent).await?;
        extent.last = extent.last.max(upto);
        self.set(Meta::Purged, value).await
    }

    async fn delete(
        &mut self,
        sql: &'static str,
        index: u64,
        extent: &mut Extent,
    ) -> sqlx::Result<()> {
        let query = sqlx::query_scalar(sql).bind(signed(index));
        let gone: Vec<i64> = query.fetch_all(&mut self.0).await?;
        let gone = gone.iter().map(|bytes| bytes.unsigned_abs()).sum();
        extent.bytes = extent.bytes.saturating_sub(gone);
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
