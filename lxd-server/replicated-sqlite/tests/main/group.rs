//! Members together: elections, writes everywhere, members that come, go and fall behind.

use crate::cluster::{Cluster, add, get, number, within};
use futures::FutureExt;
use replicated_sqlite::{Error, Identity, Options, Value};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn a_member_comes_back_and_the_leader_hands_over() {
    let mut cluster = Cluster::start(3, Options::default()).await;
    let first = cluster.leader().await;
    cluster.close(first).await;
    let second = cluster.leader().await;
    let db = cluster.db(second);
    within(db.write(|tx| add(tx, "a", 1).boxed())).await.unwrap();
    cluster.open(first).await;
    within(db.watch().wait_for(|status| status.peers[&first].connected)).await.unwrap();
    within(db.transfer_leader(first)).await.unwrap();
    assert_eq!(cluster.leader().await, first);
    within(db.write(|tx| add(tx, "a", 1).boxed())).await.unwrap();
    cluster.agree().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn three_members_write_everywhere_and_agree() {
    let cluster = Cluster::start(3, Options::default()).await;
    let mut tasks = Vec::new();
    for member in cluster.members.values() {
        for _ in 0..4 {
            let db = member.db.clone();
            tasks.push(tokio::spawn(async move {
                for _ in 0..10 {
                    db.write(|tx| add(tx, "a", 1).boxed()).await?;
                }
                Ok::<_, Error>(())
            }));
        }
    }
    for task in tasks {
        within(task).await.unwrap().unwrap();
    }
    for member in cluster.members.values() {
        assert_eq!(member.db.read(|tx| get(tx, "a").boxed()).await.unwrap(), Some(120));
    }
    cluster.agree().await;
}

/// Nobody is elected by time: only what goes faster can work.
fn patient() -> Options {
    let (election_min, election_max) = (Duration::from_secs(40), Duration::from_secs(80));
    Options { election_min, election_max, ..Options::default() }
}

// On the runtime with one thread, too.
#[tokio::test]
async fn a_lone_member_leads_again_at_once() {
    let mut cluster = Cluster::start(1, patient()).await;
    within(cluster.db(1).write(|tx| add(tx, "a", 1).boxed())).await.unwrap();
    cluster.close(1).await;
    cluster.open(1).await;
    assert_eq!(within(cluster.db(1).write(|tx| add(tx, "a", 1).boxed())).await.unwrap(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_whose_streams_are_reset_is_replaced_at_once() {
    let mut cluster = Cluster::start(3, patient()).await;
    for turn in 1..=2 {
        let leader = cluster.leader().await;
        cluster.close(leader).await;
        let db = cluster.db(cluster.leader().await);
        assert_eq!(within(db.write(|tx| add(tx, "a", 1).boxed())).await.unwrap(), turn);
        cluster.open(leader).await;
        // It shows that it leads, and that it has heard of its predecessor's return.
        within(db.watch().wait_for(|status| status.peers[&leader].connected)).await.unwrap();
        within(cluster.agree()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_gets_its_turn_against_a_busy_leader() {
    let cluster = Cluster::start(3, Options::default()).await;
    let leader = cluster.leader().await;
    let other = cluster.db((1..=3).find(|id| *id != leader).unwrap());
    let stop = AtomicBool::new(false);
    let busy = async || {
        let db = cluster.db(leader);
        while !stop.load(Ordering::Relaxed) {
            within(db.write(|tx| add(tx, "a", 1).boxed())).await.unwrap();
        }
    };
    let turns = async {
        for _ in 0..20 {
            within(other.write(|tx| add(tx, "a", 1).boxed())).await.unwrap();
        }
        stop.store(true, Ordering::Relaxed);
    };
    futures::future::join(futures::future::join_all((0..4).map(|_| busy())), turns).await;
    cluster.agree().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_far_behind_gets_a_snapshot_and_keeps_it() {
    let options = Options { snapshot_every: 50, entries_kept: 10, ..Options::default() };
    let mut cluster = Cluster::start(3, options).await;
    for turn in 0..150 {
        let name = format!("c{turn}");
        cluster.db(1).write(|tx| add(tx, &name, 1).boxed()).await.unwrap();
    }
    cluster.join(4).await;
    assert!(cluster.dir(4).join("snapshot.db").exists(), "it came by log");
    let leader = cluster.db(cluster.leader().await);
    within(leader.change_voters([1, 2, 4].into())).await.unwrap();
    assert_eq!(leader.status().learners, [3].into());
    let newcomer = cluster.db(4);
    assert_eq!(newcomer.write(|tx| add(tx, "c1", 1).boxed()).await.unwrap(), 2);
    cluster.agree().await;
    // Its generation survives a restart, and old ones are swept away.
    cluster.close(4).await;
    cluster.open(4).await;
    let newcomer = cluster.db(4);
    within(newcomer.watch().wait_for(|status| status.leader.is_some())).await.unwrap();
    assert_eq!(newcomer.write(|tx| add(tx, "c1", 1).boxed()).await.unwrap(), 3);
    cluster.agree().await;
    let states = std::fs::read_dir(cluster.dir(4)).unwrap().filter(|file| {
        let name = file.as_ref().unwrap().file_name().into_string().unwrap();
        name.starts_with("state-") && name.ends_with(".db")
    });
    assert_eq!(states.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn members_are_removed_and_the_rest_goes_on() {
    let cluster = Cluster::start(3, Options::default()).await;
    let leader = cluster.leader().await;
    let (db, gone) = (cluster.db(leader), (1..=3).find(|id| *id != leader).unwrap());
    let refused = db.remove(leader).await;
    assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?}");
    let elsewhere = cluster.db(gone).remove(leader).await;
    assert!(matches!(elsewhere, Err(Error::NotLeader { leader: Some(id) }) if id == leader));
    within(db.remove(gone)).await.unwrap();
    assert!(!db.status().addresses.contains_key(&gone));
    assert_eq!(db.status().voters.len(), 2);
    within(db.write(|tx| add(tx, "a", 1).boxed())).await.unwrap();
    // Whoever is known to be removed is not listened to any more.
    let mut watch = cluster.db(gone).watch();
    within(watch.wait_for(|status| status.peers.values().all(|peer| !peer.connected)))
        .await
        .unwrap();
    within(watch.wait_for(replicated_sqlite::Status::is_removed)).await.unwrap();
    assert!(db.has_removed(gone) && !db.has_removed(leader));
    assert!(!db.status().is_removed(), "nobody says so of one that stays");
    // Nor can it come back under the same id, beside others either.
    let again = within(db.add_learner(gone, cluster.address(gone))).await;
    assert!(matches!(again, Err(Error::Refused(_))), "{again:?}");
    let both = [(gone, "nowhere".to_owned()), (4, "nowhere".to_owned())];
    let again = within(db.add_learners(&both.into())).await;
    assert!(matches!(again, Err(Error::Refused(_))), "{again:?}");
    assert_eq!(db.status().addresses.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_for_a_member_is_refused() {
    let deadline = Duration::from_millis(500);
    let mut cluster = Cluster::start(1, Options { deadline, ..Options::default() }).await;
    let right = crate::cluster::identity(2);
    for wrong in [
        Identity { cluster: "another".to_owned(), ..right.clone() },
        Identity { incarnation: 2, ..right.clone() },
        Identity { node: 3, ..right.clone() },
    ] {
        cluster.open_as(2, wrong.clone()).await;
        let joined = cluster.db(1).add_learner(2, cluster.address(2)).await;
        assert!(matches!(joined, Err(Error::Unavailable { .. })), "{wrong:?}: {joined:?}");
        assert!(!cluster.db(2).is_initialized(), "{wrong:?}");
        cluster.close(2).await;
    }
    cluster.open(2).await;
    let mut watch = cluster.db(1).watch();
    within(watch.wait_for(|status| status.peers[&2].connected)).await.unwrap();
    within(cluster.db(1).add_learner(2, cluster.address(2))).await.unwrap();
    assert!(cluster.db(2).is_initialized());
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_answered_transactions_are_pruned() {
    let cluster = Cluster::start(3, Options::default()).await;
    for id in [1, 2] {
        for _ in 0..200 {
            cluster.db(id).write(|tx| add(tx, "a", 1).boxed()).await.unwrap();
        }
    }
    let sql = "SELECT count(*) FROM _tx";
    let rows = cluster.db(1).read(|tx| number(tx, sql).boxed()).await.unwrap();
    assert!(rows < 200, "{rows} rows");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_bounded_by_bytes() {
    let options = Options { log_bytes_max: 128 << 10, ..Options::default() };
    let cluster = Cluster::start(1, options).await;
    let (db, filler) = (cluster.db(1), "x".repeat(16 << 10));
    // A snapshot of this takes longer than to fill the log several times over.
    let large = "CREATE TABLE large (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;
        WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 8000)
        INSERT INTO large SELECT i, zeroblob(4000) FROM n;";
    db.migrate(&[crate::cluster::SCHEMA, large]).await.unwrap();
    let write = async |writer: u32| {
        for turn in 0..50 {
            let name = format!("{writer} {turn} {filler}");
            db.write(|tx| add(tx, &name, 1).boxed()).await.unwrap();
            assert!(db.figures().log_bytes < 1 << 20, "{} bytes", db.figures().log_bytes);
        }
    };
    within(futures::future::join_all((0..8).map(write))).await;
    for (file, most) in [("raft.db", 2 << 20), ("raft.db-wal", 6 << 20)] {
        let size = std::fs::metadata(cluster.dir(1).join(file)).unwrap().len();
        assert!(size < most, "{file}: {size} bytes");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_get_tables() {
    let cluster = Cluster::start(1, Options::default()).await;
    let db = cluster.db(1);
    let sql =
        "INSERT INTO people VALUES (1, 'a'), (2, 'b'); SELECT id, name FROM people ORDER BY id;
        SELECT * FROM pets; -- the end";
    let tables = db.execute(sql).await.unwrap();
    assert_eq!(tables.len(), 3);
    assert_eq!((tables[0].rows_affected, tables[0].columns.len()), (2, 0));
    assert_eq!(tables[1].columns, ["id", "name"]);
    assert_eq!(tables[1].rows[1], [Value::Integer(2), Value::Text("b".to_owned())]);
    assert_eq!((tables[2].columns.len(), tables[2].rows.len()), (3, 0));
    assert!(matches!(db.execute("DROP TABLE people").await, Err(Error::Sql(_))));
    assert!(matches!(db.execute("SELECT 1; nonsense").await, Err(Error::Sql(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn trouble_is_told_to_all_at_once_and_forgotten_with_its_member() {
    let mut cluster = Cluster::start(3, Options::default()).await;
    let told = async |cluster: &Cluster, by: u64, text: Option<&str>| {
        for id in cluster.members.keys().filter(|id| **id != by) {
            let mut watch = cluster.db(*id).watch();
            let heard = |status: &replicated_sqlite::Status| {
                status.peers.get(&by).is_some_and(|peer| peer.trouble.as_deref() == text)
            };
            within(watch.wait_for(heard)).await.unwrap();
        }
    };
    cluster.db(2).set_trouble(Some("no space left".to_owned()));
    assert_eq!(cluster.db(2).status().trouble.as_deref(), Some("no space left"));
    told(&cluster, 2, Some("no space left")).await;
    // Whoever comes later hears of it, too.
    cluster.close(3).await;
    cluster.open(3).await;
    told(&cluster, 2, Some("no space left")).await;
    cluster.db(2).set_trouble(None);
    told(&cluster, 2, None).await;
    cluster.db(2).set_trouble(Some("hot".to_owned()));
    told(&cluster, 2, Some("hot")).await;
    cluster.close(2).await;
    told(&cluster, 2, None).await;
}
