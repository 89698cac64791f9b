//! What members count, after work whose amount is known.

use crate::cluster::{Cluster, add, get, within};
use futures::FutureExt;
use replicated_sqlite::{Db, Options, Times};

fn count(times: &Times) -> u64 {
    times.counts.iter().sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn work_is_counted_where_it_is_done() {
    let mut cluster = Cluster::start(3, Options::default()).await;
    let leader = cluster.leader().await;
    let other = (1..=3).find(|id| *id != leader).unwrap();
    let (first, second) = (cluster.db(leader), cluster.db(other));
    let (before, others) = (first.figures(), second.figures());
    for _ in 0..5 {
        within(second.write(|tx| add(tx, "a", 1).boxed())).await.unwrap();
        within(second.read(|tx| get(tx, "a").boxed())).await.unwrap();
    }
    let (after, others_after) = (first.figures(), second.figures());
    assert_eq!(after.transactions, before.transactions);
    assert_eq!(others_after.transactions, others.transactions + 5);
    assert_eq!(others_after.reads, others.reads + 5);
    assert!(others_after.read_indexes > others.read_indexes);
    assert!(after.replays >= before.replays + 5, "{before:?} {after:?}");
    assert!(count(&after.commits) >= count(&before.commits) + 5, "{before:?} {after:?}");
    assert!(after.commits.total > before.commits.total);
    assert!(count(&after.log_writes) >= count(&before.log_writes) + 5, "{before:?} {after:?}");
    assert!(after.log_index >= before.log_index + 5 && after.log_bytes > before.log_bytes);
    assert_eq!(count(&others_after.commits), count(&others.commits), "{other} does not lead");
    cluster.close(leader).await;
    let next = cluster.leader().await;
    let seen = cluster.db(next);
    let changed = |db: &Db| db.figures().leaders > others.leaders.max(1);
    within(seen.watch().wait_for(|_| changed(&seen))).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn snapshots_are_counted() {
    let options = Options { snapshot_every: 20, entries_kept: 5, ..Options::default() };
    let cluster = Cluster::start(1, options).await;
    let db = cluster.db(1);
    let made = async {
        while count(&db.figures().snapshots) == 0 {
            db.write(|tx| add(tx, "a", 1).boxed()).await.unwrap();
        }
    };
    within(made).await;
    assert!(db.figures().snapshot_bytes > 4096, "{:?}", db.figures());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_is_sent_the_data_where_the_log_takes_longer() {
    let mut cluster = Cluster::start(1, Options::default()).await;
    let db = cluster.db(1);
    cluster.open(2).await;
    within(db.add_learner(2, cluster.address(2))).await.unwrap();
    assert_eq!(count(&db.figures().snapshots), 0, "the log was short");
    let write = async {
        while db.figures().log_bytes < 128 << 10 {
            db.write(|tx| add(tx, "a", 1).boxed()).await.unwrap();
        }
    };
    within(write).await;
    cluster.open(3).await;
    within(db.add_learner(3, cluster.address(3))).await.unwrap();
    cluster.agree().await;
    assert_eq!(count(&db.figures().snapshots), 1);
    let newcomer = cluster.db(3).figures().log_bytes;
    assert!(newcomer < 16 << 10, "{newcomer} bytes of the log were sent");
}
