//! Operations from start to end.

use shared_api::events::Kind;
use tokio::sync::oneshot;

use super::*;
use crate::events::Filter;

fn registry() -> Operations {
    Operations::new(Events::default())
}

fn task(description: &str) -> Task {
    Task { description: description.to_owned(), may_cancel: true, ..Task::default() }
}

#[tokio::test]
async fn an_operation_tells_its_states_and_its_progress() {
    let events = Events::default();
    events.set_location("n1");
    let mut heard = events.subscribe(Filter { kinds: vec![Kind::Operation], project: None });
    let operations = Operations::new(events);
    let started = operations.spawn(task("Joining cluster"), |progress| async move {
        progress.set_metadata(Map::from_iter([("step".to_owned(), "trust".into())]));
        Ok(())
    });
    let started = started.unwrap();
    assert_eq!((started.status_code, &*started.location), (StatusCode::Running, "n1"));
    let ended = operations.wait(started.id, None).await.unwrap();
    assert_eq!(ended.status_code, StatusCode::Success);
    for (status, step) in [
        ("Pending", None),
        ("Running", None),
        ("Running", Some("trust")),
        ("Success", Some("trust")),
    ] {
        let event = heard.next().await.unwrap();
        assert_eq!(event.metadata["status"], status);
        assert_eq!(event.metadata["metadata"]["step"].as_str(), step);
    }
}

#[tokio::test]
async fn failures_and_panics_are_failures() {
    let operations = registry();
    let refused = operations.spawn(task("a"), |_| async { Err(Error::conflict("taken")) });
    let panicked = operations.spawn(task("b"), |_| async { panic!("a bug") });
    for (operation, text) in [(refused, "taken"), (panicked, "The operation's task panicked")] {
        let ended = operations.wait(operation.unwrap().id, None).await.unwrap();
        assert_eq!((ended.status_code, &*ended.err), (StatusCode::Failure, text));
    }
    operations.idle().await;
}

#[tokio::test]
async fn waiting_is_bounded_and_cancelling_ends_it() {
    let operations = registry();
    let (hold, held) = oneshot::channel::<()>();
    let operation = operations.spawn(task("a"), |_| async move {
        let _ = held.await;
        Ok(())
    });
    let id = operation.unwrap().id;
    let waited = operations.wait(id, Some(Duration::ZERO)).await.unwrap();
    assert_eq!(waited.status_code, StatusCode::Running);
    operations.cancel(id).await.unwrap();
    assert!(hold.is_closed());
    assert_eq!(operations.get(id).unwrap().status_code, StatusCode::Cancelled);
    let again = operations.cancel(id).await.unwrap_err();
    assert_eq!(again.message, "Only running operations can be cancelled");
    let unknown = operations.get(Uuid::nil()).unwrap_err();
    assert_eq!(
        (unknown.kind, &*unknown.message),
        (crate::error::Kind::NotFound, "Operation not found")
    );
}

#[tokio::test]
async fn an_ended_operation_is_gone_after_a_while() {
    let operations = Operations::lingering(Events::default(), Duration::from_millis(20));
    let id = operations.spawn(task("a"), |_| async { Ok(()) }).unwrap().id;
    assert_eq!(operations.wait(id, None).await.unwrap().status_code, StatusCode::Success);
    while operations.get(id).is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(operations.list(None).is_empty());
}

#[tokio::test]
async fn lists_are_by_project() {
    let operations = registry();
    for project in [None, Some("default"), Some("blue")] {
        let task = Task { project: project.map(str::to_owned), ..task("a") };
        operations.spawn(task, |_| async { Ok(()) }).unwrap();
    }
    assert_eq!(operations.list(None).len(), 3);
    assert_eq!(operations.list(Some("default")).len(), 2);
}

#[tokio::test]
async fn there_is_a_limit() {
    let operations = registry();
    for _ in 0..limits::OPERATIONS_MAX {
        operations.spawn(task("a"), |_| async { Ok(()) }).unwrap();
    }
    let refused = operations.spawn(task("a"), |_| async { Ok(()) }).unwrap_err();
    assert_eq!(refused.message, "Too many operations");
}
