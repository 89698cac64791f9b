//! A few connections for reading, opened when they are first needed.

use crate::connection::{Connection, OpenOptions};
use sqlx::Executor;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many there are at most.
const MAX: u32 = 4;

/// The connections to one file; clones share them.
#[derive(Clone)]
pub(crate) struct Readers(Arc<Pool>);

struct Pool {
    options: OpenOptions,
    permits: Arc<Semaphore>,
    /// `None` once closed.
    idle: Mutex<Option<Vec<Connection>>>,
}

impl Readers {
    pub(crate) fn new(options: OpenOptions) -> Self {
        let idle = Mutex::new(Some(Vec::new()));
        Self(Arc::new(Pool { options, permits: Arc::new(Semaphore::new(MAX as usize)), idle }))
    }

    /// A connection, as soon as one is free. `PoolClosed` after [`Readers::close`].
    pub(crate) async fn take(&self) -> sqlx::Result<Reader> {
        let closed = |_| sqlx::Error::PoolClosed;
        let permit = self.0.permits.clone().acquire_owned().await.map_err(closed)?;
        let idle = self.0.idle().as_mut().ok_or(sqlx::Error::PoolClosed)?.pop();
        let connection = match idle {
            Some(connection) => connection,
            None => Connection::open(&self.0.options).await?,
        };
        let connection = Some(connection);
        Ok(Reader { connection, reading: false, pool: self.0.clone(), _permit: permit })
    }

    /// A connection that sees one state of the data for as long as it is held.
    pub(crate) async fn snapshot(&self) -> sqlx::Result<Reader> {
        let mut reader = self.take().await?;
        reader.reading = true;
        reader.execute(sqlx::query("BEGIN")).await?;
        Ok(reader)
    }

    /// Closes all of them, once those that are held have come back.
    pub(crate) async fn close(&self) {
        let idle = self.0.idle().take();
        // Nobody closes the semaphore: this cannot fail.
        let _all = self.0.permits.acquire_many(MAX).await;
        for connection in idle.into_iter().flatten() {
            // It only read: there is nothing to lose.
            let _ = connection.close().await;
        }
    }
}

impl Pool {
    fn idle(&self) -> MutexGuard<'_, Option<Vec<Connection>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection for reading. Dropped, it goes back.
pub(crate) struct Reader {
    connection: Option<Connection>,
    /// It is in a transaction.
    reading: bool,
    pool: Arc<Pool>,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Reader {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        if self.reading {
            // An old state that is held on to keeps the -wal from being reset.
            connection.abandon();
        }
        // If they are closed, so is this one, by being dropped.
        if let Some(idle) = &mut *self.pool.idle() {
            idle.push(connection);
        }
    }
}

impl Deref for Reader {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection.as_ref().expect("held until dropped")
    }
}

impl DerefMut for Reader {
    fn deref_mut(&mut self) -> &mut Connection {
        self.connection.as_mut().expect("held until dropped")
    }
}
