//! The running part of an operation: its progress and its end.

use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use shared_api::operations::StatusCode;
use tokio_util::sync::CancellationToken;

use super::{Entry, Metadata};
use crate::clock;
use crate::error::{Error, Result};
use crate::events::Events;

/// The work's own view of its operation.
#[derive(Clone)]
pub struct Progress {
    events: Events,
    entry: Entry,
}

impl Progress {
    pub(super) fn new(events: Events, entry: Entry) -> Self {
        Self { events, entry }
    }

    /// Tells listeners how far it is.
    pub fn set_metadata(&self, metadata: Metadata) {
        self.entry.state.send_modify(|operation| {
            operation.metadata = Some(metadata);
            operation.updated_at = clock::now();
        });
        self.publish();
    }

    pub(super) fn set_status(&self, status: StatusCode) {
        self.end(status, String::new());
    }

    fn end(&self, status: StatusCode, error: String) {
        self.entry.state.send_modify(|operation| {
            status.text().clone_into(&mut operation.status);
            operation.status_code = status;
            operation.err = error;
        });
        self.publish();
    }

    fn publish(&self) {
        let operation = self.entry.state.borrow().clone();
        self.events.operation(&operation, self.entry.project.as_deref());
    }
}

/// Runs the work to its end and records how that was: success, failure or cancelled.
pub(super) async fn run<F>(work: F, progress: &Progress, cancel: &CancellationToken)
where
    F: Future<Output = Result<()>> + Send + 'static,
{
    let result = tokio::select! {
        result = AssertUnwindSafe(work).catch_unwind() => result,
        () = cancel.cancelled() => return progress.end(StatusCode::Cancelled, String::new()),
    };
    match result.unwrap_or_else(|_| Err(Error::internal("The operation's task panicked"))) {
        Ok(()) => progress.set_status(StatusCode::Success),
        Err(error) => {
            if std::error::Error::source(&error).is_some() {
                tracing::error!("Operation failed: {}", error.chain());
            }
            progress.end(StatusCode::Failure, error.message);
        }
    }
}
