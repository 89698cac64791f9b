//! Which storage drivers there are: a closed list, chosen by name.

use shared_api::config::Map;

use super::{Error, Pool, dir};

/// A driver that works on this host, as `GET /1.0` lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Driver {
    /// The name by which pools ask for it.
    pub name: &'static str,
    /// The version of the driver or its tools.
    pub version: &'static str,
    /// Whether its pools are shared by all members.
    pub remote: bool,
}

/// The drivers that work on this host.
pub fn supported() -> Vec<Driver> {
    vec![Driver { name: "dir", version: "1", remote: false }]
}

/// What there is to choose from.
pub(super) enum Kind {
    Dir,
}

/// The driver of a pool.
pub(super) fn of(pool: &Pool) -> Result<Kind, Error> {
    match pool.driver.as_str() {
        "dir" => Ok(Kind::Dir),
        _ => Err(Error::UnknownDriver),
    }
}

impl Kind {
    pub(super) fn check(&self, pool: &Pool) -> Result<(), Error> {
        match self {
            Self::Dir => dir::check(pool),
        }
    }

    pub(super) fn create(&self, pool: &Pool) -> Result<Map, Error> {
        match self {
            Self::Dir => dir::create(pool),
        }
    }

    pub(super) fn start(&self, pool: &Pool) -> Result<(), Error> {
        match self {
            Self::Dir => dir::start(pool),
        }
    }

    pub(super) fn stop(&self, pool: &Pool) -> Result<(), Error> {
        match self {
            Self::Dir => dir::stop(pool),
        }
    }

    pub(super) fn delete(&self, pool: &Pool) -> Result<(), Error> {
        match self {
            Self::Dir => dir::delete(pool),
        }
    }
}
