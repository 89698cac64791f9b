//! Requests with an Idempotency-Key: whether one is new, a repeat of one that has its answer, a repeat
//! of one at work, or has to go on where a member that is gone left it.

use crate::app::cluster::upgrade;
use crate::app::remotes;
use crate::context::Context;
use crate::db::Tx;
use crate::db::once::Scope;
use crate::db::tables::requests::{self, Runner, Stored};
use crate::error::{Context as _, Error, Kind, Result};
use crate::limits;
use crate::node::{Method, Remote};
use futures::FutureExt;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared_api::paths;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};
use uuid::Uuid;

pub use crate::db::tables::requests::Request;

/// How long a member says nothing while the request that it is asked for is at work there.
const WAIT_SLICE: Duration = Duration::from_secs(3);
/// Requests are forgotten by the minute.
const MINUTE: Duration = Duration::from_secs(60);

/// The requests with an Idempotency-Key that are at work on this member.
pub struct Repeats {
    /// Tells this daemon's run from its earlier ones.
    run: Uuid,
    entries: Arc<Mutex<HashMap<String, AtWork>>>,
}

struct AtWork {
    digest: String,
    /// Closed at its end.
    end: watch::Receiver<()>,
}

/// What a client was told, or how it can be told again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// As it was: HTTP status, the headers that matter, body.
    Whole { status: u16, headers: Vec<(String, String)>, body: String },
    /// An operation, which knows its own state. What is secret of it is in its own row.
    Operation(Uuid),
}

/// How a request goes on.
pub enum Begun {
    /// It has its answer.
    Answered(Answer),
    /// It is this caller's to run.
    Run(Run),
}

/// A request at work here, until it is dropped.
pub struct Run {
    id: String,
    scope: Arc<Scope>,
    _at_work: Guard,
}

impl Default for Repeats {
    fn default() -> Self {
        Self { run: Uuid::new_v4(), entries: Arc::default() }
    }
}

/// Takes a request: waits for another run of it, here or at another member, or takes it over from
/// one that is gone.
///
/// Nothing depends on being right about who is gone: two runs at once do each write once.
///
/// # Errors
/// Mismatch: the key was used for something else. Busy: too many are kept for this caller. Conflict:
/// it is still at work. Unavailable: the members are being upgraded.
pub async fn begin(ctx: &Context, request: &Request) -> Result<Begun> {
    upgrade::require_done(&ctx.db)?;
    let deadline = Instant::now() + limits::JOIN_REQUEST_TIMEOUT;
    let guard = ctx.repeats.enter(request, deadline).await?;
    let mut gone = None;
    loop {
        match claim(ctx, request, gone.as_ref()).await? {
            Claim::Answered(answer) => {
                let answer = serde_json::from_str(&answer).context("read the first answer")?;
                return Ok(Begun::Answered(answer));
            }
            Claim::Ours { begun_at, end } => {
                let scope = Scope::new(&request.id, begun_at, end.as_deref())?;
                let run = Run { id: request.id.clone(), scope, _at_work: guard };
                return Ok(Begun::Run(run));
            }
            Claim::At(runner) => {
                wait_at(ctx, &runner, &request.id, deadline).await?;
                gone = Some(runner);
            }
        }
    }
}

impl Run {
    /// Runs the request's work; its writes happen once.
    pub async fn run<F: Future>(&self, work: F) -> F::Output {
        self.scope.clone().run(work).await
    }

    /// Stores the answer. Returns what the client is to be told: this, or what another run was first
    /// to store. Nothing: another run has ended the request meanwhile, and this one has to run again.
    pub async fn answered(&mut self, ctx: &Context, answer: Answer) -> Result<Option<Answer>> {
        let text = serde_json::to_string(&answer).context("note the answer")?;
        let (scope, text) = (&self.scope, &text);
        let write = ctx.db.write_again(|tx| scope.answer(tx, text).boxed());
        if let Some(first) = write.await? {
            return serde_json::from_str(&first).context("read the first answer").map(Some);
        }
        let id = &self.id;
        let stored = ctx.db.read(|tx| requests::get(tx, id).boxed()).await?;
        let stored = stored.context("find the request")?;
        self.scope = Scope::new(id, stored.begun_at, stored.end.as_deref())?;
        Ok(None)
    }
}

/// Whether a request is at work here; waits a while for its end.
pub async fn is_at_work(ctx: &Context, id: &str) -> bool {
    let end = ctx.repeats.entries().get(id).map(|entry| entry.end.clone());
    let Some(mut end) = end else { return false };
    timeout(WAIT_SLICE, end.changed()).await.is_err()
}

