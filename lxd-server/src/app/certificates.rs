//! The trust list: who is added, by whom, and what may be changed of an entry.

pub use crate::db::tables::certificates::Certificate as Entry;

use crate::app::client_tokens;
use crate::app::cluster::{self, Credential};
use crate::context::Context;
use crate::db::tables::certificates::{self, Certificate, Kind};
use crate::db::tables::config;
use crate::db::{self, Tx};
use crate::error::{Error, Result};
use crate::identity::{Client, Identity};
use crate::tls::fingerprint;
use futures::FutureExt;
use rustls::pki_types::CertificateDer;
use shared_api::certificates::{AddToken, CertificatePut, CertificatesPost, pem};
use shared_api::cluster::JoinToken;
use shared_api::config::server::TRUST_PASSWORD;
use shared_api::encoding;
use shared_api::operations::Operation;
use shared_api::paths;
use x509_parser::prelude::{FromDer, X509Certificate};

/// The entries that somebody may see: those of a restricted client are its own.
pub async fn list(ctx: &Context, who: &Identity) -> Result<Vec<Certificate>> {
    let mut all = ctx.db.read(|tx| certificates::list(tx).boxed()).await?;
    if let Identity::Client(Client { projects: Some(_), fingerprint, .. }) = who {
        all.retain(|entry| entry.fingerprint == *fingerprint);
    }
    Ok(all)
}

/// The entry whose fingerprint begins so.
pub async fn get(ctx: &Context, prefix: &str, who: &Identity) -> Result<Certificate> {
    let entry = ctx.db.read(|tx| find(tx, prefix).boxed()).await?;
    match who {
        Identity::Client(Client { projects: Some(_), fingerprint, .. })
            if entry.fingerprint != *fingerprint =>
        {
            Err(Error::not_found("Certificate not found"))
        }
        _ => Ok(entry),
    }
}

/// What came of a request to trust somebody.
pub enum Added {
    /// The certificate with this fingerprint is trusted, or may join.
    Certificate(String),
    /// A token by which a client can add its own.
    Token(Operation),
}

/// Adds the certificate of the request, or the one that its sender showed; or makes a token for a client. A server's
/// is only let in to join.
pub async fn add(
    ctx: &Context,
    request: &CertificatesPost,
    who: &Identity,
    shown: Option<&CertificateDer<'_>>,
) -> Result<Added> {
    if request.token {
        if !who.is_admin() {
            return Err(Error::forbidden("not authorized"));
        }
        return client_tokens::make(ctx, request).await.map(Added::Token);
    }
    let is_listed = matches!(who, Identity::Client(_) | Identity::Metrics { .. });
    if is_listed && request.certificate.is_empty() {
        return Err(Error::invalid("Client is already trusted"));
    }
    let credential = match who {
        Identity::Socket { .. } | Identity::Member(_) => None,
        Identity::Client(client) if client.projects.is_none() => None,
        Identity::Client(_) => return Err(Error::forbidden("not authorized")),
        Identity::Joiner { .. } | Identity::Metrics { .. } | Identity::Untrusted { .. } => {
            Some(credential(ctx, request, who).await?)
        }
    };
    let der = match (decode(&request.certificate)?, shown) {
        (Some(der), _) => der,
        (None, Some(shown)) => shown.to_vec(),
        (None, None) => return Err(Error::invalid("Client is already trusted")),
    };
    let (_, parsed) = X509Certificate::from_der(&der).map_err(|_| malformed())?;
    let kind = match (request.kind.as_str(), &credential) {
        ("server", Some(Shown::Join(credential))) => {
            let fingerprint = fingerprint(&der);
            cluster::admit(ctx, &fingerprint, &pem(&der), credential, who).await?;
            return Ok(Added::Certificate(fingerprint));
        }
        ("client", None | Some(Shown::Join(Credential::Password))) => Kind::Client,
        ("metrics", None | Some(Shown::Join(Credential::Password))) => Kind::Metrics,
        (_, Some(Shown::Client(_))) => Kind::Client,
        _ => return Err(Error::invalid("Invalid certificate type")),
    };
    let common_name = parsed.subject().iter_common_name().next().and_then(|cn| cn.as_str().ok());
    let entry = entry(&der, common_name, kind, request)?;
    match &credential {
        Some(Shown::Client(token)) => client_tokens::redeem(ctx, token, &entry, who).await?,
        Some(Shown::Join(_)) => insert(ctx, &entry, "Client is already trusted").await?,
        None => insert(ctx, &entry, "Certificate already in trust store").await?,
    }
    tell(ctx, "certificate-created", &entry.fingerprint, who);
    Ok(Added::Certificate(entry.fingerprint))
}

/// Adds an entry; `twice` is what is said if it is there.
async fn insert(ctx: &Context, entry: &Certificate, twice: &str) -> Result<()> {
    let id = db::new_id();
    let write = ctx.db.write(|tx| {
        async move {
            if certificates::get(&mut *tx, &entry.fingerprint).await?.is_some() {
                return Err(Error::invalid(twice));
            }
            certificates::insert(tx, id, entry).await
        }
        .boxed()
    });
    write.await
}

/// The entry of a certificate, by the name of the request or its own.
fn entry(
    der: &[u8],
    common_name: Option<&str>,
    kind: Kind,
    request: &CertificatesPost,
) -> Result<Certificate> {
    let name = Some(request.name.as_str()).filter(|name| !name.is_empty()).or(common_name);
    Ok(Certificate {
        fingerprint: fingerprint(der),
        kind,
        name: checked_name(name.unwrap_or_default())?,
        certificate: pem(der),
        restricted: request.restricted,
        projects: request.projects.clone(),
    })
}

