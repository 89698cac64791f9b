//! Preseed files of `lxd init`: YAML, strict about keys, lenient about scalars.

use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::cluster::MemberConfigKey;
use crate::config::{self, Devices, Map};
use crate::{networks, null, profiles, projects, storage};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Preseed {
    /// The server's configuration.
    #[serde(deserialize_with = "config::lenient")]
    pub config: Map,
    #[serde(deserialize_with = "null::as_default")]
    pub networks: Vec<Network>,
    #[serde(deserialize_with = "null::as_default")]
    pub storage_pools: Vec<Pool>,
    #[serde(deserialize_with = "null::as_default")]
    pub profiles: Vec<Profile>,
    #[serde(deserialize_with = "null::as_default")]
    pub projects: Vec<Project>,
    pub cluster: Option<ClusterPreseed>,
}

impl Preseed {
    /// Whether a cluster exists already, and the server is to join it.
    pub fn is_join(&self) -> bool {
        self.cluster.as_ref().is_some_and(|cluster| {
            !cluster.cluster_address.is_empty() || !cluster.cluster_token.is_empty()
        })
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClusterPreseed {
    #[serde(deserialize_with = "null::as_default")]
    pub server_name: String,
    #[serde(deserialize_with = "yes_or_no")]
    pub enabled: bool,
    #[serde(deserialize_with = "member_config")]
    pub member_config: Vec<MemberConfigKey>,
    /// `host:port` of the member to join by.
    #[serde(deserialize_with = "null::as_default")]
    pub cluster_address: String,
    /// The cluster's certificate in PEM.
    #[serde(deserialize_with = "null::as_default")]
    pub cluster_certificate: String,
    /// `host:port` of this server.
    #[serde(deserialize_with = "null::as_default")]
    pub server_address: String,
    /// The trust password.
    #[serde(deserialize_with = "null::as_default")]
    pub cluster_password: String,
    /// File with the cluster's certificate.
    #[serde(deserialize_with = "null::as_default")]
    pub cluster_certificate_path: String,
    #[serde(deserialize_with = "null::as_default")]
    pub cluster_token: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Network {
    #[serde(deserialize_with = "config::lenient")]
    pub config: Map,
    #[serde(deserialize_with = "null::as_default")]
    pub description: String,
    #[serde(deserialize_with = "null::as_default")]
    pub name: String,
    #[serde(rename = "type", deserialize_with = "null::as_default")]
    pub kind: String,
    /// Empty means the default project.
    #[serde(deserialize_with = "null::as_default")]
    pub project: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pool {
    #[serde(deserialize_with = "config::lenient")]
    pub config: Map,
    #[serde(deserialize_with = "null::as_default")]
    pub description: String,
    #[serde(deserialize_with = "null::as_default")]
    pub name: String,
    #[serde(deserialize_with = "null::as_default")]
    pub driver: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Profile {
    #[serde(deserialize_with = "config::lenient")]
    pub config: Map,
    #[serde(deserialize_with = "null::as_default")]
    pub description: String,
    #[serde(deserialize_with = "config::lenient_devices")]
    pub devices: Devices,
    #[serde(deserialize_with = "null::as_default")]
    pub name: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Project {
    #[serde(deserialize_with = "config::lenient")]
    pub config: Map,
    #[serde(deserialize_with = "null::as_default")]
    pub description: String,
    #[serde(deserialize_with = "null::as_default")]
    pub name: String,
}

impl From<Network> for networks::NetworksPost {
    fn from(network: Network) -> Self {
        let Network { config, description, name, kind, project: _ } = network;
        Self { config, description, name, kind }
    }
}

impl From<Pool> for storage::PoolsPost {
    fn from(pool: Pool) -> Self {
        let Pool { config, description, name, driver } = pool;
        Self { config, description, name, driver }
    }
}

impl From<Profile> for profiles::ProfilesPost {
    fn from(profile: Profile) -> Self {
        let Profile { config, description, devices, name } = profile;
        Self { config, description, devices, name }
    }
}

impl From<Project> for projects::ProjectsPost {
    fn from(project: Project) -> Self {
        let Project { config, description, name } = project;
        Self { config, description, name }
    }
}

/// The entries of a preseed, which unlike a request's may have no unknown key.
fn member_config<'de, D>(deserializer: D) -> Result<Vec<MemberConfigKey>, D::Error>
where
    D: Deserializer<'de>,
{
    #[derive(Default, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Key {
        #[serde(deserialize_with = "null::as_default")]
        entity: String,
        #[serde(deserialize_with = "null::as_default")]
        name: String,
        #[serde(deserialize_with = "null::as_default")]
        key: String,
        #[serde(deserialize_with = "null::as_default")]
        value: String,
        #[serde(deserialize_with = "null::as_default")]
        description: String,
    }
    let keys: Vec<Key> = null::as_default(deserializer)?;
    let plain = |Key { entity, name, key, value, description }| MemberConfigKey {
        entity,
        name,
        key,
        value,
        description,
    };
    Ok(keys.into_iter().map(plain).collect())
}

/// A truth value of YAML 1.1.
fn yes_or_no<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    struct YesOrNo;

    impl Visitor<'_> for YesOrNo {
        type Value = bool;

        fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
            formatter.write_str("true or false")
        }

        fn visit_unit<E: Error>(self) -> Result<bool, E> {
            Ok(false)
        }

        fn visit_bool<E: Error>(self, value: bool) -> Result<bool, E> {
            Ok(value)
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<bool, E> {
            match text {
                "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Ok(true),
                "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Ok(false),
                _ => Err(E::invalid_value(serde::de::Unexpected::Str(text), &self)),
            }
        }
    }

    deserializer.deserialize_any(YesOrNo)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOOTSTRAP: &str = "\
config:
  core.trust_password: sekret
  core.https_address: 10.55.60.171:8443
  images.auto_update_interval: 15
storage_pools:
- name: default
  driver: dir
networks:
- name: lxdbr0
  type: bridge
  config:
    ipv4.address: 192.168.100.14/24
    ipv6.address: none
profiles:
- name: default
  devices:
    root:
      path: /
      pool: default
      type: disk
    eth0:
      name: eth0
      nictype: bridged
      parent: lxdbr0
      type: nic
cluster:
  server_name: node1
  enabled: true
";

    fn error(yaml: &str) -> String {
        serde_yaml::from_str::<Preseed>(yaml).unwrap_err().to_string()
    }

    #[test]
    fn a_bootstrap_is_read() {
        let preseed: Preseed = serde_yaml::from_str(BOOTSTRAP).unwrap();
        assert_eq!(preseed.config["images.auto_update_interval"], "15");
        assert_eq!(preseed.storage_pools[0].driver, "dir");
        assert_eq!(preseed.networks[0].config["ipv6.address"], "none");
        assert_eq!(preseed.profiles[0].devices["root"]["path"], "/");
        let cluster = preseed.cluster.unwrap();
        assert!(cluster.enabled && cluster.server_name == "node1");
    }

    #[test]
    fn what_is_empty_is_the_default() {
        for yaml in ["{}", "networks:\nprofiles: ~\ncluster: null\n", "config: {}"] {
            assert_eq!(serde_yaml::from_str::<Preseed>(yaml).unwrap(), Preseed::default());
        }
        let yaml = "cluster:\n  server_name: ~\n  enabled: no\n  member_config:\n  - value:\n";
        let preseed: Preseed = serde_yaml::from_str(yaml).unwrap();
        let member_config = vec![MemberConfigKey::default()];
        assert_eq!(
            preseed.cluster.unwrap(),
            ClusterPreseed { member_config, ..Default::default() }
        );
    }

    #[test]
    fn what_is_unknown_is_refused_with_its_line() {
        for (yaml, key, line) in [
            ("config: {}\nfoo: 1\n", "foo", "line 2"),
            ("cluster:\n  enabled: true\n  foo: 1\n", "foo", "line 3"),
            ("networks:\n- name: a\n  foo: 1\n", "foo", "line 3"),
            ("cluster:\n  member_config:\n  - foo: 1\n", "foo", "line 3"),
            ("cluster:\n  enabled: maybe\n", "maybe", "line 2"),
            ("config:\n  a: [1]\n", "sequence", "line 2"),
        ] {
            let error = error(yaml);
            assert!(error.contains(key) && error.contains(line), "{error}");
        }
    }

    #[test]
    fn what_is_printed_is_read() {
        let preseed: Preseed = serde_yaml::from_str(BOOTSTRAP).unwrap();
        let printed = serde_yaml::to_string(&preseed).unwrap();
        assert_eq!(serde_yaml::from_str::<Preseed>(&printed).unwrap(), preseed);
    }
}
