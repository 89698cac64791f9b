//! Who belongs to the group, who votes, who leads.

use crate::db::Db;
use crate::error::{Error, Why};
use crate::retention;
use crate::types::{LogId, Metrics, NodeId, Types};
use crate::writer::PATIENCE;
use openraft::ChangeMembers;
use openraft::async_runtime::watch::WatchReceiver;
use openraft::error::{ClientWriteError, RaftError};
use openraft::raft::{ClientWriteResponse, Precondition};
use std::collections::{BTreeMap, BTreeSet};
use tokio::time::{Instant, timeout, timeout_at};

/// Bytes of a snapshot that are made, sent and installed in less than the time of one of the log: measured, 15.
const COPIED: u64 = 4;

type Changed = Result<ClientWriteResponse<Types>, RaftError<Types, ClientWriteError<Types>>>;

impl Db {
    /// Adds a member that holds a replica and does not vote, or changes a member's address. Returns when it
    /// has all that was committed before; on an error it may be a member all the same. On the leader.
    ///
    /// # Errors
    /// `NotLeader`, `Contended` if another change came first, `Refused` if it has been removed before, `Unavailable`.
    pub async fn add_learner(&self, id: NodeId, address: &str) -> Result<(), Error> {
        self.add_learners(&BTreeMap::from([(id, address.to_owned())])).await?;
        if id == self.0.identity.node {
            return Ok(());
        }
        let wanted = self.0.raft.metrics().borrow_watched().last_log_index.unwrap_or(0);
        let matched = |metrics: &Metrics| {
            let all = metrics.replication.as_ref()?;
            all.get(&id)?.as_ref().map(|matched| matched.index)
        };
        self.wait(|metrics| {
            if !metrics.state.is_leader() {
                return Some(Err(Error::NotLeader { leader: metrics.current_leader }));
            }
            (matched(metrics) >= Some(wanted)).then_some(Ok(()))
        })
        .await
    }

    /// Adds members that hold a replica and do not vote, or changes members' addresses, all in one step. Does not
    /// wait for them: what they lack is sent to them all at once from then on. On the leader.
    ///
    /// # Errors
    /// `NotLeader`, `Contended` if another change came first, `Refused` if one has been removed before, `Unavailable`.
    pub async fn add_learners(&self, addresses: &BTreeMap<NodeId, String>) -> Result<(), Error> {
        let metrics = self.lead()?;
        let known = |id| metrics.membership_config.get_node(id);
        if addresses.iter().all(|(id, address)| known(id) == Some(address)) {
            return Ok(());
        }
        self.settled(&metrics).await?;
        let removed = self.0.store.progress().removed;
        if let Some(id) = addresses.keys().find(|id| removed.contains(id)) {
            return Err(Error::Refused(format!(
                "member {id} has been removed: it can come back under a new id"
            )));
        }
        if addresses.keys().any(|id| known(id).is_none()) {
            self.shorten().await;
        }
        // Replacing is safe: ids are never used twice, so it is the same member somewhere else.
        self.change(ChangeMembers::SetNodes(addresses.clone()), &metrics).await
    }

    /// Makes these the voters, in one step. All must be members; who votes no more stays as a learner. On the
    /// leader, which must be one of them, see [`Db::transfer_leader`].
    ///
    /// # Errors
    /// `NotLeader`, `Contended` if another change came first, `Refused`, `Unavailable`.
    pub async fn change_voters(&self, voters: BTreeSet<NodeId>) -> Result<(), Error> {
        let metrics = self.lead()?;
        if !voters.contains(&self.0.identity.node) {
            return Err(Error::Refused(
                "the leader must hand over before it stops voting".to_owned(),
            ));
        }
        self.change(ChangeMembers::ReplaceAllVoters(voters), &metrics).await
    }

    /// Removes a member for good. On the leader, which cannot be the one.
    ///
    /// # Errors
    /// `NotLeader`, `Contended` if another change came first, `Refused`, `Unavailable`.
    pub async fn remove(&self, id: NodeId) -> Result<(), Error> {
        let metrics = self.lead()?;
        if id == self.0.identity.node {
            return Err(Error::Refused(
                "the leader must hand over before it is removed".to_owned(),
            ));
        }
        if metrics.membership_config.get_node(&id).is_none() {
            return Ok(());
        }
        let mut voters: BTreeSet<NodeId> = metrics.membership_config.voter_ids().collect();
        if voters.remove(&id) {
            self.change_voters(voters).await?;
        }
        self.change(ChangeMembers::RemoveNodes(BTreeSet::from([id])), &self.lead()?).await
    }

    /// Whether a member has been removed for good, as far as this one has applied.
    #[must_use]
    pub fn has_removed(&self, id: NodeId) -> bool {
        self.0.store.progress().removed.contains(&id)
    }

