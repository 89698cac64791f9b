//! The state database of one member: its file, its connections, who may use them when.

use crate::connection::{Connection, OpenOptions};
use crate::disk;
use crate::error::io;
use crate::progress::{self, Progress};
use crate::readers::Readers;
use crate::schema;
use crate::session::{self, Guard, Turn};
use crate::tx::ORIGIN;
use crate::types::{NodeId, Value};
use rusqlite::config::DbConfig;
use sqlx::{Executor, Row};
use std::collections::BTreeSet;
use std::io::Result;
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, RwLock};
use tokio::sync::{
    MappedMutexGuard, Mutex, MutexGuard, OwnedMappedMutexGuard, OwnedMutexGuard, oneshot, watch,
};

/// Pages that a connection keeps, in KiB below zero as SQLite wants it; the kernel has them all.
const CACHE: &str = "-1024";

/// The two connections that write. SQLite has one write lock: whoever wants it takes this mutex instead,
/// which is fair and does not poll as SQLite's busy handler does.
pub(crate) struct Writers {
    /// Runs closures and transcripts, always rolled back. Foreign keys and triggers on.
    work: Connection,
    guard: Guard,
    /// A transaction may be open on `work`.
    dirty: bool,
    /// Applies changesets. Foreign keys and triggers off: changesets already hold what they did.
    pub(crate) apply: Connection,
}

impl Writers {
    /// The working connection, outside a transaction: whoever had it before may have been cancelled in one.
    pub(crate) async fn work(&mut self) -> sqlx::Result<&mut Connection> {
        self.reset().await?;
        self.dirty = true;
        Ok(&mut self.work)
    }

    /// The working connection, inside the transaction that its user began.
    pub(crate) fn open(&mut self) -> &mut Connection {
        &mut self.work
    }

    /// Whose turn it is on the working connection: what its statements may do.
    pub(crate) fn turn(&self, turn: Turn) {
        self.guard.set(turn);
    }

    pub(crate) async fn reset(&mut self) -> sqlx::Result<()> {
        self.turn(Turn::Writer);
        if self.dirty {
            // Fails when SQLite has rolled back already, e.g. on a full disk. If a transaction should really
            // still be open, the next BEGIN says so.
            let _ = self.work.execute("ROLLBACK").await;
            self.dirty = false;
        }
        Ok(())
    }
}

/// The writers, for as long as this lives.
pub(crate) type Owned = OwnedMappedMutexGuard<Option<Writers>, Writers>;

/// The working connection, lent for one transaction. Comes back when dropped, whatever happened.
pub(crate) struct Loan {
    writers: Option<Owned>,
    back: Option<oneshot::Sender<Owned>>,
}

impl Loan {
    pub(crate) fn new(writers: Owned) -> (Self, oneshot::Receiver<Owned>) {
        let (back, returned) = oneshot::channel();
        (Self { writers: Some(writers), back: Some(back) }, returned)
    }

    pub(crate) fn turn(&self, turn: Turn) {
        self.held().turn(turn);
    }

    fn held(&self) -> &Writers {
        self.writers.as_ref().expect("held until dropped")
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        if let (Some(writers), Some(back)) = (self.writers.take(), self.back.take()) {
            writers.turn(Turn::Writer);
            // If nobody waits for it, the guard is dropped: the next owner rolls back.
            let _ = back.send(writers);
        }
    }
}

impl Deref for Loan {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.held().work
    }
}

impl DerefMut for Loan {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.writers.as_mut().expect("held until dropped").work
    }
}

/// A handle to the state database; clones share it.
#[derive(Clone)]
pub(crate) struct Store(Arc<Inner>);

struct Inner {
    dir: PathBuf,
    generation: AtomicU64,
    writers: Arc<Mutex<Option<Writers>>>,
    readers: RwLock<Readers>,
    progress: watch::Sender<Progress>,
    /// Of the progress, for those who wait for nothing else.
    removed: watch::Sender<BTreeSet<NodeId>>,
}

impl Store {
    pub(crate) async fn open(dir: &Path, generation: u64) -> Result<Self> {
        let (writers, readers, progress) = connect(&file(dir, generation)).await?;
        let inner = Inner {
            dir: dir.to_owned(),
            generation: AtomicU64::new(generation),
            writers: Arc::new(Mutex::new(Some(writers))),
            readers: RwLock::new(readers),
            removed: watch::Sender::new(progress.removed.clone()),
            progress: watch::Sender::new(progress),
        };
        Ok(Self(Arc::new(inner)))
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.0.dir
    }

    /// Which state database is open.
    pub(crate) fn generation(&self) -> u64 {
        self.0.generation.load(Ordering::Relaxed)
    }

    pub(crate) fn progress(&self) -> Progress {
        self.0.progress.borrow().clone()
    }

    /// Index of the last entry applied, for where the rest is not wanted.
    pub(crate) fn index(&self) -> u64 {
        self.0.progress.borrow().index()
    }

    pub(crate) fn set_progress(&self, progress: Progress) {
        let removed = progress.removed.clone();
        self.0.progress.send_replace(progress);
        self.0.removed.send_if_modified(|last| {
            *last != removed && {
                *last = removed;
                true
            }
        });
    }

    /// Waits until a member has been removed from the group.
    pub(crate) async fn removed(&self, member: NodeId) {
        // The sender lives in `self`, so this cannot fail.
        let _ = self.0.removed.subscribe().wait_for(|removed| removed.contains(&member)).await;
    }

