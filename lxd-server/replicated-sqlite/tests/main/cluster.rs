//! Members in one process, each with a listener of its own on the loopback.

use crate::wire::Wire;
use replicated_sqlite::{Db, Error, Identity, NodeId, Options, Tx};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub(crate) const SCHEMA: &str = "
CREATE TABLE counters (name TEXT NOT NULL PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE pets (
    id INTEGER PRIMARY KEY, person_id INTEGER NOT NULL REFERENCES people (id) ON DELETE CASCADE,
    name TEXT NOT NULL
) STRICT;
";

/// The members that are open, as they come and go.
pub(crate) type Members = watch::Receiver<BTreeMap<NodeId, Db>>;

/// One member and what listens for it.
pub(crate) struct Member {
    pub(crate) db: Db,
    listener: JoinHandle<()>,
}

pub(crate) struct Cluster {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) options: Options,
    pub(crate) wire: Wire,
    pub(crate) members: BTreeMap<NodeId, Member>,
    addresses: BTreeMap<NodeId, String>,
    shared: watch::Sender<BTreeMap<NodeId, Db>>,
}

impl Cluster {
    /// A group of `count`, all voters, with the schema above.
    pub(crate) async fn start(count: u64, options: Options) -> Self {
        let mut cluster = Self::empty(options);
        cluster.open(1).await;
        let first = cluster.db(1);
        first.bootstrap(&cluster.addresses[&1]).await.unwrap();
        first.migrate(&[SCHEMA]).await.unwrap();
        for id in 2..=count {
            cluster.join(id).await;
        }
        if count > 1 {
            first.change_voters((1..=count).collect::<BTreeSet<_>>()).await.unwrap();
        }
        cluster
    }

    /// Nobody yet.
    pub(crate) fn empty(options: Options) -> Self {
        let log = tracing_subscriber::fmt()
            .with_test_writer()
            .with_env_filter(tracing_subscriber::EnvFilter::from_default_env());
        // The first test of the process does it for all.
        let _ = log.try_init();
        let dir = tempfile::tempdir().unwrap();
        let (members, addresses) = (BTreeMap::new(), BTreeMap::new());
        let shared = watch::Sender::default();
        Self { dir, options, wire: Wire::new(), members, addresses, shared }
    }

    /// One more, as a learner.
    pub(crate) async fn join(&mut self, id: NodeId) {
        self.open(id).await;
        let leader = self.db(self.leader().await);
        within(leader.add_learner(id, &self.addresses[&id])).await.unwrap();
    }

    /// The members that are open, for clients that go on while members come and go.
    pub(crate) fn shared(&self) -> Members {
        self.shared.subscribe()
    }

    pub(crate) fn address(&self, id: NodeId) -> &str {
        &self.addresses[&id]
    }

    pub(crate) fn dir(&self, id: NodeId) -> PathBuf {
        self.dir.path().join(id.to_string())
    }

    pub(crate) fn db(&self, id: NodeId) -> Db {
        self.members[&id].db.clone()
    }

    /// Opens a member, where it was before if it was.
    pub(crate) async fn open(&mut self, id: NodeId) {
        self.open_as(id, identity(id)).await;
    }

    /// The same, for one that may take itself for somebody else.
    pub(crate) async fn open_as(&mut self, id: NodeId, identity: Identity) {
        let address = self.addresses.get(&id).cloned().unwrap_or_else(|| "127.0.0.1:0".to_owned());
        // The port may be in use for another moment: by a stream of its last owner that is being closed.
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(address.parse().unwrap()).unwrap();
        let listener = socket.listen(64).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        self.addresses.insert(id, address);
        let db =
            Db::open(&self.dir(id), identity, self.wire.plug(id), &self.options).await.unwrap();
        let listener = tokio::spawn(listen(listener, db.clone()));
        self.shared.send_modify(|shared| drop(shared.insert(id, db.clone())));
        self.members.insert(id, Member { db, listener });
    }

