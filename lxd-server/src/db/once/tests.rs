//! Runs of one request, one after the other and at once.

use super::*;
use crate::db::tables::config;
use crate::db::tables::requests::{Request, Runner};
use crate::db::testing::{self, Testing};
use shared_api::config::Map;
use uuid::Uuid;

/// A database with one request.
async fn stored() -> Testing {
    let db = testing::database().await;
    let request = &Request { id: "id".into(), caller: "unix root".into(), digest: "d".into() };
    let runner = &Runner { node: 1, run: Uuid::new_v4() };
    db.write(|tx| requests::insert(tx, request, runner).boxed()).await.unwrap();
    db
}

/// Another run of that request.
async fn scope(db: &Testing) -> Arc<Scope> {
    let stored = db.read(|tx| requests::get(tx, "id").boxed()).await.unwrap().unwrap();
    Scope::new("id", stored.begun_at, stored.end.as_deref()).unwrap()
}

/// Counts how often it took effect.
async fn count(tx: &mut Tx<'_>) -> Result<String> {
    let key = "user.count".to_owned();
    let count = config::get(&mut *tx, &key).await?.map_or(0, |text| text.len()) + 1;
    config::set(tx, &Map::from([(key, "x".repeat(count))])).await?;
    Ok(count.to_string())
}

async fn counted(db: &Testing) -> usize {
    let text = db.read(|tx| config::get(tx, "user.count").boxed()).await.unwrap();
    text.map_or(0, |text| text.len())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_write_of_a_request_happens_once() {
    let db = &stored().await;
    for _ in 0..3 {
        let run = scope(db).await.run(async {
            let first = db.write(|tx| count(tx).boxed()).await.unwrap();
            let second = db.write(|tx| count(tx).boxed()).await.unwrap();
            (first, second)
        });
        assert_eq!(run.await, ("1".to_owned(), "2".to_owned()));
    }
    assert_eq!(counted(db).await, 2);
    // Of no request, or in no need of it.
    db.write(|tx| count(tx).boxed()).await.unwrap();
    let again = async { db.write_again(|tx| count(tx).boxed()).await.unwrap() };
    assert_eq!(scope(db).await.run(again).await, "4");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_at_once_share_each_write() {
    let db = &stored().await;
    let run = async || {
        let run = scope(db).await;
        run.run(async { db.write(|tx| count(tx).boxed()).await.unwrap() }).await
    };
    let (one, other) = tokio::join!(run(), run());
    assert_eq!((one.as_str(), other.as_str()), ("1", "1"));
    assert_eq!(counted(db).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_was_refused_is_tried_again() {
    let db = &stored().await;
    let refused = scope(db).await.run(async {
        let refuse = db.write(|tx| {
            async move {
                count(tx).await?;
                Err::<String, _>(Error::conflict("no"))
            }
            .boxed()
        });
        refuse.await
    });
    assert_eq!(refused.await.unwrap_err().message, "no");
    let run = async { db.write(|tx| count(tx).boxed()).await.unwrap() };
    assert_eq!(scope(db).await.run(run).await, "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn how_the_last_write_ended_is_how_it_ends() {
    let db = &stored().await;
    let late = scope(db).await;
    let end = async |result: Result<()>| {
        let end = db.end(result, |tx| async move { count(tx).await.map(drop) }.boxed());
        end.await.map_err(|error| (error.kind, error.message))
    };
    let refused = Err((Kind::NotFound, "gone".to_owned()));
    let first = scope(db).await;
    assert!(first.ended().is_none());
    let run = first.run(end(Err(Error::not_found("gone")))).await;
    assert_eq!(run, refused);
    // One that began before, and one after.
    assert_eq!(late.run(end(Ok(()))).await, refused);
    let after = scope(db).await.run(async { db.ended() }).await.unwrap();
    assert_eq!(after.unwrap_err().message, "gone");
    assert_eq!(counted(db).await, 1);
    assert!(db.ended().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_answer_counts() {
    let db = &stored().await;
    let late = scope(db).await;
    let first = scope(db).await;
    let end = db.end(Ok(()), |tx| async move { count(tx).await.map(drop) }.boxed());
    first.clone().run(end).await.unwrap();
    let answer = async |scope: &Scope, text: &str| {
        db.write_again(|tx| scope.answer(tx, text).boxed()).await.unwrap()
    };
    // It has not seen the end, so it is not to be believed.
    assert_eq!(answer(&late, "404").await, None);
    assert_eq!(answer(&first, "200").await.as_deref(), Some("200"));
    assert_eq!(answer(&late, "404").await.as_deref(), Some("200"));
}
