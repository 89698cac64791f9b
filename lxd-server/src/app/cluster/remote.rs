//! The cluster that a server is about to join, seen from outside.

use crate::app::undo_log::Undo;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::node::{Remotes, Silence};
use crate::tls::fingerprint;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::Value;
use shared_api::address::Address;
use shared_api::certificates::CertificatesPost;
use shared_api::cluster::{ClusterPut, JoinToken};
use shared_api::name::MemberName;
use shared_api::paths;

/// Where to go, how to know that it is the right cluster, and what to show there.
pub(super) struct Invitation {
    /// The name to take.
    pub(super) name: MemberName,
    /// `host:port` of members.
    pub(super) addresses: Vec<String>,
    /// Of the cluster's certificate.
    pub(super) fingerprint: String,
    /// A token or the trust password; empty when somebody else has shown it already.
    secret: String,
    by_token: bool,
}

impl Invitation {
    /// What a request to join says: by token, or by address, certificate and password.
    pub(super) fn of(request: &ClusterPut) -> Result<Self> {
        if let Ok(token) = JoinToken::decode(&request.cluster_password) {
            return Ok(Self {
                name: token.server_name.parse().map_err(Error::invalid)?,
                addresses: token.addresses,
                fingerprint: token.fingerprint.to_string(),
                secret: request.cluster_password.clone(),
                by_token: true,
            });
        }
        if request.cluster_certificate.is_empty() {
            return Err(Error::invalid("No target cluster certificate provided"));
        }
        let der = CertificateDer::from_pem_slice(request.cluster_certificate.as_bytes());
        let der = der.map_err(|_| Error::invalid("The cluster's certificate is malformed"))?;
        if request.server_name.is_empty() {
            return Err(Error::invalid("ServerName is required when enabling clustering"));
        }
        Ok(Self {
            name: request.server_name.parse().map_err(Error::invalid)?,
            addresses: vec![member_address(&request.cluster_address)?],
            fingerprint: fingerprint(&der),
            secret: request.cluster_password.clone(),
            by_token: false,
        })
    }

    /// What takes back that this server was let in.
    pub(super) fn undo(&self) -> Undo {
        let (addresses, fingerprint) = (self.addresses.clone(), self.fingerprint.clone());
        Undo::Abandon { addresses, fingerprint }
    }
}

/// Finds a member that answers and that shows the cluster's certificate.
pub(super) async fn connect(ctx: &Context, invitation: &Invitation) -> Result<Remotes> {
    let Invitation { addresses, fingerprint, .. } = invitation;
    let cluster = Remotes::new(addresses, fingerprint, &ctx.tls.server())?;
    match cluster.probe().await {
        Ok(()) => Ok(cluster),
        Err((address, Silence::Stranger)) => Err(mismatch(&address)),
        Err((address, silence)) => {
            let cause = format!("{address} cannot be reached: {silence}");
            tracing::info!(cause, "No member of the cluster answers");
            let text = "Unable to connect to any of the cluster members specified in join token";
            Err(Error::internal(if invitation.by_token { text } else { &cause }))
        }
    }
}

/// Shows what lets this server in, to join now.
pub(super) async fn present(
    ctx: &Context,
    invitation: &Invitation,
    cluster: &Remotes,
) -> Result<()> {
    let shown = show(ctx, invitation, cluster).await;
    shown.map_err(|error| error.prefix("Failed to setup cluster trust"))
}

/// Shows what lets this server in.
pub(super) async fn show(ctx: &Context, invitation: &Invitation, cluster: &Remotes) -> Result<()> {
    if invitation.secret.is_empty() {
        return Ok(());
    }
    let request = CertificatesPost {
        name: invitation.name.to_string(),
        kind: "server".to_owned(),
        certificate: STANDARD.encode(ctx.tls.server().der()),
        password: invitation.secret.clone(),
        ..CertificatesPost::default()
    };
    let answer = cluster.post::<Value>(paths::CERTIFICATES, &request).await;
    answer.map(drop).map_err(|error| error.prefix("Failed to add server cert to cluster"))
}

/// A server that is not of the cluster that is meant.
pub(super) fn mismatch(address: &str) -> Error {
    Error::invalid(format_args!(
        "Certificate fingerprint mismatch between join token and cluster member \"{address}\""
    ))
}

/// `host:port` of a member as users write it, with LXD's port where none is given.
pub(super) fn member_address(text: &str) -> Result<String> {
    let address = text.parse::<Address>().map_err(Error::invalid)?;
    if address.is_wildcard() {
        return Err(Error::invalid("No address of the cluster is given"));
    }
    Ok(address.to_string())
}
