//! Servers that were removed from the cluster, and what each has to take back.

use crate::db::Tx;
use crate::error::{Context, Result};
use jiff::Timestamp;
use sqlx::Row;

/// A row of `removals`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removal {
    /// Of the server's certificate: SHA-256 in hex.
    pub fingerprint: String,
    /// Its node id.
    pub node: u64,
    /// Its name.
    pub name: String,
    /// When.
    pub removed_at: Timestamp,
    /// Whether it was there, so that it leaves by itself.
    pub attended: bool,
    /// The pools and networks that it had made: JSON.
    pub parts: String,
}

/// Notes a removal, in place of an earlier one of the same server.
pub async fn insert(tx: &mut Tx<'_>, removal: &Removal) -> Result<()> {
    let insert = "REPLACE INTO removals (fingerprint, node_id, name, removed_at, attended, parts)
        VALUES (?, ?, ?, ?, ?, ?)";
    let insert = sqlx::query(insert)
        .bind(&removal.fingerprint)
        .bind(removal.node.cast_signed())
        .bind(&removal.name)
        .bind(removal.removed_at.to_string())
        .bind(removal.attended)
        .bind(&removal.parts);
    insert.execute(tx).await.context("note the removal")?;
    Ok(())
}

/// The latest removal of the server with this certificate.
pub async fn get(tx: &mut Tx<'_>, fingerprint: &str) -> Result<Option<Removal>> {
    let row =
        "SELECT node_id, name, removed_at, attended, parts FROM removals WHERE fingerprint = ?";
    let row = sqlx::query(row).bind(fingerprint).fetch_optional(tx).await;
    let Some(row) = row.context("read the removal")? else { return Ok(None) };
    let removed_at: String = row.get(2);
    Ok(Some(Removal {
        fingerprint: fingerprint.to_owned(),
        node: row.get::<i64, _>(0).cast_unsigned(),
        name: row.get(1),
        removed_at: removed_at.parse().context("read the time of a removal")?,
        attended: row.get(3),
        parts: row.get(4),
    }))
}
