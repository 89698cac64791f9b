//! What the application uses: `read` and `write`.

use crate::error::{Error, Why};
use crate::figures::Meters;
use crate::freshness::Freshness;
use crate::identity::Identity;
use crate::job::{Call, Job, Offer, Task, Work};
use crate::log::LogStore;
use crate::network::links::Links;
use crate::network::server::Server;
use crate::options::Options;
use crate::outstanding::{Outstanding, Ticket};
use crate::pulse::Pulse;
use crate::read::Waiting;
use crate::standing;
use crate::status::{self, Status};
use crate::store::Store;
use crate::tx::Tx;
use crate::types::{NodeId, Raft, Verdict};
use futures::future::BoxFuture;
use openraft::async_runtime::watch::WatchReceiver;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::task::AbortOnDropHandle;

/// The pause before the next try when there is no news.
const PAUSE: Duration = Duration::from_millis(20);

/// One member's handle to the database; clones share it. [`Db::close`] ends the member.
#[derive(Clone)]
pub struct Db(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) identity: Identity,
    pub(crate) options: Options,
    pub(crate) raft: Raft,
    pub(crate) standing: standing::Watch,
    pub(crate) store: Store,
    pub(crate) log: LogStore,
    pub(crate) links: Links,
    pub(crate) pulse: Pulse,
    pub(crate) meters: Arc<Meters>,
    pub(crate) freshness: Freshness,
    pub(crate) jobs: mpsc::Sender<Work>,
    pub(crate) reads: mpsc::Sender<Waiting>,
    pub(crate) outstanding: Outstanding,
    pub(crate) status: watch::Receiver<Status>,
    pub(crate) closed: watch::Sender<bool>,
    pub(crate) tasks: Mutex<Vec<AbortOnDropHandle<()>>>,
}

impl Inner {
    /// Why this member has stopped by its owner's will.
    pub(crate) fn stopped(&self) -> Option<String> {
        self.closed.borrow().then(|| "closed".to_owned())
    }

    pub(crate) fn tasks(&self) -> std::sync::MutexGuard<'_, Vec<AbortOnDropHandle<()>>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Db {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Db").field("identity", &self.0.identity).finish_non_exhaustive()
    }
}

impl Db {
    /// Runs a transaction and returns what its closure returned, once a majority has it and this member
    /// shows it. Either all of it happens, exactly once, or nothing.
    ///
    /// The closure reads, checks and writes as it likes, on the latest state; it may run several times, so
    /// it does nothing but work on `tx`: what it needs from outside is computed before. It may not take
    /// longer than [`Options::closure_max`]. Its error undoes what it did and is returned.
    ///
    /// # Errors
    /// The closure's own, or made of [`Error`]: `Unavailable` without a majority (within 2 s of its loss) or
    /// past [`Options::deadline`]; `Refused` if the closure did what cannot be replicated.
    pub async fn write<'env, T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: for<'t> Fn(&'t mut Tx<'env>) -> BoxFuture<'t, Result<T, E>> + Send + Sync,
        E: From<Error> + Send,
        T: Send,
    {
        self.0.log.booted().await?;
        let ticket = self.0.outstanding.begin();
        let deadline = Instant::now() + self.0.options.deadline;
        // One for each attempt: an early one can turn out to be the one that was committed.
        let mut results: Vec<Option<T>> = Vec::new();
        let mut run =
            Run { ticket: &ticket, deadline, attempt: 0, conflicts: 0, unanswered: false };
        loop {
            self.ready(deadline, run.unanswered)?;
            let (result, verdict) = self.turn(&run, &work).await?;
            let ran = result.is_some();
            let failure = match result {
                Some(Ok(value)) => {
                    results.push(Some(value));
                    None
                }
                Some(Err(error)) => {
                    results.push(None);
                    Some(error)
                }
                None => None,
            };
            match (verdict, failure) {
                (Verdict::Committed { index, attempt }, _) => {
                    return self.committed(&run, results, index, attempt).await;
                }
                (Verdict::Refused(why), _) => return Err(Error::Refused(why).into()),
                (Verdict::Failed, Some(error)) if !run.unanswered => return Err(error),
                (Verdict::Failed, Some(error)) => {
                    // A copy of an earlier attempt may still be on its way. Before saying "failed", make it so:
                    // an empty transaction under the same id keeps the copy out, or finds it in.
                    run.attempt += 1;
                    let (index, attempt) = self.fence(&mut run).await?;
                    return if attempt == run.attempt {
                        Err(error)
                    } else {
                        self.committed(&run, results, index, attempt).await
                    };
                }
                (Verdict::Conflict { index }, _) => {
                    run.conflicts += 1;
                    self.0.meters.conflicts.add(1);
                    self.applied(index, &run).await?;
                }
                (Verdict::Retry | Verdict::Failed, _) => {
                    run.unanswered |= ran;
                    self.news(deadline).await;
                }
                (Verdict::Again, _) => {}
            }
            run.attempt += u32::from(ran);
        }
    }

