//! Members together: elections, writes everywhere, members that come, go and fall behind.

use crate::cluster::{Cluster, add, get, within};
use futures::FutureExt;
use replicated_sqlite::{Error, Options};

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
