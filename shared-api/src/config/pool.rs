//! The keys of storage pools.

use super::check::{any, boolean, size};
use super::keys::{Key, Problem, optional, validate as walk};
use super::{Invalid, Map, schedule};
use crate::expiry::Expiry;

/// What a pool's `source` was before the server made something of it.
pub const INITIAL_SOURCE: &str = "volatile.initial_source";

/// The drivers that pools may have, the first that a host has being the default of dialogs.
pub const DRIVERS: [&str; 2] = ["btrfs", "dir"];

/// The keys that each member has its own value of; the others are the cluster's.
pub const MEMBER_KEYS: [&str; 6] =
    ["lvm.thinpool_name", "lvm.vg_name", "size", "source", INITIAL_SOURCE, "zfs.pool_name"];

const COMMON: &[Key] = &[
    optional("source", any),
    optional("user.*", any),
    optional(INITIAL_SOURCE, any),
    // What volumes of the pool start with.
    optional("volume.security.shifted", boolean),
    optional("volume.security.unmapped", boolean),
    optional("volume.size", size),
    optional("volume.snapshots.expiry", expiry),
    optional("volume.snapshots.pattern", any),
    optional("volume.snapshots.schedule", schedule::check),
];

const BTRFS: &[Key] = &[optional("btrfs.mount_options", any), optional("size", size)];

const DIR: &[Key] = &[optional("rsync.bwlimit", size), optional("rsync.compression", boolean)];

/// Whether each member has its own value of a key.
pub fn is_member_key(key: &str) -> bool {
    MEMBER_KEYS.contains(&key)
}

/// Checks the configuration of a pool, the keys of the cluster and of a member together or alone.
pub fn validate(driver: &str, config: &Map) -> Result<(), Invalid> {
    let own = match driver {
        "btrfs" => BTRFS,
        "dir" => DIR,
        _ => return Err(Invalid::new("Unknown driver")),
    };
    walk(&[COMMON, own], config).map_err(|problem| match problem {
        Problem::Unknown(key) => Invalid::new(format_args!("Invalid option \"{key}\"")),
        Problem::Bad(key, reason) => {
            Invalid::new(format_args!("Invalid value for option \"{key}\": {reason}"))
        }
    })
}

fn expiry(value: &str) -> Result<(), String> {
    value.parse::<Expiry>().map(drop).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_pools() {
        for (key, value, problem) in [
            ("source", "/srv/pool", ""),
            ("rsync.bwlimit", "1MB", ""),
            ("rsync.bwlimit", "", ""),
            ("rsync.compression", "False", ""),
            ("user.foo", "bar", ""),
            ("volume.size", "1GB", ""),
            ("volume.snapshots.expiry", "3d", ""),
            ("volatile.initial_source", "x", ""),
            ("bogus", "1", "Invalid option \"bogus\""),
            ("size", "1GB", "Invalid option \"size\""),
            ("source.wipe", "true", "Invalid option \"source.wipe\""),
            ("volume.block.filesystem", "xfs", "Invalid option \"volume.block.filesystem\""),
            ("volume.zfs.x", "1", "Invalid option \"volume.zfs.x\""),
            (
                "rsync.bwlimit",
                "zz",
                "Invalid value for option \"rsync.bwlimit\": Invalid value: zz",
            ),
            (
                "rsync.compression",
                "maybe",
                "Invalid value for option \"rsync.compression\": Invalid value for a boolean \
                 \"maybe\"",
            ),
            (
                "volume.snapshots.expiry",
                "5x",
                "Invalid value for option \"volume.snapshots.expiry\": Invalid expiry expression",
            ),
        ] {
            let config = Map::from([(key.to_owned(), value.to_owned())]);
            let found =
                validate("dir", &config).err().map_or(String::new(), |error| error.to_string());
            assert_eq!(found, problem, "{key}={value}");
        }
        for key in ["size", "btrfs.mount_options", "source", "volume.size"] {
            let config = Map::from([(key.to_owned(), "1GiB".to_owned())]);
            assert_eq!(validate("btrfs", &config), Ok(()), "{key}");
        }
        for (key, problem) in [
            ("size", "Invalid value for option \"size\": Invalid value: x"),
            ("rsync.bwlimit", "Invalid option \"rsync.bwlimit\""),
        ] {
            let config = Map::from([(key.to_owned(), "x".to_owned())]);
            assert_eq!(validate("btrfs", &config).unwrap_err().to_string(), problem);
        }
        let unknown = validate("nosuch", &Map::new()).unwrap_err();
        assert_eq!(unknown.to_string(), "Unknown driver");
    }

    #[test]
    fn whose_key_it_is() {
        for (key, member) in [("source", true), ("size", true), ("rsync.bwlimit", false)] {
            assert_eq!(is_member_key(key), member, "{key}");
        }
    }
}
