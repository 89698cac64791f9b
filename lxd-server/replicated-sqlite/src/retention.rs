//! Keeps the log from growing, by entries and by bytes. openraft could do the first by itself, but then cuts
//! back what was cut back further already.

use crate::log::LogStore;
use crate::options::Options;
use crate::types::Raft;
use openraft::async_runtime::watch::WatchReceiver;
use std::time::Duration;
use tokio::time::timeout;

/// The pause before a log that could not be cut is looked at again.
const AGAIN: Duration = Duration::from_secs(1);

/// Cuts the log back after each snapshot, and makes one whenever it holds too many bytes.
pub(crate) async fn keep(raft: Raft, log: LogStore, options: Options) {
    let entries = by_entries(&raft, options.entries_kept);
    futures::future::join(entries, by_bytes(&raft, &log, options.log_bytes_max)).await;
}

/// Leaves `kept` entries that a snapshot holds, for members that lag a little. Ends with Raft.
async fn by_entries(raft: &Raft, kept: u64) -> Option<()> {
    let (mut snapshots, mut seen) = (raft.watch_snapshot_progress(), None);
    loop {
        seen = snapshots.wait_until(|last| *last > seen).await.ok()?;
        if let Some(upto) = seen.and_then(|last| last.index.checked_sub(kept)) {
            raft.trigger().purge_log(upto).await.ok()?;
        }
    }
}

async fn by_bytes(raft: &Raft, log: &LogStore, max: u64) {
    let mut extent = log.extent();
    loop {
        if extent.wait_for(|extent| extent.bytes > max).await.is_err() {
            return;
        }
        if cut(raft).await.is_none() {
            return;
        }
        // What could not be cut, because a member is being sent it, can be a little later.
        let _ = timeout(AGAIN, extent.wait_for(|extent| extent.bytes <= max)).await;
    }
}

/// Makes a snapshot and leaves nothing in the log that it holds. `None`: Raft has ended.
pub(crate) async fn cut(raft: &Raft) -> Option<()> {
    let applied = raft.metrics().borrow_watched().last_applied?.index;
    raft.trigger().snapshot().await.ok()?;
    let upto = |id: &Option<crate::types::LogId>| id.map_or(0, |id| id.index);
    raft.wait(None)
        .metrics(|metrics| upto(&metrics.snapshot) >= applied, "a snapshot")
        .await
        .ok()?;
    // openraft never purges past a snapshot, nor what it is sending.
    raft.trigger().purge_log(applied).await.ok()
}
