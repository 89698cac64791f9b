//! Raft's state machine: applies committed entries, hands out and installs snapshots.

use crate::disk;
use crate::error::io;
use crate::figures::Meters;
use crate::log::LogStore;
use crate::progress::{self, Progress};
use crate::schema;
use crate::session::{self, Failure};
use crate::snapshot::{self, Builder, SnapshotFile};
use crate::store::{Store, Writers, file};
use crate::types::{Applied, Command, Entry, LogId, Membership, Snapshot, SnapshotMeta, Types};
use futures::{Stream, StreamExt};
use openraft::storage::{EntryResponder, RaftLogReader, RaftStateMachine};
use openraft::{EntryPayload, OptionalSend};
use sqlx::{AssertSqlSafe, Executor};
use std::io::{Error, Result};
use std::sync::Arc;

/// Entries applied in one SQLite transaction at most.
const BATCH: usize = 32;

pub(crate) struct StateMachine {
    store: Store,
    log: LogStore,
    meters: Arc<Meters>,
}

impl StateMachine {
    pub(crate) fn new(store: Store, log: LogStore, meters: Arc<Meters>) -> Self {
        Self { store, log, meters }
    }

    /// Goes on from this member's own snapshot, if that is newer: a power cut may take back the state, and never
    /// the snapshot. To be called before openraft looks at the log, part of which goes with it.
    pub(crate) async fn restore(&mut self) -> Result<()> {
        let newest = snapshot::current(self.store.dir()).await?;
        let applied = self.store.progress().applied;
        match newest.filter(|newest| newest.meta.last_log_id > applied) {
            Some(Snapshot { meta, snapshot }) => self.install_snapshot(&meta, snapshot).await,
            None => Ok(()),
        }
    }

    /// Applies, and if this replica turns out to differ from the others makes it anew, once.
    async fn apply_batch(&mut self, batch: Vec<EntryResponder<Types>>) -> Result<()> {
        let (entries, responders): (Vec<Entry>, Vec<_>) = batch.into_iter().unzip();
        let applied = match apply_all(&self.store, &self.log, &entries).await {
            Err(error) if error.get_ref().is_some_and(|error| error.is::<Diverged>()) => {
                tracing::error!(%error, "making this replica anew from its snapshot and log");
                self.rebuild().await?;
                apply_all(&self.store, &self.log, &entries).await?
            }
            applied => applied?,
        };
        for (responder, applied) in responders.into_iter().zip(applied) {
            if let Some(responder) = responder {
                responder.send(applied);
            }
        }
        Ok(())
    }

    /// Makes the state that this member has applied again, from its snapshot and its log.
    async fn rebuild(&mut self) -> Result<()> {
        let (dir, generation) = (self.store.dir().to_owned(), self.store.generation() + 1);
        let applied = self.store.progress().index();
        match snapshot::verified(&dir).await? {
            Some(snapshot) => snapshot::unpack(&dir, &snapshot.snapshot, generation).await?,
            None => disk::remove(&file(&dir, generation)),
        }
        let fresh = Store::open(&dir, generation).await?;
        let mut next = fresh.progress().applied.map_or(0, |id| id.index + 1);
        while next <= applied {
            let entries = self.log.limited_get_log_entries(next, applied + 1).await?;
            let entries = &entries[..entries.len().min(BATCH)];
            if entries.first().is_none_or(|entry| entry.log_id.index != next) {
                return Err(Error::other(format!("entry {next} is not in the log any more")));
            }
            apply_all(&fresh, &self.log, entries).await?;
            next += entries.len() as u64;
        }
        fresh.close().await;
        self.replace(generation, None).await
    }

    /// Makes another generation of the state the live one.
    async fn replace(&mut self, generation: u64, upto: Option<LogId>) -> Result<()> {
        self.log.flip(generation, upto).await?;
        let old = self.store.generation();
        self.store.switch(generation).await?;
        disk::remove(&file(self.store.dir(), old));
        Ok(())
    }
}

