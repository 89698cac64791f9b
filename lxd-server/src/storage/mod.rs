//! The host side of storage pools: plain values in and out, nothing of the cluster.
//! A pool is created, started with the daemon, stopped and deleted here; volumes come later.

mod btrfs;
mod device;
mod dir;
mod driver;
mod mount;

pub use btrfs::{default_size, is_btrfs};
pub use device::is_block;
pub use driver::{Driver, supported};

use std::io;
use std::path::{Path, PathBuf};

use shared_api::config::Map;
use shared_api::name::PoolName;

use crate::run::Failed;

/// A pool on this host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool {
    /// Its name in the cluster, which is a directory's name.
    pub name: PoolName,
    /// What keeps its data, such as `dir`.
    pub driver: String,
    /// The keys of the cluster and of this member, merged.
    pub config: Map,
    /// The daemon's directory (`LXD_DIR`); the pool is mounted below it.
    pub root: PathBuf,
}

impl Pool {
    /// Where the pool is mounted: `storage-pools/NAME` below the daemon's directory.
    pub fn path(&self) -> PathBuf {
        self.root.join("storage-pools").join(self.name.as_str())
    }

    /// The value of a key; unset and empty are the same.
    fn get(&self, key: &str) -> Option<&str> {
        self.config.get(key).map(String::as_str).filter(|value| !value.is_empty())
    }
}

/// What a pool holds and could hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resources {
    /// Bytes that are taken.
    pub space_used: u64,
    /// Bytes altogether.
    pub space_total: u64,
    /// Inodes that are taken; 0 when the file system does not count them.
    pub inodes_used: u64,
    /// Inodes altogether; 0 when the file system does not count them.
    pub inodes_total: u64,
}

/// Why a pool could not be made, mounted, removed or measured.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No driver of that name.
    #[error("Unknown driver")]
    UnknownDriver,
    /// A driver that lacks its tools, or what the kernel has for it.
    #[error(
        "The storage driver {0} doesn't work on this host: its tools or its kernel module are missing"
    )]
    NotOnHost(&'static str),
    /// Something is where the pool would go.
    #[error("Storage pool directory {0:?} already exists")]
    Exists(PathBuf),
    /// The directory given as `source` is not there, or not given by its full path.
    #[error("Source path '{0}' doesn't exist")]
    SourceMissing(String),
    /// The path given as `source` is no directory.
    #[error("Source path '{0}' isn't a directory")]
    SourceNotDirectory(String),
    /// The directory given as `source` holds something.
    #[error("Source path '{0}' isn't empty")]
    SourceNotEmpty(String),
    /// The directory given as `source` is in the daemon's own directory.
    #[error("Source path '{0}' is within the LXD directory")]
    SourceWithin(String),
    /// The path given as `source` is on a file system of another kind.
    #[error("Source path '{0}' isn't on a btrfs file system")]
    NotBtrfs(String),
    /// Something uses the device given as `source`.
    #[error("Source device '{0}' is in use")]
    DeviceBusy(String),
    /// The device given as `source` holds something.
    #[error("Source device '{device}' isn't empty: it holds {what}")]
    DeviceNotEmpty {
        /// Its path.
        device: String,
        /// Such as `ext4`, or `dos` for a partition table.
        what: String,
    },
    /// The file system with this UUID is on no device.
    #[error("No device of this host has the file system {0}")]
    DeviceLost(String),
    /// The size of a file is not known.
    #[error("The pool's size isn't known")]
    NoSize,
    /// A program failed.
    #[error(transparent)]
    Program(#[from] Failed),
    /// The host refused.
    #[error("Failed to {action} {path:?}")]
    Host {
        /// What was tried, such as "create".
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the host said.
        #[source]
        source: io::Error,
    },
}

impl Error {
    fn host(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Host { action, path, source }
    }
}

/// Whether a pool can be made: all that it needs is there, and nothing is in its way. Makes nothing.
///
/// Returns its configuration with what is decided now: `source`, and for btrfs `size` and
/// `volatile.initial_source`. It is to be written down before [`create`] and given to it: what that
/// has made is known by it, and so is what [`delete`] may remove, after a kill too.
pub async fn plan(pool: &Pool) -> Result<Map, Error> {
    let pool = pool.clone();
    blocking(move || driver::of(&pool)?.plan(&pool)).await
}

/// Makes a pool that was planned.
///
/// Either the whole pool is there and mounted afterwards or nothing of it is. What a kill leaves on
/// the way holds no data, and the next try goes on from it; anything else in the way is refused.
pub async fn create(pool: &Pool) -> Result<(), Error> {
    let pool = pool.clone();
    blocking(move || driver::of(&pool)?.create(&pool)).await
}

/// Mounts a pool that exists, as at the start of the daemon; does nothing if it is mounted.
pub async fn start(pool: &Pool) -> Result<(), Error> {
    let pool = pool.clone();
    blocking(move || driver::of(&pool)?.start(&pool)).await
}

/// Unmounts a pool, as at the shutdown of the host; does nothing if it is not mounted.
///
/// A restart of the daemon alone leaves pools mounted.
pub async fn stop(pool: &Pool) -> Result<(), Error> {
    let pool = pool.clone();
    blocking(move || driver::of(&pool)?.stop(&pool)).await
}

/// Removes a pool that was planned and all that the daemon keeps in it; what is gone already is no
/// error.
pub async fn delete(pool: &Pool) -> Result<(), Error> {
    let pool = pool.clone();
    blocking(move || driver::of(&pool)?.delete(&pool)).await
}

/// Measures a pool that is mounted.
pub async fn resources(pool: &Pool) -> Result<Resources, Error> {
    let pool = pool.clone();
    blocking(move || mount::resources(&pool.path())).await
}

/// Disks may be slow: their calls get a thread of their own.
async fn blocking<T, F>(work: F) -> Result<T, Error>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, Error> + Send + 'static,
{
    tokio::task::spawn_blocking(work).await.expect("the work does not panic and is not cancelled")
}
