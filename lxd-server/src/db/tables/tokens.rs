//! Join tokens, and the joins under way that they (or the trust password) let in.

use crate::db::Tx;
use crate::error::{Context, Result};
use crate::tls::fingerprint;
use jiff::Timestamp;
use replicated_sqlite::SqliteRow;
use serde::{Deserialize, Serialize};
use sqlx::Row;
use std::collections::BTreeMap;
use std::time::Duration;
use uuid::Uuid;

/// The key of the failure domain that a token gives.
pub const FAILURE_DOMAIN: &str = "failure_domain";
/// What the keys of the cluster groups that a token gives begin with; a group's id follows.
const GROUP: &str = "group.";
/// How long it is remembered who used a token.
const REMEMBERED: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// A join token. Its secret is what makes a stranger a member: shown to administrators alone.
#[derive(Clone, Serialize, Deserialize)]
pub struct Token {
    /// Its operation's id.
    pub id: Uuid,
    /// The name that its bearer gets.
    pub name: String,
    /// 64 hex digits. Of the token's row alone.
    #[serde(skip)]
    pub secret: String,
    /// `host:port` of the members that were online.
    pub addresses: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Good until then.
    pub expires_at: Timestamp,
    /// What its bearer gets: `failure_domain`, `group.ID`, and member-specific keys as `ENTITY.NAME.KEY`.
    pub config: BTreeMap<String, String>,
}

/// A member that came by a token.
pub struct Bearer {
    /// Its name.
    pub name: String,
    /// `host:port`.
    pub address: String,
    /// When it became a member.
    pub used_at: Timestamp,
}

/// A certificate that may do nothing but join.
#[derive(Clone, Debug)]
pub struct Join {
    /// Of the certificate.
    pub fingerprint: String,
    /// The certificate, PEM.
    pub certificate: String,
    /// The name that it may take; empty when the trust password let it in.
    pub name: String,
    /// The token that let it in; `None`: the trust password.
    pub token: Option<Uuid>,
    /// The member made for it, once accepted.
    pub node: Option<u64>,
    /// It means nothing past that.
    pub expires_at: Timestamp,
}

/// Stores a token for a name that has none.
pub async fn insert(tx: &mut Tx<'_>, token: &Token) -> Result<()> {
    let insert = "INSERT INTO tokens (id, name, secret, addresses, created_at, expires_at)
        VALUES (?, ?, ?, ?, ?, ?)";
    let insert = sqlx::query(insert)
        .bind(token.id.to_string())
        .bind(&token.name)
        .bind(&token.secret)
        .bind(token.addresses.join(","))
        .bind(token.created_at.to_string())
        .bind(token.expires_at.to_string());
    insert.execute(&mut *tx).await.context("store the token")?;
    for (key, value) in &token.config {
        let insert = "INSERT INTO tokens_config (token_id, key, value) VALUES (?, ?, ?)";
        let insert = sqlx::query(insert).bind(token.id.to_string()).bind(key).bind(value);
        insert.execute(&mut *tx).await.context("store what the token gives")?;
    }
    Ok(())
}

/// All tokens, the oldest first, expired ones too; without what they give.
pub async fn list(tx: &mut Tx<'_>) -> Result<Vec<Token>> {
    let rows = "SELECT id, name, secret, addresses, created_at, expires_at FROM tokens ORDER BY created_at, id";
    let rows = sqlx::query(rows).fetch_all(tx).await.context("read the tokens")?;
    rows.iter().map(token).collect()
}

/// The token for a name, without what it gives.
pub async fn by_name(tx: &mut Tx<'_>, name: &str) -> Result<Option<Token>> {
    let row =
        "SELECT id, name, secret, addresses, created_at, expires_at FROM tokens WHERE name = ?";
    let row = sqlx::query(row).bind(name).fetch_optional(tx).await.context("read the token")?;
    row.as_ref().map(token).transpose()
}

/// Deletes a token; tells whether it was there.
pub async fn delete(tx: &mut Tx<'_>, id: Uuid) -> Result<bool> {
    let delete = sqlx::query("DELETE FROM tokens WHERE id = ?").bind(id.to_string());
    let done = delete.execute(tx).await.context("delete the token")?;
    Ok(done.rows_affected() > 0)
}

/// Forgets all tokens, used or not, and whoever comes with one.
pub async fn delete_all(tx: &mut Tx<'_>) -> Result<()> {
    for delete in ["DELETE FROM joins", "DELETE FROM tokens", "DELETE FROM tokens_used"] {
        sqlx::query(delete).execute(&mut *tx).await.context("forget all tokens")?;
    }
    Ok(())
}

/// What the bearer of a token gets.
pub async fn config(tx: &mut Tx<'_>, id: Uuid) -> Result<BTreeMap<String, String>> {
    let rows = "SELECT key, value FROM tokens_config WHERE token_id = ?";
    let rows = sqlx::query_as(rows).bind(id.to_string()).fetch_all(tx).await;
    Ok(rows.context("read what the token gives")?.into_iter().collect())
}

/// How a token says that its bearer is in a group.
pub fn of_group(id: i64) -> (String, String) {
    (format!("{GROUP}{id}"), String::new())
}

/// The ids of the groups that the bearer of a token gets; some may be there no more.
pub fn groups(config: &BTreeMap<String, String>) -> Vec<i64> {
    config.keys().filter_map(|key| key.strip_prefix(GROUP)?.parse().ok()).collect()
}

