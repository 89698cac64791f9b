//! The certificate that servers know this client by: `client.crt` and `client.key`.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use anyhow::Context as _;
use rcgen::{
    CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, date_time_ymd,
};

use crate::clock;

/// A certificate and its key, PEM; the key shows in no output.
pub(crate) struct Identity {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl fmt::Debug for Identity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Identity").finish_non_exhaustive()
    }
}

impl Identity {
    /// Reads it; nothing unless both files are there.
    pub(super) fn load(directory: &Path) -> anyhow::Result<Option<Self>> {
        let read = |name: &str| {
            let path = directory.join(name);
            match fs::read_to_string(&path) {
                Ok(text) => Ok(Some(text)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(error).context(format!("Failed to read {}", path.display())),
            }
        };
        let (certificate, key) = (read("client.crt")?, read("client.key")?);
        Ok(certificate.zip(key).map(|(certificate, key)| Self { certificate, key }))
    }

    /// Makes and writes one: ten years, `user` (such as `root@host`) for its name.
    pub(super) fn make(directory: &Path, user: &str) -> anyhow::Result<Self> {
        let new = Self::generate(user).context("Failed to make a client certificate")?;
        super::write(&directory.join("client.key"), &new.key, 0o600)?;
        super::write(&directory.join("client.crt"), &new.certificate, 0o644)?;
        Ok(new)
    }

    fn generate(user: &str) -> Result<Self, rcgen::Error> {
        let mut params = CertificateParams::new([])?;
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::OrganizationName, "linuxcontainers.org");
        params.distinguished_name.push(DnType::CommonName, user);
        params.key_usages =
            vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let year = clock::year();
        params.not_before = date_time_ymd(year - 1, 1, 1);
        params.not_after = date_time_ymd(year + 10, 1, 1);
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let certificate = params.self_signed(&key)?;
        Ok(Self { certificate: certificate.pem(), key: key.serialize_pem() })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_key_is_for_its_user_alone() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Identity::load(folder.path()).unwrap().is_none());
        let made = Identity::make(folder.path(), "root@host").unwrap();
        let loaded = Identity::load(folder.path()).unwrap().unwrap();
        assert_eq!((loaded.certificate, loaded.key), (made.certificate.clone(), made.key.clone()));
        let mode = fs::metadata(folder.path().join("client.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(!format!("{made:?}").contains("PRIVATE"));
    }
}
