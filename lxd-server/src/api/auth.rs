//! Who sends a request, and what that lets them do.
//!
//! A middleware makes the identity and refuses strangers everywhere but at the few places that are
//! theirs; a handler's extractor then asks for as much trust as it needs.

use std::collections::HashMap;
use std::net::SocketAddr;

use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use shared_api::events::Requestor;
use shared_api::paths;
use shared_api::projects::DEFAULT;

use super::extract::Query;
use super::listen::Peer;
use crate::clock;
use crate::context::Context;
use crate::db::Tx;
use crate::db::tables::certificates::{self, Certificate, Kind};
use crate::db::tables::tokens;
use crate::error::{self, Error, Result};
use crate::identity::{Client, Identity};

/// The User-Agent of a member that tells another to do its own part of something.
pub(super) const NOTIFIER: &str = "lxd-cluster-notifier";
/// The address of the first sender of a request that a member passes on.
pub(super) const FORWARDED_ADDRESS: &str = "x-lxd-forwarded-address";
/// The name of the first sender.
pub(super) const FORWARDED_USERNAME: &str = "x-lxd-forwarded-username";
/// How the first sender came: `unix` or `tls`.
pub(super) const FORWARDED_PROTOCOL: &str = "x-lxd-forwarded-protocol";

/// What a stranger may ask for.
const OPEN: &[(&Method, &str)] = &[
    (&Method::GET, paths::ROOT),
    (&Method::GET, paths::API),
    (&Method::POST, paths::CERTIFICATES),
    // Its use case knows whom it lets in.
    (&Method::GET, paths::METRICS),
    (&Method::GET, paths::INTERNAL_CLUSTER_REMOVAL),
];
/// What a joiner may ask for besides.
const JOINERS: &[(&Method, &str)] = &[
    (&Method::GET, paths::CLUSTER),
    (&Method::GET, paths::STORAGE_POOLS),
    (&Method::GET, paths::NETWORKS),
    (&Method::GET, paths::PROJECTS),
    (&Method::GET, paths::PROFILES),
    (&Method::POST, paths::INTERNAL_CLUSTER_ACCEPT),
    (&Method::POST, paths::INTERNAL_CLUSTER_ACTIVATE),
    (&Method::DELETE, paths::INTERNAL_CLUSTER_JOIN),
    (&Method::POST, paths::INTERNAL_CLUSTER_JOIN),
    (&Method::POST, paths::INTERNAL_CLUSTER_PREFLIGHT),
];

/// What belongs to a project: a restricted client has to name one of its own.
const OF_PROJECTS: &[&str] =
    &[paths::PROFILES, paths::PROFILE, paths::NETWORKS, paths::NETWORK, paths::OPERATIONS];

/// Middleware: proves who asks. Unknown paths are left to say so themselves.
pub(super) async fn identify(State(ctx): State<Context>, request: Request, next: Next) -> Response {
    let Some(peer) = request.extensions().get::<Peer>().cloned() else {
        return refuse().into_response();
    };
    let identity = match identity(&ctx, &peer, request.headers()).await {
        Ok(identity) => identity,
        Err(error) => return error.into_response(),
    };
    let (mut parts, body) = request.into_parts();
    let Ok(query) = Query::from_request_parts(&mut parts, &()).await;
    let path = parts.extensions.get::<MatchedPath>().map(MatchedPath::as_str);
    if path.is_some_and(|path| !may_ask(&identity, &parts.method, path, &query)) {
        return refuse().into_response();
    }
    parts.extensions.insert(identity);
    next.run(Request::from_parts(parts, body)).await
}

fn may_ask(identity: &Identity, method: &Method, path: &str, query: &Query) -> bool {
    let listed = |list: &[(&Method, &str)]| list.contains(&(method, path));
    match identity {
        Identity::Untrusted { .. } | Identity::Metrics { .. } => {
            method == Method::OPTIONS || listed(OPEN)
        }
        Identity::Joiner { .. } => method == Method::OPTIONS || listed(OPEN) || listed(JOINERS),
        Identity::Client(_) if OF_PROJECTS.contains(&path) => identity.may_use(query.project()),
        Identity::Socket { .. } | Identity::Client(_) | Identity::Member(_) => true,
    }
}

/// Of what uses an object of the server, what is in projects that a client may use.
pub(super) fn users_seen_by(who: &Identity, used_by: Option<Vec<String>>) -> Option<Vec<String>> {
    let mut users = used_by?;
    users.retain(|url| who.is_admin() || project(url).is_some_and(|name| who.may_use(&name)));
    Some(users)
}

/// The project that a URL of ours is in.
fn project(url: &str) -> Option<String> {
    let query = axum::extract::Query::<HashMap<String, String>>::try_from_uri(&url.parse().ok()?);
    let mut query = query.ok()?.0;
    Some(query.remove("project").unwrap_or_else(|| DEFAULT.to_owned()))
}