    /// Ends a member as a kill would, seen from outside: its streams are reset, its listener is gone.
    pub(crate) async fn close(&mut self, id: NodeId) {
        let member = self.members.remove(&id).unwrap();
        self.shared.send_modify(|shared| drop(shared.remove(&id)));
        member.listener.abort();
        let _ = member.listener.await;
        member.db.close().await;
    }

    /// Who leads, once a member says so that is itself the one.
    pub(crate) async fn leader(&self) -> NodeId {
        let watches = self.members.values().map(|member| {
            let mut watch = member.db.watch();
            Box::pin(async move { watch.wait_for(|status| status.leads()).await.unwrap().node })
        });
        within(futures::future::select_all(watches)).await.0
    }

    /// Waits for everyone, then compares every table of every member.
    pub(crate) async fn agree(&self) {
        let mut all = Vec::new();
        for member in self.members.values() {
            all.push((
                member.db.status().node,
                member.db.read(|tx| Box::pin(dump(tx))).await.unwrap(),
            ));
        }
        for pair in all.windows(2) {
            assert_eq!(pair[0].1, pair[1].1, "members {} and {} differ", pair[0].0, pair[1].0);
        }
    }
}

pub(crate) fn identity(node: NodeId) -> Identity {
    Identity { cluster: "test".to_owned(), incarnation: 1, node }
}

async fn listen(listener: TcpListener, db: Db) {
    let mut streams = tokio::task::JoinSet::new();
    loop {
        let Ok((mut stream, _)) = listener.accept().await else { return };
        let db = db.clone();
        streams.spawn(async move {
            stream.set_nodelay(true).unwrap();
            if let Ok(from) = stream.read_u64().await {
                db.serve(from, stream).await;
            }
        });
    }
}

/// A limit, so that what never happens fails the test instead of hanging it.
pub(crate) async fn within<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(30), future).await.expect("this takes too long")
}

/// Adds to a counter: read, check, write.
pub(crate) async fn add(tx: &mut Tx<'_>, name: &str, by: i64) -> Result<i64, Error> {
    let query = sqlx::query_scalar("SELECT value FROM counters WHERE name = ?").bind(name);
    let old: Option<i64> = query.fetch_optional(&mut *tx).await?;
    let new = old.unwrap_or(0) + by;
    sqlx::query("REPLACE INTO counters VALUES (?, ?)")
        .bind(name)
        .bind(new)
        .execute(&mut *tx)
        .await?;
    Ok(new)
}

/// Runs a statement: the rows it touched.
pub(crate) async fn run(tx: &mut Tx<'_>, sql: &'static str) -> Result<u64, Error> {
    Ok(sqlx::query(sql).execute(&mut *tx).await?.rows_affected())
}

/// The number that a statement returns.
pub(crate) async fn number(tx: &mut Tx<'_>, sql: &'static str) -> Result<i64, Error> {
    Ok(sqlx::query_scalar(sql).fetch_one(&mut *tx).await?)
}

pub(crate) async fn get(tx: &mut Tx<'_>, name: &str) -> Result<Option<i64>, Error> {
    let query = sqlx::query_scalar("SELECT value FROM counters WHERE name = ?").bind(name);
    Ok(query.fetch_optional(&mut *tx).await?)
}

async fn dump(tx: &mut Tx<'_>) -> Result<Vec<String>, Error> {
    let mut all = Vec::new();
    for sql in [
        "SELECT name || '=' || value FROM counters ORDER BY 1",
        "SELECT id || '=' || name FROM people ORDER BY 1",
        "SELECT id || '=' || person_id || name FROM pets ORDER BY 1",
        "SELECT node || '.' || boot || '.' || sequence || '=' || attempt FROM _tx ORDER BY 1",
        "SELECT node || '.' || boot || '.' || oldest FROM _floor ORDER BY 1",
    ] {
        let rows: Vec<String> = sqlx::query_scalar(sql).fetch_all(&mut *tx).await?;
        all.extend(rows);
    }
    Ok(all)
}
