//! Certificates and keys: this host's own, the cluster's public one, the private cluster authority;
//! and the rustls settings made of them. Who is trusted is decided elsewhere, by fingerprint.

mod authority;
mod identity;
mod port;
mod settings;
mod verify;

pub use authority::{Authority, Membership, member_key};
pub use identity::{Identity, fingerprint};
pub use port::{Acceptors, ReplicaHandler};
pub use settings::{
    REPLICA_PROTOCOL, pinned_client, public_server, replica_client, replica_server,
};

use crate::error::{Context, Result};
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread;

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

/// A file that is to be written.
pub struct NewFile<'a> {
    /// Its name in its directory.
    pub name: String,
    /// What it says.
    pub content: &'a str,
    /// As in chmod(1).
    pub mode: u32,
}

/// Writes files of one directory durably, in this order: readers see the old one or all of the new one.
/// One that says the same already is left alone: it was durable when it was written.
pub fn write_files(dir: &Path, files: &[NewFile<'_>]) -> Result<()> {
    let write = || -> io::Result<()> {
        let files: Vec<_> = files.iter().filter(|file| !is_there(dir, file)).collect();
        if files.is_empty() {
            return Ok(());
        }
        // At once: they wait for the disk together.
        let written: io::Result<Vec<PathBuf>> = thread::scope(|scope| {
            let write = |file| scope.spawn(move || write_part(dir, file));
            let writing: Vec<_> = files.iter().copied().map(write).collect();
            let done = |thread: thread::ScopedJoinHandle<'_, io::Result<PathBuf>>| {
                thread.join().unwrap_or_else(|_| Err(io::ErrorKind::Other.into()))
            };
            writing.into_iter().map(done).collect()
        });
        for (part, file) in written?.iter().zip(files) {
            fs::rename(part, dir.join(&file.name))?;
        }
        fs::File::open(dir)?.sync_all()
    };
    write().context(format_args!("write files in {}", dir.display()))
}

fn is_there(dir: &Path, file: &NewFile<'_>) -> bool {
    let path = dir.join(&file.name);
    let same = fs::metadata(&path).is_ok_and(|old| old.permissions().mode() & 0o777 == file.mode);
    same && fs::read(path).is_ok_and(|old| old == file.content.as_bytes())
}

fn write_part(dir: &Path, file: &NewFile<'_>) -> io::Result<PathBuf> {
    let path = dir.join(format!("{}.part", file.name));
    let _ = fs::remove_file(&path);
    let mut part =
        fs::OpenOptions::new().write(true).create_new(true).mode(file.mode).open(&path)?;
    part.write_all(file.content.as_bytes())?;
    part.sync_all()?;
    Ok(path)
}
