//! Join tokens that are waiting for their members.

use anyhow::Context as _;
use shared_api::cluster::{JoinToken, JoinTokenMetadata};
use shared_api::operations::{ByStatus, Class, Operation, StatusCode};
use shared_api::paths;

use crate::client::Client;
use crate::context::Context;

/// A token and the operation that it lives in.
pub(super) struct Pending {
    /// Its id.
    pub(super) operation: String,
    pub(super) token: JoinToken,
}

/// The token that an operation made, if it made one.
pub(super) fn join_token(operation: &Operation) -> anyhow::Result<Option<JoinToken>> {
    let is_cluster =
        operation.resources.as_ref().is_some_and(|kinds| kinds.contains_key("cluster"));
    let Some(metadata) = operation.metadata.as_ref().filter(|_| is_cluster) else {
        return Ok(None);
    };
    let metadata = serde_json::Value::Object(metadata.clone());
    let token: JoinTokenMetadata =
        serde_json::from_value(metadata).context("Failed to read the join token")?;
    Ok(Some(token.into()))
}

/// All tokens that a member can still join by, in the server's order.
pub(super) async fn pending(ctx: &Context, client: &Client) -> anyhow::Result<Vec<Pending>> {
    let project = ctx.project.as_deref().unwrap_or("default");
    let path = paths::with_query(paths::OPERATIONS, &[("project", project), ("recursion", "1")]);
    let operations: ByStatus = client.get(&path).await?;
    let mut pending = Vec::new();
    for operation in operations.values().flatten() {
        if operation.class != Class::Token || operation.status_code != StatusCode::Running {
            continue;
        }
        if let Some(token) = join_token(operation)? {
            pending.push(Pending { operation: operation.id.to_string(), token });
        }
    }
    Ok(pending)
}
