//! Where this member stands in its group: what of Raft's metrics changes seldom. They change several times with
//! every entry and every read, so one task looks at them, and nobody else is woken for nothing.

use crate::freshness::Freshness;
use crate::store::Store;
use crate::types::{Membership, Metrics, NodeId, Raft};
use openraft::Instant as _;
use openraft::async_runtime::watch::WatchReceiver;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::time::Instant;

/// What changes seldom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) leader: Option<NodeId>,
    pub(crate) term: u64,
    pub(crate) membership: Arc<Membership>,
    /// Index of the last entry in this member's last snapshot; 0 if there is none.
    pub(crate) snapshot: u64,
    /// Whether Raft has not stopped.
    pub(crate) running: bool,
}

impl Standing {
    fn of(metrics: &Metrics) -> Self {
        Self {
            leader: metrics.current_leader,
            term: metrics.current_term,
            membership: metrics.membership_config.clone(),
            snapshot: metrics.snapshot.map_or(0, |id| id.index),
            running: metrics.running_state.is_ok(),
        }
    }
}

/// The standing, as it changes; clones share it. Its changes end with Raft.
#[derive(Clone)]
pub(crate) struct Watch(watch::Receiver<Standing>);

impl Watch {
    /// Starts watching. While this member leads, the moments are noted at which a majority stood by it.
    pub(crate) fn start(
        raft: &Raft,
        freshness: Freshness,
        store: Store,
    ) -> (Self, impl Future<Output = ()> + use<>) {
        let mut metrics = raft.metrics();
        let (sender, receiver) = watch::channel(Standing::of(&metrics.borrow_watched()));
        let look = async move {
            while metrics.changed().await.is_ok() {
                let now = {
                    let metrics = metrics.borrow_watched();
                    note(&metrics, &freshness, &store);
                    Standing::of(&metrics)
                };
                sender.send_if_modified(|last| {
                    *last != now && {
                        *last = now;
                        true
                    }
                });
            }
        };
        (Self(receiver), look)
    }

    pub(crate) fn receiver(&self) -> watch::Receiver<Standing> {
        self.0.clone()
    }

    pub(crate) fn leader(&self) -> Option<NodeId> {
        self.0.borrow().leader
    }

    /// Waits until `leader` is not the leader any more.
    ///
    /// # Errors
    /// Raft has stopped.
    pub(crate) async fn other_than(
        &self,
        leader: Option<NodeId>,
    ) -> Result<(), watch::error::RecvError> {
        self.receiver().wait_for(|now| now.leader != leader).await.map(drop)
    }

    /// Waits until Raft has stopped.
    pub(crate) async fn stopped(&self) {
        // An error says the same.
        let _ = self.receiver().wait_for(|now| !now.running).await;
    }
}

/// A leader that a majority stood by knows what was committed at that moment.
fn note(metrics: &Metrics, freshness: &Freshness, store: &Store) {
    if let (Some(acked), Some(committed)) = (metrics.last_quorum_acked, metrics.cluster_committed) {
        let moment = Instant::now().checked_sub(acked.elapsed());
        let applied = store.index();
        moment.into_iter().for_each(|moment| freshness.promise(moment, committed.index, applied));
    }
}
