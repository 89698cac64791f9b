//! The file under the log, `raft.db`, and the one task that touches it.

use crate::codec::{Ballot, Position, seal};
use crate::connection::{Connection, OpenOptions};
use crate::disk;
use crate::driver::Sqlite;
use crate::error::{Error, io};
use crate::figures::Meters;
use crate::log_check::{self, Contents, lost};
use crate::mark::{Mark, MarkFile};
use crate::repair::Seal;
use crate::snapshot;
use crate::types::Types;
use openraft::storage::IOFlushed;
use sqlx::{Executor, QueryBuilder};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

const SCHEMA: &str = "
CREATE TABLE log (idx INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;
CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
";

/// What the checksum of an entry says that it is.
pub(crate) const ENTRY: &str = "entry";
/// Jobs that share a transaction at most.
const BATCH: usize = 256;

/// What is kept beside the entries.
#[derive(Clone, Copy)]
pub(crate) enum Meta {
    Vote,
    Purged,
    Generation,
    Boot,
    Seal,
}

impl Meta {
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::Vote => "vote",
            Self::Purged => "purged",
            Self::Generation => "generation",
            Self::Boot => "boot",
            Self::Seal => "seal",
        }
    }
}

type Reply = oneshot::Sender<std::io::Result<()>>;

/// What the task can be asked for, in order.
pub(crate) enum Job {
    Append(Vec<(Position, Vec<u8>)>, IOFlushed<Types>),
    Vote(Ballot, Reply),
    Boot(u64, Reply),
    Seal(Option<Seal>, Reply),
    /// Forgets what comes after an entry.
    Truncate(Option<Position>, Reply),
    Purge(Position, Reply),
    /// The new generation; up to where the log goes with it.
    Flip(u64, Option<Position>, Reply),
    /// Entries from `from` until before `until`, until `limit` bytes are exceeded.
    Read {
        from: u64,
        until: u64,
        limit: usize,
        reply: oneshot::Sender<std::io::Result<Vec<Vec<u8>>>>,
    },
    Close(Reply),
}

/// What is durable of the log.
#[derive(Clone, Copy)]
pub(crate) struct Extent {
    /// Bytes of all entries.
    pub(crate) bytes: u64,
    /// Where the log stands.
    pub(crate) mark: Mark,
    /// How long the last write took.
    pub(crate) took: Duration,
}

impl Extent {
    /// Index of the last entry, purged or not.
    pub(crate) fn last(&self) -> u64 {
        self.mark.last.map_or(0, |last| last.index)
    }
}

/// The open file.
pub(crate) struct LogFile {
    connection: Connection,
    marks: MarkFile,
    committed: Arc<AtomicU64>,
}

/// Opens the log in a directory, or makes it, and reads it from end to end.
///
/// # Errors
/// `Lost` if it is not what it was.
pub(crate) async fn open(dir: &Path) -> Result<(LogFile, Contents), Error> {
    let path = dir.join("raft.db");
    let lived = path.exists();
    if !lived && snapshot::traces(dir)? {
        return Err(Error::Lost("the log is gone".to_owned()));
    }
    disk::create(&path, SCHEMA).await?;
    log_check::header(&path)?;
    let options = OpenOptions::new(path)
        .pragma("locking_mode", "EXCLUSIVE")
        .pragma("journal_mode", "WAL")
        .pragma("synchronous", "FULL")
        // Entries are read from memory; KiB.
        .pragma("cache_size", "-512")
        .pragma("journal_size_limit", disk::WAL_MAX);
    let mut connection = Connection::open(&options).await.map_err(lost)?;
    let contents = log_check::read(&mut connection).await?;
    let (marks, marked) = MarkFile::open(&dir.join("raft.mark")).await?;
    if marked.is_some_and(|marked| marked.is_ahead_of(&contents.mark())) {
        let _ = connection.close().await;
        return Err(Error::Lost("the log is an old one, or has lost its end".to_owned()));
    }
    let committed = marked.map_or(0, |marked| marked.committed);
    let committed = Arc::new(AtomicU64::new(committed));
    Ok((LogFile { connection, marks, committed }, contents))
}

type Done = Box<dyn FnOnce(std::io::Result<()>) + Send>;

