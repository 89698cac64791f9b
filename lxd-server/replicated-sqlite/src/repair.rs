//! Whether the state and the snapshot on disk can be trusted when a member is opened, and making them anew.
//!
//! SQLite does not see flipped bits in a database, only in its -wal. So the file changes at checkpoints alone,
//! after which the log gets its digest, and is believed only if it still has that. Else it is made again from
//! the snapshot, which carries its digest, and the log, whose entries carry theirs.

use crate::connection::blocking;
use crate::disk;
use crate::error::Error;
use crate::log::{Earlier, LogStore};
use crate::snapshot;
use crate::store::{Store, file};
use serde::{Deserialize, Serialize};
use std::io;
use std::path::Path;

/// Bytes in the -wal that a checkpoint is worth; in the simulation a few transactions have as many.
const CHECKPOINT: u64 = if cfg!(test) { 64 << 10 } else { 4 << 20 };
/// Nor is it worth it for less than this part of the database, all of which is read again after it.
const PART: u64 = 8;

/// What the file of a state database was after its last checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seal {
    pub(crate) generation: u64,
    digest: [u8; 32],
}

/// The state database to use: the live one, or one that is made here.
///
/// # Errors
/// `Lost` if neither is to be had, or if the log is older than the state.
pub(crate) async fn open(dir: &Path, log: &LogStore, earlier: &Earlier) -> Result<Store, Error> {
    let snapshot = snapshot::verified(dir).await?;
    let base = snapshot.as_ref().and_then(|snapshot| snapshot.meta.last_log_id);
    let mut generation = earlier.generation;
    if !trusted(dir, earlier).await? {
        if base < earlier.purged {
            return Err(Error::Lost(SHORT.to_owned()));
        }
        generation += 1;
        match &snapshot {
            Some(snapshot) => snapshot::unpack(dir, &snapshot.snapshot, generation).await?,
            None => disk::remove(&file(dir, generation)),
        }
        log.flip(generation, None).await?;
    }
    let store = Store::open(dir, generation).await?;
    let progress = store.progress();
    let lost = if progress.durable > earlier.last {
        "the log is an old one"
    } else if progress.applied.max(base) < earlier.purged {
        SHORT
    } else {
        if progress.applied.is_some_and(|id| id.index > earlier.last || earlier.last == 0) {
            // openraft takes the log for purged as far as the state goes: a power cut may not take that back.
            checkpoint(&store, log).await?;
        }
        snapshot::sweep(dir, generation)?;
        return Ok(store);
    };
    store.close().await;
    Err(Error::Lost(lost.to_owned()))
}

const SHORT: &str = "the state is lost, and the log does not go back far enough to make it again";

async fn trusted(dir: &Path, earlier: &Earlier) -> io::Result<bool> {
    let generation = earlier.generation;
    let fresh = earlier.last == 0 && earlier.purged.is_none();
    let sealed = earlier.seal.as_ref().filter(|seal| seal.generation == generation);
    let is_there = file(dir, generation).exists();
    let Some(sealed) = sealed else {
        if is_there {
            tracing::info!(generation, "the state database was at work: making it anew");
        } else if !fresh {
            // A power cut may take back a file that no checkpoint has put on disk.
            tracing::info!(generation, "the state database is not on disk yet: making it anew");
        }
        return Ok(fresh && !is_there);
    };
    if !is_there {
        tracing::error!(generation, "the state database is gone: making it anew");
        return Ok(false);
    }
    let same = seal(dir, generation).await? == *sealed;
    if !same {
        tracing::error!(generation, "the state database is damaged: making it anew");
    }
    Ok(same)
}

async fn seal(dir: &Path, generation: u64) -> io::Result<Seal> {
    let state = file(dir, generation);
    let digest = blocking(move || disk::digest(&state, u64::MAX)).await?;
    Ok(Seal { generation, digest })
}

/// Makes checkpoints and seals what they leave, until it is cancelled. `sealed` is the generation that is.
pub(crate) async fn keep(store: Store, log: LogStore, sealed: Option<u64>) {
    let mut progress = store.watch();
    let mut keeper = Keeper::new(store, log, sealed);
    loop {
        if let Err(error) = keeper.look().await {
            tracing::info!(%error, "the state database is not sealed");
        }
        if progress.changed().await.is_err() {
            return;
        }
    }
}

pub(crate) struct Keeper {
    store: Store,
    log: LogStore,
    /// The generation that was looked at last.
    seen: Option<u64>,
    /// Bytes in its -wal at which the next checkpoint is.
    due: u64,
}

impl Keeper {
    pub(crate) fn new(store: Store, log: LogStore, sealed: Option<u64>) -> Self {
        Self { store, log, seen: sealed, due: CHECKPOINT }
    }

    /// Does what there is to do now.
    pub(crate) async fn look(&mut self) -> io::Result<()> {
        let generation = self.store.generation();
        let state = file(self.store.dir(), generation);
        let waiting = size(&disk::sibling(&state, "-wal"));
        if self.seen.replace(generation) != Some(generation) {
            self.due = CHECKPOINT;
        } else if waiting < self.due {
            return Ok(());
        } else {
            let step = CHECKPOINT.max(size(&state) / PART);
            // If it fails, or old readers are in its way, not at once again.
            self.due = waiting + step;
            if checkpoint(&self.store, &self.log).await? {
                self.due = step;
            }
            return Ok(());
        }
        self.log.seal(Some(seal(self.store.dir(), generation).await?)).await
    }
}

/// Puts all of the state on disk, and its seal in the log; `false` if a reader still needs what was before.
async fn checkpoint(store: &Store, log: &LogStore) -> io::Result<bool> {
    log.seal(None).await?;
    let done = store.checkpoint().await?;
    if done {
        // Until the next checkpoint nothing writes to the file.
        log.seal(Some(seal(store.dir(), store.generation()).await?)).await?;
    }
    Ok(done)
}

fn size(path: &Path) -> u64 {
    path.metadata().map_or(0, |file| file.len())
}
