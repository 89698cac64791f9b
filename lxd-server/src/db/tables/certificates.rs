//! The trust list: certificates of clients and of members.

use super::tokens::Join;
use crate::db::Tx;
use crate::error::{Context, Error, Result};
use crate::tls::Identity;
use replicated_sqlite::SqliteRow;
use sqlx::Row;

/// Whose certificate it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A client's.
    Client = 1,
    /// A member's own.
    Server = 2,
    /// Of a client that reads metrics and nothing else.
    Metrics = 3,
}

/// A trusted certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// SHA-256 in hex.
    pub fingerprint: String,
    /// Whose it is.
    pub kind: Kind,
    /// Of a member: the member's name.
    pub name: String,
    /// PEM.
    pub certificate: String,
    /// Whether it may use its projects alone.
    pub restricted: bool,
    /// The names of its projects.
    pub projects: Vec<String>,
}

impl Certificate {
    /// The own certificate of the member of that name.
    pub fn member(own: &Identity, name: &str) -> Self {
        Self {
            fingerprint: own.fingerprint.clone(),
            kind: Kind::Server,
            name: name.to_owned(),
            certificate: own.certificate.clone(),
            restricted: false,
            projects: Vec::new(),
        }
    }

    /// The certificate of a joiner that has become the member of that name.
    pub fn joined(join: &Join, name: &str) -> Self {
        Self {
            fingerprint: join.fingerprint.clone(),
            kind: Kind::Server,
            name: name.to_owned(),
            certificate: join.certificate.clone(),
            restricted: false,
            projects: Vec::new(),
        }
    }
}

/// All of them, by name.
pub async fn list(tx: &mut Tx<'_>) -> Result<Vec<Certificate>> {
    let rows = "SELECT fingerprint, type, name, certificate, restricted, id
        FROM certificates ORDER BY name, fingerprint";
    let rows = sqlx::query(rows).fetch_all(&mut *tx).await.context("read the certificates")?;
    let projects = "SELECT certificate_id, name FROM certificates_projects
        JOIN projects ON projects.id = project_id ORDER BY certificate_id, name";
    let projects = sqlx::query(projects).fetch_all(tx).await;
    let projects = projects.context("read the certificates' projects")?;
    let names = |id: i64| {
        let first = projects.partition_point(|row| row.get::<i64, _>(0) < id);
        projects[first..].iter().take_while(move |row| row.get::<i64, _>(0) == id)
    };
    let read = |row: &SqliteRow| {
        let mut certificate = certificate(row)?;
        certificate.projects = names(row.get(5)).map(|row| row.get(1)).collect();
        Ok(certificate)
    };
    rows.iter().map(read).collect()
}

/// The one with this fingerprint.
pub async fn get(tx: &mut Tx<'_>, fingerprint: &str) -> Result<Option<Certificate>> {
    let row = "SELECT fingerprint, type, name, certificate, restricted, id
        FROM certificates WHERE fingerprint = ?";
    let row = sqlx::query(row).bind(fingerprint).fetch_optional(&mut *tx).await;
    let Some(row) = row.context("read the certificate")? else { return Ok(None) };
    let mut certificate = certificate(&row)?;
    if certificate.restricted {
        let projects = "SELECT name FROM certificates_projects
            JOIN projects ON projects.id = project_id WHERE certificate_id = ? ORDER BY name";
        let projects = sqlx::query_scalar(projects).bind(row.get::<i64, _>(5)).fetch_all(tx).await;
        certificate.projects = projects.context("read the certificate's projects")?;
    }
    Ok(Some(certificate))
}

/// The fingerprint of the member of that name.
pub async fn of_member(tx: &mut Tx<'_>, name: &str) -> Result<Option<String>> {
    let row = "SELECT fingerprint FROM certificates WHERE type = ? AND name = ?";
    let row = sqlx::query_scalar(row).bind(Kind::Server as i64).bind(name).fetch_optional(tx);
    row.await.context("read a member's certificate")
}

