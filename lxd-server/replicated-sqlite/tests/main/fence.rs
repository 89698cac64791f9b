//! Runs of a transaction that get no answer, and what its caller may hear after that.

use crate::cluster::{Cluster, add, get, number, run, within};
use futures::FutureExt;
use replicated_sqlite::{Error, NodeId, Options, Tx};
use tokio::sync::watch;

const ANN: &str = "INSERT INTO people VALUES (1, 'ann')";

/// One run got no answer, so a copy of it may arrive at any time; the next one fails. Its error may be
/// told only once no copy can take effect any more.
#[tokio::test(flavor = "multi_thread")]
async fn a_failure_after_a_run_without_an_answer_is_made_certain() {
    let cluster = Cluster::start(3, Options::default()).await;
    let leader = cluster.leader().await;
    let writer = (1..=3).find(|id| *id != leader).unwrap();
    let third = (1..=3).find(|id| *id != leader && *id != writer).unwrap();
    let (runs, mut counted) = watch::channel(0_i64);
    cluster.wire.cut(leader, writer);
    let db = cluster.db(writer);
    let write = tokio::spawn(async move {
        let write = db.write(|tx| {
            runs.send_modify(|runs| *runs += 1);
            run(tx, ANN).boxed()
        });
        (write.await, *runs.borrow())
    });
    // When it runs again, nobody waits for an answer to the first run any more.
    within(counted.wait_for(|runs| *runs > 1)).await.unwrap();
    within(cluster.db(third).write(|tx| run(tx, ANN).boxed())).await.unwrap();
    cluster.wire.heal();
    let (result, runs) = within(write).await.unwrap();
    assert!(matches!(&result, Err(Error::Sql(error)) if unique(error)), "{result:?}");
    // Whatever arrives late finds that the transaction is over: an empty one took its place.
    let attempt = cluster.db(leader).read(|tx| last_attempt(tx, writer).boxed()).await.unwrap();
    assert_eq!(attempt, runs);
    let people = "SELECT count(*) FROM people";
    let count = cluster.db(writer).read(|tx| number(tx, people).boxed()).await.unwrap();
    assert_eq!(count, 1);
    cluster.agree().await;
}

/// The same, but the run without an answer was committed: that is the outcome, however the state is now.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_without_an_answer_that_was_committed_is_the_outcome() {
    let cluster = Cluster::start(3, Options::default()).await;
    let leader = cluster.leader().await;
    let writer = (1..=3).find(|id| *id != leader).unwrap();
    let third = (1..=3).find(|id| *id != leader && *id != writer).unwrap();
    cluster.wire.cut_one_way(leader, writer);
    let db = cluster.db(writer);
    let write = tokio::spawn(async move {
        // Not twice: only the first run of it succeeds.
        db.write(|tx| {
            async move {
                if get(&mut *tx, "a").await?.is_some() {
                    return Err(Error::Refused("it is there".to_owned()));
                }
                add(tx, "a", 1).await
            }
            .boxed()
        })
        .await
    });
    let other = cluster.db(third);
    let mut applied = other.status().applied;
    while within(other.read_local(|tx| get(tx, "a").boxed())).await.unwrap().is_none() {
        applied = within(other.applied_after(applied)).await;
    }
    within(other.write(|tx| add(tx, "a", 1).boxed())).await.unwrap();
    cluster.wire.heal();
    assert_eq!(within(write).await.unwrap().unwrap(), 1);
    let now = cluster.db(writer).read(|tx| get(tx, "a").boxed()).await.unwrap();
    assert_eq!(now, Some(2));
    cluster.agree().await;
}

/// Which run of a member's last transaction counts.
async fn last_attempt(tx: &mut Tx<'_>, node: NodeId) -> Result<i64, Error> {
    let last = "SELECT attempt FROM _tx WHERE node = ? ORDER BY boot DESC, sequence DESC LIMIT 1";
    Ok(sqlx::query_scalar(last).bind(node.cast_signed()).fetch_one(tx).await?)
}

fn unique(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation)
}
