//! Members that die, links that are cut, and what the callers hear of it.

use crate::cluster::{Cluster, Members, add, get, within};
use futures::FutureExt;
use replicated_sqlite::{Error, Options};
use std::time::{Duration, Instant};

/// Members hear the others, and note it, a little before they are cut off.
const SLACK: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread")]
async fn without_a_majority_callers_hear_so_soon_and_then_at_once() {
    let mut cluster = Cluster::start(3, Options::default()).await;
    let leader = cluster.leader().await;
    let other = (1..=3).find(|id| *id != leader).unwrap();
    let third = (1..=3).find(|id| *id != leader && *id != other).unwrap();
    let lost = Instant::now();
    cluster.close(third).await;
    cluster.wire.cut(leader, other);
    let begun = Instant::now();
    for id in [leader, other] {
        let db = cluster.db(id);
        let result = within(db.write(|tx| add(tx, "a", 1).boxed())).await;
        assert!(matches!(result, Err(Error::Unavailable { .. })), "{result:?}");
        assert!(begun.elapsed() < Duration::from_secs(2), "member {id}: {:?}", begun.elapsed());
    }
    let begun = Instant::now();
    for id in [leader, other] {
        let db = cluster.db(id);
        let write = db.write(|tx| add(tx, "b", 1).boxed()).await;
        assert!(
            matches!(write, Err(Error::Unavailable { may_take_effect: false, .. })),
            "{write:?}"
        );
        let read = db.read(|tx| get(tx, "b").boxed()).await;
        assert!(matches!(read, Err(Error::Unavailable { .. })), "{read:?}");
        let status = db.status();
        assert!(!status.quorum && status.peers.values().all(|peer| !peer.connected), "{status:?}");
        // It knows how old its data is: about as old as the silence.
        let age = status.current.expect("it had a leader").elapsed();
        assert!(age > Duration::from_secs(1) && age < lost.elapsed() + SLACK, "{age:?}");
        // What needs no majority works.
        assert_eq!(db.read_local(|tx| get(tx, "b").boxed()).await.unwrap(), None);
    }
    assert!(begun.elapsed() < Duration::from_millis(200), "{:?}", begun.elapsed());
    cluster.wire.heal();
    for id in [leader, other] {
        let db = cluster.db(id);
        within(db.watch().wait_for(|status| status.quorum)).await.unwrap();
        within(db.write(|tx| add(tx, "b", 1).boxed())).await.unwrap();
        assert!(db.status().current.is_some_and(|current| current > begun));
    }
    cluster.agree().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_is_cut_off_is_replaced_and_its_writes_count_once() {
    let cluster = Cluster::start(3, Options::default()).await;
    let leader = cluster.leader().await;
    let others: Vec<u64> = (1..=3).filter(|id| *id != leader).collect();
    for other in &others {
        cluster.wire.cut(leader, *other);
    }
    let survivor = cluster.db(others[0]);
    within(survivor.write(|tx| add(tx, "a", 1).boxed())).await.unwrap();
    cluster.wire.heal();
    let db = cluster.db(leader);
    within(db.watch().wait_for(|status| status.quorum && status.leader != Some(leader)))
        .await
        .unwrap();
    within(db.write(|tx| add(tx, "a", 1).boxed())).await.unwrap();
    assert_eq!(db.read(|tx| get(tx, "a").boxed()).await.unwrap(), Some(2));
    cluster.agree().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_cannot_reach_the_leader_is_served_all_the_same() {
    let cluster = Cluster::start(3, Options::default()).await;
    let leader = cluster.leader().await;
    let behind = (1..=3).find(|id| *id != leader).unwrap();
    cluster.wire.cut(leader, behind);
    let db = cluster.db(behind);
    assert_eq!(within(db.write(|tx| add(tx, "a", 1).boxed())).await.unwrap(), 1);
    assert_eq!(db.read(|tx| get(tx, "a").boxed()).await.unwrap(), Some(1));
    let third = 6 - leader - behind;
    assert_eq!(db.status().leader, Some(third));
    // The one that led is served by the same third.
    within(cluster.db(leader).write(|tx| add(tx, "a", 1).boxed())).await.unwrap();
    cluster.wire.heal();
    cluster.agree().await;
}

/// What a client knows: writes that were acknowledged, and those that may have happened.
#[derive(Default)]
struct Tally {
    done: i64,
    unknown: i64,
}

/// How long members are troubled.
const SPAN: Duration = Duration::from_secs(6);

#[tokio::test(flavor = "multi_thread")]
async fn counters_add_up_through_deaths_and_cuts() {
    let options =
        Options { snapshot_every: 200, entries_kept: 50, check_every: 300, ..Options::default() };
    let mut cluster = Cluster::start(3, options).await;
    let begun = Instant::now();
    let clients: Vec<_> =
        (0..8).map(|client| tokio::spawn(count(client, begun, cluster.shared()))).collect();
    while begun.elapsed() < SPAN {
        trouble(&mut cluster).await;
    }
    let mut all = Tally::default();
    for client in clients {
        let tally = within(client).await.unwrap();
        all.done += tally.done;
        all.unknown += tally.unknown;
    }
    for member in cluster.members.values() {
        let mut watch = member.db.watch();
        within(watch.wait_for(|status| status.quorum && status.leader.is_some())).await.unwrap();
    }
    let total = within(cluster.db(1).read(|tx| get(tx, "total").boxed())).await.unwrap();
    let (least, most) = (all.done, all.done + all.unknown);
    assert!((least..=most).contains(&total.unwrap_or(0)), "{total:?} of {least} to {most}");
    within(cluster.agree()).await;
}

/// Counts at members drawn at random, on counters that all fight for and one of its own.
async fn count(client: u64, begun: Instant, members: Members) -> Tally {
    let mut tally = Tally::default();
    let own = format!("own{client}");
    while begun.elapsed() < SPAN {
        let id = 1 + rand::random::<u64>() % 3;
        let Some(db) = members.borrow().get(&id).cloned() else {
            tokio::task::yield_now().await;
            continue;
        };
        let name = if rand::random_bool(0.3) { &own } else { "shared" };
        let write = db.write(|tx| {
            async {
                add(tx, "total", 1).await?;
                add(tx, name, 1).await
            }
            .boxed()
        });
        match within(write).await {
            Ok(_) => tally.done += 1,
            // The member died under its client, or nobody answered in time.
            Err(Error::Stopped | Error::Io(_) | Error::Sql(_) | Error::Unavailable { .. }) => {
                tally.unknown += 1;
            }
            Err(error) => panic!("{error}"),
        }
    }
    tally
}

/// Ends a member and starts it again, or cuts a link for a while.
async fn trouble(cluster: &mut Cluster) {
    let (id, other) = (1 + rand::random::<u64>() % 3, 1 + rand::random::<u64>() % 3);
    if id == other {
        cluster.close(id).await;
        cluster.open(id).await;
    } else {
        cluster.wire.cut(id, other);
        tokio::time::sleep(Duration::from_millis(rand::random::<u64>() % 1500)).await;
    }
    cluster.wire.heal();
    // Some calm, so that there is something to lose.
    tokio::time::sleep(Duration::from_millis(rand::random::<u64>() % 500)).await;
}
