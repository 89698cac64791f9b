//! Join tokens that are waiting for their members.

use anyhow::Context as _;
use shared_api::cluster::{JoinToken, JoinTokenMetadata};
use shared_api::operations::Operation;

use crate::client::Client;
use crate::commands::tokens::{self, Pending};
use crate::context::Context;

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
pub(super) async fn pending(
    ctx: &Context,
    client: &Client,
) -> anyhow::Result<Vec<Pending<JoinToken>>> {
    let project = ctx.project.as_deref().unwrap_or("default");
    tokens::pending(client, &[("project", project), ("recursion", "1")], join_token).await
}
