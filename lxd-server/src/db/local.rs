//! What only this host knows, in `database/local.db`: its own server configuration, which replica it
//! uses. Durable when a call returns.

use crate::error::{Context, Error, Kind, Result};
use replicated_sqlite::{Connection, OpenOptions};
use sqlx::{Connection as _, Executor, Row};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::{Mutex, OwnedMappedMutexGuard, OwnedMutexGuard};

/// What later versions added, taken at each start: nothing happens where it is there.
const LATER: &str = concat!(
    include_str!("../../migrations/local/0002_members.sql"),
    include_str!("../../migrations/local/0003_undo.sql"),
);
const SCHEMA: &str = concat!(
    include_str!("../../migrations/local/0001_local.sql"),
    include_str!("../../migrations/local/0002_members.sql"),
    include_str!("../../migrations/local/0003_undo.sql"),
);

/// This host's own small database; no connection once it is closed.
pub struct Local(Arc<Mutex<Option<Connection>>>);

/// The connection, for as long as this is held.
type Held = OwnedMappedMutexGuard<Option<Connection>, Connection>;

/// Which replica this host uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replica {
    /// The directory in use, below `database/`.
    pub directory: String,
    /// One that a join under way prepares.
    pub joining: Option<String>,
}

impl Local {
    /// Opens or creates the file.
    pub async fn open(path: &Path) -> Result<Self> {
        replicated_sqlite::create(path, SCHEMA).await.context("make the local database")?;
        let options =
            OpenOptions::new(path).pragma("journal_mode", "WAL").pragma("synchronous", "FULL");
        let connection = Connection::open(&options).await;
        let mut connection = connection.context("open the local database")?;
        connection.execute(LATER).await.context("bring the local database to its schema")?;
        Ok(Self(Arc::new(Mutex::new(Some(connection)))))
    }

    /// This member's own server configuration.
    pub async fn config(&self) -> Result<BTreeMap<String, String>> {
        let mut connection = self.connection().await?;
        let rows = sqlx::query("SELECT key, value FROM config").fetch_all(&mut *connection).await;
        let rows = rows.context("read the local configuration")?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    }

    /// Replaces all of it, at once.
    pub async fn set_config(&self, config: &BTreeMap<String, String>) -> Result<()> {
        let mut connection = self.connection().await?;
        let write = async {
            let mut tx = connection.begin().await?;
            sqlx::query("DELETE FROM config").execute(&mut *tx).await?;
            for (key, value) in config {
                let insert = sqlx::query("INSERT INTO config (key, value) VALUES (?, ?)");
                insert.bind(key).bind(value).execute(&mut *tx).await?;
            }
            tx.commit().await
        };
        write.await.context("write the local configuration")
    }

    /// The replica in use; `None` before the first start has founded one.
    pub async fn replica(&self) -> Result<Option<Replica>> {
        let mut connection = self.connection().await?;
        let row = sqlx::query("SELECT directory, joining FROM replica");
        let row =
            row.fetch_optional(&mut *connection).await.context("read which replica is in use")?;
        Ok(row.map(|row| Replica {
            directory: row.get(0),
            joining: Some(row.get::<String, _>(1)).filter(|joining| !joining.is_empty()),
        }))
    }

    /// Says which replica is in use from now on.
    pub async fn set_replica(&self, replica: &Replica) -> Result<()> {
        let mut connection = self.connection().await?;
        write(&mut connection, replica).await.context("write which replica is in use")
    }

    /// Where the members of the cluster were last.
    pub async fn members(&self) -> Result<Vec<String>> {
        let mut connection = self.connection().await?;
        let rows = sqlx::query_scalar("SELECT address FROM members ORDER BY address");
        rows.fetch_all(&mut *connection).await.context("read where the members are")
    }

    /// Notes where the members of the cluster are.
    pub async fn set_members(&self, addresses: &[String]) -> Result<()> {
        let mut connection = self.connection().await?;
        let write = async {
            let mut tx = connection.begin().await?;
            write_members(&mut tx, addresses).await?;
            tx.commit().await
        };
        write.await.context("note where the members are")
    }

    /// The undo log's last entry, with its number.
    pub async fn last_undo(&self) -> Result<Option<(i64, String)>> {
        let mut connection = self.connection().await?;
        let row = "SELECT number, undo FROM undo_log ORDER BY number DESC LIMIT 1";
        let row = sqlx::query_as(row).fetch_optional(&mut *connection).await;
        row.context("read the undo log")
    }

