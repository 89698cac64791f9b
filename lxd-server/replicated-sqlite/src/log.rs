//! The Raft log: one SQLite file, one connection, one task, strictly in order.
//!
//! Whatever is waiting (entries, a vote, a truncation) goes into one transaction: one fdatasync.
//! An append is reported durable only after that.

use crate::codec::{Ballot, Position, Record, seal, unseal};
use crate::error::io;
use crate::figures::Meters;
use crate::log_check::Contents;
use crate::log_file::{self, ENTRY, Extent, Job};
use crate::repair::Seal;
use crate::types::{Entry, LogId, Types, Vote};
use futures::future::{BoxFuture, Shared};
use futures::stream::{self, Stream};
use futures::{FutureExt, StreamExt, TryStreamExt};
use openraft::OptionalSend;
use openraft::storage::{IOFlushed, LogState, RaftLogReader, RaftLogStorage};
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::io::Result;
use std::ops::{Bound, RangeBounds};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};

/// Entries kept in memory for the replication readers; older ones come from the file.
const CACHED: usize = 4096;
/// Bytes of those, at most.
const CACHED_BYTES: usize = 8 << 20;
/// Jobs that wait for the task.
const QUEUE: usize = 1024;
/// Bytes that one read for replication returns, or one entry: bounds the frames on the wire.
const CHUNK_BYTES: usize = 1 << 20;

/// A handle to the log; clones share it.
#[derive(Clone)]
pub(crate) struct LogStore {
    queue: mpsc::Sender<Job>,
    memory: Arc<Mutex<Memory>>,
    extent: watch::Receiver<Extent>,
    booted: Shared<BoxFuture<'static, bool>>,
    committed: Arc<AtomicU64>,
}

#[derive(Default)]
struct Memory {
    /// The tail of the log, without holes, and each entry's size.
    tail: BTreeMap<u64, (usize, Entry)>,
    tail_bytes: usize,
    vote: Option<Vote>,
    purged: Option<LogId>,
}

impl Memory {
    fn push(&mut self, bytes: usize, entry: Entry) {
        self.tail_bytes += bytes;
        self.tail.insert(entry.log_id.index, (bytes, entry));
        // The last entry stays, whatever its size: the log's state is read from it.
        while self.tail.len() > 1 && (self.tail.len() > CACHED || self.tail_bytes > CACHED_BYTES) {
            if let Some((_, (bytes, _))) = self.tail.pop_first() {
                self.tail_bytes -= bytes;
            }
        }
    }

    fn last(&self) -> Option<LogId> {
        self.tail.values().next_back().map(|(_, entry)| entry.log_id).or(self.purged)
    }

    fn keep(&mut self, keep: impl Fn(u64) -> bool) {
        self.tail.retain(|index, _| keep(*index));
        self.tail_bytes = self.tail.values().map(|(bytes, _)| bytes).sum();
    }
}

/// What the file says about this member's earlier life.
pub(crate) struct Earlier {
    /// Which `state-<generation>.db` is the live one.
    pub(crate) generation: u64,
    /// How often the log has been opened, this time included.
    pub(crate) boot: u64,
    /// Index of its last entry, purged or not.
    pub(crate) last: u64,
    /// Up to where its entries have been forgotten.
    pub(crate) purged: Option<LogId>,
    /// What the file of the state database was after its last checkpoint.
    pub(crate) seal: Option<Seal>,
}

impl LogStore {
    /// Opens the log in a directory, or makes it.
    ///
    /// # Errors
    /// `Lost` if it is not what it was.
    pub(crate) async fn open(
        dir: &Path,
        meters: Arc<Meters>,
    ) -> std::result::Result<(Self, Earlier), crate::Error> {
        let (file, contents) = log_file::open(dir).await?;
        let mark = contents.mark();
        let Contents { vote, purged, generation, boot, seal, bytes, tail, .. } = contents;
        let (boot, purged) = (boot + 1, purged.map(LogId::from));
        let mut memory = Memory { vote: vote.map(Vote::from), purged, ..Memory::default() };
        for (bytes, entry) in tail {
            memory.push(bytes, entry);
        }
        let extent = watch::Sender::new(Extent { bytes, mark, took: Duration::ZERO });
        let (last, seen) = (extent.borrow().last(), extent.subscribe());
        let (queue, jobs) = mpsc::channel(QUEUE);
        let committed = file.committed();
        tokio::spawn(file.work(jobs, extent, meters));
        let (reply, booted) = oneshot::channel();
        queue.send(Job::Boot(boot, reply)).await.map_err(|_| crate::Error::Stopped)?;
        let booted = booted.map(|done| matches!(done, Ok(Ok(())))).boxed().shared();
        let memory = Arc::new(Mutex::new(memory));
        let log = Self { queue, memory, extent: seen, booted, committed };
        Ok((log, Earlier { generation, boot, last, purged, seal }))
    }