/// A token has made a member: of the secret its hash is kept, so that a second bearer is told who came first.
pub async fn used(tx: &mut Tx<'_>, id: Uuid, by: &Bearer) -> Result<()> {
    let secret = sqlx::query_scalar("SELECT secret FROM tokens WHERE id = ?").bind(id.to_string());
    let secret: Option<String> = secret.fetch_optional(&mut *tx).await.context("read the token")?;
    if let Some(secret) = secret {
        let insert = "INSERT INTO tokens_used (hash, name, address, used_at) VALUES (?, ?, ?, ?)";
        let insert = sqlx::query(insert)
            .bind(hash(&secret))
            .bind(&by.name)
            .bind(&by.address)
            .bind(by.used_at.to_string());
        insert.execute(&mut *tx).await.context("note who used the token")?;
    }
    let forget = "DELETE FROM tokens_used WHERE used_at < ?";
    let long_ago = by.used_at.saturating_sub(REMEMBERED).unwrap_or(Timestamp::MIN);
    let forget = sqlx::query(forget).bind(long_ago.to_string()).execute(&mut *tx).await;
    forget.context("forget old tokens")?;
    delete(tx, id).await.map(drop)
}

/// Who became a member by the token with this secret.
pub async fn bearer(tx: &mut Tx<'_>, secret: &str) -> Result<Option<Bearer>> {
    let row = "SELECT name, address, used_at FROM tokens_used WHERE hash = ?";
    let row = sqlx::query(row).bind(hash(secret)).fetch_optional(tx).await;
    let Some(row) = row.context("look for a used token")? else { return Ok(None) };
    Ok(Some(Bearer {
        name: row.get(0),
        address: row.get(1),
        used_at: row.get::<String, _>(2).parse().context("read a token's date")?,
    }))
}

/// Lets a certificate in to join, or extends the time it has.
pub async fn admit(tx: &mut Tx<'_>, join: &Join) -> Result<()> {
    let insert = "INSERT INTO joins (fingerprint, certificate, name, token_id, node_id, expires_at)
        VALUES (?, ?, ?, ?, 0, ?)
        ON CONFLICT (fingerprint) DO UPDATE
        SET name = excluded.name, token_id = excluded.token_id, expires_at = excluded.expires_at";
    let insert = sqlx::query(insert)
        .bind(&join.fingerprint)
        .bind(&join.certificate)
        .bind(&join.name)
        .bind(join.token.map(|id| id.to_string()).unwrap_or_default())
        .bind(join.expires_at.to_string());
    insert.execute(tx).await.context("let the joiner in")?;
    Ok(())
}

/// Joins under way, by certificate; those whose time is over too.
pub async fn joins(tx: &mut Tx<'_>) -> Result<Vec<Join>> {
    let rows = "SELECT fingerprint, certificate, name, token_id, node_id, expires_at FROM joins";
    let rows = sqlx::query(rows).fetch_all(tx).await.context("read the joins under way")?;
    rows.iter().map(join).collect()
}

/// The join of one certificate.
pub async fn join_of(tx: &mut Tx<'_>, fingerprint: &str) -> Result<Option<Join>> {
    let row = "SELECT fingerprint, certificate, name, token_id, node_id, expires_at FROM joins WHERE fingerprint = ?";
    let row = sqlx::query(row).bind(fingerprint).fetch_optional(tx).await;
    row.context("read the join")?.as_ref().map(join).transpose()
}

/// Notes which member was made for a join.
pub async fn set_node(tx: &mut Tx<'_>, fingerprint: &str, node: u64) -> Result<()> {
    let update = sqlx::query("UPDATE joins SET node_id = ? WHERE fingerprint = ?");
    let update = update.bind(node.cast_signed()).bind(fingerprint).execute(tx).await;
    update.context("note the joiner's node id")?;
    Ok(())
}

/// Gives a join more time.
pub async fn renew(tx: &mut Tx<'_>, fingerprint: &str, until: Timestamp) -> Result<()> {
    let update = sqlx::query("UPDATE joins SET expires_at = ? WHERE fingerprint = ?");
    let update = update.bind(until.to_string()).bind(fingerprint).execute(tx).await;
    update.context("give the join more time")?;
    Ok(())
}

/// A join has come to its end, one way or the other.
pub async fn end(tx: &mut Tx<'_>, fingerprint: &str) -> Result<()> {
    let delete = sqlx::query("DELETE FROM joins WHERE fingerprint = ?").bind(fingerprint);
    delete.execute(tx).await.context("end the join")?;
    Ok(())
}

/// SHA-256 in hex; of a token's secret, which is too long to be guessed.
fn hash(secret: &str) -> String {
    fingerprint(secret.as_bytes())
}

fn token(row: &SqliteRow) -> Result<Token> {
    let addresses: String = row.get(3);
    Ok(Token {
        id: row.get::<String, _>(0).parse().context("read a token's id")?,
        name: row.get(1),
        secret: row.get(2),
        addresses: addresses.split(',').map(str::to_owned).collect(),
        created_at: row.get::<String, _>(4).parse().context("read a token's date")?,
        expires_at: row.get::<String, _>(5).parse().context("read a token's date")?,
        config: BTreeMap::new(),
    })
}

fn join(row: &SqliteRow) -> Result<Join> {
    let node: i64 = row.get(4);
    Ok(Join {
        fingerprint: row.get(0),
        certificate: row.get(1),
        name: row.get(2),
        token: row.get::<String, _>(3).parse().ok(),
        node: (node != 0).then_some(node.cast_unsigned()),
        expires_at: row.get::<String, _>(5).parse().context("read a join's date")?,
    })
}
