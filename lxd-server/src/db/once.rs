//! The writes of a request with an Idempotency-Key happen once: each is recorded, with what it
//! returned, in its own transaction, and whoever runs the request again finds that there.

use super::tables::requests::{self, ANSWER, END};
use super::{Database, Tx};
use crate::error::{Context, Error, Kind, Result};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

tokio::task_local! {
    static CURRENT: Arc<Scope>;
}

/// One run of a request: what its writes are recorded under.
pub struct Scope {
    /// The request's id.
    request: String,
    begun_at: u64,
    writes: AtomicU32,
    /// How an earlier run ended.
    end: Option<Ended>,
    /// Whether this run has come to the end, too.
    knows_end: AtomicBool,
}

/// How the last step of a request went: nothing, or the refusal.
#[derive(Clone, Serialize, Deserialize)]
struct Ended(Option<(Kind, String)>);

impl Scope {
    /// A run of a stored request that `begun_at` has taken first; `end` is its step of that name.
    pub fn new(request: &str, begun_at: u64, end: Option<&str>) -> Result<Arc<Self>> {
        let end = end.map(decode::<Ended>).transpose()?;
        Ok(Arc::new(Self {
            request: request.to_owned(),
            begun_at,
            writes: AtomicU32::new(0),
            knows_end: AtomicBool::new(end.is_some()),
            end,
        }))
    }

    /// Does the work as this run of the request. What it spawns is no part of it.
    pub async fn run<F: Future>(self: Arc<Self>, work: F) -> F::Output {
        CURRENT.scope(self, work).await
    }

    /// Records the answer, unless another run was first. Returns what is recorded; nothing when
    /// another run has ended the request and this one did not see that: then it has to run again.
    pub async fn answer(&self, tx: &mut Tx<'_>, answer: &str) -> Result<Option<String>> {
        if let Some(first) = requests::step(tx, &self.request, ANSWER).await? {
            return Ok(Some(first));
        }
        let knows_end = self.knows_end.load(Ordering::Relaxed);
        if !knows_end && requests::step(tx, &self.request, END).await?.is_some() {
            return Ok(None);
        }
        requests::record(tx, &self.request, ANSWER, answer).await?;
        Ok(Some(answer.to_owned()))
    }

    pub(super) fn current() -> Option<Arc<Self>> {
        CURRENT.try_with(Arc::clone).ok()
    }

    pub(super) fn begun_at(&self) -> u64 {
        self.begun_at
    }

    pub(super) fn ended(&self) -> Option<Result<()>> {
        self.end.clone().map(Ended::into_result)
    }

    pub(super) async fn write<'env, T, F>(self: Arc<Self>, db: &Database, work: F) -> Result<T>
    where
        F: for<'t> Fn(&'t mut Tx<'env>) -> BoxFuture<'t, Result<T>> + Send + Sync + 'env,
        T: Serialize + DeserializeOwned + Send,
    {
        let step = self.writes.fetch_add(1, Ordering::Relaxed).to_string();
        self.once(db, step, work).await
    }

    pub(super) async fn end<'env, F>(
        self: Arc<Self>,
        db: &Database,
        ended: Result<()>,
        work: F,
    ) -> Result<()>
    where
        F: for<'t> Fn(&'t mut Tx<'env>) -> BoxFuture<'t, Result<()>> + Send + Sync + 'env,
    {
        let (scope, work, end) = (self.clone(), Arc::new(work), Ended::of(&ended));
        let first = scope.once(db, END.to_owned(), move |tx| {
            let (work, end) = (work.clone(), end.clone());
            async move { work(tx).await.map(|()| end) }.boxed()
        });
        let first = first.await?;
        self.knows_end.store(true, Ordering::Relaxed);
        // The error itself, where it is this run's own, still has its cause.
        match (first.into_result(), ended) {
            (Err(first), Err(own)) if first.message == own.message => Err(own),
            (first, _) => first,
        }
    }

    /// Runs the closure unless the step is recorded, and records it.
    async fn once<'env, T, F>(self: Arc<Self>, db: &Database, step: String, work: F) -> Result<T>
    where
        F: for<'t> Fn(&'t mut Tx<'env>) -> BoxFuture<'t, Result<T>> + Send + Sync + 'env,
        T: Serialize + DeserializeOwned + Send,
    {
        // Owned by the closure's futures: what they borrow has to outlive `'env`, which this does not.
        let (step, work) = (Arc::new(step), Arc::new(work));
        let write = db.write_again(move |tx| {
            let (scope, step, work) = (self.clone(), step.clone(), work.clone());
            async move {
                if let Some(value) = requests::step(tx, &scope.request, &step).await? {
                    return decode(&value);
                }
                let value = work(tx).await?;
                let text = serde_json::to_string(&value).context("note what a write returned")?;
                requests::record(tx, &scope.request, &step, &text).await?;
                Ok(value)
            }
            .boxed()
        });
        write.await
    }
}

impl Ended {
    fn of(result: &Result<()>) -> Self {
        Self(result.as_ref().err().map(|error| (error.kind, error.message.clone())))
    }

    fn into_result(self) -> Result<()> {
        self.0.map_or(Ok(()), |(kind, message)| Err(Error::new(kind, message)))
    }
}

fn decode<T: DeserializeOwned>(value: &str) -> Result<T> {
    serde_json::from_str(value).context("read what a write returned")
}

#[cfg(test)]
mod tests;
