//! Each member's writer: takes all waiting transactions, runs them one on top of the other, and settles them.
//!
//! On the leader: by replicating what they changed. Elsewhere: by sending the leader what they did and saw, in
//! one request; so the transactions of one member never collide with each other, only with other members'.

use crate::batch::{Close, Outcome, attempt, close, lend, rehearse, settle};
use crate::db::Inner;
use crate::error::Error;
use crate::figures::Meters;
use crate::job::{Job, Step, Task, Work};
use crate::log_file::Extent;
use crate::network::links::Links;
use crate::options::Options;
use crate::pulse::Pulse;
use crate::schema;
use crate::session;
use crate::standing;
use crate::store::Store;
use crate::types::{Applied, Command, NodeId, Raft, Submission, Term, Transcript, Value, Verdict};
use openraft::ReadPolicy;
use openraft::impls::ProgressResponder;
use sqlx::Executor;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout};

/// Transactions in one log entry at most: bounds the entry and how long the write lock is held.
pub(crate) const BATCH: usize = 128;
/// Bytes of transcripts in one request to the leader, or one transcript.
const REQUEST_BYTES: usize = 4 << 20;
/// The log may hold so many times its bound while it is being cut: then writes wait.
const LOG_OVER: u64 = 4;
/// How long the leader waits for a member whose transaction has collided three times.
const HOLD: Duration = Duration::from_millis(20);
/// How long one request to the leader may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);

pub(crate) struct Writer {
    raft: Raft,
    standing: standing::Watch,
    store: Store,
    log: watch::Receiver<Extent>,
    links: Links,
    pulse: Pulse,
    meters: Arc<Meters>,
    options: Options,
    queue: VecDeque<Job>,
    steps: VecDeque<Step>,
    /// The term in which this leader is known to have applied everything before it.
    ready: Option<Term>,
    /// How many of the next transactions go alone.
    solo: usize,
    /// Whose next transaction goes first.
    held: Option<NodeId>,
    /// The data version of the last comparison of all tables.
    checked: u64,
}

/// A batch, computed and not yet proposed.
struct Prepared {
    base: u64,
    schema: u64,
    changeset: Vec<u8>,
    /// Decided already; `None`: is part of the batch.
    verdicts: Vec<Option<Verdict>>,
    /// Whether the changeset can be applied to what it was computed on.
    sound: bool,
}

impl Writer {
    pub(crate) fn new(member: &Inner) -> Self {
        Self {
            raft: member.raft.clone(),
            standing: member.standing.clone(),
            store: member.store.clone(),
            log: member.log.extent(),
            links: member.links.clone(),
            pulse: member.pulse.clone(),
            meters: member.meters.clone(),
            options: member.options.clone(),
            queue: VecDeque::new(),
            steps: VecDeque::new(),
            ready: None,
            solo: 0,
            held: None,
            checked: member.store.progress().version,
        }
    }

    /// Settles transactions until nobody is left who could bring one.
    pub(crate) async fn run(mut self, mut jobs: mpsc::Receiver<Work>) {
        while self.gather(&mut jobs).await {
            while let Some(Step { from, sql, reply }) = self.steps.pop_front() {
                let verdict =
                    self.step(from, &sql).await.unwrap_or_else(|error| self.trouble(&error));
                let _ = reply.send(verdict);
            }
            let count = self.queue.len().min(if self.solo > 0 { 1 } else { BATCH });
            if count == 0 {
                continue;
            }
            self.solo = self.solo.saturating_sub(1);
            let jobs = self.queue.drain(..count);
            let (mut batch, replies): (Vec<_>, Vec<_>) =
                jobs.map(|job| (job.task, job.reply)).unzip();
            let verdicts = self.commit(&mut batch).await;
            let verdicts = verdicts.unwrap_or_else(|error| vec![self.trouble(&error); count]);
            self.held = batch.iter().zip(&verdicts).find_map(|(task, verdict)| {
                matches!(verdict, Verdict::Conflict { .. }).then(|| task.patience_lost()).flatten()
            });
            for (reply, verdict) in replies.into_iter().zip(verdicts) {
                // Whoever hung up does not want it.
                let _ = reply.send(verdict);
            }
            self.check().await;
        }
    }

    fn trouble(&mut self, error: &Error) -> Verdict {
        self.ready = None;
        tracing::error!(%error, "a batch of transactions failed");
        Verdict::Retry
    }