/// Forgets requests whose time is over, until the daemon stops; does something only while this
/// member leads.
///
/// Minutes are counted by the leader's steady clock, and a new leader begins with a whole one: a
/// clock that was set wrong makes nobody forget too early.
pub async fn forget(ctx: Context) {
    loop {
        tokio::select! {
            () = ctx.stop.cancelled() => return,
            () = tokio::time::sleep(MINUTE) => {}
        }
        if ctx.db.replica().status().leads()
            && let Err(error) = pass_minute(&ctx).await
        {
            tracing::debug!("Forgetting requests waits: {}", error.chain());
        }
    }
}

/// One minute more for all requests that are kept.
pub(crate) async fn pass_minute(ctx: &Context) -> Result<()> {
    if !ctx.db.read_local(|tx| requests::any(tx).boxed()).await? {
        return Ok(());
    }
    ctx.db.write(|tx| requests::pass_minute(tx).boxed()).await?;
    while ctx.db.write(|tx| requests::forget(tx).boxed()).await? {}
    Ok(())
}

impl Repeats {
    /// Enters a request, once no other run of it is at work here.
    async fn enter(&self, request: &Request, deadline: Instant) -> Result<Guard> {
        loop {
            let mut end = match self.entries().entry(request.id.clone()) {
                Entry::Vacant(place) => {
                    let (sender, end) = watch::channel(());
                    place.insert(AtWork { digest: request.digest.clone(), end });
                    let entries = self.entries.clone();
                    return Ok(Guard { id: request.id.clone(), entries, _end: sender });
                }
                Entry::Occupied(entry) if entry.get().digest != request.digest => {
                    return Err(mismatch());
                }
                Entry::Occupied(entry) => entry.get().end.clone(),
            };
            timeout_at(deadline, end.changed()).await.map_err(|_| at_work())?.unwrap_or_default();
        }
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<String, AtWork>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Holds a request's place among those at work.
struct Guard {
    id: String,
    entries: Arc<Mutex<HashMap<String, AtWork>>>,
    /// Dropped after the entry is removed.
    _end: watch::Sender<()>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

/// What the database says of a request that has come.
enum Claim {
    Answered(String),
    Ours { begun_at: u64, end: Option<String> },
    At(Runner),
}

/// Stores the request if it is new. One that stands there for this member, whose earlier run it was
/// then, or for a runner that is `gone`, is taken over.
async fn claim(ctx: &Context, request: &Request, gone: Option<&Runner>) -> Result<Claim> {
    let own = &Runner { node: ctx.node.id(), run: ctx.repeats.run };
    let write = ctx.db.write_again(|tx| {
        async move {
            let Some(stored) = requests::get(tx, &request.id).await? else {
                return insert(tx, request, own).await;
            };
            if stored.digest != request.digest {
                return Err(mismatch());
            }
            let Stored { begun_at, runner, end, answer, .. } = stored;
            if let Some(answer) = answer {
                return Ok(Claim::Answered(answer));
            }
            if runner.node != own.node && gone != Some(&runner) {
                return Ok(Claim::At(runner));
            }
            if runner != *own {
                requests::take_over(tx, &request.id, own).await?;
            }
            Ok(Claim::Ours { begun_at, end })
        }
        .boxed()
    });
    write.await
}

async fn insert(tx: &mut Tx<'_>, request: &Request, own: &Runner) -> Result<Claim> {
    if requests::count(tx, &request.caller).await? >= limits::REQUESTS_MAX {
        return Err(Error::new(
            Kind::Busy,
            format_args!(
                "Too many requests with an Idempotency-Key: {} are kept for ten minutes each",
                limits::REQUESTS_MAX
            ),
        ));
    }
    requests::insert(tx, request, own).await?;
    Ok(Claim::Ours { begun_at: own.node, end: None })
}

/// Waits until a request is no longer at work at another member, or that cannot be asked.
async fn wait_at(ctx: &Context, runner: &Runner, id: &str, deadline: Instant) -> Result<()> {
    let Some(remote) = remotes::of(ctx, runner.node).await? else { return Ok(()) };
    loop {
        let at_work_there = tokio::select! {
            answer = ask(&remote, id) => answer,
            () = remotes::lost(ctx, runner.node) => false,
        };
        if !at_work_there {
            return Ok(());
        }
        if Instant::now() >= deadline {
            return Err(at_work());
        }
    }
}

/// Whether a member says that the request is at work there.
async fn ask(remote: &Remote, id: &str) -> bool {
    let path = paths::internal_request(id);
    let asked = timeout(limits::PEER_TIMEOUT, remote.notify(Method::GET, &path, None)).await;
    matches!(asked, Ok(Ok(Value::Bool(true))))
}

fn mismatch() -> Error {
    Error::new(Kind::Mismatch, "The Idempotency-Key was used for another request")
}

fn at_work() -> Error {
    Error::conflict("A request with this Idempotency-Key is still at work")
}
