//! The certificate that all members show, once it was replaced.

use crate::db::Tx;
use crate::error::{Context, Result};

/// Certificate and key, PEM; nothing as long as the cluster shows the one it was founded with.
pub async fn get(tx: &mut Tx<'_>) -> Result<Option<(String, String)>> {
    let row = sqlx::query_as("SELECT certificate, key FROM cluster_certificate").fetch_optional(tx);
    row.await.context("read the cluster's certificate")
}

/// Replaces it.
pub async fn set(tx: &mut Tx<'_>, certificate: &str, key: &str) -> Result<()> {
    let replace = "REPLACE INTO cluster_certificate (one, certificate, key) VALUES (1, ?, ?)";
    let replace = sqlx::query(replace).bind(certificate).bind(key).execute(tx).await;
    replace.context("replace the cluster's certificate")?;
    Ok(())
}

/// Forgets it: there is no cluster any more.
pub async fn delete(tx: &mut Tx<'_>) -> Result<()> {
    let delete = sqlx::query("DELETE FROM cluster_certificate").execute(tx).await;
    delete.context("forget the cluster's certificate")?;
    Ok(())
}