    fn take(&mut self, work: Work) {
        match work {
            Work::Transactions(jobs) => self.queue.extend(jobs),
            Work::Step(step) => self.steps.push_back(step),
        }
    }

    /// Fills the queue with all that waits. `false`: the end.
    async fn gather(&mut self, jobs: &mut mpsc::Receiver<Work>) -> bool {
        if self.queue.is_empty() {
            let Some(first) = jobs.recv().await else { return false };
            self.take(first);
        }
        while self.queue.len() < BATCH
            && let Ok(more) = jobs.try_recv()
        {
            self.take(more);
        }
        if let Some(node) = self.held.take() {
            let its = |job: &Job| job.task.id().node == node;
            let arrives = async {
                while !self.queue.iter().any(its) {
                    let Some(more) = jobs.recv().await else { return };
                    self.take(more);
                }
            };
            // If it does not come back in time, the others go on.
            let _ = timeout(HOLD, arrives).await;
            self.queue.make_contiguous().sort_by_key(|job| !its(job));
        }
        true
    }

    async fn commit(&mut self, batch: &mut [Task]) -> Result<Vec<Verdict>, Error> {
        let Some(term) = self.lead().await else { return self.forward(batch).await };
        if !self.room().await {
            return Ok(vec![Verdict::Retry; batch.len()]);
        }
        let Prepared { base, schema, changeset, mut verdicts, sound } = self.prepare(batch).await?;
        let seen = self.store.progress().index();
        let mut otherwise = Verdict::Again;
        if !sound || changeset.len() > self.options.change_bytes_max {
            // Some transaction cannot be expressed as a changeset, e.g. one that swaps two unique values. Find
            // it by going one at a time for a while.
            if let [_] = batch {
                verdicts[0] = Some(Verdict::Refused(unsound(sound).to_owned()));
            } else {
                self.solo = batch.len();
            }
        } else if verdicts.iter().any(Option::is_none) {
            match self.propose(term, Command::Change { base, schema, changeset }).await {
                Some((index, Applied::Done)) => {
                    return Ok(settle(batch, verdicts, index, true, &otherwise));
                }
                // An earlier proposal with an unknown outcome came through first. Both are applied now.
                Some((_, Applied::Stale)) => {}
                None => {
                    self.ready = None;
                    otherwise = Verdict::Retry;
                }
            }
        } else if verdicts
            .iter()
            .any(|verdict| matches!(verdict, Some(Verdict::Failed | Verdict::Committed { .. })))
        {
            // Nothing was committed that would prove that this was the latest state when they ran.
            self.ready = None;
            if self.lead().await != Some(term) {
                return Ok(vec![Verdict::Retry; batch.len()]);
            }
        }
        Ok(settle(batch, verdicts, seen, false, &otherwise))
    }

    /// The current term, if this member leads it and has applied all that came before.
    ///
    /// Also needed before the first proposal for another reason: openraft refuses writes (`LeaseExpired`)
    /// until a new leader has heard from a quorum.
    pub(crate) async fn lead(&mut self) -> Option<Term> {
        let term = self.raft.as_leader().ok()?.to_committed_leader_id();
        if self.ready != Some(term) {
            // The read index is at least this term's first entry: what any earlier leader committed, and so
            // every transaction a client could be asking about again, is in the state after this.
            tokio::select! {
                done = self.raft.ensure_linearizable(ReadPolicy::ReadIndex) => drop(done.ok()?),
                () = self.pulse.lost() => return None,
            }
            self.ready = Some(term);
        }
        Some(term)
    }

    /// Waits while the log is far over its bound, until `retention` has cut it. `false`: this member may not
    /// lead any more.
    async fn room(&mut self) -> bool {
        let most = self.options.log_bytes_max.saturating_mul(LOG_OVER);
        let deposed = self.raft.wait(None);
        tokio::select! {
            biased;
            room = self.log.wait_for(|extent| extent.bytes <= most) => room.is_ok(),
            _ = deposed.metrics(|metrics| !metrics.state.is_leader(), "another leader") => false,
            () = self.pulse.lost() => false,
        }
    }

