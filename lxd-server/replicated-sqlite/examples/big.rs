//! A snapshot of a database of 1 GiB while writes go on: the longest write, and how much memory it takes.
//!
//! `cargo run --release -p replicated-sqlite --example big -- DIRECTORY [MiB]`
#![allow(clippy::print_stdout)] // that is what it is for

use futures::FutureExt;
use replicated_sqlite::{Db, Error, Identity, Network, NodeId, Options, Tx};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::io::DuplexStream;

/// A group of one calls nobody.
#[derive(Clone)]
struct Nobody;

impl Network for Nobody {
    type Stream = DuplexStream;

    async fn connect(&self, _: NodeId, _: &str) -> io::Result<DuplexStream> {
        Err(io::ErrorKind::ConnectionRefused.into())
    }
}

async fn add(tx: &mut Tx<'_>) -> Result<i64, Error> {
    let sql = "UPDATE counter SET value = value + 1 RETURNING value";
    Ok(sqlx::query_scalar(sql).fetch_one(&mut *tx).await?)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let dir = arguments.next().ok_or("which directory?")?;
    let size: u64 = arguments.next().map_or(Ok(1024), |size| size.parse())?;
    let identity = Identity { cluster: "example".to_owned(), incarnation: 1, node: 1 };
    let options = Options { deadline: Duration::from_secs(600), ..Options::default() };
    let db = Db::open(Path::new(&dir), identity, Nobody, &options).await?;
    db.bootstrap("1").await?;
    let begun = Instant::now();
    db.migrate(&[&schema(size)]).await?;
    db.snapshot().await?;
    println!("{size} MiB after {:?}", begun.elapsed());
    let ((calm, _), made) = longest(&db, async {
        for _ in 0..1000 {
            db.write(|tx| add(tx).boxed()).await?;
        }
        Ok::<_, Error>(())
    })
    .await?;
    made?;
    println!("longest write without a snapshot: {calm:?}");
    let (before, begun) = (memory()?, Instant::now());
    let ((busy, count), made) = longest(&db, db.snapshot()).await?;
    made?;
    println!("snapshot: {:?}; {count} writes meanwhile, the longest: {busy:?}", begun.elapsed());
    println!("memory: {} KiB before, at most {} KiB", before.0, memory()?.1);
    let begun = Instant::now();
    db.close().await;
    println!("closed: {:?}", begun.elapsed());
    Ok(())
}

fn schema(size: u64) -> String {
    format!(
        "CREATE TABLE counter (one INTEGER PRIMARY KEY, value INTEGER NOT NULL) STRICT;
         INSERT INTO counter VALUES (1, 0);
         CREATE TABLE blobs (id INTEGER PRIMARY KEY, blob BLOB NOT NULL) STRICT;
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {})
         INSERT INTO blobs SELECT i, zeroblob(4000) FROM n;",
        size * 256
    )
}

/// Writes until the work is done: the longest write and their number, and what came of the work.
async fn longest<T>(db: &Db, work: impl Future<Output = T>) -> Result<((Duration, u64), T), Error> {
    let mut work = std::pin::pin!(work);
    let (mut longest, mut count) = (Duration::ZERO, 0);
    let mut done = None;
    while done.is_none() {
        let begun = Instant::now();
        let write = db.write(|tx| add(tx).boxed());
        let mut write = std::pin::pin!(write);
        loop {
            tokio::select! {
                written = &mut write => break written.map(drop)?,
                result = &mut work, if done.is_none() => done = Some(result),
            }
        }
        longest = longest.max(begun.elapsed());
        count += 1;
    }
    Ok(((longest, count), done.expect("the loop ends with it")))
}

/// KiB of memory of this process: now, and at most so far.
fn memory() -> io::Result<(u64, u64)> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
    };
    Ok((field("VmRSS:"), field("VmHWM:")))
}
