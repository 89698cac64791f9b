//! Read indexes: up to where a member must have applied before a linearizable read.

use crate::figures::Meters;
use crate::network::links::Links;
use crate::pulse::Pulse;
use crate::standing;
use crate::types::Raft;
use crate::writer::PATIENCE;
use openraft::ReadPolicy;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// Readers that wait for the same answer at most.
const BATCH: usize = 1024;

/// A reader that waits for an index; `None`: no leader could say.
pub(crate) type Waiting = oneshot::Sender<Option<u64>>;

/// Asks for read indexes: one request at a time, for everyone who was waiting when it began. A reader never
/// joins a request that is under way, for its answer may be older than the reader's call.
pub(crate) async fn serve(
    raft: Raft,
    standing: standing::Watch,
    links: Links,
    pulse: Pulse,
    meters: Arc<Meters>,
    mut waiting: mpsc::Receiver<Waiting>,
) {
    let mut batch = Vec::new();
    while waiting.recv_many(&mut batch, BATCH).await > 0 {
        meters.read_indexes.add(1);
        let leader = standing.leader();
        let asked = async {
            match leader {
                Some(leader) if leader == *raft.node_id() => {
                    let linearizer = raft.get_read_linearizer(ReadPolicy::ReadIndex).await;
                    linearizer.ok().map(|linearizer| linearizer.read_log_id().index())
                }
                Some(leader) => links.read_index(leader, PATIENCE).await.ok().flatten(),
                None => None,
            }
        };
        let index = tokio::select! {
            index = asked => index,
            // Whoever is asked will not answer any more.
            _ = standing.other_than(leader) => None,
            () = pulse.lost() => None,
        };
        for waiter in batch.drain(..) {
            // Whoever hung up does not want it.
            let _ = waiter.send(index);
        }
    }
}
