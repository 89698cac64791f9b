//! Campaigning as soon as the leader's connection is reset, instead of waiting for its lease to run out.
//!
//! A reset is better evidence than silence, but still only evidence: so each voter gives up its *own* belief
//! in the leader, and the pre-vote finds out whether a majority has done the same. One bad link deposes nobody.

use crate::types::{NodeId, Raft};
use openraft::async_runtime::watch::WatchReceiver;
use openraft::raft::TransferLeaderRequest;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::sleep;

/// Voters campaign one after the other, so that they do not split the vote. A few round trips and a vote's
/// fdatasync must fit in.
const TURN: Duration = Duration::from_millis(15);

/// Times round, in case others notice later. After that the election timer does it.
const ROUNDS: usize = 4;

/// Campaigns whenever the leader is among the members whose connection was reset.
pub(crate) async fn watch(raft: Raft, mut resets: mpsc::Receiver<NodeId>) {
    while let Some(peer) = resets.recv().await {
        let metrics = raft.metrics().borrow_watched().clone();
        if metrics.current_leader == Some(peer) && campaign(&raft, peer, &metrics).await.is_err() {
            return;
        }
    }
}

async fn campaign(raft: &Raft, lost: NodeId, metrics: &crate::types::Metrics) -> Result<(), ()> {
    // openraft has no call to drop the lease, but this does just that on all but the transfer's target: so
    // name a target that is not this member.
    let release = TransferLeaderRequest::new(metrics.vote, lost, None);
    raft.handle_transfer_leader(release).await.map_err(drop)?.ok();
    let voters = metrics.membership_config.membership().voter_ids().filter(|voter| *voter != lost);
    let mut voters: Vec<NodeId> = voters.collect();
    voters.sort_unstable();
    let Some(turn) = voters.iter().position(|voter| voter == raft.node_id()) else { return Ok(()) };
    sleep(times(turn)).await;
    for _ in 0..ROUNDS {
        if raft.metrics().borrow_watched().vote != metrics.vote {
            break;
        }
        raft.trigger().elect(true).await.map_err(drop)?;
        sleep(times(voters.len())).await;
    }
    Ok(())
}

fn times(count: usize) -> Duration {
    TURN * u32::try_from(count).unwrap_or(u32::MAX)
}