    /// Hands the leadership to another voter. Returns when it leads. On the leader.
    ///
    /// # Errors
    /// `NotLeader`, `Refused` if it does not vote, `Unavailable` if it did not take over.
    pub async fn transfer_leader(&self, to: NodeId) -> Result<(), Error> {
        if self.status().leader == Some(to) {
            return Ok(());
        }
        let metrics = self.lead()?;
        if !metrics.membership_config.voter_ids().any(|voter| voter == to) {
            return Err(Error::Refused(format!("member {to} does not vote")));
        }
        self.0.raft.trigger().transfer_leader(to).await.map_err(|_| Error::Stopped)?;
        let term = metrics.current_term;
        self.wait(|metrics| match metrics.current_leader {
            Some(leader) if leader == to => Some(Ok(())),
            Some(leader) if metrics.current_term > term => {
                Some(Err(Error::NotLeader { leader: Some(leader) }))
            }
            _ => None,
        })
        .await
    }

    /// Makes a snapshot of this member's replica now. Returns when it is on disk.
    ///
    /// # Errors
    /// `Unavailable` if it takes longer than the deadline, `Stopped`.
    pub async fn snapshot(&self) -> Result<(), Error> {
        let index = |id: Option<LogId>| id.map_or(0, |id| id.index);
        let applied = index(self.0.raft.metrics().borrow_watched().last_applied);
        self.0.raft.trigger().snapshot().await.map_err(|_| Error::Stopped)?;
        self.wait(|metrics| (index(metrics.snapshot) >= applied).then_some(Ok(()))).await
    }

    /// The metrics, if this member leads.
    fn lead(&self) -> Result<Metrics, Error> {
        self.ready(Instant::now() + self.0.options.deadline, false)?;
        let metrics = self.0.raft.metrics().borrow_watched().clone();
        if self.0.raft.is_leader() {
            return Ok(metrics);
        }
        Err(Error::NotLeader { leader: metrics.current_leader })
    }

    /// Waits until the last change is applied here: from then on it is known who has been removed.
    async fn settled(&self, seen: &Metrics) -> Result<(), Error> {
        let last = seen.membership_config.log_id().as_ref().map_or(0, |id| id.index);
        tokio::select! {
            applied = timeout(self.0.options.deadline, self.0.store.applied(last)) => {
                applied.map_err(|_| Error::unavailable(Why::Late))
            }
            () = self.0.pulse.lost() => Err(Error::unavailable(Why::NoMajority)),
        }
    }

    /// Has newcomers be sent a snapshot instead of a log that takes longer to apply. If it comes to nothing in
    /// time, they are sent what there is.
    async fn shorten(&self) {
        let log = self.0.log.extent().borrow().bytes;
        if self.0.store.size().await.is_ok_and(|size| size < COPIED * log) {
            let _ = timeout(PATIENCE, retention::cut(&self.0.raft)).await;
        }
    }

    /// One change, unless the membership is another than the one it was planned on.
    async fn change(
        &self,
        changes: ChangeMembers<NodeId, String>,
        seen: &Metrics,
    ) -> Result<(), Error> {
        let last_membership_log_id = *seen.membership_config.log_id();
        let unchanged = [Precondition::LastMembershipLogId { last_membership_log_id }];
        let deadline = Instant::now() + self.0.options.deadline;
        let change = self.0.raft.change_membership_if(changes, true, unchanged);
        let lost = Error::Unavailable { why: Why::NoMajority, may_take_effect: true };
        tokio::select! {
            changed = timeout_at(deadline, change) => match changed {
                Ok(changed) => outcome(changed),
                Err(_) => Err(lost),
            },
            () = self.0.pulse.lost() => Err(lost),
        }
    }

    /// Waits until the metrics decide, the majority is lost, or the deadline passes.
    async fn wait(
        &self,
        mut decide: impl FnMut(&Metrics) -> Option<Result<(), Error>>,
    ) -> Result<(), Error> {
        let deadline = Instant::now() + self.0.options.deadline;
        let mut metrics = self.0.raft.metrics();
        let decided = async {
            loop {
                if let Some(decision) = decide(&metrics.borrow_watched()) {
                    return decision;
                }
                metrics.changed().await.map_err(|_| Error::Stopped)?;
            }
        };
        let unavailable = |why| Err(Error::Unavailable { why, may_take_effect: true });
        tokio::select! {
            decision = timeout_at(deadline, decided) => {
                decision.unwrap_or_else(|_| unavailable(Why::Late))
            }
            () = self.0.pulse.lost() => unavailable(Why::NoMajority),
        }
    }
}

fn outcome(changed: Changed) -> Result<(), Error> {
    match changed {
        Ok(_) => Ok(()),
        Err(RaftError::APIError(ClientWriteError::ForwardToLeader(forward))) => {
            Err(Error::NotLeader { leader: forward.leader_id })
        }
        Err(RaftError::APIError(ClientWriteError::PreconditionFailed(_))) => Err(Error::Contended),
        Err(RaftError::APIError(error @ ClientWriteError::ChangeMembershipError(_))) => {
            Err(Error::Refused(error.to_string()))
        }
        Err(RaftError::APIError(_)) => Err(Error::Contended),
        Err(RaftError::Fatal(_)) => Err(Error::Stopped),
    }
}
