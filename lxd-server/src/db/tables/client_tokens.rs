//! Tokens that let clients add their own certificates.

use crate::db::Tx;
use crate::error::{Context, Error, Result};
use jiff::Timestamp;
use replicated_sqlite::SqliteRow;
use serde::{Deserialize, Serialize};
use sqlx::Row;
use uuid::Uuid;

/// A token for one client. Its secret makes a stranger a client: shown to administrators alone.
#[derive(Clone, Serialize, Deserialize)]
pub struct Token {
    /// Its operation's id.
    pub id: Uuid,
    /// The name that the bearer's certificate gets.
    pub name: String,
    /// 64 hex digits. Of the token's row alone.
    #[serde(skip)]
    pub secret: String,
    /// `host:port` of the members that were online.
    pub addresses: Vec<String>,
    /// Whether the bearer may use these projects alone.
    pub restricted: bool,
    /// Names of projects.
    pub projects: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Good until then; none for ever.
    pub expires_at: Option<Timestamp>,
}

/// Stores a token, and forgets those that have expired by the time it was made.
///
/// # Errors
/// There is no project of one of the names.
pub async fn insert(tx: &mut Tx<'_>, token: &Token) -> Result<()> {
    let forget = sqlx::query("DELETE FROM client_tokens WHERE expires_at <> '' AND expires_at < ?");
    let forget = forget.bind(token.created_at.to_string()).execute(&mut *tx).await;
    forget.context("forget old tokens")?;
    let insert = "INSERT INTO client_tokens
        (id, name, secret, addresses, restricted, created_at, expires_at)
        VALUES (?, ?, ?, ?, ?, ?, ?)";
    let insert = sqlx::query(insert)
        .bind(token.id.to_string())
        .bind(&token.name)
        .bind(&token.secret)
        .bind(token.addresses.join(","))
        .bind(i64::from(token.restricted))
        .bind(token.created_at.to_string())
        .bind(token.expires_at.map(|date| date.to_string()).unwrap_or_default());
    insert.execute(&mut *tx).await.context("store the token")?;
    for project in &token.projects {
        let insert = "INSERT INTO client_tokens_projects (token_id, project_id)
            SELECT ?, id FROM projects WHERE name = ?";
        let insert = sqlx::query(insert).bind(token.id.to_string()).bind(project);
        let done = insert.execute(&mut *tx).await.context("set the token's projects")?;
        if done.rows_affected() == 0 {
            return Err(Error::not_found("Project not found"));
        }
    }
    Ok(())
}

/// All tokens, the oldest first, expired ones too.
pub async fn list(tx: &mut Tx<'_>) -> Result<Vec<Token>> {
    let rows = "SELECT id, name, secret, addresses, restricted, created_at, expires_at
        FROM client_tokens ORDER BY created_at, id";
    let rows = sqlx::query(rows).fetch_all(&mut *tx).await.context("read the tokens")?;
    let mut tokens = rows.iter().map(token).collect::<Result<Vec<_>>>()?;
    for token in &mut tokens {
        let projects = "SELECT name FROM client_tokens_projects
            JOIN projects ON projects.id = project_id WHERE token_id = ? ORDER BY name";
        let projects = sqlx::query_scalar(projects).bind(token.id.to_string()).fetch_all(&mut *tx);
        token.projects = projects.await.context("read the token's projects")?;
    }
    Ok(tokens)
}

/// Deletes a token; tells whether it was there.
pub async fn delete(tx: &mut Tx<'_>, id: Uuid) -> Result<bool> {
    let delete = sqlx::query("DELETE FROM client_tokens WHERE id = ?").bind(id.to_string());
    let done = delete.execute(tx).await.context("delete the token")?;
    Ok(done.rows_affected() > 0)
}

/// Forgets all tokens: they name a certificate that this server shows no more.
pub async fn delete_all(tx: &mut Tx<'_>) -> Result<()> {
    let delete = sqlx::query("DELETE FROM client_tokens").execute(tx).await;
    delete.context("forget all tokens")?;
    Ok(())
}

fn token(row: &SqliteRow) -> Result<Token> {
    let date = |column: usize| {
        let text: String = row.get(column);
        let date = Some(text).filter(|text| !text.is_empty()).map(|text| text.parse());
        date.transpose().context("read a token's date")
    };
    let addresses: String = row.get(3);
    Ok(Token {
        id: row.get::<String, _>(0).parse().context("read a token's id")?,
        name: row.get(1),
        secret: row.get(2),
        addresses: addresses.split(',').map(str::to_owned).collect(),
        restricted: row.get::<i64, _>(4) != 0,
        projects: Vec::new(),
        created_at: date(5)?.ok_or_else(|| Error::internal("A token has no date"))?,
        expires_at: date(6)?,
    })
}
