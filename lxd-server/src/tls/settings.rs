//! The rustls settings: TLS 1.3 alone, for the API port, for requests to a member, for replicas.

use super::verify::{AnyClient, MemberClient, MemberServer, Pinned};
use super::{Authority, Identity};
use crate::error::{Context, Result};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use std::sync::{Arc, LazyLock};

/// The ALPN name of the streams between replicas; everything else on the port is HTTP.
pub const REPLICA_PROTOCOL: &[u8] = b"lxd-replica/1";

static PROVIDER: LazyLock<Arc<CryptoProvider>> =
    LazyLock::new(|| Arc::new(aws_lc_rs::default_provider()));

/// For the API port: shows `identity`, takes any client certificate whose key the client holds.
pub fn public_server(identity: &Identity) -> Result<Arc<ServerConfig>> {
    server(Arc::new(AnyClient(PROVIDER.clone())), identity, &[b"h2", b"http/1.1"])
}

/// For accepting replica streams: only from members that `authority` signed.
pub fn replica_server(authority: &Authority, node: &Identity) -> Result<Arc<ServerConfig>> {
    let verifier = WebPkiClientVerifier::builder_with_provider(roots(authority)?, PROVIDER.clone())
        .build()
        .context("set up the members' authority")?;
    server(Arc::new(MemberClient(verifier)), node, &[REPLICA_PROTOCOL])
}

/// For requests to a server whose certificate is known by its SHA-256; `identity` is shown to it.
pub fn pinned_client(fingerprint: &str, identity: &Identity) -> Result<ClientConfig> {
    let fingerprint = fingerprint.to_owned();
    client(Arc::new(Pinned { fingerprint, provider: PROVIDER.clone() }), identity)
}

/// For opening replica streams: only to the member whose name is asked for.
pub fn replica_client(authority: &Authority, node: &Identity) -> Result<Arc<ClientConfig>> {
    let verifier = WebPkiServerVerifier::builder_with_provider(roots(authority)?, PROVIDER.clone())
        .build()
        .context("set up the members' authority")?;
    let mut config = client(Arc::new(MemberServer(verifier)), node)?;
    config.alpn_protocols = vec![REPLICA_PROTOCOL.to_vec()];
    Ok(Arc::new(config))
}

fn server(
    verifier: Arc<dyn ClientCertVerifier>,
    identity: &Identity,
    protocols: &[&[u8]],
) -> Result<Arc<ServerConfig>> {
    let mut config = ServerConfig::builder_with_provider(PROVIDER.clone())
        .with_protocol_versions(&[&TLS13])
        .context("set up TLS")?
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![identity.der().clone()], identity.private_key())
        .context("set up TLS")?;
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    Ok(Arc::new(config))
}

fn client(verifier: Arc<dyn ServerCertVerifier>, identity: &Identity) -> Result<ClientConfig> {
    ClientConfig::builder_with_provider(PROVIDER.clone())
        .with_protocol_versions(&[&TLS13])
        .context("set up TLS")?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_client_auth_cert(vec![identity.der().clone()], identity.private_key())
        .context("set up TLS")
}

fn roots(authority: &Authority) -> Result<Arc<RootCertStore>> {
    let mut roots = RootCertStore::empty();
    roots.add(authority.identity().der().clone()).context("read the members' authority")?;
    Ok(Arc::new(roots))
}