/// The whole fingerprint that begins so.
///
/// # Errors
/// There is none, or more than one.
pub async fn complete(tx: &mut Tx<'_>, prefix: &str) -> Result<String> {
    let found = "SELECT fingerprint FROM certificates WHERE substr(fingerprint, 1, ?) = ? LIMIT 2";
    let length = i64::try_from(prefix.len()).unwrap_or(i64::MAX);
    let found = sqlx::query_scalar(found).bind(length).bind(prefix).fetch_all(tx).await;
    let mut found: Vec<String> = found.context("find the certificate")?;
    match (found.len(), found.pop()) {
        (1, Some(fingerprint)) if !prefix.is_empty() => Ok(fingerprint),
        (2.., _) => Err(Error::invalid("More than one certificate matches")),
        _ => Err(Error::not_found("Certificate not found")),
    }
}

/// Adds one under a fresh id.
///
/// # Errors
/// It is there already; there is no project of that name.
pub async fn insert(tx: &mut Tx<'_>, id: i64, new: &Certificate) -> Result<()> {
    if get(&mut *tx, &new.fingerprint).await?.is_some() {
        return Err(Error::invalid("Client is already trusted"));
    }
    let insert = "INSERT INTO certificates (id, fingerprint, type, name, certificate, restricted)
        VALUES (?, ?, ?, ?, ?, ?)";
    let insert = sqlx::query(insert)
        .bind(id)
        .bind(&new.fingerprint)
        .bind(new.kind as i64)
        .bind(&new.name)
        .bind(&new.certificate)
        .bind(i64::from(new.restricted));
    insert.execute(&mut *tx).await.context("add the certificate")?;
    set_projects(tx, id, &new.projects).await
}

/// Replaces name, restriction and projects of the one with this fingerprint.
pub async fn update(tx: &mut Tx<'_>, changed: &Certificate) -> Result<()> {
    let update = "UPDATE certificates SET name = ?, restricted = ? WHERE fingerprint = ?
        RETURNING id";
    let id = sqlx::query_scalar(update)
        .bind(&changed.name)
        .bind(i64::from(changed.restricted))
        .bind(&changed.fingerprint);
    let id: Option<i64> = id.fetch_optional(&mut *tx).await.context("change the certificate")?;
    let id = id.ok_or_else(|| Error::not_found("Certificate not found"))?;
    let delete = sqlx::query("DELETE FROM certificates_projects WHERE certificate_id = ?").bind(id);
    delete.execute(&mut *tx).await.context("change the certificate's projects")?;
    set_projects(tx, id, &changed.projects).await
}

/// Deletes one; tells whether it was there.
pub async fn delete(tx: &mut Tx<'_>, fingerprint: &str) -> Result<bool> {
    let delete = sqlx::query("DELETE FROM certificates WHERE fingerprint = ?").bind(fingerprint);
    let done = delete.execute(tx).await.context("delete the certificate")?;
    Ok(done.rows_affected() > 0)
}

async fn set_projects(tx: &mut Tx<'_>, id: i64, projects: &[String]) -> Result<()> {
    for project in projects {
        let insert = "INSERT INTO certificates_projects (certificate_id, project_id)
            SELECT ?, id FROM projects WHERE name = ?";
        let insert = sqlx::query(insert).bind(id).bind(project).execute(&mut *tx).await;
        if insert.context("set the certificate's projects")?.rows_affected() == 0 {
            return Err(Error::not_found("Project not found"));
        }
    }
    Ok(())
}

fn certificate(row: &SqliteRow) -> Result<Certificate> {
    Ok(Certificate {
        fingerprint: row.get(0),
        kind: match row.get(1) {
            1 => Kind::Client,
            2 => Kind::Server,
            3 => Kind::Metrics,
            other => return Err(Error::internal(format_args!("no certificate type {other}"))),
        },
        name: row.get(2),
        certificate: row.get(3),
        restricted: row.get::<i64, _>(4) != 0,
        projects: Vec::new(),
    })
}
