//! A certificate and its key.

use super::{NewFile, write_files};
use crate::clock;
use crate::error::{Context, Result};
use jiff::tz::TimeZone;
use rcgen::{
    CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, PKCS_ECDSA_P256_SHA256,
    date_time_ymd,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest, Sha256};
use std::fmt;
use std::io::ErrorKind;
use std::path::Path;

/// A certificate and its key; the key shows in no output.
pub struct Identity {
    /// The certificate, PEM.
    pub certificate: String,
    /// SHA-256 of the certificate's DER, in hex.
    pub fingerprint: String,
    der: CertificateDer<'static>,
    key: String,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("fingerprint", &self.fingerprint).finish_non_exhaustive()
    }
}

impl Identity {
    /// A new self-signed identity as LXD makes them (CN `root@HOST`, ten years), with a P-256 key.
    ///
    /// `addresses` are names and IP addresses that clients use beside the host's name and loopback.
    pub fn generate(host: &str, addresses: &[String]) -> Result<Self> {
        let mut names = vec![host.to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
        for address in addresses {
            if !names.contains(address) {
                names.push(address.clone());
            }
        }
        let mut params = CertificateParams::new(names).context("name the certificate")?;
        params.distinguished_name.push(DnType::OrganizationName, "linuxcontainers.org");
        params.distinguished_name.push(DnType::CommonName, format!("root@{host}"));
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let year = i32::from(clock::now().to_zoned(TimeZone::UTC).year());
        params.not_before = date_time_ymd(year - 1, 1, 1);
        params.not_after = date_time_ymd(year + 10, 1, 1);
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).context("make a key")?;
        let certificate = params.self_signed(&key).context("sign the certificate")?;
        Self::from_pem(certificate.pem(), key.serialize_pem())
    }

    /// An identity from its PEM parts.
    pub fn from_pem(certificate: String, key: String) -> Result<Self> {
        let der =
            CertificateDer::from_pem_slice(certificate.as_bytes()).context("read a certificate")?;
        PrivateKeyDer::from_pem_slice(key.as_bytes()).context("read a certificate's key")?;
        Ok(Self { certificate, fingerprint: fingerprint(&der), der, key })
    }

    /// Reads `NAME.crt` and `NAME.key`; `None` without them.
    pub fn load(dir: &Path, name: &str) -> Result<Option<Self>> {
        let read = |kind: &str| {
            let path = dir.join(format!("{name}.{kind}"));
            match std::fs::read_to_string(&path) {
                Ok(text) => Ok(Some(text)),
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
                Err(error) => Err(error).context(format_args!("read {}", path.display())),
            }
        };
        match (read("crt")?, read("key")?) {
            (Some(certificate), Some(key)) => Self::from_pem(certificate, key).map(Some),
            _ => Ok(None),
        }
    }

    /// Writes [`Self::files`].
    pub fn save(&self, dir: &Path, name: &str) -> Result<()> {
        write_files(dir, &self.files(name))
    }

    /// `NAME.key` (mode 0600), then `NAME.crt`: no certificate ever stands without its key.
    pub fn files(&self, name: &str) -> [NewFile<'_>; 2] {
        [
            NewFile { name: format!("{name}.key"), content: &self.key, mode: 0o600 },
            NewFile { name: format!("{name}.crt"), content: &self.certificate, mode: 0o644 },
        ]
    }

    /// Removes `NAME.crt` and `NAME.key`.
    pub fn remove(dir: &Path, name: &str) {
        for kind in ["crt", "key"] {
            let _ = std::fs::remove_file(dir.join(format!("{name}.{kind}")));
        }
    }

    /// The certificate, DER.
    pub fn der(&self) -> &CertificateDer<'static> {
        &self.der
    }

    /// The key, PEM: only for whoever is to hold it.
    pub fn secret_key(&self) -> &str {
        &self.key
    }

    pub(super) fn private_key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::from_pem_slice(self.key.as_bytes()).expect("it was read at construction")
    }
}

/// SHA-256 of a certificate's DER, in hex: how LXD names and trusts certificates.
pub fn fingerprint(der: &[u8]) -> String {
    Sha256::digest(der).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn an_identity_survives_its_files() {
        let dir = tempfile::tempdir().unwrap();
        let made = Identity::generate("host1", &["10.0.0.1".to_owned()]).unwrap();
        made.save(dir.path(), "server").unwrap();
        let loaded = Identity::load(dir.path(), "server").unwrap().unwrap();
        assert_eq!(loaded.fingerprint, made.fingerprint);
        assert!(Identity::load(dir.path(), "cluster").unwrap().is_none());
        // What is there already is not written again.
        let file = || std::fs::metadata(dir.path().join("server.key")).unwrap().ino();
        let before = file();
        made.save(dir.path(), "server").unwrap();
        assert_eq!(file(), before);
        Identity::generate("host1", &[]).unwrap().save(dir.path(), "server").unwrap();
        assert_ne!(file(), before);
        assert!(!format!("{made:?}").contains("PRIVATE"));
    }
}