    /// `None`: the outcome is unknown, or this member does not lead any more.
    pub(crate) async fn propose(&self, term: Term, command: Command) -> Option<(u64, Applied)> {
        let begun = Instant::now();
        let (responder, done) = ProgressResponder::complete_only();
        // Without the guard a proposal that waited through two leader changes would be made in a later term.
        self.raft.write(command).with_leader(term).responder(responder).await.ok()?;
        let response = tokio::select! {
            response = done => response.ok()?.ok()?,
            () = self.pulse.lost() => return None,
        };
        self.meters.commits.note(begun.elapsed());
        Some((response.log_id.index, response.data))
    }

    /// Has all members compare their tables, from time to time.
    async fn check(&mut self) {
        let version = self.store.progress().version;
        if version < self.checked + self.options.check_every {
            return;
        }
        self.checked = version;
        let Some(term) = self.lead().await else { return };
        let hashed = async {
            let mut writers = self.store.writers().await?;
            let base = self.store.progress().version;
            let hashes = schema::hashes(&mut writers.apply).await?;
            Ok::<_, Error>(Command::Check { base, hashes })
        };
        match hashed.await {
            Ok(check) => {
                // If it comes to nothing, the next one is not far.
                let _ = self.propose(term, check).await;
            }
            Err(error) => tracing::warn!(%error, "the tables could not be compared"),
        }
    }

    /// Takes a schema step, after a trial of it.
    async fn step(&mut self, from: u32, sql: &str) -> Result<Verdict, Error> {
        let Some(term) = self.lead().await else { return Ok(Verdict::Retry) };
        {
            let mut writers = self.store.own().await?;
            if self.store.progress().schema != from {
                return Ok(Verdict::Again);
            }
            if let Some(why) = schema::rehearse(&mut writers, sql).await? {
                return Ok(Verdict::Refused(why));
            }
        }
        let step = Command::Ddl { from, to: from + 1, sql: sql.to_owned() };
        Ok(match self.propose(term, step).await {
            Some((index, Applied::Done)) => Verdict::Committed { index, attempt: 0 },
            Some((_, Applied::Stale)) => Verdict::Again,
            None => Verdict::Retry,
        })
    }

    async fn prepare(&self, batch: &mut [Task]) -> Result<Prepared, Error> {
        let mut writers = self.store.own().await?;
        let work = writers.work().await?;
        work.execute("BEGIN IMMEDIATE").await?;
        // Under the write lock, so this is the version that the transactions run on.
        let progress = self.store.progress();
        let capture = session::capture(work)?;
        let replayed = batch.iter().filter(|task| matches!(task, Task::Replay(_)));
        self.meters.replays.add(replayed.count());
        let mut verdicts = Vec::with_capacity(batch.len());
        let mut failed = None;
        let mut ended = false;
        for task in &mut *batch {
            let version = verdicts.is_empty().then_some(progress.version);
            let (back, outcome) = attempt(writers, task, version).await;
            writers = back;
            match outcome {
                Ok(Outcome::Part) => verdicts.push(None),
                Ok(Outcome::Decided(verdict)) => verdicts.push(Some(verdict)),
                Ok(Outcome::Ended) => ended = true,
                Err(error) => failed = Some(error),
            }
            if ended || failed.is_some() {
                break;
            }
        }
        // Always, also after an error: an unfinished session would go on recording.
        let changeset = capture.finish(writers.open());
        writers.reset().await?;
        failed.map_or(Ok(()), Err)?;
        let mut changeset = changeset?;
        if ended {
            verdicts = without(verdicts.len(), batch.len());
            changeset.clear();
        }
        // What could not be applied must never reach the log. Under the same lock: on another state a
        // conflict would say nothing about the changeset.
        let sound = changeset.is_empty() || rehearse(&mut writers.apply, &changeset).await?;
        Ok(Prepared { base: progress.version, schema: progress.digest, changeset, verdicts, sound })
    }

