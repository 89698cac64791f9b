//! The life of a member: opening, founding a group, schema steps, closing.

use crate::db::{Db, Inner};
use crate::error::{Error, Why, io};
use crate::failover;
use crate::figures::Meters;
use crate::freshness::Freshness;
use crate::identity::Identity;
use crate::job::{Step, Work};
use crate::log::LogStore;
use crate::machine::StateMachine;
use crate::network::links::Links;
use crate::network::peer::Peers;
use crate::network::{Network, Transport};
use crate::options::Options;
use crate::outstanding::Outstanding;
use crate::pulse::Pulse;
use crate::read::Waiting;
use crate::standing::{self, Standing};
use crate::status::Status;
use crate::types::{NodeId, Raft, Verdict};
use crate::writer::Writer;
use crate::{pace, read, repair, retention, status};
use openraft::async_runtime::watch::WatchReceiver;
use openraft::{Config, ReadPolicy, SnapshotPolicy};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

/// Transactions, and reads, that wait for their turn.
const QUEUE: usize = 1024;
/// After so many silences of the leader, and of no majority, another is asked to lead: well within the deadline
/// of those who wait, and longer than a link flaps.
const PATIENCE: u32 = 2;

impl Db {
    /// Opens a member's replica, or makes an empty one. Returns at once: whether the group can be reached
    /// shows in the [`Status`]. The only voter of its group leads it from here on.
    ///
    /// `dir` belongs to this member alone, and to one process at a time.
    ///
    /// # Errors
    /// If the files cannot be opened, or are of a later version. `Lost` if `raft.db` is damaged, gone, or older
    /// than it was: such a member has lost its vote and must come back under a new id. (A damaged state is made
    /// anew from snapshot and log.)
    pub async fn open(
        dir: &Path,
        identity: Identity,
        network: impl Network,
        options: &Options,
    ) -> Result<Self, Error> {
        let options = options.scaled();
        std::fs::create_dir_all(dir)?;
        let meters = Arc::new(Meters::default());
        let (log, earlier) = LogStore::open(dir, meters.clone()).await?;
        let store = match repair::open(dir, &log, &earlier).await {
            Ok(opened) => opened,
            Err(error) => {
                log.close().await;
                return Err(error);
            }
        };
        let mut machine = StateMachine::new(store.clone(), log.clone(), meters.clone());
        machine.restore().await?;
        let (links, resets) =
            Links::new(identity.clone(), Transport::new(network), options.clone());
        let (config, peers) = (Arc::new(config(&identity, &options)?), Peers(links.clone()));
        let raft =
            Raft::new(identity.node, config, peers, log.clone(), machine).await.map_err(io)?;
        // What it says only has to be said: from here on the metrics show what was on disk.
        raft.is_initialized().await.map_err(io)?;
        let ((jobs, waiting), (reads, readers)) = (mpsc::channel(QUEUE), mpsc::channel(QUEUE));
        let freshness = Freshness::default();
        let (standing, looking) = standing::Watch::start(&raft);
        let (pulse, pulsing) = Pulse::start(identity.node, &standing, links.clone(), &options);
        let (published, status) = watch::channel(Status::default());
        let outstanding = Outstanding::new(identity.node, earlier.boot);
        let (closed, tasks) = (watch::Sender::new(false), Mutex::default());
        let inner = Inner {
            identity,
            options,
            raft,
            standing,
            store,
            log,
            links,
            pulse,
            meters,
            freshness,
            jobs,
            reads,
            outstanding,
            status,
            closed,
            tasks,
        };
        let db = Self(Arc::new(inner));
        published.send_replace(db.status());
        db.run(looking);
        db.run(pulsing);
        db.run(status::publish(Arc::downgrade(&db.0), published));
        db.run_all(waiting, readers, resets);
        let sealed = earlier.seal.map(|seal| seal.generation);
        db.run(repair::keep(db.0.store.clone(), db.0.log.clone(), sealed));
        db.elect_alone().await?;
        Ok(db)
    }

    fn run_all(
        &self,
        jobs: mpsc::Receiver<Work>,
        readers: mpsc::Receiver<Waiting>,
        resets: mpsc::Receiver<NodeId>,
    ) {
        let Inner { raft, standing, log, links, pulse, meters, options, .. } = &*self.0;
        let (raft, links, pulse) = (|| raft.clone(), || links.clone(), || pulse.clone());
        self.run(Writer::new(&self.0).run(jobs));
        self.run(read::serve(raft(), standing.clone(), links(), pulse(), meters.clone(), readers));
        self.run(follow(raft(), standing.receiver(), links()));
        self.run(pace::keep(raft(), log.clone()));
        self.run(retention::keep(raft(), log.clone(), options.clone()));
        let patience = PATIENCE * options.silence();
        self.run(failover::bypass(raft(), standing.clone(), links(), pulse(), patience));
        if options.elect_on_reset {
            self.run(failover::watch(raft(), resets));
        }
    }

    fn run(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.0.tasks().push(AbortOnDropHandle::new(tokio::spawn(task)));
    }

    /// Whether this member belongs to a group.
    #[must_use]
    pub fn is_initialized(&self) -> bool {
        let metrics = self.0.raft.metrics();
        let metrics = metrics.borrow_watched();
        !metrics.membership_config.membership().get_joint_config().is_empty()
    }

