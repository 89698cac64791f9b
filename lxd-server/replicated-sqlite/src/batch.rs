//! One batch of transactions on the leader: running each on top of those before it, and their verdicts.

use crate::connection::Connection;
use crate::error::{Error, io};
use crate::job::{Call, Offer, Task};
use crate::session::{self, Failure, Turn};
use crate::store::{Loan, Owned};
use crate::tx::{normalise, replay};
use crate::types::{Submission, Transcript, TxId, Verdict};
use sqlx::{Executor, Row};
use tokio::sync::oneshot;

/// Answered transactions whose rows may stay: pruning each at once would cost two statements a batch.
const SLACK: u64 = 64;

/// How far a transaction came.
pub(crate) enum Outcome {
    /// It is part of the batch.
    Part,
    /// It is not, and this is its answer once the batch's fate is known.
    Decided(Verdict),
    /// It ended the transaction of the whole batch, e.g. by an `INSERT OR ROLLBACK`.
    Ended,
}

/// Applies for trial. `false`: this changeset cannot be applied to what it was computed on.
pub(crate) async fn rehearse(apply: &mut Connection, changeset: &[u8]) -> Result<bool, Error> {
    apply.execute("BEGIN IMMEDIATE").await?;
    let result = session::apply(apply, changeset);
    apply.execute("ROLLBACK").await?;
    match result {
        Ok(()) => Ok(true),
        Err(Failure::Conflict) => Ok(false),
        Err(Failure::Storage(error)) => Err(error.into()),
    }
}

/// Runs one transaction on top of those before it in the batch. `version` is that of the data, if it is the
/// first.
pub(crate) async fn attempt(
    mut writers: Owned,
    task: &mut Task,
    version: Option<u64>,
) -> (Owned, Result<Outcome, Error>) {
    match begin(writers.open(), task.id(), task.oldest()).await {
        Ok(None) => {}
        Ok(Some(verdict)) => return (writers, Ok(Outcome::Decided(verdict))),
        Err(error) => return (writers, Err(error.into())),
    }
    let (mut writers, verdict) = match task {
        Task::Replay(submission) => {
            let verdict = again(&mut writers, submission, version).await;
            (writers, verdict)
        }
        Task::Lend(call) => match lend(writers, call, false).await {
            (writers, Ok(Some(transcript))) if !transcript.failed => (writers, Ok(None)),
            (writers, Ok(_)) => (writers, Ok(Some(Verdict::Failed))),
            (writers, Err(error)) => (writers, Err(error)),
        },
    };
    let outcome = match verdict {
        Ok(verdict) => end(writers.open(), task, verdict).await,
        Err(error) => Err(error),
    };
    (writers, outcome)
}

/// Does what another member's transcript says. `None`: it saw the same and succeeded.
async fn again(
    writers: &mut Owned,
    submission: &Submission,
    version: Option<u64>,
) -> Result<Option<Verdict>, Error> {
    let transcript = &submission.transcript;
    normalise(writers.open()).await?;
    writers.turn(Turn::Closure);
    let same = replay(writers.open(), transcript).await;
    writers.turn(Turn::Writer);
    Ok(match same? {
        Ok(()) if transcript.failed => Some(Verdict::Failed),
        Ok(()) => None,
        // Nobody came between: running again would not help.
        Err(step) if version.is_some() && version == submission.base => {
            let sql = transcript.steps.get(step).map_or("", |step| &step.sql);
            let why = format!("two members see different things in the same data: {sql}");
            tracing::error!(member = submission.id.node, sql, "two members disagree");
            Some(Verdict::Refused(why))
        }
        // The index comes with the batch's fate.
        Err(_) => Some(Verdict::Conflict { index: 0 }),
    })
}

/// Lends the connection to a closure, in its caller's own task. `None`: its caller is gone, or hung.
pub(crate) async fn lend(
    mut writers: Owned,
    call: &mut Call,
    record: bool,
) -> (Owned, Result<Option<Transcript>, Error>) {
    if record && let Err(error) = normalise(writers.open()).await {
        return (writers, Err(error.into()));
    }
    let (loan, returned) = Loan::new(writers);
    let (done, finished) = oneshot::channel();
    if let Some(offer) = call.offer.take() {
        loan.turn(Turn::Closure);
        // If the caller is gone, the loan comes back at once.
        let _ = offer.send(Offer { loan, record, done });
    } else {
        drop((loan, done));
    }
    // The loan comes back when it is dropped, even if its borrower is cancelled.
    let writers = returned.await.expect("a loan always comes back");
    (writers, Ok(finished.await.ok()))
}

