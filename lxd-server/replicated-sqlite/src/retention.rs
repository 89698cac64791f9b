//! Keeps the log from growing past its bytes: openraft bounds it by entries alone.

use crate::log::LogStore;
use crate::types::Raft;
use openraft::async_runtime::watch::WatchReceiver;

/// Makes a snapshot and cuts the log back whenever it holds more than `max` bytes.
pub(crate) async fn keep(raft: Raft, log: LogStore, max: u64) {
    let mut extent = log.extent();
    loop {
        if extent.wait_for(|extent| extent.bytes > max).await.is_err() {
            return;
        }
        if cut(&raft).await.is_none() {
            return;
        }
        // Not again for what could not be cut.
        if extent.changed().await.is_err() {
            return;
        }
    }
}

async fn cut(raft: &Raft) -> Option<()> {
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
