//! Configuration maps: how they are read from requests and from preseed files, and what keys and
//! values each kind of object takes.

mod check;
pub mod device;
pub mod instance;
mod keys;
pub mod member;
pub mod network;
mod nic;
pub mod pool;
pub mod project;
mod proxy;
mod schedule;
pub mod server;

pub use check::is_true;

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// Keys and values of one object, sorted by key.
pub type Map = BTreeMap<String, String>;

/// Configuration of each device of a profile, by the device's name.
pub type Devices = BTreeMap<String, Map>;

/// The server's configuration: strings, but a set `core.trust_password` reads as `true`.
pub type Values = serde_json::Map<String, serde_json::Value>;

/// Why a configuration is refused: the text for the user.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(String);

impl Invalid {
    fn new(text: impl fmt::Display) -> Self {
        Self(text.to_string())
    }
}

/// Reads a map whose YAML scalars arrive as written (`15`, `true`, `0755`, `1.50`), for
/// `#[serde(deserialize_with)]`.
///
/// `null` is the empty map or the empty string. A key given twice is an error, and so is a JSON
/// value that is not a string.
pub fn lenient<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Map, D::Error> {
    Ok(Option::<Unique<String>>::deserialize(deserializer)?.unwrap_or_default().0)
}

/// Reads a map of devices by the rules of [`lenient`].
pub fn lenient_devices<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Devices, D::Error> {
    let devices = Option::<Unique<Unique<String>>>::deserialize(deserializer)?.unwrap_or_default();
    Ok(devices.0.into_iter().map(|(name, Unique(config))| (name, config)).collect())
}

/// A map in which no key may appear twice and `null` is the default value.
#[derive(Default)]
struct Unique<V>(BTreeMap<String, V>);

impl<'de, V: Default + Deserialize<'de>> Deserialize<'de> for Unique<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(UniqueVisitor(PhantomData))
    }
}

struct UniqueVisitor<V>(PhantomData<V>);

impl<'de, V: Default + Deserialize<'de>> Visitor<'de> for UniqueVisitor<V> {
    type Value = Unique<V>;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut map = BTreeMap::new();
        while let Some((key, value)) = access.next_entry::<String, Option<V>>()? {
            if map.contains_key(&key) {
                return Err(A::Error::custom(format_args!("key \"{key}\" already set in map")));
            }
            map.insert(key, value.unwrap_or_default());
        }
        Ok(Unique(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Object {
        #[serde(default, deserialize_with = "lenient")]
        config: Map,
    }

    #[test]
    fn yaml_scalars_arrive_as_written() {
        for (written, expected) in [
            ("15", "15"),
            ("true", "true"),
            ("yes", "yes"),
            ("0755", "0755"),
            ("0x1F", "0x1F"),
            ("1.50", "1.50"),
            ("1e3", "1e3"),
            ("12:30:45", "12:30:45"),
            ("2026-11-22", "2026-11-22"),
            (".inf", ".inf"),
            ("10.55.60.171:8443", "10.55.60.171:8443"),
            ("99999999999999999999999", "99999999999999999999999"),
            ("\"15\"", "15"),
            ("'null'", "null"),
            ("\"a\\tb\"", "a\tb"),
            ("!!str 0755", "0755"),
            ("|\n    a\n    b\n", "a\nb\n"),
            (">-\n    a\n    b\n", "a b"),
            ("", ""),
            ("~", ""),
            ("null", ""),
        ] {
            let yaml = format!("config:\n  key: {written}\n");
            let object: Object = serde_yaml::from_str(&yaml).unwrap();
            assert_eq!(object.config["key"], expected, "{written}");
        }
    }

    #[test]
    fn json_values_are_strings_or_null() {
        let read = |json| serde_json::from_str::<Object>(json).map(|object| object.config);
        assert_eq!(read(r#"{"config":null}"#).unwrap(), Map::new());
        assert_eq!(read(r#"{"config":{"a":null}}"#).unwrap()["a"], "");
        for json in [r#"{"config":{"a":6}}"#, r#"{"config":{"a":true}}"#, r#"{"config":[]}"#] {
            assert!(read(json).is_err(), "{json}");
        }
    }

    #[test]
    fn a_key_given_twice_is_refused() {
        let error = serde_yaml::from_str::<Object>("config:\n  a: 1\n  a: 2\n").unwrap_err();
        assert!(error.to_string().contains("key \"a\" already set in map"), "{error}");
    }
}
