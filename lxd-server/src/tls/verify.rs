//! Certificate verifiers: any client that holds its key; one pinned server; members of one cluster.

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use std::sync::Arc;
use std::time::Duration;

/// The three methods in which every verifier does what its provider or its inner verifier does.
macro_rules! signatures {
    ($self:ident => $schemes:expr, $tls12:expr, $tls13:expr) => {
        fn verify_tls12_signature(
            &$self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signature: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            $tls12(message, certificate, signature)
        }

        fn verify_tls13_signature(
            &$self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signature: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            $tls13(message, certificate, signature)
        }

        fn supported_verify_schemes(&$self) -> Vec<SignatureScheme> {
            $schemes
        }
    };
}

macro_rules! signatures_of_provider {
    ($self:ident => $provider:expr) => {
        signatures!($self => $provider.signature_verification_algorithms.supported_schemes(),
            |m, c, s| verify_tls12_signature(m, c, s, &$provider.signature_verification_algorithms),
            |m, c, s| verify_tls13_signature(m, c, s, &$provider.signature_verification_algorithms));
    };
}

macro_rules! signatures_of_inner {
    ($self:ident) => {
        signatures!($self => $self.0.supported_verify_schemes(),
            |m, c, s| $self.0.verify_tls12_signature(m, c, s),
            |m, c, s| $self.0.verify_tls13_signature(m, c, s));
    };
}

/// Lets in any client certificate whose key the client holds. Trust is decided later.
#[derive(Debug)]
pub(super) struct AnyClient(pub(super) Arc<CryptoProvider>);

impl ClientCertVerifier for AnyClient {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    signatures_of_provider!(self => self.0);
}

/// Accepts the one server certificate with this SHA-256, whatever names it carries.
#[derive(Debug)]
pub(super) struct Pinned {
    pub(super) fingerprint: String,
    pub(super) provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if super::fingerprint(certificate) == self.fingerprint {
            return Ok(ServerCertVerified::assertion());
        }
        Err(rustls::CertificateError::ApplicationVerificationFailure.into())
    }

    signatures_of_provider!(self => self.provider);
}

/// Accepts a member's replica that the authority signed under the expected name.
#[derive(Debug)]
pub(super) struct MemberServer(pub(super) Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for MemberServer {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.0.verify_server_cert(certificate, chain, name, ocsp, fixed_time())
    }

    signatures_of_inner!(self);
}

/// Accepts a member's replica as client if the authority signed its key.
#[derive(Debug)]
pub(super) struct MemberClient(pub(super) Arc<dyn ClientCertVerifier>);

impl ClientCertVerifier for MemberClient {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.0.verify_client_cert(certificate, chain, fixed_time())
    }

    signatures_of_inner!(self);
}

/// Some moment inside the validity of every certificate that an authority of ours signs.
fn fixed_time() -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(1_700_000_000))
}
