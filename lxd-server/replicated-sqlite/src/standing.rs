//! Where this member stands in its group: what of Raft's metrics changes seldom. All of them together change
//! several times with every entry and every read: nobody is woken for that.

use crate::types::{Membership, NodeId, Raft, ServerMetrics};
use openraft::async_runtime::watch::WatchReceiver;
use std::sync::Arc;
use tokio::sync::watch;

/// What changes seldom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) leader: Option<NodeId>,
    pub(crate) term: u64,
    pub(crate) membership: Arc<Membership>,
    /// Whether Raft has not stopped.
    pub(crate) running: bool,
}

impl Standing {
    /// At this moment; never behind what the other metrics tell.
    pub(crate) fn now(raft: &Raft) -> Self {
        Self::of(&raft.server_metrics().borrow_watched())
    }

    fn of(metrics: &ServerMetrics) -> Self {
        Self {
            leader: metrics.current_leader,
            term: metrics.vote.leader_id.term,
            membership: metrics.membership_config.clone(),
            running: true,
        }
    }
}

/// The standing, as it changes; clones share it. Its changes end with Raft.
#[derive(Clone)]
pub(crate) struct Watch(watch::Receiver<Standing>);

impl Watch {
    /// Starts watching.
    pub(crate) fn start(raft: &Raft) -> (Self, impl Future<Output = ()> + use<>) {
        let mut metrics = raft.server_metrics();
        let (sender, receiver) = watch::channel(Standing::of(&metrics.borrow_watched()));
        let look = async move {
            while metrics.changed().await.is_ok() {
                let now = Standing::of(&metrics.borrow_watched());
                sender.send_if_modified(|last| {
                    *last != now && {
                        *last = now;
                        true
                    }
                });
            }
            sender.send_modify(|last| last.running = false);
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
