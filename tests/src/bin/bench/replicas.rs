//! The database alone: many replicas in this process, with pipes between them and a disk for all.

use std::{
    collections::{BTreeSet, HashMap},
    io,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::Result;
use futures::FutureExt;
use replicated_sqlite::{Db, Error, Identity, Network, NodeId, Options, Tx, sqlx};
use tests::{api::block_on, flavour::Flavour, keep};
use tokio::{io::DuplexStream, task::JoinSet};

use crate::{report::Report, rows::Row};

const ROWS: &[Row] = &[Row::CoreForm, Row::Core1, Row::Core16, Row::CoreFailover];
const SCHEMA: &str = "
CREATE TABLE counters (name TEXT PRIMARY KEY NOT NULL, value INTEGER NOT NULL) STRICT, WITHOUT ROWID";
const COUNT: &str = "
INSERT INTO counters VALUES (?, 1) ON CONFLICT DO UPDATE SET value = value + 1";
const WRITING: Duration = Duration::from_secs(2);
/// As many as a cluster has by itself; the others only hold a replica.
const VOTERS: u64 = 3;

/// Forms a group of each size, writes, and ends its leader.
pub(crate) fn run(report: &mut Report) -> Result<()> {
    for size in report.sizes(ROWS) {
        let folder = keep::create()?;
        let group = Group { folder: folder.clone(), members: Arc::default() };
        if let Err(error) = block_on(group.measure(size, report)) {
            report.fail(Flavour::Ours, ROWS, size, &error);
        }
        keep::remove(&folder)?;
    }
    Ok(())
}

type Members = Arc<Mutex<HashMap<NodeId, Db>>>;

struct Group {
    folder: std::path::PathBuf,
    members: Members,
}

impl Group {
    async fn measure(&self, size: u32, report: &mut Report) -> Result<()> {
        let mut add = |row, value| report.add_at(Flavour::Ours, row, size, Some(value));
        let begin = Instant::now();
        let all = self.form(size.into()).await?;
        add(Row::CoreForm, milliseconds(begin));
        add(Row::Core1, rate(&all[0], 1).await?);
        add(Row::Core16, rate(&all[0], 16).await?);
        self.members.lock().unwrap_or_else(PoisonError::into_inner).remove(&1);
        let begin = Instant::now();
        let write = async {
            all[1].write(|tx| count(tx, "after").boxed()).await?;
            Ok::<_, Error>(milliseconds(begin))
        };
        let (failover, ()) = tokio::join!(write, all[0].close());
        add(Row::CoreFailover, failover?);
        for db in &all[1..] {
            db.close().await;
        }
        Ok(())
    }

    /// The first leads.
    async fn form(&self, size: u64) -> Result<Vec<Db>> {
        let mut all = Vec::new();
        for node in 1..=size {
            let identity = Identity { cluster: "bench".to_owned(), incarnation: 1, node };
            let pipes = Pipes { from: node, members: self.members.clone() };
            let folder = self.folder.join(node.to_string());
            let db = Db::open(&folder, identity, pipes, &Options::default()).await?;
            self.members.lock().unwrap_or_else(PoisonError::into_inner).insert(node, db.clone());
            all.push(db);
        }
        let first = &all[0];
        first.bootstrap("1").await?;
        first.migrate(&[SCHEMA]).await?;
        for node in 2..=size {
            first.add_learner(node, &node.to_string()).await?;
        }
        first.change_voters((1..=VOTERS).collect::<BTreeSet<_>>()).await?;
        Ok(all)
    }
}

/// Writes a second, each client to a counter of its own.
async fn rate(db: &Db, clients: usize) -> Result<f64> {
    let (mut tasks, begin, mut total) = (JoinSet::new(), Instant::now(), 0);
    for client in 0..clients {
        let db = db.clone();
        tasks.spawn(async move {
            let (name, mut done) = (format!("client {client}"), 0_u32);
            while begin.elapsed() < WRITING {
                db.write(|tx| count(tx, &name).boxed()).await?;
                done += 1;
            }
            Ok::<_, Error>(done)
        });
    }
    while let Some(done) = tasks.join_next().await {
        total += done??;
    }
    Ok(f64::from(total) / begin.elapsed().as_secs_f64())
}

async fn count(tx: &mut Tx<'_>, name: &str) -> Result<(), Error> {
    sqlx::query(COUNT).bind(name).execute(&mut *tx).await?;
    Ok(())
}

fn milliseconds(begin: Instant) -> f64 {
    begin.elapsed().as_secs_f64() * 1000.0
}

/// Pipes in memory.
#[derive(Clone)]
struct Pipes {
    from: NodeId,
    members: Members,
}

impl Network for Pipes {
    type Stream = DuplexStream;

    async fn connect(&self, target: NodeId, _address: &str) -> io::Result<DuplexStream> {
        let members = self.members.lock().unwrap_or_else(PoisonError::into_inner);
        let member = members.get(&target).ok_or(io::ErrorKind::ConnectionRefused)?.clone();
        let (near, far) = tokio::io::duplex(64 << 10);
        let from = self.from;
        tokio::spawn(async move { member.serve(from, far).await });
        Ok(near)
    }
}
