//! A process that is killed in the middle of its writes, and a disk that lost or kept the wrong things.

use crate::cluster::{Cluster, add, get, number, within};
use crate::wire::Wire;
use futures::FutureExt;
use replicated_sqlite::{Connection, Db, Error, OpenOptions, Options};
use sqlx::Executor;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Where the child of [`every_acknowledged_write_survives_kill_9`] lives. It is the same test, run again.
const DIR: &str = "REPLICATED_SQLITE_CRASH_DIR";
/// Kills, and acknowledged writes before each.
const KILLS: usize = 4;
const WRITES: usize = 40;

#[tokio::test(flavor = "multi_thread")]
#[allow(clippy::disallowed_methods)] // a process to kill, and a word to it
async fn every_acknowledged_write_survives_kill_9() {
    if let Some(dir) = std::env::var_os(DIR) {
        return write_and_tell(dir.into()).await;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut acknowledged = Vec::new();
    for _ in 0..KILLS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--nocapture", "crash::every_acknowledged_write_survives_kill_9"])
            .env(DIR, dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let names = lines
            .map(Result::unwrap)
            .filter_map(|line| Some(line.strip_prefix("done ")?.to_owned()));
        acknowledged.extend(names.take(WRITES));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert_eq!(acknowledged.len(), KILLS * WRITES);
    let db = open(dir.path().into()).await;
    for name in &acknowledged {
        assert_eq!(db.read(|tx| get(tx, name).boxed()).await.unwrap(), Some(1), "{name} is lost");
    }
    db.close().await;
}

async fn open(dir: PathBuf) -> Db {
    let options = Options { snapshot_every: 30, entries_kept: 5, ..Options::default() };
    Db::open(&dir, crate::cluster::identity(1), Wire::new().plug(1), &options).await.unwrap()
}

/// Writes until it is killed, with several at a time, and says which were acknowledged.
async fn write_and_tell(dir: PathBuf) {
    let db = open(dir).await;
    if !db.is_initialized() {
        db.bootstrap("nowhere").await.unwrap();
    }
    db.migrate(&[crate::cluster::SCHEMA]).await.unwrap();
    let next = AtomicU64::new(0);
    let first = db.read(|tx| number(tx, "SELECT count(*) FROM counters").boxed()).await.unwrap();
    let client = async || loop {
        let name = format!("{first}.{}", next.fetch_add(1, Ordering::Relaxed));
        db.write(|tx| add(tx, &name, 1).boxed()).await.unwrap();
        let mut output = std::io::stdout();
        // On a line of its own, whatever the test harness has printed.
        if writeln!(output, "\ndone {name}").is_err() {
            return;
        }
    };
    futures::future::join_all((0..4).map(|_| client())).await;
}

async fn reopen(cluster: &Cluster) -> Result<Db, Error> {
    let (dir, identity) = (cluster.dir(1), crate::cluster::identity(1));
    Db::open(&dir, identity, cluster.wire.plug(1), &cluster.options).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_or_old_log_is_not_taken_for_the_real_one() {
    let mut cluster = Cluster::start(1, Options::default()).await;
    cluster.close(1).await;
    let (log, old) = (cluster.dir(1).join("raft.db"), cluster.dir(1).join("old"));
    std::fs::copy(&log, &old).unwrap();
    cluster.open(1).await;
    within(cluster.db(1).write(|tx| add(tx, "a", 1).boxed())).await.unwrap();
    within(cluster.db(1).write(|tx| add(tx, "a", 1).boxed())).await.unwrap();
    cluster.close(1).await;
    std::fs::rename(&log, cluster.dir(1).join("kept")).unwrap();
    assert!(matches!(reopen(&cluster).await, Err(Error::Lost(why)) if why.contains("gone")));
    std::fs::rename(&old, &log).unwrap();
    assert!(matches!(reopen(&cluster).await, Err(Error::Lost(why)) if why.contains("old")));
    std::fs::rename(cluster.dir(1).join("kept"), &log).unwrap();
    let db = reopen(&cluster).await.unwrap();
    assert_eq!(within(db.write(|tx| add(tx, "a", 1).boxed())).await.unwrap(), 3);
    db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_older_than_its_snapshot_is_made_anew() {
    let mut cluster = Cluster::start(1, Options::default()).await;
    cluster.close(1).await;
    let (state, old) = (cluster.dir(1).join("state-0.db-wal"), cluster.dir(1).join("old"));
    std::fs::copy(&state, &old).unwrap();
    cluster.open(1).await;
    let db = cluster.db(1);
    within(db.write(|tx| add(tx, "a", 1).boxed())).await.unwrap();
    within(db.snapshot()).await.unwrap();
    within(db.write(|tx| add(tx, "a", 1).boxed())).await.unwrap();
    cluster.close(1).await;
    // As a power cut may leave it.
    std::fs::rename(&old, &state).unwrap();
    cluster.open(1).await;
    assert_eq!(within(cluster.db(1).read(|tx| get(tx, "a").boxed())).await.unwrap(), Some(2));
}

/// A group whose member, not the leader, is damaged by a statement. (While it is closed it would notice.)
async fn damaged(damage: &'static str, options: Options) -> (Cluster, u64) {
    let cluster = Cluster::start(3, options).await;
    let leader = cluster.leader().await;
    let other = (1..=3).find(|id| *id != leader).unwrap();
    within(cluster.db(leader).write(|tx| add(tx, "a", 1).boxed())).await.unwrap();
    within(cluster.db(other).read(|tx| get(tx, "a").boxed())).await.unwrap();
    let file = OpenOptions::new(cluster.dir(other).join("state-0.db"));
    let mut connection = Connection::open(&file).await.unwrap();
    connection.execute(damage).await.unwrap();
    connection.close().await.unwrap();
    // On a busy machine it may have come to lead, and would be right by definition.
    if cluster.leader().await == other {
        within(cluster.db(other).transfer_leader(leader)).await.unwrap();
    }
    (cluster, other)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_differs_is_made_anew() {
    for (damage, check_every) in [
        // Met by the next change of that row.
        ("UPDATE counters SET value = 7", 1000),
        // Met by nothing but a comparison of all tables.
        ("INSERT INTO people VALUES (9, 'ghost')", 10),
    ] {
        let (cluster, other) = damaged(damage, Options { check_every, ..Options::default() }).await;
        let leader = cluster.db(cluster.leader().await);
        for _ in 0..20 {
            within(leader.write(|tx| add(tx, "a", 1).boxed())).await.unwrap();
        }
        within(cluster.db(other).read(|tx| get(tx, "a").boxed())).await.unwrap();
        assert!(!cluster.dir(other).join("state-0.db").exists(), "{damage}: still there");
        within(cluster.agree()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_cannot_be_made_anew_stops_and_says_so() {
    let (cluster, other) = damaged("UPDATE counters SET value = 7", Options::default()).await;
    let db = cluster.db(other);
    // Now the snapshot is wrong, too.
    within(db.snapshot()).await.unwrap();
    let leader = cluster.db(cluster.leader().await);
    within(leader.write(|tx| add(tx, "a", 1).boxed())).await.unwrap();
    let mut watch = db.watch();
    let stopped = within(watch.wait_for(|status| status.stopped.is_some())).await.unwrap().clone();
    assert!(stopped.stopped.unwrap().contains("differs"));
    let write = db.write(|tx| add(tx, "a", 1).boxed()).await;
    assert!(matches!(write, Err(Error::Stopped)), "{write:?}");
    // Nobody counts on it any more.
    within(leader.watch().wait_for(|status| !status.peers[&other].connected)).await.unwrap();
    // It can still say why.
    db.set_trouble(Some("the tables differ".to_owned()));
    let told = |status: &replicated_sqlite::Status| status.peers[&other].trouble.is_some();
    within(leader.watch().wait_for(told)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn members_that_see_different_things_in_the_same_data_say_which() {
    let damage = "INSERT INTO people VALUES (9, 'ghost')";
    let (cluster, other) = damaged(damage, Options::default()).await;
    let db = cluster.db(other);
    within(db.read(|tx| get(tx, "a").boxed())).await.unwrap();
    let write = within(db.write(|tx| number(tx, "SELECT count(*) FROM people").boxed())).await;
    match write {
        Err(Error::Refused(why)) => assert!(why.contains("SELECT count(*)"), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_member_stops_meanwhile_is_not_said_to_have_failed() {
    let cluster = Cluster::start(1, Options::default()).await;
    let (db, begun) = (cluster.db(1), tokio::sync::Notify::new());
    let returned = AtomicBool::new(false);
    let write = db.write(|tx| {
        async {
            let value = add(tx, "a", 1).await?;
            begun.notify_one();
            while db.status().stopped.is_none() {
                tokio::task::yield_now().await;
            }
            returned.store(true, Ordering::Relaxed);
            Ok::<_, Error>(value)
        }
        .boxed()
    });
    let close = async {
        begun.notified().await;
        db.close().await;
    };
    let (written, ()) = within(futures::future::join(write, close)).await;
    // A closure that was given up before its end has changed nothing.
    let right = match returned.load(Ordering::Relaxed) {
        true => matches!(written, Err(Error::Unavailable { may_take_effect: true, .. })),
        false => matches!(written, Err(Error::Stopped)),
    };
    assert!(right, "{written:?}");
    // One that came too late did nothing.
    let late = db.write(|tx| add(tx, "a", 1).boxed()).await;
    assert!(matches!(late, Err(Error::Stopped)), "{late:?}");
}