/// Opens a transaction's savepoint, unless it is over already.
async fn begin(work: &mut Connection, id: TxId, oldest: u64) -> sqlx::Result<Option<Verdict>> {
    let (node, boot, sequence) = (signed(id.node), signed(id.boot), signed(id.sequence));
    let row = sqlx::query(
        "/* writer */ SELECT
            (SELECT attempt FROM _tx WHERE node = ?1 AND boot = ?2 AND sequence = ?3),
            (SELECT boot FROM _floor WHERE node = ?1), (SELECT oldest FROM _floor WHERE node = ?1)",
    )
    .bind(node)
    .bind(boot)
    .bind(sequence)
    .fetch_one(&mut *work)
    .await?;
    if let Some(attempt) = row.try_get(0)? {
        // Index 0: settled with the batch's, since it may be a duplicate inside the batch.
        return Ok(Some(Verdict::Committed { index: 0, attempt }));
    }
    let floor: Option<(i64, i64)> = row.try_get::<Option<i64>, _>(1)?.zip(row.try_get(2)?);
    if floor.is_some_and(|floor| (boot, sequence) < floor) {
        // A late copy: its sender has its answer, or is no more.
        return Ok(Some(Verdict::Refused("it was asked for too long ago".to_owned())));
    }
    let oldest = signed(oldest);
    let rise = match floor {
        Some((same, floor)) if same == boot => oldest.saturating_sub(floor) >= signed(SLACK),
        _ => true,
    };
    if rise {
        raise(work, node, boot, oldest).await?;
    }
    work.execute(sqlx::query("/* writer */ SAVEPOINT one")).await?;
    Ok(None)
}

/// Says which of a member's transactions are over, and forgets them.
async fn raise(work: &mut Connection, node: i64, boot: i64, oldest: i64) -> sqlx::Result<()> {
    sqlx::query("/* writer */ REPLACE INTO _floor VALUES (?, ?, ?)")
        .bind(node)
        .bind(boot)
        .bind(oldest)
        .execute(&mut *work)
        .await?;
    sqlx::query("/* writer */ DELETE FROM _tx WHERE node = ? AND (boot, sequence) < (?, ?)")
        .bind(node)
        .bind(boot)
        .bind(oldest)
        .execute(&mut *work)
        .await?;
    Ok(())
}

async fn end(
    work: &mut Connection,
    task: &Task,
    verdict: Option<Verdict>,
) -> Result<Outcome, Error> {
    if let Some(verdict) = verdict {
        let undone = close(work, Close::Undo).await?;
        return Ok(if undone { Outcome::Decided(verdict) } else { Outcome::Ended });
    }
    let id = task.id();
    // Without a transaction this would be refused by the commit hook: so look first.
    if !close(work, Close::Keep).await? {
        return Ok(Outcome::Ended);
    }
    sqlx::query("/* writer */ INSERT INTO _tx VALUES (?, ?, ?, ?)")
        .bind(signed(id.node))
        .bind(signed(id.boot))
        .bind(signed(id.sequence))
        .bind(task.attempt())
        .execute(&mut *work)
        .await?;
    Ok(Outcome::Part)
}

/// How a savepoint ends.
#[derive(Clone, Copy)]
pub(crate) enum Close {
    Keep,
    Undo,
}

/// Ends the savepoint `one`. `false`: there is none any more, because the transaction around it has ended.
pub(crate) async fn close(work: &mut Connection, how: Close) -> Result<bool, Error> {
    if matches!(how, Close::Undo) {
        let undo = sqlx::query("/* writer */ ROLLBACK TO one");
        match work.execute(undo).await {
            Ok(_) => {}
            Err(sqlx::Error::Database(_)) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
    }
    match work.execute(sqlx::query("/* writer */ RELEASE one")).await {
        Ok(_) => Ok(true),
        Err(sqlx::Error::Database(_)) => Ok(false),
        Err(error) => Err(io(error).into()),
    }
}

/// Completes the verdicts once the batch's fate is known.
pub(crate) fn settle(
    batch: &[Task],
    verdicts: Vec<Option<Verdict>>,
    index: u64,
    committed: bool,
    otherwise: &Verdict,
) -> Vec<Verdict> {
    let lost = !committed && verdicts.iter().any(Option::is_none);
    let settled = batch.iter().zip(verdicts).map(|(task, verdict)| match verdict {
        None if committed => Verdict::Committed { index, attempt: task.attempt() },
        None => otherwise.clone(),
        // These may rest on something in the batch: a duplicate's original, a row that made a closure fail.
        Some(Verdict::Committed { .. } | Verdict::Failed) if lost => otherwise.clone(),
        Some(Verdict::Committed { attempt, .. }) => Verdict::Committed { index, attempt },
        Some(Verdict::Conflict { .. }) => Verdict::Conflict { index },
        Some(other) => other,
    });
    settled.collect()
}

/// SQLite's integers are signed. Only the top half of the range would change, which no counter reaches.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
