//! Hands over the lead when this member's disk is slow and another's is not.
//!
//! The evidence is relative: by the time this disk has taken entries, another voter has long said that its own
//! has them. Where all disks are slow nobody is ahead, and the lead stays where it is.

use crate::log::LogStore;
use crate::log_file::Extent;
use crate::types::{Metrics, NodeId, Raft};
use openraft::async_runtime::watch::WatchReceiver;
use std::time::Duration;

/// A write to the log that takes this long is slow.
const SLOW: Duration = Duration::from_millis(250);
/// Slow writes in a row, with another voter ahead each time, before the lead goes there.
const PATIENCE: u32 = 3;

/// Watches the writes to the log until the log or Raft ends.
pub(crate) async fn keep(raft: Raft, log: LogStore) {
    let mut writes = log.extent();
    let mut last = log.durable();
    let mut slow = 0;
    while writes.changed().await.is_ok() {
        let write = *writes.borrow_and_update();
        if write.last() <= last {
            // Not of entries.
            continue;
        }
        last = write.last();
        let faster = faster(&raft.metrics().borrow_watched(), &write);
        slow = if faster.is_some() { slow + 1 } else { 0 };
        let Some(heir) = faster.filter(|_| slow >= PATIENCE) else { continue };
        slow = 0;
        tracing::warn!(heir, took = ?write.took, "this disk is slower than another's: handing over");
        if raft.trigger().transfer_leader(heir).await.is_err() {
            return;
        }
    }
}

/// The voter that had these entries first, if this member leads and was slow to write them.
fn faster(metrics: &Metrics, write: &Extent) -> Option<NodeId> {
    if write.took < SLOW || !metrics.state.is_leader() {
        return None;
    }
    let others = metrics.replication.as_ref()?.iter();
    let matched = others.filter_map(|(id, matched)| Some((matched.as_ref()?.index, *id)));
    let voters = matched.filter(|(index, id)| {
        *index >= write.last()
            && *id != metrics.id
            && metrics.membership_config.voter_ids().any(|voter| voter == *id)
    });
    voters.max().map(|(_, id)| id)
}
