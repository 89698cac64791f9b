//! TLS to servers: the client's own certificate is shown, the server's must be the one that was accepted.

use std::sync::Arc;

use anyhow::Context as _;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::version::TLS13;
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use shared_api::fingerprint::Fingerprint;
use tokio_rustls::TlsConnector;

use crate::settings::Identity;

/// Which certificate a server may show.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Accept {
    /// The one with this SHA-256, whatever names it carries.
    Only(Fingerprint),
    /// Any: nothing may be sent to that server but what everybody may know.
    Any,
}

impl Accept {
    /// The certificate of a PEM text.
    pub(crate) fn only(pem: &str) -> anyhow::Result<Self> {
        let certificate = CertificateDer::from_pem_slice(pem.as_bytes());
        let certificate = certificate.ok().context("Invalid remote certificate")?;
        Ok(Self::Only(Fingerprint::of(&certificate)))
    }
}

/// What makes connections; `identity` is shown to the server.
pub(super) fn connector(
    accept: Accept,
    identity: Option<&Identity>,
) -> anyhow::Result<TlsConnector> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = Arc::new(Verifier { accept, provider: Arc::clone(&provider) });
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])
        .context("Failed to set up TLS")?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let config = match identity {
        None => config.with_no_client_auth(),
        Some(identity) => {
            let unreadable = "Failed to read the client certificate";
            let certificate = CertificateDer::from_pem_slice(identity.certificate.as_bytes());
            let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes());
            let chain = vec![certificate.context(unreadable)?];
            config.with_client_auth_cert(chain, key.context(unreadable)?).context(unreadable)?
        }
    };
    Ok(Arc::new(config).into())
}

#[derive(Debug)]
struct Verifier {
    accept: Accept,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.accept {
            Accept::Only(expected) if expected != Fingerprint::of(certificate) => {
                Err(rustls::CertificateError::ApplicationVerificationFailure.into())
            }
            Accept::Only(_) | Accept::Any => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