/// Applies entries in one transaction: all or, on an error, none.
async fn apply_all(store: &Store, log: &LogStore, entries: &[Entry]) -> Result<Vec<Applied>> {
    let mut writers = store.writers().await?;
    let mut progress = store.progress();
    writers.apply.execute("BEGIN IMMEDIATE").await.map_err(io)?;
    let result = async {
        let mut all = Vec::with_capacity(entries.len());
        for entry in entries {
            all.push(apply_entry(&mut writers, &mut progress, entry).await?);
        }
        progress.durable = log.durable().min(progress.index());
        progress::save(&mut writers.apply, &progress).await?;
        Ok(all)
    };
    match result.await {
        Ok(all) => {
            writers.apply.commit().await.map_err(io)?;
            store.set_progress(progress);
            Ok(all)
        }
        Err(error) => {
            // Raft stops this replica for it; it must not go on.
            let _ = writers.apply.execute("ROLLBACK").await;
            Err(error)
        }
    }
}

async fn apply_entry(
    writers: &mut Writers,
    progress: &mut Progress,
    entry: &Entry,
) -> Result<Applied> {
    progress.applied = Some(entry.log_id);
    match &entry.payload {
        EntryPayload::Blank => Ok(Applied::Done),
        EntryPayload::Membership(membership) => {
            progress.regroup(Membership::new(Some(entry.log_id), membership.clone()));
            Ok(Applied::Done)
        }
        EntryPayload::Normal(command) => {
            apply_command(writers, progress, entry.log_id.index, command).await
        }
    }
}

async fn apply_command(
    writers: &mut Writers,
    progress: &mut Progress,
    index: u64,
    command: &Command,
) -> Result<Applied> {
    match command {
        Command::Change { base, .. } | Command::Check { base, .. } if *base != progress.version => {
            return Ok(Applied::Stale);
        }
        Command::Ddl { from, .. } if *from != progress.schema => return Ok(Applied::Stale),
        Command::Change { schema, .. } if *schema != progress.digest => {
            return Err(diverged(index, "the schema is not the one the change was made on"));
        }
        Command::Change { changeset, .. } => {
            progress.version = index;
            match session::apply(&mut writers.apply, changeset) {
                Ok(()) => {}
                Err(Failure::Conflict) => return Err(diverged(index, "the change does not fit")),
                Err(Failure::Storage(error)) => return Err(error),
            }
        }
        Command::Ddl { to, sql, .. } => {
            progress.schema = *to;
            progress.version = index;
            writers.apply.execute(AssertSqlSafe(sql.as_str())).await.map_err(io)?;
            progress.digest = schema::digest(&mut writers.apply).await.map_err(io)?;
        }
        Command::Check { hashes, .. } => {
            let own = schema::hashes(&mut writers.apply).await.map_err(io)?;
            if let Some(wrong) = hashes.iter().find(|hash| !own.contains(hash)) {
                return Err(diverged(index, &format!("table {} differs", wrong.table)));
            }
        }
        Command::Unknown { kind, .. } => {
            let why = format!("entry {index} is of kind {kind}, which this version does not know");
            return Err(Error::other(why));
        }
    }
    Ok(Applied::Done)
}

/// The data here is not what it is elsewhere. A full disk or a failing one is another matter.
#[derive(Debug, thiserror::Error)]
#[error("this replica differs from the others at entry {index}: {why}")]
struct Diverged {
    index: u64,
    why: String,
}

fn diverged(index: u64, why: &str) -> Error {
    Error::other(Diverged { index, why: why.to_owned() })
}

impl RaftStateMachine<Types> for StateMachine {
    type SnapshotData = SnapshotFile;
    type SnapshotBuilder = Builder;

    async fn applied_state(&mut self) -> Result<(Option<LogId>, Membership)> {
        let progress = self.store.progress();
        Ok((progress.applied, progress.membership))
    }

    async fn apply<S>(&mut self, entries: S) -> Result<()>
    where
        S: Stream<Item = Result<EntryResponder<Types>>> + Unpin + OptionalSend,
    {
        let mut batches = entries.ready_chunks(BATCH);
        while let Some(batch) = batches.next().await {
            self.apply_batch(batch.into_iter().collect::<Result<_>>()?).await?;
        }
        Ok(())
    }

    async fn get_snapshot_builder(&mut self) -> Builder {
        Builder::new(self.store.clone(), self.meters.clone())
    }

    async fn install_snapshot(
        &mut self,
        meta: &SnapshotMeta,
        snapshot: SnapshotFile,
    ) -> Result<()> {
        // Never over the live file: its -wal would be replayed into the new one.
        let generation = self.store.generation() + 1;
        snapshot::unpack(self.store.dir(), &snapshot, generation).await?;
        self.replace(generation, meta.last_log_id).await
    }

    async fn get_current_snapshot(&mut self) -> Result<Option<Snapshot>> {
        snapshot::current(self.store.dir()).await
    }
}
