//! Requests that came with an Idempotency-Key, and what of them has happened.

use crate::db::Tx;
use crate::error::{Context, Error, Result};
use sqlx::Row;
use uuid::Uuid;

/// Minutes for which a request is kept, at least.
const MINUTES: i64 = 10;
/// Requests forgotten by one transaction.
const FORGOTTEN_MAX: i64 = 1000;

/// What a client asks for, and by which key.
#[derive(Clone, Debug)]
pub struct Request {
    /// SHA-256 in hex of the caller and its key.
    pub id: String,
    /// Whose key it is.
    pub caller: String,
    /// SHA-256 in hex of the key, method, path, query and body.
    pub digest: String,
}

/// One run of one member's daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runner {
    /// The member.
    pub node: u64,
    /// Drawn when its daemon started.
    pub run: Uuid,
}

/// A request as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// See [`Request::digest`].
    pub digest: String,
    /// The member that took it first.
    pub begun_at: u64,
    /// Who works on it, or did so last.
    pub runner: Runner,
    /// How it ended, see [`END`].
    pub end: Option<String>,
    /// What its client was told, see [`ANSWER`].
    pub answer: Option<String>,
}

/// The step that is the last write of a request of several.
pub const END: &str = "end";
/// The step that is the answer.
pub const ANSWER: &str = "answer";

/// The request of that id.
pub async fn get(tx: &mut Tx<'_>, id: &str) -> Result<Option<Stored>> {
    let query = "SELECT digest, node_id, runner_id, runner,
            (SELECT value FROM requests_steps WHERE request_id = id AND step = 'end'),
            (SELECT value FROM requests_steps WHERE request_id = id AND step = 'answer')
        FROM requests WHERE id = ?";
    let row = sqlx::query(query).bind(id).fetch_optional(tx).await.context("read a request")?;
    let Some(row) = row else { return Ok(None) };
    let run = row.get::<String, _>(3).parse().context("read who works on a request")?;
    Ok(Some(Stored {
        digest: row.get(0),
        begun_at: row.get::<i64, _>(1).cast_unsigned(),
        runner: Runner { node: row.get::<i64, _>(2).cast_unsigned(), run },
        end: row.get(4),
        answer: row.get(5),
    }))
}

/// How many of a caller's are kept.
pub async fn count(tx: &mut Tx<'_>, caller: &str) -> Result<i64> {
    let count = sqlx::query_scalar("SELECT count(*) FROM requests WHERE caller = ?").bind(caller);
    count.fetch_one(tx).await.context("count requests")
}

/// Stores a new request, which `runner` works on.
pub async fn insert(tx: &mut Tx<'_>, request: &Request, runner: &Runner) -> Result<()> {
    let insert = "INSERT INTO requests (id, caller, digest, minute, node_id, runner_id, runner)
        VALUES (?1, ?2, ?3, (SELECT value FROM counters WHERE name = 'minute'), ?4, ?4, ?5)";
    let insert = sqlx::query(insert)
        .bind(&request.id)
        .bind(&request.caller)
        .bind(&request.digest)
        .bind(runner.node.cast_signed())
        .bind(runner.run.to_string());
    insert.execute(tx).await.context("store a request")?;
    Ok(())
}

/// Says who works on a request from now on.
pub async fn take_over(tx: &mut Tx<'_>, id: &str, runner: &Runner) -> Result<()> {
    let update = sqlx::query("UPDATE requests SET runner_id = ?, runner = ? WHERE id = ?")
        .bind(runner.node.cast_signed())
        .bind(runner.run.to_string())
        .bind(id);
    update.execute(tx).await.context("take over a request")?;
    Ok(())
}

/// What was recorded for a step, if it has happened.
pub async fn step(tx: &mut Tx<'_>, id: &str, step: &str) -> Result<Option<String>> {
    let value = "SELECT value FROM requests_steps WHERE request_id = ? AND step = ?";
    let value = sqlx::query_scalar(value).bind(id).bind(step).fetch_optional(tx).await;
    value.context("read a request's step")
}

