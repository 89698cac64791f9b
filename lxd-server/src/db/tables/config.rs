//! The server's configuration that is the same on every member.

use crate::db::Tx;
use crate::error::{Context, Result};
use shared_api::config::Map;
use sqlx::Row;

/// All keys that are set.
pub async fn all(tx: &mut Tx<'_>) -> Result<Map> {
    let rows = sqlx::query("SELECT key, value FROM config").fetch_all(tx).await;
    let rows = rows.context("read the configuration")?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// The value of one key.
pub async fn get(tx: &mut Tx<'_>, key: &str) -> Result<Option<String>> {
    let value = sqlx::query_scalar("SELECT value FROM config WHERE key = ?").bind(key);
    value.fetch_optional(tx).await.context("read the configuration")
}

/// Sets these keys and leaves the others; an empty value unsets its key.
pub async fn set(tx: &mut Tx<'_>, changes: &Map) -> Result<()> {
    for (key, value) in changes {
        let change = if value.is_empty() {
            sqlx::query("DELETE FROM config WHERE key = ?").bind(key)
        } else {
            let set = "INSERT INTO config (key, value) VALUES (?, ?)
                ON CONFLICT (key) DO UPDATE SET value = excluded.value";
            sqlx::query(set).bind(key).bind(value)
        };
        change.execute(&mut *tx).await.context("write the configuration")?;
    }
    Ok(())
}
