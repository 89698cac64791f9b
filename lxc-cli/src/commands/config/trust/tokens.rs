//! Tokens that are waiting for their clients.

use anyhow::Context as _;
use shared_api::certificates::{AddToken, AddTokenMetadata};
use shared_api::operations::{ByStatus, Class, Operation, StatusCode};
use shared_api::paths;

use crate::client::Client;

/// A token and the operation that it lives in.
pub(super) struct Pending {
    /// Its id.
    pub(super) operation: String,
    pub(super) token: AddToken,
}

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
pub(super) async fn pending(client: &Client) -> anyhow::Result<Vec<Pending>> {
    let path = paths::with_query(paths::OPERATIONS, &[("recursion", "1")]);
    let operations: ByStatus = client.get(&path).await?;
    let mut pending = Vec::new();
    for operation in operations.values().flatten() {
        if operation.class != Class::Token || operation.status_code != StatusCode::Running {
            continue;
        }
        if let Some(token) = add_token(operation)? {
            pending.push(Pending { operation: operation.id.to_string(), token });
        }
    }
    Ok(pending)
}