/// What a PATCH names; nothing stays as it is.
#[derive(Debug, Default)]
pub struct Change {
    pub name: Option<String>,
    pub kind: Option<String>,
    pub restricted: Option<bool>,
    pub projects: Option<Vec<String>>,
    pub certificate: Option<String>,
}

impl From<CertificatePut> for Change {
    fn from(put: CertificatePut) -> Self {
        Self {
            name: Some(put.name),
            kind: Some(put.kind),
            restricted: Some(put.restricted),
            projects: Some(put.projects),
            certificate: Some(put.certificate).filter(|certificate| !certificate.is_empty()),
        }
    }
}

/// Changes name, restriction or projects of a client's entry, if `admit` agrees to its state.
pub async fn update(
    ctx: &Context,
    prefix: &str,
    change: &Change,
    who: &Identity,
    admit: impl Fn(&Certificate) -> Result<()> + Send + Sync,
) -> Result<()> {
    let admit = &admit;
    let write = ctx.db.write(|tx| {
        async move {
            let mut entry = find(&mut *tx, prefix).await?;
            admit(&entry)?;
            change.apply(&mut entry)?;
            certificates::update(tx, &entry).await?;
            Ok(entry.fingerprint)
        }
        .boxed()
    });
    let fingerprint = write.await?;
    tell(ctx, "certificate-updated", &fingerprint, who);
    Ok(())
}

impl Change {
    fn apply(&self, entry: &mut Certificate) -> Result<()> {
        if self.kind.as_deref().is_some_and(|kind| kind != kind_name(entry.kind)) {
            return Err(Error::forbidden("The certificate type cannot be changed"));
        }
        if self.certificate.as_ref().is_some_and(|pem| pem.trim() != entry.certificate.trim()) {
            return Err(Error::invalid("The certificate itself cannot be changed"));
        }
        if entry.kind == Kind::Server {
            return Err(Error::invalid("The certificate of a cluster member cannot be changed"));
        }
        if let Some(name) = &self.name {
            entry.name = checked_name(name)?;
        }
        entry.restricted = self.restricted.unwrap_or(entry.restricted);
        if let Some(projects) = &self.projects {
            entry.projects.clone_from(projects);
        }
        Ok(())
    }
}

/// Takes an entry off the list.
pub async fn delete(ctx: &Context, prefix: &str, who: &Identity) -> Result<()> {
    let write = ctx.db.write(|tx| {
        async move {
            let entry = find(&mut *tx, prefix).await?;
            if entry.kind == Kind::Server {
                let text = "The certificate of a cluster member cannot be deleted";
                return Err(Error::invalid(text));
            }
            certificates::delete(tx, &entry.fingerprint).await?;
            Ok(entry.fingerprint)
        }
        .boxed()
    });
    let fingerprint = write.await?;
    tell(ctx, "certificate-deleted", &fingerprint, who);
    Ok(())
}

/// The API's word for a kind.
pub fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Client => "client",
        Kind::Server => "server",
        Kind::Metrics => "metrics",
    }
}

/// What a stranger has shown.
enum Shown {
    /// The trust password, or what may be a join token.
    Join(Credential),
    /// What may be a client's token.
    Client(AddToken),
}

async fn credential(ctx: &Context, request: &CertificatesPost, who: &Identity) -> Result<Shown> {
    let refuse = || Error::forbidden("not authorized");
    if request.password.is_empty() {
        return Err(refuse());
    }
    if let Ok(token) = JoinToken::decode(&request.password) {
        return Ok(Shown::Join(Credential::Token(token)));
    }
    if let Ok(token) = AddToken::decode(&request.password) {
        return Ok(Shown::Client(token));
    }
    let hash = ctx.db.read_local(|tx| config::get(tx, TRUST_PASSWORD).boxed()).await?;
    let hash = hash.ok_or_else(refuse)?;
    let source = who.address().map(|address| address.ip());
    match ctx.trust.verify(&hash, &request.password, source).await? {
        true => Ok(Shown::Join(Credential::Password)),
        false => Err(refuse()),
    }
}

async fn find(tx: &mut Tx<'_>, prefix: &str) -> Result<Certificate> {
    let fingerprint = certificates::complete(&mut *tx, prefix).await?;
    let entry = certificates::get(tx, &fingerprint).await?;
    entry.ok_or_else(|| Error::not_found("Certificate not found"))
}

fn decode(base64: &str) -> Result<Option<Vec<u8>>> {
    if base64.is_empty() {
        return Ok(None);
    }
    encoding::decode(base64).map(Some).map_err(Error::invalid)
}

fn malformed() -> Error {
    Error::invalid("Invalid certificate material: x509: malformed certificate")
}

fn checked_name(name: &str) -> Result<String> {
    if name.len() > 255 || name.chars().any(char::is_control) {
        return Err(Error::invalid("Invalid certificate name"));
    }
    Ok(name.to_owned())
}

fn tell(ctx: &Context, action: &str, fingerprint: &str, who: &Identity) {
    ctx.events.lifecycle(action, paths::certificate(fingerprint), who, None);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::Identity;

    #[test]
    fn certificates_are_written_as_everybody_does() {
        let made = Identity::generate("n1", &[]).unwrap();
        assert_eq!(pem(made.der()), made.certificate.replace("\r\n", "\n"));
    }

    #[test]
    fn bad_base64_is_told_as_in_go() {
        let error = decode("!!").unwrap_err();
        assert_eq!(error.message, "illegal base64 data at input byte 0");
        assert!(X509Certificate::from_der(&decode("AAAA").unwrap().unwrap()).is_err());
        assert_eq!(decode("").unwrap(), None);
    }
}
