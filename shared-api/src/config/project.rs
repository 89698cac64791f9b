//! The keys of projects.

use super::check::{any, boolean, is_true};
use super::keys::{Key, Problem, optional, unsupported, validate as walk};
use super::{Invalid, Map};
use crate::projects::DEFAULT;

/// Whether a project has profiles of its own, or those of `default`.
pub const PROFILES: &str = "features.profiles";
const NETWORKS: &str = "features.networks";
/// What a project can have of its own.
pub const FEATURES: [&str; 4] = ["features.images", NETWORKS, PROFILES, "features.storage.volumes"];
/// The features of a project that was made without a word about them.
pub const INITIAL: [&str; 3] = ["features.images", PROFILES, "features.storage.volumes"];

const KEYS: &[Key] = &[
    optional("features.images", boolean),
    optional(NETWORKS, boolean),
    optional(PROFILES, boolean),
    optional("features.storage.volumes", boolean),
    optional("user.*", any),
];

const UNSUPPORTED: &[Key] = &[
    unsupported("backups.compression_algorithm"),
    unsupported("images.auto_update_cached"),
    unsupported("images.auto_update_interval"),
    unsupported("images.compression_algorithm"),
    unsupported("images.default_architecture"),
    unsupported("images.remote_cache_expiry"),
    unsupported("limits.containers"),
    unsupported("limits.cpu"),
    unsupported("limits.disk"),
    unsupported("limits.instances"),
    unsupported("limits.memory"),
    unsupported("limits.networks"),
    unsupported("limits.processes"),
    unsupported("limits.virtual-machines"),
    unsupported("restricted"),
    unsupported("restricted.backups"),
    unsupported("restricted.cluster.groups"),
    unsupported("restricted.cluster.target"),
    unsupported("restricted.containers.interception"),
    unsupported("restricted.containers.lowlevel"),
    unsupported("restricted.containers.nesting"),
    unsupported("restricted.containers.privilege"),
    unsupported("restricted.devices.disk"),
    unsupported("restricted.devices.disk.paths"),
    unsupported("restricted.devices.gpu"),
    unsupported("restricted.devices.infiniband"),
    unsupported("restricted.devices.nic"),
    unsupported("restricted.devices.pci"),
    unsupported("restricted.devices.proxy"),
    unsupported("restricted.devices.unix-block"),
    unsupported("restricted.devices.unix-char"),
    unsupported("restricted.devices.unix-hotplug"),
    unsupported("restricted.devices.usb"),
    unsupported("restricted.idmap.gid"),
    unsupported("restricted.idmap.uid"),
    unsupported("restricted.networks.access"),
    unsupported("restricted.networks.subnets"),
    unsupported("restricted.networks.uplinks"),
    unsupported("restricted.networks.zones"),
    unsupported("restricted.snapshots"),
    unsupported("restricted.virtual-machines.lowlevel"),
];

/// Whether a feature is on.
pub fn has(config: &Map, feature: &str) -> bool {
    config.get(feature).is_some_and(|value| is_true(value))
}

/// Checks the configuration of a project. Networks of its own has `default` alone: bridges, which are
/// all that there is, LXD has in no other project either.
pub fn validate(project: &str, config: &Map) -> Result<(), Invalid> {
    walk(&[KEYS, UNSUPPORTED], config).map_err(|problem| match problem {
        Problem::Unknown(key) => {
            Invalid::new(format_args!("Invalid project configuration key \"{key}\""))
        }
        Problem::Bad(key, reason) => bad(key, &reason),
    })?;
    if project != DEFAULT && has(config, NETWORKS) {
        return Err(bad(NETWORKS, "Not supported by this server"));
    }
    Ok(())
}

fn bad(key: &str, reason: &str) -> Invalid {
    Invalid::new(format_args!("Invalid project configuration key \"{key}\" value: {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_effect_is_refused() {
        let check = |project: &str, key: &str, value: &str| {
            let config = Map::from([(key.to_owned(), value.to_owned())]);
            validate(project, &config).map_err(|error| error.to_string())
        };
        for feature in FEATURES {
            assert_eq!(check(DEFAULT, feature, "true"), Ok(()));
            assert_eq!(check("p", feature, "false"), Ok(()));
            let text = format!(
                "Invalid project configuration key \"{feature}\" value: Invalid value for a boolean \"x\""
            );
            assert_eq!(check("p", feature, "x"), Err(text));
        }
        for feature in INITIAL {
            assert_eq!(check("p", feature, "true"), Ok(()));
        }
        assert_eq!(check("p", "user.x", "1"), Ok(()));
        let unknown = "Invalid project configuration key \"bogus\"";
        assert_eq!(check("p", "bogus", ""), Err(unknown.to_owned()));
        for key in [NETWORKS, "limits.disk", "restricted", "images.auto_update_cached"] {
            let text = "value: Not supported by this server";
            let text = format!("Invalid project configuration key \"{key}\" {text}");
            assert_eq!(check("p", key, "true"), Err(text));
            assert_eq!(check("p", key, ""), Ok(()));
        }
    }
}