    pub(crate) fn watch(&self) -> watch::Receiver<Progress> {
        self.0.progress.subscribe()
    }

    /// Waits until the entry at `index` has been applied here.
    pub(crate) async fn applied(&self, index: u64) {
        // The sender lives in `self`, so this cannot fail.
        let _ = self.watch().wait_for(|progress| progress.index() >= index).await;
    }

    /// Both connections, neither in a transaction.
    pub(crate) async fn writers(&self) -> Result<MappedMutexGuard<'_, Writers>> {
        let mut guard = MutexGuard::try_map(self.0.writers.lock().await, Option::as_mut)
            .map_err(|_| closed())?;
        // A rehearsal that ended (or was cancelled) still holds SQLite's write lock.
        guard.reset().await.map_err(io)?;
        Ok(guard)
    }

    /// As [`Store::writers`], to be handed around.
    pub(crate) async fn own(&self) -> Result<Owned> {
        let guard = self.0.writers.clone().lock_owned().await;
        let mut owned = OwnedMutexGuard::try_map(guard, Option::as_mut).map_err(|_| closed())?;
        owned.reset().await.map_err(io)?;
        Ok(owned)
    }

    pub(crate) fn readers(&self) -> Readers {
        self.0.readers.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// Changes over to another file. Readers that still run finish on the old one.
    pub(crate) async fn switch(&self, generation: u64) -> Result<()> {
        let mut slot = self.0.writers.lock().await;
        let (writers, readers, progress) = connect(&file(&self.0.dir, generation)).await?;
        let old = slot.replace(writers);
        self.0.generation.store(generation, Ordering::Relaxed);
        let pool = {
            let mut current =
                self.0.readers.write().unwrap_or_else(std::sync::PoisonError::into_inner);
            std::mem::replace(&mut *current, readers)
        };
        self.set_progress(progress);
        drop(slot);
        // Not awaited: a long read must not hold up what is to be applied.
        tokio::spawn(close(old, pool));
        Ok(())
    }

    /// Bytes of the state, as it is now.
    pub(crate) async fn size(&self) -> Result<u64> {
        let mut reader = self.readers().take().await.map_err(io)?;
        let pages = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size";
        let row = sqlx::query(pages).fetch_one(&mut *reader).await.map_err(io)?;
        let size: i64 = row.try_get(0).map_err(io)?;
        Ok(size.unsigned_abs())
    }

    /// Moves all that is in the -wal into the file; `false` if a reader still needs what was before.
    pub(crate) async fn checkpoint(&self) -> Result<bool> {
        let options = options(&file(self.dir(), self.generation())).pragma("busy_timeout", "0");
        let mut connection = Connection::open(&options).await.map_err(io)?;
        // Most of it while others write, the rest while nobody does.
        connection.ask_aside("PRAGMA wal_checkpoint(PASSIVE)", &[]).await.map_err(io)?;
        let _writers = self.writers().await?;
        let all = connection.ask_aside("PRAGMA wal_checkpoint(TRUNCATE)", &[]).await.map_err(io)?;
        let blocked = all.iter().find_map(|item| item.as_ref().right()?.values.first());
        Ok(matches!(blocked, Some(Value::Integer(0))))
    }

    /// Closes it as it is: the next to open it finds what a crash would have left.
    pub(crate) async fn close(&self) {
        let writers = self.0.writers.lock().await.take();
        close(writers, self.readers()).await;
    }
}

fn closed() -> std::io::Error {
    io(crate::Error::Stopped)
}

/// Where a generation of the state lives.
pub(crate) fn file(dir: &Path, generation: u64) -> PathBuf {
    dir.join(format!("state-{generation}.db"))
}

fn options(path: &Path) -> OpenOptions {
    OpenOptions::new(path)
        .pragma("journal_mode", "WAL")
        // Survives a crash of the process; a power cut takes it back to an older state, and Raft applies again.
        .pragma("synchronous", "NORMAL")
        .pragma("cache_size", CACHE)
        // `repair` does it.
        .pragma("wal_autocheckpoint", "0")
}

async fn connect(path: &Path) -> Result<(Writers, Readers, Progress)> {
    disk::create(path, schema::OURS).await?;
    let options = options(path);
    // What a savepoint may have to put back would else go to a file in /tmp, another one for each large batch.
    let writing = options.clone().pragma("temp_store", "MEMORY");
    let mut apply =
        Connection::open(&writing.clone().pragma("foreign_keys", "OFF")).await.map_err(io)?;
    session::disable_triggers(&mut apply)?;
    let progress = progress::load(&mut apply).await?;
    let mut work = Connection::open(&writing).await.map_err(io)?;
    for connection in [&apply, &work] {
        let leave = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
        connection.inner().set_db_config(leave, true).map_err(io)?;
    }
    work.execute(ORIGIN).await.map_err(io)?;
    session::forbid_commit(&mut work);
    let guard = session::guard(&mut work)?;
    let readers = Readers::new(options.read_only());
    Ok((Writers { work, guard, dirty: false, apply }, readers, progress))
}

async fn close(writers: Option<Writers>, readers: Readers) {
    readers.close().await;
    if let Some(writers) = writers {
        let _ = writers.work.close().await;
        let _ = writers.apply.close().await;
    }
}
