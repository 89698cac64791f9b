//! Raft's state machine: applies committed entries, hands out and installs snapshots.

use crate::disk;
use crate::error::io;
use crate::log::LogStore;
use crate::progress::{self, Progress};
use crate::schema;
use crate::session::{self, Failure};
use crate::snapshot::{self, Builder, SnapshotFile};
use crate::store::{Store, Writers, file};
use crate::types::{Applied, Command, Entry, LogId, Membership, Snapshot, SnapshotMeta, Types};
use futures::{Stream, StreamExt};
use openraft::storage::{ApplyResponder, EntryResponder, RaftStateMachine};
use openraft::{EntryPayload, OptionalSend};
use sqlx::{AssertSqlSafe, Executor};
use std::io::{Error, Result};

/// Entries applied in one SQLite transaction at most. Also keeps `lock_handle()` runs short.
const BATCH: usize = 32;

pub(crate) struct StateMachine {
    store: Store,
    log: LogStore,
    generation: u64,
}

impl StateMachine {
    pub(crate) fn new(store: Store, log: LogStore, generation: u64) -> Self {
        Self { store, log, generation }
    }

    async fn apply_batch(&mut self, batch: Vec<EntryResponder<Types>>) -> Result<()> {
        let mut writers = self.store.writers().await?;
        let mut progress = self.store.progress();
        let mut replies: Vec<(Option<ApplyResponder<Types>>, Applied)> =
            Vec::with_capacity(batch.len());
        writers.apply.execute("BEGIN IMMEDIATE").await.map_err(io)?;
        let mut result = Ok(());
        for (entry, responder) in batch {
            match apply_entry(&mut writers, &mut progress, entry).await {
                Ok(applied) => replies.push((responder, applied)),
                Err(error) => {
                    result = Err(error);
                    break;
                }
            }
        }
        progress.durable = self.log.durable().min(progress.index());
        if result.is_ok() {
            result = progress::save(&mut writers.apply, &progress).await;
        }
        if let Err(error) = result {
            // This replica differs from the others, or its disk fails. Raft stops it; it must not go on.
            let _ = writers.apply.execute("ROLLBACK").await;
            return Err(error);
        }
        writers.apply.execute("COMMIT").await.map_err(io)?;
        self.store.set_progress(progress);
        drop(writers);
        for (responder, applied) in replies {
            if let Some(responder) = responder {
                responder.send(applied);
            }
        }
        Ok(())
    }
}

async fn apply_entry(
    writers: &mut Writers,
    progress: &mut Progress,
    entry: Entry,
) -> Result<Applied> {
    progress.applied = Some(entry.log_id);
    let index = entry.log_id.index;
    match entry.payload {
        EntryPayload::Blank => Ok(Applied::Done),
        EntryPayload::Membership(membership) => {
            progress.membership = Membership::new(Some(entry.log_id), membership);
            Ok(Applied::Done)
        }
        EntryPayload::Normal(command) => apply_command(writers, progress, index, command).await,
    }
}

async fn apply_command(
    writers: &mut Writers,
    progress: &mut Progress,
    index: u64,
    command: Command,
) -> Result<Applied> {
    match command {
        Command::Change { base, .. } | Command::Check { base, .. } if base != progress.version => {
            return Ok(Applied::Stale);
        }
        Command::Ddl { from, .. } if from != progress.schema => return Ok(Applied::Stale),
        Command::Change { schema, .. } if schema != progress.digest => {
            return Err(diverged(index, "the schema is not the one the change was made on"));
        }
        Command::Change { mut changeset, .. } => {
            progress.version = index;
            let mut handle = writers.apply.lock_handle().await.map_err(io)?;
            match tokio::task::block_in_place(|| session::apply(&mut handle, &mut changeset)) {
                Ok(()) => {}
                Err(Failure::Conflict) => return Err(diverged(index, "the change does not fit")),
                Err(Failure::Storage(error)) => return Err(error),
            }
        }
        Command::Ddl { to, sql, .. } => {
            progress.schema = to;
            progress.version = index;
            writers.apply.execute(AssertSqlSafe(sql)).await.map_err(io)?;
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

fn diverged(index: u64, why: &str) -> Error {
    Error::other(format!("this replica differs from the others at entry {index}: {why}"))
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
        Builder::new(self.store.clone())
    }

    async fn install_snapshot(
        &mut self,
        meta: &SnapshotMeta,
        snapshot: SnapshotFile,
    ) -> Result<()> {
        // Never over the live file: its -wal would be replayed into the new one.
        let (old, new) = (self.generation, self.generation + 1);
        snapshot::unpack(self.store.dir(), &snapshot, new).await?;
        self.log.flip(new, meta.last_log_id).await?;
        self.store.switch(new).await?;
        self.generation = new;
        disk::remove(&file(self.store.dir(), old));
        Ok(())
    }

    async fn get_current_snapshot(&mut self) -> Result<Option<Snapshot>> {
        snapshot::current(self.store.dir()).await
    }
}
