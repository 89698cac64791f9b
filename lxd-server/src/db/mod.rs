//! The cluster database as the rest of the daemon sees it, and what only this host knows.
//! All SQL of the daemon is in here.

mod local;
pub mod once;
mod outage;
pub mod sql;
pub mod tables;
#[cfg(test)]
pub(crate) mod testing;

pub use local::{Local, Replica};
pub use replicated_sqlite::Tx;

use crate::error::{Error, Kind, Result};
use crate::stale;
use futures::future::BoxFuture;
use once::Scope;
use outage::Action;
use replicated_sqlite::{Db, Table};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::{PoisonError, RwLock};

/// The steps of the cluster database's schema, in order; each is replicated once, by one log entry.
pub const SCHEMA: &[&str] = &[
    include_str!("../../migrations/0001_cluster.sql"),
    include_str!("../../migrations/0002_requests.sql"),
    include_str!("../../migrations/0003_tokens.sql"),
    include_str!("../../migrations/0004_client_tokens.sql"),
    include_str!("../../migrations/0005_removals.sql"),
    include_str!("../../migrations/0006_certificate.sql"),
];

/// The version of the cluster database's schema that this daemon has.
pub const SCHEMA_VERSION: u64 = SCHEMA.len() as u64;

/// The replica in use. Its errors leave here with texts for users. Joining a cluster exchanges it for another.
pub struct Database(RwLock<Db>);

impl Database {
    /// The database over this replica.
    pub fn new(db: Db) -> Self {
        Self(RwLock::new(db))
    }

    /// The replica in use at this moment.
    pub fn replica(&self) -> Db {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Uses another replica from now on; returns the former one, still open.
    pub fn exchange(&self, db: Db) -> Db {
        std::mem::replace(&mut *self.0.write().unwrap_or_else(PoisonError::into_inner), db)
    }

    /// Runs a transaction and replicates what it changed.
    ///
    /// The closure may run more than once, so it touches nothing but its transaction: what it needs
    /// from outside (the time, secrets, ids) is made before. If it fails, nothing has changed.
    ///
    /// For a request with an Idempotency-Key it is recorded in the same transaction what the closure
    /// returned; a repeat of the request gets that and changes nothing. So a request does its writes
    /// in the same order wherever it runs, and no secret is in what they return.
    pub async fn write<'env, T, F>(&self, work: F) -> Result<T>
    where
        F: for<'t> Fn(&'t mut Tx<'env>) -> BoxFuture<'t, Result<T>> + Send + Sync + 'env,
        T: Serialize + DeserializeOwned + Send,
    {
        match Scope::current() {
            Some(scope) => scope.write(self, work).await,
            None => self.write_again(work).await,
        }
    }

    /// [`Self::write`] for the last of a request's several steps, with how they `ended`; returns that.
    ///
    /// A repeat gets what ended first, here or from [`Self::ended`].
    pub async fn end<'env, F>(&self, ended: Result<()>, work: F) -> Result<()>
    where
        F: for<'t> Fn(&'t mut Tx<'env>) -> BoxFuture<'t, Result<()>> + Send + Sync + 'env,
    {
        match Scope::current() {
            Some(scope) => scope.end(self, ended, work).await,
            None => self.write_again(work).await.and(ended),
        }
    }

    /// How the request at work ended when it came before, if [`Self::end`] was reached then: nothing
    /// of it is done again.
    pub fn ended(&self) -> Option<Result<()>> {
        Scope::current()?.ended()
    }

    /// The member that took the request at work first, if it has an Idempotency-Key.
    pub fn begun_at(&self) -> Option<u64> {
        Scope::current().map(|scope| scope.begun_at())
    }

    /// [`Self::write`] for what is right to do again in each repeat of a request: it brings about a
    /// state, and another member may have to do it for itself.
    pub async fn write_again<'env, T, F>(&self, work: F) -> Result<T>
    where
        F: for<'t> Fn(&'t mut Tx<'env>) -> BoxFuture<'t, Result<T>> + Send + Sync,
        T: Send,
    {
        let db = self.replica();
        match db.write(work).await {
            Err(error) => Err(outage::explain(&db, error, Action::Write).await),
            done => done,
        }
    }

    /// Runs SQL text, all of it or none, like [`Database::write`].
    pub async fn execute(&self, sql: &str) -> Result<Vec<Table>> {
        let db = self.replica();
        match db.execute(sql).await {
            Err(error) => Err(outage::explain(&db, error.into(), Action::Write).await),
            Ok(tables) => Ok(tables),
        }
    }

    /// Reads what was true at some moment after the call (linearizable). In a request that allows it
    /// ([`stale::allow`]), what this member has if nobody can tell.
    pub async fn read<'env, T, F>(&self, work: F) -> Result<T>
    where
        F: for<'t> Fn(&'t mut Tx<'env>) -> BoxFuture<'t, Result<T>> + Send + Sync,
        T: Send,
    {
        let db = self.replica();
        if !stale::is_taken() {
            match db.read(&work).await {
                Err(error) if outage::is_outage(&error) => {
                    let error = outage::explain(&db, error, Action::Read).await;
                    if db.status().is_removed() {
                        // What it has is nobody's any more.
                        return Err(error);
                    }
                    stale::take(db.status().current.map(|current| current.elapsed()), error)?;
                }
                done => return done,
            }
        }
        db.read_local(&work).await.map_err(|error| outage::explain_local(&db, error))
    }

    /// Reads what this member's replica holds, however old; needs no quorum.
    pub async fn read_local<'env, T, F>(&self, work: F) -> Result<T>
    where
        F: for<'t> Fn(&'t mut Tx<'env>) -> BoxFuture<'t, Result<T>> + Send + Sync,
        T: Send,
    {
        let db = self.replica();
        db.read_local(work).await.map_err(|error| outage::explain_local(&db, error))
    }
}

/// A fresh id for a row that others refer to: random below 2^53, so that every client can hold it.
pub fn new_id() -> i64 {
    rand::random_range(1..1 << 53)
}

impl From<replicated_sqlite::Error> for Error {
    fn from(error: replicated_sqlite::Error) -> Self {
        use replicated_sqlite::Error as Db;
        let kind = match &error {
            Db::Unavailable { .. } | Db::NotLeader { .. } | Db::Contended | Db::Stopped => {
                Kind::Unavailable
            }
            Db::Lost(_) => Kind::Lost,
            Db::Refused(_) => Kind::Invalid,
            _ => Kind::Internal,
        };
        Self::new(kind, "The cluster's database could not be used").caused_by(error)
    }
}
