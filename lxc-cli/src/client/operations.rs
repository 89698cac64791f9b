//! Waiting for operations.

use shared_api::operations::{Operation, StatusCode};
use shared_api::paths;

use super::{Client, Raw};

impl Client {
    /// Waits until an operation has ended, with a sign of life on a terminal, and returns the
    /// answer that tells of its end.
    ///
    /// An operation that failed is an error with its reason.
    pub(crate) async fn wait(&self, operation: &Operation) -> anyhow::Result<Raw> {
        let _progress = self.ui.progress(&operation.description);
        let path = paths::operation_wait(operation.id.to_string());
        let raw = self.raw(hyper::Method::GET, &path, None).await?;
        let end: Option<Operation> = raw.metadata()?;
        if let Some(end) = end.filter(|end| end.status_code != StatusCode::Success) {
            let reason = if end.err.is_empty() { end.status } else { end.err };
            anyhow::bail!(reason);
        }
        Ok(raw)
    }
}