    /// Reads what was true at some moment after the call. The closure may only read.
    ///
    /// # Errors
    /// The closure's own, or made of [`Error`]: `Unavailable` without a majority or past the deadline.
    pub async fn read<'env, T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: for<'t> FnOnce(&'t mut Tx<'env>) -> BoxFuture<'t, Result<T, E>> + Send,
        E: From<Error> + Send,
        T: Send,
    {
        self.0.meters.reads.add(1);
        self.barrier(Instant::now() + self.0.options.deadline).await?;
        self.read_local(work).await
    }

    /// Reads what this member has, however old. Needs no majority, and asks nobody.
    ///
    /// # Errors
    /// The closure's own, or made of [`Error`].
    pub async fn read_local<'env, T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: for<'t> FnOnce(&'t mut Tx<'env>) -> BoxFuture<'t, Result<T, E>> + Send,
        E: From<Error> + Send,
        T: Send,
    {
        let snapshot = loop {
            match self.0.store.readers().snapshot().await {
                Ok(snapshot) => break snapshot,
                Err(sqlx::Error::PoolClosed) if *self.0.closed.borrow() => {
                    return Err(Error::Stopped.into());
                }
                // The state was exchanged for another generation at this very moment.
                Err(sqlx::Error::PoolClosed) => {}
                Err(error) => return Err(Error::Sql(error).into()),
            }
        };
        work(&mut Tx::plain(Box::new(snapshot))).await
    }

    /// Serves a stream that another member opened, until it ends. The transport has authenticated the
    /// other end as `from`.
    pub async fn serve(
        &self,
        from: NodeId,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    ) {
        let inner = &self.0;
        let server = Server {
            identity: inner.identity.clone(),
            raft: inner.raft.clone(),
            standing: inner.standing.clone(),
            store: inner.store.clone(),
            links: inner.links.clone(),
            freshness: inner.freshness.clone(),
            jobs: inner.jobs.clone(),
        };
        let mut closed = inner.closed.subscribe();
        tokio::select! {
            served = server.serve(from, stream) => if let Err(error) = served {
                tracing::debug!(from, %error, "a member's stream ended");
            },
            _ = closed.wait_for(|closed| *closed) => {}
        }
    }

    /// What this member knows of itself and its group, now.
    #[must_use]
    pub fn status(&self) -> Status {
        status::status(&self.0)
    }