    /// Makes this the first member of a new group, reachable at `address`. It leads when this returns.
    ///
    /// # Errors
    /// `Refused` if it belongs to a group already.
    pub async fn bootstrap(&self, address: &str) -> Result<(), Error> {
        let first = BTreeMap::from([(self.0.identity.node, address.to_owned())]);
        self.0.raft.initialize(first).await.map_err(|error| Error::Refused(error.to_string()))?;
        let deadline = Instant::now() + self.0.options.deadline;
        // `current_leader` in the metrics is not enough: it shows before the vote that makes it true is on
        // disk, and until then the member answers that it does not lead.
        let mut metrics = self.0.raft.metrics();
        let led = async {
            loop {
                let leads = self.0.raft.as_leader().is_ok();
                if leads && self.0.raft.ensure_linearizable(ReadPolicy::ReadIndex).await.is_ok() {
                    let beats = self.0.pulse.watch().wait_for(|beats| *beats).await.is_ok();
                    return beats.then_some(());
                }
                metrics.changed().await.ok()?;
            }
        };
        match tokio::time::timeout_at(deadline, led).await {
            Ok(Some(())) => Ok(()),
            Ok(None) => Err(Error::Stopped),
            Err(_) => Err(Error::unavailable(Why::NoLeader)),
        }
    }

    /// Takes the schema steps that have not been taken yet; the first step is `steps[0]`. On the leader, once
    /// every member runs a version that knows them. Steps only add: they are SQL that runs as it stands on
    /// every member, so it must not depend on anything but the data.
    ///
    /// Every table must be STRICT, with an INTEGER PRIMARY KEY or WITHOUT ROWID, and without deferrable foreign
    /// keys: anything else would not be replicated faithfully.
    ///
    /// # Errors
    /// `NotLeader`; `Refused` with the reason if a step fails or its tables are not as they must be.
    pub async fn migrate(&self, steps: &[&str]) -> Result<(), Error> {
        let deadline = Instant::now() + self.0.options.deadline;
        for (number, sql) in steps.iter().enumerate() {
            let from = u32::try_from(number).map_err(io)?;
            while self.0.store.progress().schema <= from {
                self.ready(deadline, true)?;
                let leader = self.status().leader;
                if leader.is_some_and(|leader| leader != self.0.identity.node) {
                    return Err(Error::NotLeader { leader });
                }
                match self.step(from, sql).await? {
                    Verdict::Committed { .. } | Verdict::Again => {}
                    Verdict::Refused(why) => {
                        return Err(Error::Refused(format!("step {}: {why}", from + 1)));
                    }
                    _ => self.news(deadline).await,
                }
            }
        }
        Ok(())
    }

    async fn step(&self, from: u32, sql: &str) -> Result<Verdict, Error> {
        let (reply, verdict) = oneshot::channel();
        let step = Step { from, sql: sql.to_owned(), reply };
        self.0.jobs.send(Work::Step(step)).await.map_err(|_| Error::Stopped)?;
        verdict.await.map_err(|_| Error::Stopped)
    }

    /// Ends this member: its files can be opened again when this returns. A leader should hand over before,
    /// see [`Db::transfer_leader`]. Whoever waits in a read or write hears that it has stopped.
    pub async fn close(&self) {
        self.0.closed.send_replace(true);
        let tasks = std::mem::take(&mut *self.0.tasks());
        for task in tasks {
            task.abort();
            // Only its end matters.
            let _ = task.await;
        }
        self.0.links.close();
        let _ = self.0.raft.shutdown().await;
        self.0.store.close().await;
        self.0.log.close().await;
    }

    /// A lone voter has nobody to wait for.
    async fn elect_alone(&self) -> Result<(), Error> {
        let alone = {
            let metrics = self.0.raft.metrics();
            let metrics = metrics.borrow_watched();
            let own = BTreeSet::from([self.0.identity.node]);
            *metrics.membership_config.membership().get_joint_config() == [own]
        };
        if alone {
            self.0.raft.trigger().elect(false).await.map_err(io)?;
        }
        Ok(())
    }
}

/// Keeps links to the members of the group, as it changes, and has openraft call those that were found.
async fn follow(raft: Raft, mut standing: watch::Receiver<Standing>, links: Links) {
    let mut changes = links.changes();
    let mut seen = BTreeMap::new();
    let mut connected = BTreeSet::new();
    loop {
        let stored = standing.borrow_and_update().membership.clone();
        let members: BTreeMap<_, _> =
            stored.nodes().map(|(id, address)| (*id, address.clone())).collect();
        if !members.is_empty() && seen != members {
            links.regroup(&seen, &members);
            seen = members;
        }
        changes.mark_unchanged();
        let heard = links.heard().into_iter().filter(|(_, heard)| heard.connected);
        let now: BTreeSet<NodeId> = heard.map(|(id, _)| id).collect();
        let found: Vec<NodeId> = now.difference(&connected).copied().collect();
        if !found.is_empty() && raft.trigger().reset_backoff(found).await.is_err() {
            return;
        }
        connected = now;
        tokio::select! {
            changed = standing.changed() => if changed.is_err() { return },
            changed = changes.changed() => if changed.is_err() { return },
        }
    }
}

fn config(identity: &Identity, options: &Options) -> Result<Config, Error> {
    let ms = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let config = Config {
        cluster_name: identity.cluster.clone(),
        heartbeat_interval: ms(options.heartbeat),
        election_timeout_min: ms(options.election_min),
        election_timeout_max: ms(options.election_max),
        enable_pre_vote: Some(true),
        enable_leader_restore: Some(false),
        // Without it a partial partition can stall for ever (openraft#2080).
        quorum_loss_probe_interval: Some(2 * ms(options.election_max)),
        snapshot_policy: SnapshotPolicy::LogsSinceLast(options.snapshot_every),
        // `retention` does it.
        max_in_snapshot_log_to_keep: u64::MAX,
        replication_lag_threshold: options.snapshot_every.max(options.entries_kept) + 1,
        install_snapshot_timeout: 300_000,
        ..Config::default()
    };
    Ok(config.validate().map_err(io)?)
}