fn refuse() -> Error {
    Error::forbidden("not authorized")
}

/// Anybody, trusted or not.
pub(super) struct Anyone(pub(super) Identity);

/// The socket, a member, or any certificate of the trust list, also a restricted one.
pub(super) struct Trusted(pub(super) Identity);

/// Whoever may do everything: the socket, a member, an unrestricted certificate.
pub(super) struct Admin(pub(super) Identity);

/// A process on this host alone.
pub(super) struct Local;

/// A member alone.
pub(super) struct Member;

/// The bearer of a certificate that may join, or that has joined.
pub(super) struct Joiner {
    /// Of its certificate: SHA-256 in hex.
    pub(super) fingerprint: String,
}

/// Makes an extractor of a way to see the identity.
macro_rules! extractor {
    ($name:ident, $admit:expr) => {
        impl<S: Sync> FromRequestParts<S> for $name {
            type Rejection = Error;

            async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
                let identity = parts.extensions.get::<Identity>().cloned().ok_or_else(refuse)?;
                let admit: fn(Identity) -> Option<Self> = $admit;
                admit(identity).ok_or_else(refuse)
            }
        }
    };
}

extractor!(Anyone, |identity| Some(Self(identity)));
extractor!(Trusted, |identity| identity.is_trusted().then_some(Self(identity)));
extractor!(Admin, |identity| identity.is_admin().then_some(Self(identity)));
extractor!(Local, |identity| matches!(identity, Identity::Socket { .. }).then_some(Self));
extractor!(Member, |identity| matches!(identity, Identity::Member(_)).then_some(Self));
extractor!(Joiner, |identity| match identity {
    Identity::Joiner { fingerprint, .. } => Some(Self { fingerprint }),
    Identity::Member(member) => Some(Self { fingerprint: member.fingerprint }),
    _ => None,
});

async fn identity(ctx: &Context, peer: &Peer, headers: &HeaderMap) -> Result<Identity> {
    let (address, certificate) = match peer {
        Peer::Unix { uid } => return Ok(Identity::Socket { uid: *uid }),
        Peer::Tls { address, certificate } => (*address, certificate),
    };
    let Some(certificate) = certificate else {
        return Ok(Identity::Untrusted { address, fingerprint: None });
    };
    let fingerprint = &certificate.fingerprint;
    let known = ctx.db.read_local(|tx| known(tx, fingerprint).boxed()).await?;
    let known = match known {
        // One that was trusted a moment ago may not have arrived at this replica yet.
        None => match ctx.db.read(|tx| self::known(tx, fingerprint).boxed()).await {
            Err(error) if error.kind == error::Kind::Unavailable => None,
            known => known?,
        },
        known => known,
    };
    Ok(match known {
        Some(Known::Listed(listed)) => trusted(listed, address, headers),
        Some(Known::Joining(name)) => {
            Identity::Joiner { fingerprint: fingerprint.clone(), name, address }
        }
        None => Identity::Untrusted { address, fingerprint: Some(fingerprint.clone()) },
    })
}

enum Known {
    Listed(Certificate),
    /// The name that it may take; empty if it may choose.
    Joining(String),
}

async fn known(tx: &mut Tx<'_>, fingerprint: &str) -> Result<Option<Known>> {
    if let Some(listed) = certificates::get(&mut *tx, fingerprint).await? {
        return Ok(Some(Known::Listed(listed)));
    }
    let join = tokens::join_of(tx, fingerprint).await?;
    let current = join.filter(|join| join.expires_at > clock::now());
    Ok(current.map(|join| Known::Joining(join.name)))
}

fn trusted(listed: Certificate, address: SocketAddr, headers: &HeaderMap) -> Identity {
    let Certificate { fingerprint, kind, name, restricted, projects, .. } = listed;
    match kind {
        Kind::Client => {
            let projects = restricted.then_some(projects);
            Identity::Client(Client { fingerprint, address, projects })
        }
        Kind::Server => Identity::Member(crate::identity::Member {
            name,
            fingerprint,
            address,
            notifies: header(headers, header::USER_AGENT.as_str()) == Some(NOTIFIER),
            sender: sender(headers),
        }),
        Kind::Metrics => Identity::Metrics { fingerprint, address },
    }
}

fn sender(headers: &HeaderMap) -> Option<Requestor> {
    Some(Requestor {
        username: header(headers, FORWARDED_USERNAME)?.to_owned(),
        protocol: header(headers, FORWARDED_PROTOCOL)?.to_owned(),
        address: header(headers, FORWARDED_ADDRESS)?.to_owned(),
    })
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