    /// Waits until the number of this start is durable: before that no transaction may carry it.
    pub(crate) async fn booted(&self) -> std::result::Result<(), crate::Error> {
        if self.booted.clone().await { Ok(()) } else { Err(crate::Error::Stopped) }
    }

    /// What is durable of the log, as it changes.
    pub(crate) fn extent(&self) -> watch::Receiver<Extent> {
        self.extent.clone()
    }

    /// Index of the last durable entry.
    pub(crate) fn durable(&self) -> u64 {
        self.extent.borrow().last()
    }

    /// Ends the log once what is queued is on disk, and closes the file.
    pub(crate) async fn close(&self) {
        // An error means that it is closed already.
        let _ = self.ask(Job::Close).await;
    }

    /// Makes another state database the live one and forgets the entries that it holds, at once.
    pub(crate) async fn flip(&self, generation: u64, upto: Option<LogId>) -> Result<()> {
        self.ask(|reply| Job::Flip(generation, upto.map(Position::from), reply)).await?;
        if let Some(upto) = upto {
            self.forget(upto);
        }
        Ok(())
    }

    /// Keeps what the file of the state database is, or that it is being written.
    pub(crate) async fn seal(&self, seal: Option<Seal>) -> Result<()> {
        self.ask(|reply| Job::Seal(seal, reply)).await
    }

    fn forget(&self, upto: LogId) {
        let mut memory = self.memory();
        memory.keep(|index| index > upto.index);
        memory.purged = memory.purged.max(Some(upto));
    }

    async fn ask<T>(&self, job: impl FnOnce(oneshot::Sender<Result<T>>) -> Job) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        self.queue.send(job(reply)).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }

    fn memory(&self) -> std::sync::MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Entries of the range that are in memory, if all of them are; at most `limit` bytes, or one.
    fn cached(&self, from: u64, until: u64, limit: usize) -> Option<Vec<Entry>> {
        let memory = self.memory();
        let cached_from = memory.tail.keys().next().copied().unwrap_or(u64::MAX);
        if from.max(memory.purged.map_or(0, |id| id.index + 1)) < cached_from {
            return None;
        }
        let mut total = 0;
        let fitting = memory.tail.range(from..until).take_while(|(index, (bytes, _))| {
            total += bytes;
            **index == from || total <= limit
        });
        Some(fitting.map(|(_, (_, entry))| entry.clone()).collect())
    }

    async fn read(&self, from: u64, until: u64, limit: usize) -> Result<Vec<Entry>> {
        if from >= until {
            return Ok(Vec::new());
        }
        if let Some(entries) = self.cached(from, until, limit) {
            return Ok(entries);
        }
        let bodies = self.ask(|reply| Job::Read { from, until, limit, reply }).await?;
        bodies.iter().map(|body| decode_entry(body)).collect()
    }
}

#[cfg(test)]
impl LogStore {
    /// The last `count` entries of a range that are in memory.
    pub(crate) fn remembered(&self, from: u64, until: u64, count: usize) -> Vec<Entry> {
        let memory = self.memory();
        let newest = memory.tail.range(from..until).rev().take(count);
        let mut entries: Vec<Entry> = newest.map(|(_, (_, entry))| entry.clone()).collect();
        entries.reverse();
        entries
    }
}

impl RaftLogReader<Types> for LogStore {
    async fn try_get_log_entries<R>(&mut self, range: R) -> Result<Vec<Entry>>
    where
        R: RangeBounds<u64> + Clone + Debug + OptionalSend,
    {
        let (from, until) = bounds(&range);
        self.read(from, until, usize::MAX).await
    }

