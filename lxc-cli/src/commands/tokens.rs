//! Tokens that are waiting for their bearers.

use jiff::Timestamp;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use serde::{Serialize, Serializer};
use shared_api::operations::{ByStatus, Class, Operation, StatusCode};
use shared_api::paths;

use crate::client::Client;
use crate::table::{self, Format, Rows};

/// A token and the operation that it lives in.
pub(super) struct Pending<T> {
    /// Its id.
    pub(super) operation: String,
    pub(super) token: T,
}

/// The tokens that `read` finds in the operations of a query, in the server's order.
pub(super) async fn pending<T>(
    client: &Client,
    query: &[(&str, &str)],
    read: impl Fn(&Operation) -> anyhow::Result<Option<T>>,
) -> anyhow::Result<Vec<Pending<T>>> {
    let operations: ByStatus = client.get(&paths::with_query(paths::OPERATIONS, query)).await?;
    let mut pending = Vec::new();
    for operation in operations.values().flatten() {
        if operation.class != Class::Token || operation.status_code != StatusCode::Running {
            continue;
        }
        if let Some(token) = read(operation)? {
            pending.push(Pending { operation: operation.id.to_string(), token });
        }
    }
    Ok(pending)
}

/// A row of a list of tokens.
pub(super) struct Listed {
    /// Whom it is for.
    pub(super) name: String,
    pub(super) token: String,
    /// None for never.
    pub(super) expires_at: Option<Timestamp>,
}

/// A list for stdout; `name` is what the first column is called in JSON.
pub(super) fn list(format: Format, name: &str, tokens: Vec<Listed>) -> anyhow::Result<String> {
    let mut keys = [name, "Token", "ExpiresAt"].map(str::to_owned);
    if format == Format::Yaml {
        // As LXD has it.
        keys = keys.map(|key| key.to_lowercase());
    }
    let mut items = Vec::new();
    for Listed { name, token, expires_at } in tokens {
        let date = expires_at
            .map(|date| strtime::format("%Y/%m/%d %H:%M UTC", &date.to_zoned(TimeZone::UTC)));
        let cells = [name, token, date.transpose()?.unwrap_or_default()];
        items.push(Item { keys: &keys, cells });
    }
    table::render(format, &items, |items| Rows {
        columns: vec!["NAME", "TOKEN", "EXPIRES AT"],
        rows: items.iter().map(|item| item.cells.to_vec()).collect(),
    })
}

/// Name, token and date, each under its key.
struct Item<'a> {
    keys: &'a [String; 3],
    cells: [String; 3],
}

impl Serialize for Item<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.keys.iter().zip(&self.cells))
    }
}
