//! What a member knows about itself and its group.

use crate::db::Inner;
use crate::pulse;
use crate::standing::Standing;
use crate::types::NodeId;
use openraft::async_runtime::watch::WatchReceiver;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;
use tokio::sync::watch;

/// A member's view of itself and its group, at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// This member.
    pub node: NodeId,
    /// Who leads, as far as this member knows.
    pub leader: Option<NodeId>,
    /// Counts the elections.
    pub term: u64,
    /// Log index of the last entry applied here; 0 if none was.
    pub applied: u64,
    /// Log index of the last entry known to be on a majority; 0 if none is.
    pub committed: u64,
    /// Schema steps taken.
    pub schema: u32,
    /// Who votes; while a change is under way, old and new voters.
    pub voters: BTreeSet<NodeId>,
    /// A change of voters is under way; its leader may have died over it. [`Db::change_voters`] ends it.
    ///
    /// [`Db::change_voters`]: crate::Db::change_voters
    pub changing: bool,
    /// Who only holds a replica.
    pub learners: BTreeSet<NodeId>,
    /// Where every member is, this one included.
    pub addresses: BTreeMap<NodeId, String>,
    /// Every other member, as this one sees it.
    pub peers: BTreeMap<NodeId, PeerStatus>,
    /// Whether a majority of the voters answers.
    pub quorum: bool,
    /// This replica has all that was committed at this moment: how old it is when there is no majority. The
    /// moment is never too late, and too early by an election maximum at most. `None`: it has not heard of a
    /// leader since it was opened.
    pub current: Option<Instant>,
    /// Why this replica has stopped, if it has.
    pub stopped: Option<String>,
    /// What this member is in trouble with, see [`Db::set_trouble`](crate::Db::set_trouble).
    pub trouble: Option<String>,
}

/// Another member, as this one sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeerStatus {
    /// Log index up to which it holds what this member holds; on the leader only.
    pub matched: Option<u64>,
    /// When it last answered, since this member started. Every member hears every other at least once in
    /// an election maximum.
    pub last_ack: Option<Instant>,
    /// There is a stream to it, and it has not been silent for twice the election maximum.
    pub connected: bool,
    /// What it says it is in trouble with, see [`Db::set_trouble`](crate::Db::set_trouble); forgotten when
    /// it does not answer any more.
    pub trouble: Option<String>,
    /// It takes no stream of this member, because this one has been removed from the group.
    pub removed: bool,
}

impl Status {
    /// Whether this member leads.
    #[must_use]
    pub fn leads(&self) -> bool {
        self.leader == Some(self.node)
    }

    /// Whether another member says that this one has been removed from the group.
    #[must_use]
    pub fn is_removed(&self) -> bool {
        self.peers.values().any(|peer| peer.removed)
    }

    /// Without what changes all the time.
    fn settled(mut self) -> Self {
        (self.applied, self.committed, self.current) = (0, 0, None);
        for peer in self.peers.values_mut() {
            (peer.matched, peer.last_ack) = (None, None);
        }
        self
    }
}

/// The status now.
pub(crate) fn status(inner: &Inner) -> Status {
    let metrics = inner.raft.metrics().borrow_watched().clone();
    let (progress, standing) = (inner.store.progress(), Standing::now(&inner.raft));
    let membership = standing.membership.membership();
    let replication = metrics.replication.as_ref();
    let (heard, silence) = (inner.links.heard(), inner.options.silence());
    let addresses: BTreeMap<_, _> =
        membership.nodes().map(|(id, address)| (*id, address.clone())).collect();
    let peer = |id: &NodeId| {
        let heard = heard.get(id);
        let matched = replication.and_then(|all| all.get(id)).and_then(|matched| matched.as_ref());
        PeerStatus {
            matched: matched.map(|matched| matched.index),
            last_ack: heard.and_then(|heard| heard.last).map(tokio::time::Instant::into_std),
            connected: heard.is_some_and(|heard| {
                heard.connected && heard.last.is_some_and(|last| last.elapsed() < silence)
            }),
            trouble: heard.and_then(|heard| heard.trouble.clone()),
            removed: heard.is_some_and(|heard| heard.removed),
        }
    };
    let (configs, own) = (membership.get_joint_config(), inner.identity.node);
    inner.freshness.lead(&metrics, progress.index());
    let current = inner.freshness.current(progress.index());
    // A leader's word is as good as its majority, of which this member may know better.
    let current = current.zip(pulse::latest(configs, own, &inner.links)).map(|(a, b)| a.min(b));
    let others = addresses.keys().filter(|id| **id != own);
    Status {
        node: own,
        leader: standing.leader,
        term: standing.term,
        applied: progress.index(),
        committed: metrics.local_committed.map_or(0, |id| id.index),
        schema: progress.schema,
        voters: membership.voter_ids().collect(),
        changing: configs.len() > 1,
        learners: membership.learner_ids().collect(),
        peers: others.map(|id| (*id, peer(id))).collect(),
        addresses,
        quorum: inner.pulse.beats() && !configs.is_empty(),
        current: current.map(tokio::time::Instant::into_std),
        stopped: inner.stopped().or(metrics.running_state.err().map(|fatal| fatal.to_string())),
        trouble: inner.links.trouble().borrow().clone(),
    }
}

/// Publishes the status whenever something in it changes, but for indexes and times.
pub(crate) async fn publish(inner: std::sync::Weak<Inner>, sender: watch::Sender<Status>) {
    let Some(strong) = inner.upgrade() else { return };
    let (mut standing, mut changes) = (strong.standing.receiver(), strong.links.changes());
    let mut pulse = strong.pulse.watch();
    drop(strong);
    // Ends with Raft, whose end is news, too.
    let mut running = true;
    let mut led = None;
    loop {
        let Some(strong) = inner.upgrade() else { return };
        let now = status(&strong);
        let leads = now.leader.map(|leader| (now.term, leader));
        if leads.is_some() && leads != led {
            strong.meters.leaders.add(1);
            led = leads;
        }
        drop(strong);
        sender.send_if_modified(|last| {
            let changed = last.clone().settled() != now.clone().settled();
            *last = now;
            changed
        });
        tokio::select! {
            changed = standing.changed(), if running => running = changed.is_ok(),
            changed = changes.changed() => if changed.is_err() { return },
            changed = pulse.changed() => if changed.is_err() { return },
        }
    }
}