    /// Runs the batch here for its transcripts, and has the leader do it again.
    async fn forward(&self, batch: &mut [Task]) -> Result<Vec<Verdict>, Error> {
        let leader = self.standing.leader();
        let Some(leader) = leader.filter(|leader| leader != self.raft.node_id()) else {
            return Ok(vec![Verdict::Retry; batch.len()]);
        };
        let mut settled = self.record(batch).await?;
        let submissions: Vec<_> = settled.iter_mut().filter_map(Ran::take).collect();
        let mut verdicts = Vec::new().into_iter();
        if !submissions.is_empty() {
            tokio::select! {
                answer = self.links.submit(leader, submissions, PATIENCE) => {
                    verdicts = answer.unwrap_or_default().into_iter();
                }
                _ = self.standing.other_than(Some(leader)) => {}
            }
        }
        let verdicts: Vec<_> = settled
            .into_iter()
            .map(|ran| match ran {
                Ran::Sent => verdicts.next().unwrap_or(Verdict::Retry),
                Ran::Ready(_) => Verdict::Retry,
                Ran::Not(verdict) => verdict,
            })
            .collect();
        let newest = verdicts.iter().map(|verdict| match verdict {
            Verdict::Committed { index, .. } | Verdict::Conflict { index } => *index,
            _ => 0,
        });
        // The next batch, and whoever reads here after this, must see these. (If the log stops short of it,
        // this member is cut off, and nobody is served better by not waiting.)
        let _ = timeout(PATIENCE, self.store.applied(newest.max().unwrap_or(0))).await;
        Ok(verdicts)
    }

    async fn record(&self, batch: &mut [Task]) -> Result<Vec<Ran>, Error> {
        let mut writers = self.store.own().await?;
        writers.work().await?.execute("BEGIN").await?;
        let mut base = Some(self.store.progress().version);
        let mut ran = Vec::with_capacity(batch.len());
        let mut total = 0;
        for task in &mut *batch {
            // What others had this member replay when it still led is not this member's to pass on.
            let Task::Lend(call) = task else {
                ran.push(Ran::Not(Verdict::Retry));
                continue;
            };
            if total > REQUEST_BYTES {
                ran.push(Ran::Not(Verdict::Again));
                continue;
            }
            writers.open().execute(sqlx::query("/* writer */ SAVEPOINT one")).await?;
            let (back, lent) = lend(writers, call, true).await;
            writers = back;
            let transcript = lent?;
            let failed = transcript.as_ref().is_none_or(|transcript| transcript.failed);
            let how = if failed { Close::Undo } else { Close::Keep };
            if !close(writers.open(), how).await? {
                writers.reset().await?;
                let verdicts = without(ran.len(), batch.len()).into_iter().flatten();
                return Ok(verdicts.map(Ran::Not).collect());
            }
            // Nobody is there any more to hear of it, or the closure hung.
            let Some(transcript) = transcript else {
                ran.push(Ran::Not(Verdict::Failed));
                continue;
            };
            let bytes = size(&transcript);
            let base = base.take();
            if bytes > self.options.change_bytes_max {
                ran.push(Ran::Not(Verdict::Refused(unsound(true).to_owned())));
                continue;
            }
            total += bytes;
            let (id, oldest, attempt, conflicts) =
                (call.id, call.oldest, call.attempt, call.conflicts);
            ran.push(Ran::Ready(Submission { id, oldest, attempt, base, conflicts, transcript }));
        }
        writers.reset().await?;
        Ok(ran)
    }
}

/// What became of a transaction on this member, before the leader has seen it.
enum Ran {
    Ready(Submission),
    Sent,
    Not(Verdict),
}

impl Ran {
    fn take(&mut self) -> Option<Submission> {
        match std::mem::replace(self, Self::Sent) {
            Self::Ready(submission) => Some(submission),
            other => {
                *self = other;
                None
            }
        }
    }
}

/// A batch whose transaction was ended by the closure at `culprit`: the others run again.
fn without(culprit: usize, count: usize) -> Vec<Option<Verdict>> {
    let refused = "a transaction may not end itself";
    let verdict = |place| match place == culprit {
        true => Verdict::Refused(refused.to_owned()),
        false => Verdict::Again,
    };
    (0..count).map(|place| Some(verdict(place))).collect()
}

fn unsound(sound: bool) -> &'static str {
    if sound {
        "it changes too much at once"
    } else {
        "it exchanges values that must be unique, which takes two steps"
    }
}

fn size(transcript: &Transcript) -> usize {
    let value = |value: &Value| match value {
        Value::Text(text) => text.len() + 8,
        Value::Blob(bytes) => bytes.len() + 8,
        _ => 9,
    };
    let params = |params: &Vec<Value>| params.iter().map(value).sum::<usize>();
    transcript
        .steps
        .iter()
        .map(|step| step.sql.len() + 24 + step.params.as_ref().map_or(0, params))
        .sum()
}
