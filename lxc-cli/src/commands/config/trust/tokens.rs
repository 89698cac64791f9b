//! Tokens that are waiting for their clients.

use anyhow::Context as _;
use shared_api::certificates::{AddToken, AddTokenMetadata};
use shared_api::operations::Operation;

use crate::client::Client;
use crate::commands::tokens::{self, Pending};

/// The token that an operation made, if it made one for a client.
pub(super) fn add_token(operation: &Operation) -> anyhow::Result<Option<AddToken>> {
    let metadata = operation.metadata.as_ref().filter(|fields| fields.contains_key("request"));
    let Some(metadata) = metadata else { return Ok(None) };
    let metadata = serde_json::Value::Object(metadata.clone());
    let token: AddTokenMetadata =
        serde_json::from_value(metadata).context("Failed to read the token")?;
    Ok(Some(token.into()))
}

/// All tokens that a client can still be added by, in the server's order.
pub(super) async fn pending(client: &Client) -> anyhow::Result<Vec<Pending<AddToken>>> {
    tokens::pending(client, &[("recursion", "1")], add_token).await
}
