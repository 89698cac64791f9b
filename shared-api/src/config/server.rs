//! The server's keys: which there are, where they are kept and what they may be.
//! Keys whose effect is not built, and whose silent acceptance would mislead, are refused.

use super::Map;
use crate::address::Address;
use crate::expiry::Expiry;

/// Where a key's value is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// In the cluster's database: the same on every member.
    Global,
    /// On one member.
    Local,
}

/// Why a key cannot have a value: LXD's text for the user.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot set '{key}' to '{value}': {reason}")]
pub struct Invalid {
    key: String,
    value: String,
    reason: String,
}

impl Invalid {
    /// `key` cannot be `value` for that reason.
    pub fn new(key: &str, value: &str, reason: impl Into<String>) -> Self {
        Self { key: key.to_owned(), value: value.to_owned(), reason: reason.into() }
    }
}

/// The password that lets clients add themselves; it is stored as a hash and reads as `true`.
pub const TRUST_PASSWORD: &str = "core.trust_password";
/// Where the API listens.
pub const HTTPS_ADDRESS: &str = "core.https_address";
/// Whether metrics are for those alone who are trusted.
pub const METRICS_AUTHENTICATION: &str = "core.metrics_authentication";
/// Where a member is reached by the others.
pub const CLUSTER_ADDRESS: &str = "cluster.https_address";

struct Key {
    name: &'static str,
    scope: Scope,
    default: &'static str,
    check: Check,
}

/// The value as it is stored, or why it cannot be.
type Check = fn(&str) -> Result<String, String>;

const fn global(name: &'static str, default: &'static str, check: Check) -> Key {
    Key { name, scope: Scope::Global, default, check }
}

const fn local(name: &'static str, check: Check) -> Key {
    Key { name, scope: Scope::Local, default: "", check }
}

const KEYS: &[Key] = &[
    global("backups.compression_algorithm", "gzip", compression),
    local("cluster.https_address", member_address),
    global("cluster.images_minimal_replica", "3", replicas),
    global("cluster.join_token_expiry", "3H", expiry),
    global("cluster.max_standby", "2", standbys),
    global("cluster.max_voters", "3", voters),
    global("cluster.offline_threshold", "20", threshold),
    local("core.https_address", address),
    global("core.https_allowed_credentials", "false", boolean),
    global("core.https_allowed_headers", "", any),
    global("core.https_allowed_methods", "", any),
    global("core.https_allowed_origin", "", any),
    global("core.metrics_authentication", "true", boolean),
    global("core.proxy_http", "", any),
    global("core.proxy_https", "", any),
    global("core.proxy_ignore_hosts", "", any),
    global("core.remote_token_expiry", "", expiry),
    global("core.shutdown_timeout", "5", integer),
    global("core.trust_password", "", any),
    global("images.auto_update_cached", "true", boolean),
    global("images.auto_update_interval", "6", integer),
    global("images.compression_algorithm", "gzip", compression),
    global("images.default_architecture", "", architecture),
    global("images.remote_cache_expiry", "10", integer),
];

/// Keys of LXD 5.0.2 that would do nothing here; also all below the prefixes.
const UNSUPPORTED: &[&str] = &[
    "candid.",
    "core.bgp_",
    "core.debug_address",
    "core.dns_address",
    "core.https_trusted_proxy",
    "core.metrics_address",
    "core.trust_ca_certificates",
    "maas.",
    "network.ovn.",
    "rbac.",
    "storage.backups_volume",
    "storage.images_volume",
];

/// Where a key is kept; nothing if there is no such key.
pub fn scope(key: &str) -> Option<Scope> {
    match find(key) {
        Some(known) => Some(known.scope),
        None => is_user(key).then_some(Scope::Global),
    }
}

/// The value that counts when the key is not set.
pub fn default(key: &str) -> &'static str {
    find(key).map_or("", |key| key.default)
}

/// A key's value in `config`, or its default.
pub fn get<'a>(config: &'a Map, key: &str) -> &'a str {
    config.get(key).map_or_else(|| default(key), String::as_str)
}

/// The value as it is stored: booleans are `true` or `false`. Empty, which unsets the key, also when
/// it is the default.
pub fn checked(key: &str, value: &str) -> Result<String, Invalid> {
    let invalid = |reason: &str| Invalid::new(key, value, reason);
    if value.contains('\0') {
        return Err(invalid("NUL is not allowed"));
    }
    let Some(known) = find(key) else {
        let refused = UNSUPPORTED.iter().any(|unsupported| key.starts_with(unsupported));
        return match (is_user(key), refused, value) {
            (true, ..) | (_, true, "") => Ok(value.to_owned()),
            (_, true, _) => Err(invalid("not supported by this server")),
            _ => Err(invalid("unknown key")),
        };
    };
    if value.is_empty() {
        return Ok(String::new());
    }
    let stored = (known.check)(value).map_err(|reason| invalid(&reason))?;
    Ok(if stored == known.default { String::new() } else { stored })
}

fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

fn is_user(key: &str) -> bool {
    key.starts_with("user.")
}

/// What a boolean says, if it is one.
pub fn truth(value: &str) -> Option<bool> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Some(true),
        "false" | "0" | "no" | "off" => Some(false),
        _ => None,
    }
}

