//! Three members in one process count together, lose their leader, and go on.
//!
//! `cargo run --release -p replicated-sqlite --example counter`
#![allow(clippy::print_stdout)] // that is what it is for

use futures::FutureExt;
use replicated_sqlite::{Db, Error, Identity, Network, NodeId, Options, Tx};
use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::io::DuplexStream;
use tokio::task::JoinSet;

/// Pipes in memory. A real one would be mutually authenticated TLS.
#[derive(Clone)]
struct Pipes {
    from: NodeId,
    members: Arc<Mutex<HashMap<NodeId, Db>>>,
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

async fn add(tx: &mut Tx<'_>, name: &str) -> Result<i64, Error> {
    let sql = "INSERT INTO counters VALUES (?, 1)
        ON CONFLICT DO UPDATE SET value = value + 1 RETURNING value";
    Ok(sqlx::query_scalar(sql).bind(name).fetch_one(&mut *tx).await?)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = std::env::temp_dir().join(format!("counter-{}", std::process::id()));
    let members = Arc::new(Mutex::new(HashMap::new()));
    let mut dbs = Vec::new();
    let begun = Instant::now();
    for node in 1..=3 {
        let identity = Identity { cluster: "example".to_owned(), incarnation: 1, node };
        let pipes = Pipes { from: node, members: members.clone() };
        let db =
            Db::open(&dir.join(node.to_string()), identity, pipes, &Options::default()).await?;
        members.lock().unwrap_or_else(PoisonError::into_inner).insert(node, db.clone());
        dbs.push(db);
    }
    println!("opened after {:?}", begun.elapsed());
    dbs[0].bootstrap("1").await?;
    println!("bootstrapped after {:?}", begun.elapsed());
    dbs[0]
        .migrate(&["CREATE TABLE counters (name TEXT PRIMARY KEY NOT NULL, value INTEGER NOT NULL)
            STRICT, WITHOUT ROWID"])
        .await?;
    dbs[0].add_learner(2, "2").await?;
    dbs[0].add_learner(3, "3").await?;
    dbs[0].change_voters([1, 2, 3].into()).await?;
    println!("three voters after {:?}", begun.elapsed());
    for (place, db) in [("the leader", &dbs[0]), ("another", &dbs[1])] {
        for clients in [1, 16] {
            println!(
                "{:6.0} writes a second by {clients} clients at {place}",
                rate(db, clients).await?
            );
        }
    }
    members.lock().unwrap_or_else(PoisonError::into_inner).remove(&1);
    let begun = Instant::now();
    let (value, ()) = tokio::join!(dbs[1].write(|tx| add(tx, "after").boxed()), dbs[0].close());
    println!("the leader is gone; the next write ({}) took {:?}", value?, begun.elapsed());
    let count = dbs[2].execute("SELECT count(*), sum(value) FROM counters").await?;
    println!("counters and their sum: {:?}", count[0].rows[0]);
    for db in &dbs {
        db.close().await;
    }
    Ok(std::fs::remove_dir_all(dir)?)
}

/// Writes a second, each client to a counter of its own.
async fn rate(db: &Db, clients: usize) -> Result<f64, Box<dyn std::error::Error>> {
    const SPAN: Duration = Duration::from_secs(1);
    let mut tasks = JoinSet::new();
    for client in 0..clients {
        let db = db.clone();
        tasks.spawn(async move {
            let (name, begun, mut count) = (format!("client {client}"), Instant::now(), 0);
            while begun.elapsed() < SPAN {
                db.write(|tx| add(tx, &name).boxed()).await?;
                count += 1;
            }
            Ok::<_, Error>(count)
        });
    }
    let mut total = 0;
    while let Some(count) = tasks.join_next().await {
        total += count??;
    }
    Ok(f64::from(total) / SPAN.as_secs_f64())
}