/// Records a step.
///
/// # Errors
/// The request is no longer kept: it has been at work for longer than that.
pub async fn record(tx: &mut Tx<'_>, id: &str, step: &str, value: &str) -> Result<()> {
    let insert = "INSERT INTO requests_steps (request_id, step, value)
        SELECT id, ?2, ?3 FROM requests WHERE id = ?1";
    let insert = sqlx::query(insert).bind(id).bind(step).bind(value).execute(tx).await;
    if insert.context("record a request's step")?.rows_affected() == 0 {
        return Err(Error::conflict("The request took longer than its Idempotency-Key is kept"));
    }
    Ok(())
}

/// Whether there are any.
pub async fn any(tx: &mut Tx<'_>) -> Result<bool> {
    let any = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM requests)");
    any.fetch_one(tx).await.context("look for requests")
}

/// Notes that a minute has passed.
pub async fn pass_minute(tx: &mut Tx<'_>) -> Result<()> {
    let update = "UPDATE counters SET value = value + 1 WHERE name = 'minute'";
    sqlx::query(update).execute(tx).await.context("count a minute")?;
    Ok(())
}

/// Forgets some of the requests whose time is over; tells whether there may be more.
pub async fn forget(tx: &mut Tx<'_>) -> Result<bool> {
    let delete = "DELETE FROM requests WHERE id IN (
        SELECT id FROM requests
        WHERE minute < (SELECT value FROM counters WHERE name = 'minute') - ? LIMIT ?)";
    let delete = sqlx::query(delete).bind(MINUTES).bind(FORGOTTEN_MAX).execute(tx).await;
    let forgotten = delete.context("forget requests")?.rows_affected();
    Ok(forgotten == FORGOTTEN_MAX.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::testing;
    use futures::FutureExt;

    fn request(number: i64) -> Request {
        Request { id: number.to_string(), caller: "unix root".to_owned(), digest: "d".to_owned() }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn requests_are_kept_for_ten_minutes_with_what_belongs_to_them() {
        let db = testing::database().await;
        let runner = &Runner { node: 1, run: Uuid::new_v4() };
        let (first, late) = (&request(1), &request(2));
        let minute = async || {
            let passed = db.write(|tx| {
                async move {
                    pass_minute(&mut *tx).await?;
                    forget(tx).await
                }
                .boxed()
            });
            passed.await.unwrap()
        };
        db.write(|tx| insert(tx, first, runner).boxed()).await.unwrap();
        db.write(|tx| record(tx, "1", ANSWER, "yes").boxed()).await.unwrap();
        assert!(!minute().await);
        db.write(|tx| insert(tx, late, runner).boxed()).await.unwrap();
        for _ in 0..9 {
            minute().await;
        }
        let get = async |id: &'static str| db.read(|tx| get(tx, id).boxed()).await.unwrap();
        let stored = get("1").await.unwrap();
        assert_eq!((stored.begun_at, stored.answer.as_deref()), (1, Some("yes")));
        assert_eq!((&stored.runner, &stored.end), (runner, &None));
        minute().await;
        assert_eq!(get("1").await, None);
        assert!(get("2").await.is_some());
        assert_eq!(db.read(|tx| step(tx, "1", ANSWER).boxed()).await.unwrap(), None);
        let lost = db.write(|tx| record(tx, "1", END, "").boxed()).await.unwrap_err();
        assert!(lost.message.contains("longer than"), "{}", lost.message);
        assert!(db.read(|tx| any(tx).boxed()).await.unwrap());
        assert_eq!(db.read(|tx| count(tx, "unix root").boxed()).await.unwrap(), 1);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn many_are_forgotten_in_several_turns() {
        let db = testing::database().await;
        let runner = &Runner { node: 1, run: Uuid::new_v4() };
        let fill = db.write(|tx| {
            async move {
                for number in 0..=FORGOTTEN_MAX {
                    insert(&mut *tx, &request(number), runner).await?;
                }
                for _ in 0..=MINUTES {
                    pass_minute(&mut *tx).await?;
                }
                Ok(())
            }
            .boxed()
        });
        fill.await.unwrap();
        for more in [true, false] {
            assert_eq!(db.write(|tx| forget(tx).boxed()).await.unwrap(), more);
        }
        assert!(!db.read(|tx| any(tx).boxed()).await.unwrap());
    }
}