impl LogFile {
    /// Index up to which the entries are known to be on a majority; also kept for the next start.
    pub(crate) fn committed(&self) -> Arc<AtomicU64> {
        self.committed.clone()
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
            now.took = begun.elapsed();
            meters.log_writes.note(now.took);
            if result.is_ok() {
                extent.send_replace(now);
            }
            for done in done {
                done(copy(&result));
            }
        }
        drop(jobs);
        let mut mark = extent.borrow().mark;
        mark.committed = self.committed.load(Ordering::Relaxed);
        let marked = self.marks.write(&mark);
        let closed = self.connection.close().await.map_err(io).and(marked);
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
        let mut result = self.lower(&jobs, extent.mark);
        result = result.and(self.connection.execute("BEGIN IMMEDIATE").await.map(drop));
        for job in jobs {
            let step = self.step(job, done, extent).await;
            result = result.and(step);
        }
        if let Err(error) = result {
            let _ = self.connection.execute("ROLLBACK").await;
            return Err(error);
        }
        self.connection.commit().await?;
        extent.mark.committed = self.committed.load(Ordering::Relaxed);
        Ok(self.marks.write(&extent.mark)?)
    }

    /// Nothing else takes the log back, and the mark must never be ahead of it.
    fn lower(&self, jobs: &[Job], mut mark: Mark) -> sqlx::Result<()> {
        let cuts = jobs.iter().filter_map(|job| match job {
            Job::Truncate(last, _) => Some(*last),
            _ => None,
        });
        let Some(last) = cuts.min_by_key(|last| last.map(|last| last.index)) else { return Ok(()) };
        mark.last = last;
        Ok(self.marks.write_through(&mark)?)
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
                extent.mark.last = rows.last().map(|(at, _)| *at).or(extent.mark.last);
                self.insert(&rows).await
            }
            Job::Vote(vote, reply) => {
                answer(reply);
                extent.mark.vote = Some(vote);
                self.set(Meta::Vote, &vote).await
            }
            Job::Boot(boot, reply) => {
                answer(reply);
                extent.mark.boot = boot;
                self.set(Meta::Boot, &boot).await
            }
            Job::Seal(seal, reply) => {
                answer(reply);
                self.set(Meta::Seal, &seal).await
            }
            Job::Truncate(last, reply) => {
                answer(reply);
                extent.mark.last = last;
                let from = last.map_or(0, |last| last.index + 1);
                self.delete("DELETE FROM log WHERE idx >= ? RETURNING length(body)", from, extent)
                    .await
            }
            Job::Purge(upto, reply) => {
                answer(reply);
                self.purge(upto, extent).await
            }
            Job::Flip(generation, purged, reply) => {
                answer(reply);
                self.set(Meta::Generation, &generation).await?;
                match purged {
                    Some(upto) => self.purge(upto, extent).await,
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

    async fn insert(&mut self, rows: &[(Position, Vec<u8>)]) -> sqlx::Result<()> {
        for rows in rows.chunks(64) {
            let mut query = QueryBuilder::<Sqlite>::new("INSERT INTO log ");
            query.push_values(rows, |mut row, (at, body)| {
                row.push_bind(signed(at.index)).push_bind(body.clone());
            });
            query.build().execute(&mut self.connection).await?;
        }
        Ok(())
    }

    async fn purge(&mut self, upto: Position, extent: &mut Extent) -> sqlx::Result<()> {
        let sql = "DELETE FROM log WHERE idx <= ? RETURNING length(body)";
        self.delete(sql, upto.index, extent).await?;
        if extent.last() <= upto.index {
            extent.mark.last = Some(upto);
        }
        self.set(Meta::Purged, &upto).await
    }

    async fn delete(
        &mut self,
        sql: &'static str,
        index: u64,
        extent: &mut Extent,
    ) -> sqlx::Result<()> {
        let query = sqlx::query_scalar(sql).bind(signed(index));
        let gone: Vec<i64> = query.fetch_all(&mut self.connection).await?;
        let gone = gone.iter().map(|bytes| bytes.unsigned_abs()).sum();
        extent.bytes = extent.bytes.saturating_sub(gone);
        Ok(())
    }

    async fn read(&mut self, from: u64, until: u64, limit: usize) -> sqlx::Result<Vec<Vec<u8>>> {
        use futures::TryStreamExt;
        let query =
            sqlx::query_scalar("SELECT body FROM log WHERE idx >= ? AND idx < ? ORDER BY idx");
        let mut rows = query.bind(signed(from)).bind(signed(until)).fetch(&mut self.connection);
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

    async fn set(&mut self, key: Meta, value: &impl serde::Serialize) -> sqlx::Result<()> {
        let value = seal(key.key(), value)?;
        let query = sqlx::query("REPLACE INTO meta VALUES (?, ?)").bind(key.key()).bind(value);
        query.execute(&mut self.connection).await.map(drop)
    }
}

/// Every job of a transaction hears the same.
fn copy(result: &sqlx::Result<()>) -> std::io::Result<()> {
    match result {
        Ok(()) => Ok(()),
        Err(error) => Err(std::io::Error::other(error.to_string())),
    }
}

/// SQLite's integers are signed; log indexes never come near the sign.
fn signed(index: u64) -> i64 {
    i64::try_from(index).unwrap_or(i64::MAX)
}