    /// The status, as it changes: leader, members, who is connected, quorum, a stop. Indexes and times
    /// alone are not news.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Status> {
        let mut status = self.0.status.clone();
        // What is known when the watch begins is no news.
        status.mark_unchanged();
        status
    }

    /// Tells all other members what this one is in trouble with (in a few words for whoever runs it, e.g. "no
    /// space left on device"), or with `None` that it is over. They hear it at once, also when this replica has
    /// stopped, and show it as [`PeerStatus::trouble`](crate::PeerStatus). Nothing else follows from it.
    pub fn set_trouble(&self, trouble: Option<String>) {
        self.0.links.set_trouble(trouble);
    }

    /// Waits until this member has applied an entry after the one at `index`; returns the index of the
    /// last one applied. Pends for ever on a member that has stopped.
    pub async fn applied_after(&self, index: u64) -> u64 {
        self.0.store.applied(index + 1).await;
        self.0.store.progress().index()
    }

    /// An error if trying (again) is pointless.
    pub(crate) fn ready(&self, deadline: Instant, may_take_effect: bool) -> Result<(), Error> {
        let metrics = self.0.raft.metrics();
        let metrics = metrics.borrow_watched();
        if *self.0.closed.borrow() || metrics.running_state.is_err() {
            return Err(Error::stopped(may_take_effect));
        }
        if metrics.membership_config.membership().get_joint_config().is_empty() {
            return Err(Error::unavailable(Why::NoGroup));
        }
        let unavailable = |why| Err(Error::Unavailable { why, may_take_effect });
        if !self.0.pulse.beats() {
            return unavailable(Why::NoMajority);
        }
        if Instant::now() >= deadline {
            return unavailable(Why::NoLeader);
        }
        Ok(())
    }

    /// Waits for another leader, or a little while.
    pub(crate) async fn news(&self, deadline: Instant) {
        tokio::select! {
            _ = self.0.standing.other_than(self.0.standing.leader()) => {}
            () = sleep(PAUSE.min(deadline.saturating_duration_since(Instant::now()))) => {}
        }
    }

    async fn applied(&self, index: u64, run: &Run<'_>) -> Result<(), Error> {
        let applied = timeout_at(run.deadline, self.0.store.applied(index)).await;
        applied.map_err(|_| Error::Unavailable { why: Why::Behind, may_take_effect: true })
    }

    async fn committed<T, E: From<Error>>(
        &self,
        run: &Run<'_>,
        mut results: Vec<Option<T>>,
        index: u64,
        attempt: u32,
    ) -> Result<T, E> {
        self.0.meters.transactions.add(1);
        // Its own writes are visible to whoever reads here next.
        self.applied(index, run).await?;
        let result = results.get_mut(attempt as usize).and_then(Option::take);
        // Nothing is committed but what a closure returned. Should it be, then at least nobody says it was not.
        let unknown = Error::Unavailable { why: Why::Late, may_take_effect: true };
        result.ok_or_else(|| unknown.into())
    }

    /// Settles what may have become of earlier attempts: the index and the attempt that counts.
    async fn fence(&self, run: &mut Run<'_>) -> Result<(u64, u32), Error> {
        loop {
            self.ready(run.deadline, true)?;
            match self.turn(run, &nothing).await?.1 {
                Verdict::Committed { index, attempt } => return Ok((index, attempt)),
                Verdict::Refused(why) => return Err(Error::Refused(why)),
                Verdict::Again => {}
                _ => self.news(run.deadline).await,
            }
        }
    }

    /// One run of the closure, when it is its turn with the writer, and what became of it.
    async fn turn<'env, T, E, F>(
        &self,
        run: &Run<'_>,
        work: &F,
    ) -> Result<(Option<Result<T, E>>, Verdict), Error>
    where
        F: for<'t> Fn(&'t mut Tx<'env>) -> BoxFuture<'t, Result<T, E>> + Send + Sync,
        E: From<Error> + Send,
        T: Send,
    {
        let ((offer, offered), (reply, verdict)) = (oneshot::channel(), oneshot::channel());
        let call = Call {
            id: run.ticket.id,
            oldest: run.ticket.oldest(),
            attempt: run.attempt,
            conflicts: run.conflicts,
            offer: Some(offer),
        };
        let mut result = None;
        let settled = async {
            let job = Job { task: Task::Lend(call), reply };
            let sent = self.0.jobs.send(Work::Transactions(vec![job])).await;
            sent.map_err(|_| Error::stopped(run.unanswered))?;
            if let Ok(offer) = offered.await {
                result = Some(self.lent(offer, work).await);
            }
            verdict.await.map_err(|_| Error::stopped(run.unanswered || result.is_some()))
        };
        let verdict = tokio::select! {
            verdict = timeout_at(run.deadline, settled) => verdict.unwrap_or(Ok(Verdict::Retry))?,
            () = self.0.pulse.lost() => Verdict::Retry,
        };
        Ok((result, verdict))
    }

    /// The closure, on the connection it was lent.
    async fn lent<'env, T, E, F>(&self, offer: Offer, work: &F) -> Result<T, E>
    where
        F: for<'t> Fn(&'t mut Tx<'env>) -> BoxFuture<'t, Result<T, E>> + Send + Sync,
        E: From<Error> + Send,
        T: Send,
    {
        let Offer { loan, record, done } = offer;
        let connection = Box::new(loan);
        let mut tx = if record { Tx::recording(connection) } else { Tx::plain(connection) };
        // The batch waits for this closure: a limit, so that one that hangs costs only itself.
        let outcome = timeout(self.0.options.closure_max, work(&mut tx)).await;
        let mut transcript = tx.into_transcript();
        transcript.failed = !matches!(outcome, Ok(Ok(_)));
        let Ok(outcome) = outcome else {
            drop(done);
            return Err(Error::unavailable(Why::Hung).into());
        };
        // If the writer has given up on this, the verdict says so.
        let _ = done.send(transcript);
        outcome
    }

    /// Waits until this member has applied all that was committed when the call began.
    async fn barrier(&self, deadline: Instant) -> Result<(), Error> {
        loop {
            self.ready(deadline, false)?;
            let (reply, index) = oneshot::channel();
            self.0.reads.send(reply).await.map_err(|_| Error::Stopped)?;
            let index = timeout_at(deadline, index).await;
            let Ok(Ok(Some(index))) = index else {
                self.news(deadline).await;
                continue;
            };
            tokio::select! {
                () = self.0.store.applied(index) => return Ok(()),
                () = self.0.pulse.lost() => {}
                () = tokio::time::sleep_until(deadline) => {}
            }
        }
    }
}

fn nothing<'t>(_: &'t mut Tx<'_>) -> BoxFuture<'t, Result<(), Error>> {
    Box::pin(async { Ok(()) })
}

/// A transaction under way.
struct Run<'a> {
    ticket: &'a Ticket<'a>,
    deadline: Instant,
    /// Counts the runs of the closure.
    attempt: u32,
    conflicts: u32,
    /// Some run has no verdict: it may be in a log.
    unanswered: bool,
}
