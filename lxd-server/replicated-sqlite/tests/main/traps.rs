//! What changesets, sqlx and SQLite get wrong when left alone: one test for each.

use crate::cluster::{Cluster, add, get, number, run, within};
use futures::FutureExt;
use replicated_sqlite::{Error, Options, Tx, Value};

/// An error of the closure's own.
#[derive(Debug)]
enum Failure {
    Own(i64),
    Database(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Database(error)
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

async fn swap(tx: &mut Tx<'_>) -> Result<u64, Error> {
    run(tx, "UPDATE people SET name = 'x' WHERE id = 1").await?;
    run(tx, "UPDATE people SET name = 'a' WHERE id = 2").await?;
    run(tx, "UPDATE people SET name = 'b' WHERE id = 1").await
}

/// Statements that do not set the count of changes: SQLite reports whatever it was before.
async fn after_others(tx: &mut Tx<'_>) -> Result<i64, Error> {
    number(tx, "SELECT count(*) FROM people").await?;
    run(tx, "DELETE FROM people WHERE id = -1").await?;
    add(tx, "mine", 1).await
}

fn refused<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    match result {
        Err(Error::Refused(why)) => why,
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_that_changesets_do_not_see_are_refused() {
    let cluster = Cluster::start(1, Options::default()).await;
    let db = cluster.db(1);
    let schema = crate::cluster::SCHEMA;
    for (step, why) in [
        ("CREATE TABLE t (a INTEGER) STRICT", "PRIMARY KEY"),
        ("CREATE TABLE t (a TEXT PRIMARY KEY) STRICT", "PRIMARY KEY"),
        ("CREATE TABLE t (a INTEGER, b INTEGER, PRIMARY KEY (a, b)) STRICT", "PRIMARY KEY"),
        ("CREATE TABLE t (a INTEGER PRIMARY KEY)", "STRICT"),
        (
            "CREATE TABLE t (a INTEGER PRIMARY KEY,
             b INTEGER REFERENCES people (id) DEFERRABLE INITIALLY DEFERRED) STRICT",
            "deferrable",
        ),
        ("DROP TABLE pets", "not authorized"),
        ("ALTER TABLE pets DROP COLUMN name", "only add"),
        ("ALTER TABLE pets RENAME COLUMN name TO nickname", "only add"),
        ("CREATE TABLE t (a INTEGER PRIMARY KEY) STRICT; COMMIT", "not authorized"),
        ("INSERT INTO people VALUES (random(), 'x')", "not authorized"),
        ("CREATE TABLE (", "syntax error"),
    ] {
        let refusal = refused(db.migrate(&[schema, step]).await);
        assert!(refusal.contains(why), "{step}: {refusal}");
    }
    assert_eq!(db.status().schema, 1);
    db.migrate(&[schema, "ALTER TABLE pets ADD COLUMN age INTEGER"]).await.unwrap();
    db.migrate(&[schema, "ALTER TABLE pets ADD COLUMN age INTEGER"]).await.unwrap();
    assert_eq!(db.status().schema, 2);
    db.write(|tx| run(tx, "INSERT INTO people VALUES (1, 'a')").boxed()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn closures_may_not_leave_their_transaction() {
    let cluster = Cluster::start(3, Options::default()).await;
    for member in cluster.members.values() {
        for sql in [
            "COMMIT",
            "ROLLBACK",
            "SAVEPOINT one",
            "ROLLBACK TO one",
            "RELEASE one",
            "PRAGMA foreign_keys = OFF",
            "ATTACH ':memory:' AS other",
            "CREATE TABLE t (a INTEGER PRIMARY KEY) STRICT",
            "CREATE TEMP TABLE t (a INTEGER PRIMARY KEY)",
            "DROP TABLE pets",
            "DELETE FROM _tx",
            "SELECT * FROM _raft",
            "DELETE FROM sqlite_schema",
            "INSERT INTO temp.origin VALUES (2)",
            "INSERT INTO people VALUES (random(), 'x')",
            "SELECT last_insert_rowid()",
            "SELECT datetime('now')",
            "VACUUM",
            "/* writer */ RELEASE one",
            " /* writer */ RELEASE one",
        ] {
            let result = member.db.write(|tx| run(tx, sql).boxed()).await;
            assert!(matches!(result, Err(Error::Sql(_))), "{sql}: {result:?}");
        }
    }
    let db = cluster.db(1);
    assert_eq!(db.write(|tx| add(tx, "a", 1).boxed()).await.unwrap(), 1);
    cluster.agree().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closure_that_ends_its_transaction_is_alone_in_it() {
    let cluster = Cluster::start(3, Options::default()).await;
    cluster.db(1).write(|tx| run(tx, "INSERT INTO people VALUES (1, 'a')").boxed()).await.unwrap();
    for member in cluster.members.values() {
        let (db, before) = (&member.db, member.db.status().node.to_string());
        let bad = db.write(|tx| {
            async {
                sqlx::query("INSERT INTO counters VALUES ('bad', 1)").execute(&mut *tx).await?;
                // Ends the transaction, and with it all of the batch.
                let _ = run(tx, "INSERT OR ROLLBACK INTO people VALUES (2, 'a')").await;
                // Outside of any transaction now: this would be written at once, here alone.
                let stray =
                    sqlx::query("INSERT INTO counters VALUES ('stray', 1)").execute(&mut *tx);
                let _ = stray.await;
                Ok::<_, Error>(())
            }
            .boxed()
        });
        let others = (0..8).map(|_| db.write(|tx| add(tx, &before, 1).boxed()));
        let (bad, others) =
            within(futures::future::join(bad, futures::future::join_all(others))).await;
        assert!(refused(bad).contains("may not end itself"));
        assert!(others.iter().all(Result::is_ok));
        for (name, value) in [("bad", None), ("stray", None), (before.as_str(), Some(8))] {
            assert_eq!(db.read(|tx| get(tx, name).boxed()).await.unwrap(), value, "{name}");
        }
    }
    cluster.agree().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_swap_of_unique_values_fails_alone() {
    let cluster = Cluster::start(1, Options::default()).await;
    let db = cluster.db(1);
    db.write(|tx| run(tx, "INSERT INTO people VALUES (1, 'a'), (2, 'b')").boxed()).await.unwrap();
    assert!(refused(db.write(|tx| swap(tx).boxed()).await).contains("unique"));
    // Three renames that are each legal, and amount to a swap when they share a batch: the writer is kept
    // busy while they queue up behind it.
    let (started, go) = (tokio::sync::Notify::new(), tokio::sync::Notify::new());
    let slow = db.write(|tx| {
        async {
            started.notify_one();
            go.notified().await;
            add(tx, "slow", 1).await
        }
        .boxed()
    });
    let renames = async {
        started.notified().await;
        let rename = |sql: &'static str| db.write(move |tx| run(tx, sql).boxed());
        let renames = futures::future::join3(
            rename("UPDATE people SET name = 'x' WHERE id = 1"),
            rename("UPDATE people SET name = 'a' WHERE id = 2"),
            rename("UPDATE people SET name = 'b' WHERE id = 1"),
        );
        let mut renames = std::pin::pin!(renames);
        // They are in the queue once they have been polled.
        assert!(futures::poll!(&mut renames).is_pending());
        go.notify_one();
        renames.await
    };
    let (slow, (first, second, third)) =
        within(Box::pin(futures::future::join(slow, renames))).await;
    assert_eq!((slow.unwrap(), first.unwrap(), second.unwrap(), third.unwrap()), (1, 1, 1, 1));
    let table = db.execute("SELECT name FROM people ORDER BY id").await.unwrap().remove(0);
    assert_eq!(table.columns, ["name"]);
    assert_eq!(table.rows, [[Value::Text("b".to_owned())], [Value::Text("a".to_owned())]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn cascades_travel_in_the_changeset() {
    let cluster = Cluster::start(3, Options::default()).await;
    let db = cluster.db(2);
    db.write(|tx| {
        async {
            run(tx, "INSERT INTO people VALUES (1, 'a')").await?;
            run(tx, "INSERT INTO pets VALUES (1, 1, 'cat'), (2, 1, 'dog')").await
        }
        .boxed()
    })
    .await
    .unwrap();
    let orphan = db.write(|tx| run(tx, "INSERT INTO pets VALUES (3, 9, 'bird')").boxed()).await;
    assert!(matches!(orphan, Err(Error::Sql(_))), "{orphan:?}");
    assert_eq!(db.write(|tx| run(tx, "DELETE FROM people").boxed()).await.unwrap(), 1);
    for member in cluster.members.values() {
        assert_eq!(
            member.db.read(|tx| number(tx, "SELECT count(*) FROM pets").boxed()).await.unwrap(),
            0
        );
    }
    cluster.agree().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_failed_closure_saw_and_did_is_settled() {
    let cluster = Cluster::start(3, Options::default()).await;
    for member in cluster.members.values() {
        let result = member.db.write(|tx| {
            async {
                let value = add(tx, "failed", 5).await?;
                Err::<(), _>(Failure::Own(value))
            }
            .boxed()
        });
        match within(result).await {
            Err(Failure::Own(5)) => {}
            Err(Failure::Database(error)) => panic!("{error}"),
            other => panic!("{other:?}"),
        }
        assert_eq!(member.db.read(|tx| get(tx, "failed").boxed()).await.unwrap(), None);
    }
    // A closure may go on from a statement that SQLite refused.
    let db = cluster.db(3);
    db.write(|tx| run(tx, "INSERT INTO people VALUES (1, 'a')").boxed()).await.unwrap();
    let went_on = db.write(|tx| {
        async {
            assert!(run(tx, "INSERT INTO people VALUES (2, 'a')").await.is_err());
            add(tx, "went on", 1).await
        }
        .boxed()
    });
    assert_eq!(went_on.await.unwrap(), 1);
    cluster.agree().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_connection_remembers_does_not_make_transcripts_differ() {
    let cluster = Cluster::start(3, Options::default()).await;
    let (leader, other) = (cluster.db(1), cluster.db(2));
    // Different histories: counts of changes, rowids, temporary rows.
    for round in 0..5i64 {
        let name = round.to_string();
        leader.write(|tx| add(tx, &name, 1).boxed()).await.unwrap();
        let many = "UPDATE counters SET value = value + 1";
        leader.write(|tx| run(tx, many).boxed()).await.unwrap();
        // Up to date, so that there is nothing to collide with.
        other.read(|tx| get(tx, "mine").boxed()).await.unwrap();
        assert_eq!(other.write(|tx| after_others(tx).boxed()).await.unwrap(), 2 * round + 1);
    }
    // Nobody collided with anybody, so every transaction is in its first attempt.
    let attempts = leader.read(|tx| number(tx, "SELECT max(attempt) FROM _tx").boxed());
    assert_eq!(attempts.await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_entries_are_applied_in_one_go() {
    let mut cluster = Cluster::start(3, Options::default()).await;
    cluster.close(3).await;
    let db = cluster.db(1);
    // One entry each: more than one transaction applies.
    for _ in 0..200 {
        db.write(|tx| add(tx, "a", 1).boxed()).await.unwrap();
    }
    cluster.open(3).await;
    within(cluster.agree()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closure_that_hangs_costs_only_itself() {
    let options =
        Options { closure_max: std::time::Duration::from_millis(100), ..Options::default() };
    let cluster = Cluster::start(3, options).await;
    for member in cluster.members.values() {
        let hang = member.db.write(|tx| {
            async {
                add(tx, "hung", 1).await?;
                std::future::pending::<Result<(), Error>>().await
            }
            .boxed()
        });
        let fine = member.db.write(|tx| add(tx, "fine", 1).boxed());
        let (hang, fine) = within(futures::future::join(hang, fine)).await;
        assert!(matches!(hang, Err(Error::Unavailable { .. })), "{hang:?}");
        fine.unwrap();
        // One whose caller goes away in the middle, too.
        let dropped = member.db.write(|tx| {
            async {
                add(tx, "dropped", 1).await?;
                std::future::pending::<Result<(), Error>>().await
            }
            .boxed()
        });
        let _ = tokio::time::timeout(std::time::Duration::from_millis(20), dropped).await;
        within(member.db.write(|tx| add(tx, "fine", 1).boxed())).await.unwrap();
    }
    let db = cluster.db(2);
    assert_eq!(db.read(|tx| get(tx, "hung").boxed()).await.unwrap(), None);
    assert_eq!(db.read(|tx| get(tx, "dropped").boxed()).await.unwrap(), None);
    assert_eq!(db.read(|tx| get(tx, "fine").boxed()).await.unwrap(), Some(6));
    cluster.agree().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_much_at_once_is_refused() {
    let options = Options { change_bytes_max: 64 << 10, ..Options::default() };
    let cluster = Cluster::start(3, options).await;
    for member in cluster.members.values() {
        let name = "x".repeat(100 << 10);
        let big = member.db.write(|tx| add(tx, &name, 1).boxed()).await;
        assert!(refused(big).contains("too much"));
        member.db.write(|tx| add(tx, "small", 1).boxed()).await.unwrap();
    }
    cluster.agree().await;
}