fn any(value: &str) -> Result<String, String> {
    Ok(value.to_owned())
}

fn boolean(value: &str) -> Result<String, String> {
    truth(value).map(|truth| truth.to_string()).ok_or_else(|| "invalid boolean".to_owned())
}

fn number(value: &str) -> Result<i64, String> {
    value.parse().map_err(|_| "invalid integer".to_owned())
}

fn integer(value: &str) -> Result<String, String> {
    number(value).map(|_| value.to_owned())
}

/// The value if the condition holds, else the reason.
fn only_if(condition: bool, value: &str, reason: &str) -> Result<String, String> {
    if condition { Ok(value.to_owned()) } else { Err(reason.to_owned()) }
}

fn voters(value: &str) -> Result<String, String> {
    let voters = number(value)?;
    let odd = voters >= 3 && voters % 2 == 1;
    only_if(odd, value, "Value must be an odd number equal to or higher than 3")
}

fn standbys(value: &str) -> Result<String, String> {
    only_if((0..=5).contains(&number(value)?), value, "Value must be between 0 and 5")
}

fn threshold(value: &str) -> Result<String, String> {
    only_if(number(value)? > 10, value, "Value must be greater than '10'")
}

fn replicas(value: &str) -> Result<String, String> {
    let replicas = number(value)?;
    let possible = replicas >= 1 || replicas == -1;
    only_if(possible, value, "Invalid value for image replica count")
}

fn expiry(value: &str) -> Result<String, String> {
    value.parse::<Expiry>().map_err(|invalid| invalid.to_string())?;
    Ok(value.to_owned())
}

fn address(value: &str) -> Result<String, String> {
    value.parse::<Address>().map_err(|invalid| invalid.to_string())?;
    Ok(value.to_owned())
}

fn member_address(value: &str) -> Result<String, String> {
    let wildcard = value.parse::<Address>().is_ok_and(|address| address.is_wildcard());
    only_if(!wildcard, value, "Wildcard addresses aren't allowed").and_then(|value| address(&value))
}

fn compression(value: &str) -> Result<String, String> {
    const PROGRAMS: [&str; 8] = ["bzip2", "gzip", "lz4", "lzma", "none", "squashfs", "xz", "zstd"];
    let program = value.split_ascii_whitespace().next().unwrap_or_default();
    let known = PROGRAMS.contains(&program);
    only_if(known, value, &format!("Invalid compression algorithm {value:?}"))
}

fn architecture(value: &str) -> Result<String, String> {
    const ARCHITECTURES: [&str; 14] = [
        "aarch64", "armv6l", "armv7l", "armv8l", "i686", "mips", "mips64", "ppc", "ppc64",
        "ppc64le", "riscv32", "riscv64", "s390x", "x86_64",
    ];
    let list = ARCHITECTURES.join(" ");
    let known = ARCHITECTURES.contains(&value);
    only_if(known, value, &format!("Invalid value {value:?} (not one of [{list}])"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_those_of_lxd() {
        for (key, value, reason) in [
            ("core.bogus", "1", "unknown key"),
            ("user", "x", "unknown key"),
            ("acme.domain", "x", "unknown key"),
            ("images.auto_update_interval", "abc", "invalid integer"),
            ("images.auto_update_interval", "99999999999999999999", "invalid integer"),
            ("images.auto_update_cached", "maybe", "invalid boolean"),
            ("cluster.max_voters", "4", "Value must be an odd number equal to or higher than 3"),
            ("cluster.max_voters", "-3", "Value must be an odd number equal to or higher than 3"),
            ("cluster.max_standby", "6", "Value must be between 0 and 5"),
            ("cluster.offline_threshold", "5", "Value must be greater than '10'"),
            ("cluster.images_minimal_replica", "0", "Invalid value for image replica count"),
            ("cluster.join_token_expiry", "5X", "Invalid expiry expression"),
            ("cluster.https_address", "0.0.0.0:8443", "Wildcard addresses aren't allowed"),
            ("images.compression_algorithm", "foo", "Invalid compression algorithm \"foo\""),
            ("core.metrics_address", "[::]:9100", "not supported by this server"),
            ("network.ovn.northbound_connection", "tcp:1", "not supported by this server"),
        ] {
            let text = format!("cannot set '{key}' to '{value}': {reason}");
            assert_eq!(checked(key, value).unwrap_err().to_string(), text);
        }
    }

    #[test]
    fn values_are_stored_as_lxd_stores_them() {
        for (key, value, stored) in [
            ("images.auto_update_cached", "0", "false"),
            ("images.auto_update_cached", "On", ""),
            ("images.auto_update_interval", "15", "15"),
            ("images.auto_update_interval", "007", "007"),
            ("images.auto_update_interval", "6", ""),
            ("cluster.max_voters", "3", ""),
            ("cluster.join_token_expiry", "3H 5M", "3H 5M"),
            ("core.https_address", "10.0.0.1", "10.0.0.1"),
            ("core.metrics_address", "", ""),
            ("user.", "x", "x"),
        ] {
            assert_eq!(checked(key, value).as_deref(), Ok(stored), "{key}");
        }
    }
}
