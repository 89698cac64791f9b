//! Campaigning as soon as the leader's connection is reset, instead of waiting for its lease to run out.
//!
//! A reset is better evidence than silence, but still only evidence: so each voter gives up its *own* belief
//! in the leader, and the pre-vote finds out whether a majority has done the same. One bad link deposes nobody,
//! unless it stays bad: then the member behind it asks another to lead.

use crate::network::links::Links;
use crate::pulse::Pulse;
use crate::standing;
use crate::types::{Metrics, NodeId, Raft};
use futures::FutureExt;
use futures::future::{BoxFuture, pending};
use openraft::async_runtime::watch::WatchReceiver;
use openraft::raft::TransferLeaderRequest;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};

/// Voters campaign one after the other, so that they do not split the vote. A few round trips and a vote's
/// fdatasync must fit in.
const TURN: Duration = Duration::from_millis(15);

/// Times round, in case others notice later or votes are split, each with twice the time of the one before: on a
/// slow network or a busy machine a campaign needs some of it. After that the election timer does it.
const ROUNDS: usize = 6;

/// Campaigns whenever the leader is among the members whose connection was reset; a leader that is lost later
/// ends the campaign for an earlier one.
pub(crate) async fn watch(raft: Raft, mut resets: mpsc::Receiver<NodeId>) {
    let mut running: BoxFuture<'_, Result<(), ()>> = pending().boxed();
    loop {
        tokio::select! {
            reset = resets.recv() => {
                let Some(peer) = reset else { return };
                let metrics = raft.metrics().borrow_watched().clone();
                if metrics.current_leader == Some(peer) {
                    running = campaign(&raft, peer, metrics).boxed();
                }
            }
            ended = &mut running => {
                if ended.is_err() {
                    return;
                }
                running = pending().boxed();
            }
        }
    }
}

/// Asks another voter to lead when this member has missed the leader for `patience` though a majority answers:
/// the link between the two is cut, and whatever is asked here needs the leader. Asks once in that time, so that
/// members with cut links all around take turns rather than depose each other at once.
pub(crate) async fn bypass(
    raft: Raft,
    standing: standing::Watch,
    links: Links,
    pulse: Pulse,
    patience: Duration,
) {
    let mut changes = links.changes();
    let mut asked = None;
    loop {
        changes.mark_unchanged();
        let leader = standing.leader();
        let missed = leader.and_then(|leader| last_word(&links, leader));
        let due = missed.map(|missed| asked.map_or(missed, |asked| missed.max(asked)) + patience);
        tokio::select! {
            () = until(due) => {
                if leader.and_then(|leader| last_word(&links, leader)) != missed {
                    continue;
                }
                asked = Some(Instant::now());
                let metrics = raft.metrics().borrow_watched().clone();
                if pulse.beats() && metrics.current_leader == leader {
                    ask_another(&links, *raft.node_id(), &metrics).await;
                }
            }
            changed = changes.changed() => if changed.is_err() { return },
            changed = standing.other_than(leader) => if changed.is_err() { return },
        }
    }
}

/// When the leader last answered or called; none if this member leads.
fn last_word(links: &Links, leader: NodeId) -> Option<Instant> {
    let heard = links.heard().remove(&leader)?;
    Some(heard.last.unwrap_or(heard.sought))
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => pending().await,
    }
}

/// The first that can be reached and agrees: it campaigns as if the leader had handed over.
async fn ask_another(links: &Links, own: NodeId, metrics: &Metrics) {
    let heard = links.heard();
    let reached = |voter: &NodeId| heard.get(voter).is_some_and(|heard| heard.connected);
    let voters = metrics.membership_config.membership().voter_ids();
    // The leader's stream may not have been given up yet.
    let other = |voter: &NodeId| *voter != own && metrics.current_leader != Some(*voter);
    for voter in voters.filter(|voter| other(voter) && reached(voter)) {
        tracing::info!(
            leader = metrics.current_leader,
            voter,
            "The leader is out of reach, asking another"
        );
        if links.ask_to_lead(voter, metrics.vote).await {
            return;
        }
    }
}

async fn campaign(raft: &Raft, lost: NodeId, metrics: Metrics) -> Result<(), ()> {
    // openraft has no call to drop the lease, but this does just that on all but the transfer's target: so
    // name a target that is not this member.
    let release = TransferLeaderRequest::new(metrics.vote, lost, None);
    raft.handle_transfer_leader(release).await.map_err(drop)?.ok();
    let voters = metrics.membership_config.membership().voter_ids().filter(|voter| *voter != lost);
    let mut voters: Vec<NodeId> = voters.collect();
    voters.sort_unstable();
    let Some(turn) = voters.iter().position(|voter| voter == raft.node_id()) else { return Ok(()) };
    sleep(times(turn)).await;
    let (mut seen, mut pause) = (metrics.vote, times(voters.len()));
    for _ in 0..ROUNDS {
        let now = raft.metrics().borrow_watched().clone();
        // A campaign that is under way, somebody's or one of its own that ended in a tie, gets its time. Two at
        // once may also depose whoever wins first.
        let under_way = std::mem::replace(&mut seen, now.vote) != now.vote;
        if !under_way && now.current_leader.is_none_or(|leader| leader == lost) {
            raft.trigger().elect(true).await.map_err(drop)?;
        }
        sleep(pause).await;
        pause *= 2;
    }
    Ok(())
}

fn times(count: usize) -> Duration {
    TURN * u32::try_from(count).unwrap_or(u32::MAX)
}
