//! Which storage drivers there are: a closed list, chosen by name.

use std::fs;

use shared_api::config::Map;
use tokio::runtime::Handle;
use tokio::sync::OnceCell;

use super::{Error, Pool, btrfs, dir};
use crate::run::Program;

/// A driver that works on this host, as `GET /1.0` lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Driver {
    /// The name by which pools ask for it.
    pub name: &'static str,
    /// The version of the driver or its tools.
    pub version: String,
    /// Whether its pools are shared by all members.
    pub remote: bool,
}

/// The drivers that work on this host, as it was when this was first asked.
pub async fn supported() -> &'static [Driver] {
    static SUPPORTED: OnceCell<Vec<Driver>> = OnceCell::const_new();
    let found = SUPPORTED.get_or_init(|| async {
        let driver = |name, version| Driver { name, version, remote: false };
        let dir = driver("dir", "1".to_owned());
        let btrfs = btrfs_version().await.map(|version| driver("btrfs", version));
        std::iter::once(dir).chain(btrfs).collect()
    });
    found.await
}

/// Refuses a driver that does not work on this host; for threads on which one may block.
pub(super) fn require(name: &'static str) -> Result<(), Error> {
    let supported = Handle::current().block_on(supported());
    let is_there = supported.iter().any(|driver| driver.name == name);
    if is_there { Ok(()) } else { Err(Error::NotOnHost(name)) }
}

/// What there is to choose from.
pub(super) enum Kind {
    Btrfs,
    Dir,
}

/// The driver of a pool.
pub(super) fn of(pool: &Pool) -> Result<Kind, Error> {
    match pool.driver.as_str() {
        "btrfs" => Ok(Kind::Btrfs),
        "dir" => Ok(Kind::Dir),
        _ => Err(Error::UnknownDriver),
    }
}

impl Kind {
    pub(super) fn plan(&self, pool: &Pool) -> Result<Map, Error> {
        match self {
            Self::Btrfs => btrfs::plan(pool),
            Self::Dir => dir::plan(pool),
        }
    }

    pub(super) fn create(&self, pool: &Pool) -> Result<(), Error> {
        match self {
            Self::Btrfs => btrfs::create(pool),
            Self::Dir => dir::create(pool),
        }
    }

    pub(super) fn start(&self, pool: &Pool) -> Result<(), Error> {
        match self {
            Self::Btrfs => btrfs::start(pool),
            Self::Dir => dir::start(pool),
        }
    }

    pub(super) fn stop(&self, pool: &Pool) -> Result<(), Error> {
        match self {
            Self::Btrfs => btrfs::stop(pool),
            Self::Dir => dir::stop(pool),
        }
    }

    pub(super) fn delete(&self, pool: &Pool) -> Result<(), Error> {
        match self {
            Self::Btrfs => btrfs::delete(pool),
            Self::Dir => dir::delete(pool),
        }
    }
}

/// The version of btrfs's tools, if they and the kernel's part are there.
async fn btrfs_version() -> Option<String> {
    let printed = Program::new("btrfs").arg("version").run().await.ok()?;
    Program::new("mkfs.btrfs").arg("--version").run().await.ok()?;
    if !kernel_has_btrfs() {
        Program::new("modprobe").arg("btrfs").run().await.ok()?;
    }
    let version = printed.split_whitespace().last()?.trim_start_matches('v').to_owned();
    kernel_has_btrfs().then_some(version)
}

fn kernel_has_btrfs() -> bool {
    let known = fs::read_to_string("/proc/filesystems").unwrap_or_default();
    known.split_whitespace().any(|name| name == "btrfs")
}
