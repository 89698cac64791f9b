//! The host side of storage pools: plain values in and out, nothing of the cluster.
//! A pool is created, started with the daemon, stopped and deleted here; volumes come later.

mod dir;
mod driver;
mod mount;

pub use driver::{Driver, supported};

use std::io;
use std::path::{Path, PathBuf};

use shared_api::config::Map;
use shared_api::name::PoolName;

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
    /// No driver of that name on this host.
    #[error("Unknown driver")]
    UnknownDriver,
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

/// Makes a new pool and returns its configuration with what was decided on the way filled in
/// (`source` for `dir`).
///
/// Either the whole pool is there and mounted afterwards or nothing of it is. A kill on the way
/// leaves empty directories at most, which the next try takes over; anything else in the way is
/// refused.
pub async fn create(pool: &Pool) -> Result<Map, Error> {
    let pool = pool.clone();
    blocking(move || driver::of(&pool)?.create(&pool)).await
}

/// Whether a pool can be made: all that it needs is there, and nothing is in its way. Makes nothing.
pub async fn check(pool: &Pool) -> Result<(), Error> {
    let pool = pool.clone();
    blocking(move || driver::of(&pool)?.check(&pool)).await
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

/// Removes a pool and all that the daemon keeps in it; what is gone already is no error.
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
