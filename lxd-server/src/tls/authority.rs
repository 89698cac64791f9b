//! The private authority of a cluster: it signs each member's key for the streams between replicas.
//!
//! Its certificates name cluster, incarnation and node in a DNS name, so TLS itself checks that the
//! other end is the member that was meant. Their dates are ignored: a wrong clock stops no cluster.

use super::{Identity, NewFile};
use crate::error::{Context, Error, Result};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, PKCS_ECDSA_P256_SHA256,
    PublicKeyData, SubjectPublicKeyInfo,
};
use std::path::Path;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

/// Who a member is towards its peers' replicas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The cluster's id, a UUID.
    pub cluster: String,
    /// Counts recoveries from the loss of the majority.
    pub incarnation: u64,
    /// The node id, never used twice.
    pub node: u64,
}

impl Membership {
    /// The DNS name that its certificate carries.
    pub fn host_name(&self) -> String {
        format!("node-{}.incarnation-{}.{}", self.node, self.incarnation, self.cluster)
    }

    /// Reads the name that a verified certificate carries.
    pub fn of_certificate(der: &[u8]) -> Result<Self> {
        let (_, certificate) = X509Certificate::from_der(der).context("read a member's name")?;
        let names = certificate.subject_alternative_name().context("read a member's name")?;
        let names = names.map(|names| names.value.general_names.as_slice()).unwrap_or_default();
        let name = names.iter().find_map(|name| match name {
            GeneralName::DNSName(name) => Self::parse(name),
            _ => None,
        });
        name.ok_or_else(|| Error::forbidden("not a member's certificate"))
    }

    fn parse(name: &str) -> Option<Self> {
        let (node, rest) = name.split_once('.')?;
        let (incarnation, cluster) = rest.split_once('.')?;
        Some(Self {
            cluster: cluster.to_owned(),
            incarnation: incarnation.strip_prefix("incarnation-")?.parse().ok()?,
            node: node.strip_prefix("node-")?.parse().ok()?,
        })
    }
}

/// The authority: a certificate and its key, held by every member.
pub struct Authority(Identity);

impl Authority {
    /// A new authority, made when a server starts for the first time.
    pub fn generate(cluster: &str) -> Result<Self> {
        let mut params = CertificateParams::new(Vec::new()).context("name the authority")?;
        params.distinguished_name.push(DnType::CommonName, format!("members of {cluster}"));
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        let key =
            KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).context("make the authority's key")?;
        let certificate = params.self_signed(&key).context("sign the authority")?;
        Self::from_pem(certificate.pem(), key.serialize_pem())
    }

    /// The authority that another member sent.
    pub fn from_pem(certificate: String, key: String) -> Result<Self> {
        Ok(Self(Identity::from_pem(certificate, key)?))
    }

    /// Reads `authority.crt` and `authority.key` of a replica's directory.
    pub fn load(dir: &Path) -> Result<Option<Self>> {
        Ok(Identity::load(dir, "authority")?.map(Self))
    }

    /// Both files.
    pub fn files(&self) -> [NewFile<'_>; 2] {
        self.0.files("authority")
    }

    /// Certificate and key.
    pub fn identity(&self) -> &Identity {
        &self.0
    }

    /// Signs a member's public key (SubjectPublicKeyInfo, DER); returns the certificate, PEM.
    pub fn sign(&self, public_key: &[u8], member: &Membership) -> Result<String> {
        let key = SubjectPublicKeyInfo::from_der(public_key)
            .map_err(|_| Error::invalid("The member's public key is malformed"))?;
        let own = KeyPair::from_pem(self.0.secret_key()).context("read the authority's key")?;
        let issuer =
            Issuer::from_ca_cert_pem(&self.0.certificate, own).context("read the authority")?;
        let mut params =
            CertificateParams::new(vec![member.host_name()]).context("name the member")?;
        params.distinguished_name.push(DnType::CommonName, format!("node {}", member.node));
        Ok(params.signed_by(&key, &issuer).context("sign the member's key")?.pem())
    }
}

/// A fresh P-256 key for a member: PEM to keep, SubjectPublicKeyInfo (DER) to have signed.
pub fn member_key() -> Result<(String, Vec<u8>)> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).context("make the member's key")?;
    Ok((key.serialize_pem(), key.subject_public_key_info()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::pki_types::{CertificateDer, pem::PemObject};

    #[test]
    fn a_signed_member_says_who_it_is() {
        let authority = Authority::generate("c0ffee").unwrap();
        let member = Membership { cluster: "c0ffee".into(), incarnation: 2, node: 7 };
        let (_, public) = member_key().unwrap();
        let pem = authority.sign(&public, &member).unwrap();
        let der = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
        assert_eq!(Membership::of_certificate(&der).unwrap(), member);
        assert!(Membership::of_certificate(authority.identity().der()).is_err());
        assert!(authority.sign(b"nonsense", &member).is_err());
    }
}