    /// In pieces: what has to be applied after a long absence need not fit into memory at once.
    async fn entries_stream<R>(
        &mut self,
        range: R,
    ) -> impl Stream<Item = Result<Entry>> + OptionalSend
    where
        R: RangeBounds<u64> + Clone + Debug + OptionalSend,
    {
        let (from, until) = bounds(&range);
        let pieces = stream::try_unfold((self.clone(), from), move |(log, from)| async move {
            let entries = log.read(from, until, CHUNK_BYTES).await?;
            let next = entries.last().map(|entry| entry.log_id.index + 1);
            Ok::<_, std::io::Error>(next.map(|next| (stream::iter(entries).map(Ok), (log, next))))
        });
        pieces.try_flatten()
    }

    async fn limited_get_log_entries(&mut self, start: u64, end: u64) -> Result<Vec<Entry>> {
        self.read(start, end, CHUNK_BYTES).await
    }

    async fn read_vote(&mut self) -> Result<Option<Vote>> {
        Ok(self.memory().vote)
    }
}

impl RaftLogStorage<Types> for LogStore {
    type LogReader = Self;

    async fn get_log_state(&mut self) -> Result<LogState<Types>> {
        let memory = self.memory();
        Ok(LogState { last_purged_log_id: memory.purged, last_log_id: memory.last() })
    }

    async fn get_log_reader(&mut self) -> Self {
        self.clone()
    }

    async fn save_committed(&mut self, committed: Option<LogId>) -> Result<()> {
        let index = committed.map_or(0, |id| id.index);
        self.committed.store(index, Ordering::Relaxed);
        Ok(())
    }

    /// At least what was known when the log was last written: so much can be applied again without asking
    /// anybody.
    async fn read_committed(&mut self) -> Result<Option<LogId>> {
        let index = self.committed.load(Ordering::Relaxed).min(self.durable());
        if index == 0 {
            return Ok(None);
        }
        let entries = self.read(index, index + 1, usize::MAX).await?;
        Ok(entries.first().map(|entry| entry.log_id))
    }

    async fn save_vote(&mut self, vote: &Vote) -> Result<()> {
        self.ask(|reply| Job::Vote(Ballot::from(*vote), reply)).await?;
        self.memory().vote = Some(*vote);
        Ok(())
    }

    async fn append<I>(&mut self, entries: I, flushed: IOFlushed<Types>) -> Result<()>
    where
        I: IntoIterator<Item = Entry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let mut rows = Vec::new();
        {
            // Readable when this returns; durable when `flushed` is called.
            let mut memory = self.memory();
            for entry in entries {
                let body = seal(ENTRY, &Record::of(&entry)?)?;
                let (at, bytes) = (entry.log_id.into(), body.len());
                memory.push(bytes, entry);
                rows.push((at, body));
            }
        }
        self.queue.send(Job::Append(rows, flushed)).await.map_err(|_| stopped())
    }

    async fn truncate_after(&mut self, last: Option<LogId>) -> Result<()> {
        let from = last.map_or(0, |id| id.index + 1);
        self.memory().keep(|index| index < from);
        self.ask(|reply| Job::Truncate(last.map(Position::from), reply)).await?;
        if self.memory().tail.is_empty() && from > 0 {
            // Everything cached went: the last entry must stay known.
            let (until, limit) = (from, usize::MAX);
            let bodies =
                self.ask(|reply| Job::Read { from: until - 1, until, limit, reply }).await?;
            for body in bodies {
                let entry = decode_entry(&body)?;
                self.memory().push(body.len(), entry);
            }
        }
        Ok(())
    }

    async fn purge(&mut self, upto: LogId) -> Result<()> {
        self.ask(|reply| Job::Purge(upto.into(), reply)).await?;
        self.forget(upto);
        Ok(())
    }
}

/// The first index, and the one after the last.
fn bounds(range: &impl RangeBounds<u64>) -> (u64, u64) {
    let from = match range.start_bound() {
        Bound::Included(index) => *index,
        Bound::Excluded(index) => index + 1,
        Bound::Unbounded => 0,
    };
    let until = match range.end_bound() {
        Bound::Included(index) => index.saturating_add(1),
        Bound::Excluded(index) => *index,
        Bound::Unbounded => u64::MAX,
    };
    (from, until.min(i64::MAX as u64))
}

fn decode_entry(body: &[u8]) -> Result<Entry> {
    unseal::<Record>(ENTRY, body)?.entry()
}

fn stopped() -> std::io::Error {
    io(crate::Error::Stopped)
}