    /// Adds an entry to the undo log.
    pub async fn push_undo(&self, undo: &str) -> Result<()> {
        let insert = sqlx::query("INSERT INTO undo_log (undo) VALUES (?)").bind(undo);
        let written = insert.execute(&mut *self.connection().await?).await;
        written.map(drop).context("write the undo log")
    }

    /// Removes an entry of the undo log.
    pub async fn pop_undo(&self, number: i64) -> Result<()> {
        let delete = sqlx::query("DELETE FROM undo_log WHERE number = ?").bind(number);
        let written = delete.execute(&mut *self.connection().await?).await;
        written.map(drop).context("write the undo log")
    }

    /// Empties the undo log: what was begun has come to its end.
    pub async fn clear_undo(&self) -> Result<()> {
        let mut connection = self.connection().await?;
        let written = sqlx::query("DELETE FROM undo_log").execute(&mut *connection).await;
        written.map(drop).context("write the undo log")
    }

    /// The end of a join, or of leaving: this replica is used from now on, and nothing is taken back any more.
    /// `members` are as in [`Self::set_members`].
    pub async fn arrive(&self, directory: &str, members: &[String]) -> Result<()> {
        let replica = Replica { directory: directory.to_owned(), joining: None };
        let mut connection = self.connection().await?;
        let arrive = async {
            let mut tx = connection.begin().await?;
            write(&mut tx, &replica).await?;
            write_members(&mut tx, members).await?;
            sqlx::query("DELETE FROM undo_log").execute(&mut *tx).await?;
            tx.commit().await
        };
        arrive.await.context("write which replica is in use")
    }

    /// The one connection, for an operator's statements (`lxd sql local`).
    pub(super) async fn connection(&self) -> Result<Held> {
        let guard = self.0.clone().lock_owned().await;
        let closed = |_| Error::new(Kind::Unavailable, "the local database is closed");
        OwnedMutexGuard::try_map(guard, Option::as_mut).map_err(closed)
    }

    /// Closes the file.
    pub async fn close(&self) {
        if let Some(connection) = self.0.lock().await.take() {
            // What was written is durable.
            let _ = connection.close().await;
        }
    }
}

async fn write(connection: &mut Connection, replica: &Replica) -> sqlx::Result<()> {
    let write = sqlx::query("REPLACE INTO replica (one, directory, joining) VALUES (1, ?, ?)")
        .bind(&replica.directory)
        .bind(replica.joining.as_deref().unwrap_or_default());
    write.execute(connection).await.map(drop)
}

async fn write_members(connection: &mut Connection, addresses: &[String]) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM members").execute(&mut *connection).await?;
    for address in addresses {
        let insert = sqlx::query("INSERT OR IGNORE INTO members (address) VALUES (?)");
        insert.bind(address).execute(&mut *connection).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_set_is_there_after_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("local.db");
        let local = Local::open(&path).await.unwrap();
        assert_eq!(local.replica().await.unwrap(), None);
        let config = BTreeMap::from([("core.https_address".to_owned(), "[::]:8443".to_owned())]);
        local.set_config(&config).await.unwrap();
        let replica = Replica { directory: "a".into(), joining: Some("b".into()) };
        local.set_replica(&replica).await.unwrap();
        let members = ["10.0.0.1:8443".to_owned(), "10.0.0.2:8443".to_owned()];
        local.set_members(&["10.0.0.9:8443".to_owned()]).await.unwrap();
        local.set_members(&members).await.unwrap();
        local.close().await;
        let local = Local::open(&path).await.unwrap();
        assert_eq!(local.config().await.unwrap(), config);
        assert_eq!(local.replica().await.unwrap(), Some(replica));
        assert_eq!(local.members().await.unwrap(), members);
    }

    #[tokio::test]
    async fn a_file_of_the_first_version_is_brought_up() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("local.db");
        let first = include_str!("../../migrations/local/0001_local.sql");
        replicated_sqlite::create(&path, first).await.unwrap();
        let local = Local::open(&path).await.unwrap();
        local.set_members(&["10.0.0.1:8443".to_owned()]).await.unwrap();
    }
}
