//! Certificates and keys: this host's own, the cluster's public one, the private cluster authority;
//! and the rustls settings made of them. Who is trusted is decided elsewhere, by fingerprint.

mod authority;
mod identity;
mod port;
mod settings;
mod verify;

pub use authority::{Authority, Membership, member_key, save_member};
pub use identity::{Identity, fingerprint};
pub use port::{Acceptors, ReplicaHandler};
pub use settings::{
    REPLICA_PROTOCOL, pinned_client, public_server, replica_client, replica_server,
};

use crate::error::{Context, Result};
use std::fs;
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

/// The identities of this host that can change while it runs.
pub struct Store {
    server: Arc<Identity>,
    public: RwLock<Arc<Identity>>,
}

impl Store {
    /// Loads `server.crt`, which is made at the first start.
    pub fn open(dir: &Path, host: &str) -> Result<Self> {
        let server = match Identity::load(dir, "server")? {
            Some(server) => server,
            None => {
                let server = Identity::generate(host, &[])?;
                server.save(dir, "server")?;
                server
            }
        };
        let server = Arc::new(server);
        Ok(Self { public: RwLock::new(server.clone()), server })
    }

    /// This host's own identity towards its peers: `server.crt`.
    pub fn server(&self) -> Arc<Identity> {
        self.server.clone()
    }

    /// What the API port shows: `cluster.crt` on a member of a cluster, else `server.crt`.
    pub fn public(&self) -> Arc<Identity> {
        self.public.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Shows another identity from now on.
    pub fn set_public(&self, identity: Arc<Identity>) {
        *self.public.write().unwrap_or_else(PoisonError::into_inner) = identity;
    }
}

/// Writes a file durably: readers see the old one or all of the new one. `mode` as in chmod(1). One that
/// says the same already is left alone: it was durable when it was written.
pub fn write_file(path: &Path, content: &[u8], mode: u32) -> Result<()> {
    let same = fs::metadata(path).is_ok_and(|old| old.permissions().mode() & 0o777 == mode);
    if same && fs::read(path).is_ok_and(|old| old == content) {
        return Ok(());
    }
    let part = path.with_extension("part");
    let write = || -> std::io::Result<()> {
        let _ = fs::remove_file(&part);
        let mut file =
            fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&part)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&part, path)?;
        fs::File::open(path.parent().unwrap_or(Path::new("/")))?.sync_all()
    };
    write().context(format_args!("write {}", path.display()))
}
