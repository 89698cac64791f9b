//! A cluster database of one member, for the tests of what uses it.

use super::{Database, SCHEMA};
use replicated_sqlite::{Db, Identity, Network, NodeId, Options};
use std::io;
use std::ops::Deref;
use tokio::io::DuplexStream;

/// The database, for as long as its directory is there.
pub(crate) struct Testing {
    database: Database,
    _directory: tempfile::TempDir,
}

impl Deref for Testing {
    type Target = Database;

    fn deref(&self) -> &Database {
        &self.database
    }
}

/// There is nobody else.
#[derive(Clone)]
struct Alone;

impl Network for Alone {
    type Stream = DuplexStream;

    async fn connect(&self, _: NodeId, _: &str) -> io::Result<DuplexStream> {
        Err(io::ErrorKind::ConnectionRefused.into())
    }
}

/// A fresh database with the newest schema.
pub(crate) async fn database() -> Testing {
    of_steps(SCHEMA).await
}

/// A fresh database with a schema of these steps.
pub(crate) async fn of_steps(steps: &[&str]) -> Testing {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let who = Identity { cluster: "test".to_owned(), incarnation: 1, node: 1 };
    let db = Db::open(directory.path(), who, Alone, &Options::default()).await.expect("it opens");
    db.bootstrap("").await.expect("it founds a group of one");
    db.migrate(steps).await.expect("the schema is sound");
    Testing { database: Database::new(db), _directory: directory }
}
