//! Whether a majority of the voters can be reached: what decides between waiting and giving up.

use crate::network::links::Links;
use crate::options::Options;
use crate::standing::{self, Standing};
use crate::types::NodeId;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

/// How often a member without a majority looks whether it has one.
const LOOK: Duration = Duration::from_millis(100);

/// Says whether there is a majority, at any time and as it changes.
#[derive(Clone)]
pub(crate) struct Pulse(watch::Receiver<bool>);

impl Pulse {
    /// Starts watching. A majority is lost after a silence of twice the election maximum.
    pub(crate) fn start(
        own: NodeId,
        standing: &standing::Watch,
        links: Links,
        options: &Options,
    ) -> (Self, impl Future<Output = ()> + use<>) {
        let beat = watch::Sender::new(true);
        let pulse = Self(beat.subscribe());
        (pulse, feel(own, standing.receiver(), links, options.silence(), beat))
    }

    pub(crate) fn beats(&self) -> bool {
        *self.0.borrow()
    }

    pub(crate) fn watch(&self) -> watch::Receiver<bool> {
        self.0.clone()
    }

    /// Waits until there is no majority.
    pub(crate) async fn lost(&self) {
        // Ends with the member, too: then nothing is left to wait for.
        let _ = self.0.clone().wait_for(|beats| !beats).await;
    }
}

async fn feel(
    own: NodeId,
    mut standing: watch::Receiver<Standing>,
    links: Links,
    silence: Duration,
    beat: watch::Sender<bool>,
) {
    let mut changes = links.changes();
    // Raft may stop before this member is closed.
    let mut running = true;
    loop {
        let configs = standing.borrow().membership.membership().get_joint_config().clone();
        let until = latest(&configs, own, &links).map(|latest| latest + silence);
        let beats = until.is_some_and(|until| until > Instant::now());
        if beat.send_if_modified(|now| std::mem::replace(now, beats) != beats) {
            tracing::info!(beats, "whether a majority of the voters answers has changed");
        }
        tokio::select! {
            () = next_look(until, beats) => {}
            changed = changes.changed() => if changed.is_err() { return },
            changed = voters_change(&mut standing, &configs), if running => running = changed.is_ok(),
        }
    }
}

/// Waits until a majority may have fallen silent, or answered again: after a process stood still, that is seen by
/// nothing else, since the answers that waited for it keep the links as they are.
async fn next_look(until: Option<Instant>, beats: bool) {
    match until {
        Some(until) if beats => sleep_until(until).await,
        _ => sleep(LOOK).await,
    }
}

/// When a majority last answered: the oldest time of all, if a change of members is under way. `None`: there is
/// no group.
pub(crate) fn latest(configs: &[BTreeSet<NodeId>], own: NodeId, links: &Links) -> Option<Instant> {
    configs.iter().map(|voters| majority(voters, own, links)).min()
}

/// When a majority had last answered, this member included. One that was never heard counts as heard when it
/// was first called.
fn majority(voters: &BTreeSet<NodeId>, own: NodeId, links: &Links) -> Instant {
    let (now, heard) = (Instant::now(), links.heard());
    let mut times: Vec<Instant> = voters
        .iter()
        .map(|voter| match heard.get(voter) {
            Some(heard) if *voter != own => heard.last.unwrap_or(heard.sought),
            // Itself, or about to be called.
            _ => now,
        })
        .collect();
    times.sort_unstable_by(|a, b| b.cmp(a));
    times.get(voters.len() / 2).copied().unwrap_or(now)
}

async fn voters_change(
    standing: &mut watch::Receiver<Standing>,
    configs: &[BTreeSet<NodeId>],
) -> Result<(), watch::error::RecvError> {
    let changed = |now: &Standing| now.membership.membership().get_joint_config() != configs;
    standing.wait_for(changed).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::timeout;

    #[tokio::test]
    async fn a_member_without_a_majority_looks_again() {
        let past = Instant::now().checked_sub(Duration::from_secs(60));
        for until in [past, None] {
            timeout(Duration::from_secs(30), next_look(until, false)).await.unwrap();
        }
    }
}
