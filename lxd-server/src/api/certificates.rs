//! `/1.0/certificates`: the trust list.

use axum::Router;
use axum::extract::{Extension, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;
use shared_api::certificates::{Certificate, CertificatesPost};
use shared_api::paths;

use super::auth::{Admin, Anyone, Trusted};
use super::etag::{ETag, IfMatch};
use super::extract::{Body, Path, Query};
use super::listen::Peer;
use super::respond::{Accepted, Created, Empty, Sync, Tagged};
use crate::app::certificates::{self, Added, Change, Entry, kind_name};
use crate::context::Context;
use crate::error::{Context as _, Result};

/// The paths of this module.
pub(super) fn routes() -> Router<Context> {
    let one = get(show).put(put).patch(patch).delete(delete);
    Router::new().route(paths::CERTIFICATES, get(list).post(post)).route(paths::CERTIFICATE, one)
}

async fn list(Trusted(who): Trusted, State(ctx): State<Context>, query: Query) -> Result<Response> {
    let entries = certificates::list(&ctx, &who).await?;
    if query.recursive() {
        let entries = entries.into_iter().map(wire).collect::<Result<Vec<_>>>()?;
        return Ok(Sync(entries).into_response());
    }
    let url = |entry: &Entry| paths::certificate(&entry.fingerprint);
    Ok(Sync(entries.iter().map(url).collect::<Vec<_>>()).into_response())
}

async fn post(
    Anyone(who): Anyone,
    State(ctx): State<Context>,
    Extension(peer): Extension<Peer>,
    Body(request): Body<CertificatesPost>,
) -> Result<Response> {
    let shown = match &peer {
        Peer::Tls { certificate: Some(certificate), .. } => Some(&certificate.der),
        Peer::Tls { .. } | Peer::Unix { .. } => None,
    };
    Ok(match certificates::add(&ctx, &request, &who, shown).await? {
        Added::Certificate(fingerprint) => {
            Created { location: paths::certificate(fingerprint) }.into_response()
        }
        Added::Token(operation) => Accepted(operation).into_response(),
    })
}

async fn show(
    Trusted(who): Trusted,
    State(ctx): State<Context>,
    Path(fingerprint): Path<String>,
) -> Result<Tagged<Certificate>> {
    let entry = certificates::get(&ctx, &fingerprint, &who).await?;
    let tag = tag(&entry);
    Ok(Tagged(wire(entry)?, tag))
}

/// What a PATCH names of the writable fields; the others stay.
#[derive(Default, Deserialize)]
#[serde(default)]
struct CertificatePatch {
    name: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    restricted: Option<bool>,
    projects: Option<Vec<String>>,
    certificate: Option<String>,
}

async fn put(
    Admin(who): Admin,
    State(ctx): State<Context>,
    Path(fingerprint): Path<String>,
    condition: IfMatch,
    Body(request): Body<shared_api::certificates::CertificatePut>,
) -> Result<Empty> {
    let admit = |entry: &Entry| condition.check(&tag(entry));
    certificates::update(&ctx, &fingerprint, &request.into(), &who, admit).await?;
    Ok(Empty)
}

async fn patch(
    Admin(who): Admin,
    State(ctx): State<Context>,
    Path(fingerprint): Path<String>,
    condition: IfMatch,
    Body(request): Body<CertificatePatch>,
) -> Result<Empty> {
    let CertificatePatch { name, kind, restricted, projects, certificate } = request;
    let change = Change { name, kind, restricted, projects, certificate };
    let admit = |entry: &Entry| condition.check(&tag(entry));
    certificates::update(&ctx, &fingerprint, &change, &who, admit).await?;
    Ok(Empty)
}

async fn delete(
    Admin(who): Admin,
    State(ctx): State<Context>,
    Path(fingerprint): Path<String>,
) -> Result<Empty> {
    certificates::delete(&ctx, &fingerprint, &who).await?;
    Ok(Empty)
}

fn tag(entry: &Entry) -> ETag {
    let Entry { name, kind, restricted, projects, certificate, .. } = entry;
    ETag::of(&(name, kind_name(*kind), restricted, projects, certificate))
}

fn wire(entry: Entry) -> Result<Certificate> {
    Ok(Certificate {
        name: entry.name,
        kind: kind_name(entry.kind).to_owned(),
        restricted: entry.restricted,
        projects: entry.projects,
        certificate: entry.certificate,
        fingerprint: entry.fingerprint.parse().context("read a fingerprint")?,
    })
}
