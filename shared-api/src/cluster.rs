//! The cluster and its members: `/1.0/cluster…`.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::config::{self, Map, network, pool};
use crate::fingerprint::Fingerprint;
use crate::{null, token};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cluster {
    /// Name of the member that answers.
    pub server_name: String,
    pub enabled: bool,
    /// What a joiner has to choose for itself.
    #[serde(deserialize_with = "null::as_default")]
    pub member_config: Vec<MemberConfigKey>,
}

/// Bootstraps a cluster, or joins one when `cluster_address` is given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClusterPut {
    pub server_name: String,
    pub enabled: bool,
    #[serde(deserialize_with = "null::as_default")]
    pub member_config: Vec<MemberConfigKey>,
    /// `host:port` of the member to join by.
    pub cluster_address: String,
    /// The cluster's certificate in PEM.
    pub cluster_certificate: String,
    /// `host:port` of this server.
    pub server_address: String,
    /// The trust password, or a join token.
    pub cluster_password: String,
}

/// Replaces the certificate that all members show. Not `Debug`: it holds a key.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClusterCertificatePut {
    /// PEM.
    pub cluster_certificate: String,
    /// Its key, PEM.
    pub cluster_certificate_key: String,
}

/// What replacing the certificate has ended; LXD's answer is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct VoidTokens {
    /// The names that join tokens and client tokens were for.
    pub void_tokens: Vec<String>,
}

/// A key of a pool or network whose value is each member's own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MemberConfigKey {
    /// `storage-pool` or `network`.
    pub entity: String,
    pub name: String,
    pub key: String,
    pub value: String,
    /// The question to ask, such as `"source" property for storage pool "local"`.
    pub description: String,
}

impl MemberConfigKey {
    /// `ENTITY.NAME.KEY`, as it is written on command lines and kept with tokens.
    pub fn path(&self) -> String {
        format!("{}.{}.{}", self.entity, self.name, self.key)
    }

    /// Reads [`Self::path`]. Names and keys may both have dots: what ends as a key of a member's own ends
    /// in that key. Nothing if there are not three parts, or the entity is none.
    pub fn at(path: &str, value: &str) -> Option<Self> {
        let (entity, rest) = path.split_once('.')?;
        let keys = match entity {
            "storage-pool" => &pool::MEMBER_KEYS[..],
            "network" => &network::MEMBER_KEYS[..],
            _ => return None,
        };
        let known =
            keys.iter().find_map(|key| Some((rest.strip_suffix(key)?.strip_suffix('.')?, *key)));
        let (name, key) = known.or_else(|| rest.split_once('.'))?;
        let own = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Some(Self {
            entity: own(entity)?,
            name: own(name)?,
            key: own(key)?,
            value: value.to_owned(),
            description: String::new(),
        })
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Member {
    #[serde(deserialize_with = "null::as_default")]
    pub roles: Vec<String>,
    pub failure_domain: String,
    pub description: String,
    #[serde(deserialize_with = "config::lenient")]
    pub config: Map,
    #[serde(deserialize_with = "null::as_default")]
    pub groups: Vec<String>,
    pub server_name: String,
    pub url: String,
    /// Whether it holds a replica of the database.
    pub database: bool,
    /// `Online`, `Offline` or `Evacuated`.
    pub status: String,
    pub message: String,
    pub architecture: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MemberPut {
    #[serde(deserialize_with = "null::as_default")]
    pub roles: Vec<String>,
    pub failure_domain: String,
    pub description: String,
    #[serde(deserialize_with = "config::lenient")]
    pub config: Map,
    #[serde(deserialize_with = "null::as_default")]
    pub groups: Vec<String>,
}

/// Asks for a join token.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MembersPost {
    pub server_name: String,
    /// How many seconds the token is good for; otherwise `cluster.join_token_expiry` says it. Ours
    /// (extension `clustering_join_token_options`), as are the next three.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u32>,
    /// The new member's failure domain.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub failure_domain: String,
    /// Names of the cluster groups that the new member is in; otherwise it is in `default`.
    #[serde(deserialize_with = "null::as_default", skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// What the new member has for its own; its own request to join wins.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub member_config: Vec<MemberConfigKey>,
}

/// Members that belong together, by what their hosts have or what they are for. Each member is in at least one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClusterGroup {
    pub description: String,
    /// Names of members, sorted.
    #[serde(deserialize_with = "null::as_default")]
    pub members: Vec<String>,
    pub name: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClusterGroupPut {
    pub description: String,
    #[serde(deserialize_with = "null::as_default")]
    pub members: Vec<String>,
}

/// Renames a group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClusterGroupPost {
    pub name: String,
}

/// Makes a group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClusterGroupsPost {
    pub description: String,
    #[serde(deserialize_with = "null::as_default")]
    pub members: Vec<String>,
    pub name: String,
}

/// What a joiner has to know; good for one member of that name.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinToken {
    pub server_name: String,
    /// Of the cluster's certificate.
    pub fingerprint: Fingerprint,
    /// `host:port` of each member that was online.
    pub addresses: Vec<String>,
    pub secret: String,
    pub expires_at: Timestamp,
}

/// A [`JoinToken`] as the metadata of the operation that made it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JoinTokenMetadata {
    pub addresses: Vec<String>,
    pub expires_at: Timestamp,
    pub fingerprint: Fingerprint,
    pub secret: String,
    pub server_name: String,
}

impl JoinToken {
    /// The text that users copy: base64 of the JSON.
    pub fn encode(&self) -> String {
        token::encode(self)
    }

    pub fn decode(text: &str) -> Result<Self, token::Error> {
        token::decode(text)
    }
}

impl From<JoinTokenMetadata> for JoinToken {
    fn from(metadata: JoinTokenMetadata) -> Self {
        let JoinTokenMetadata { addresses, expires_at, fingerprint, secret, server_name } =
            metadata;
        Self { server_name, fingerprint, addresses, secret, expires_at }
    }
}

impl From<JoinToken> for JoinTokenMetadata {
    fn from(token: JoinToken) -> Self {
        let JoinToken { server_name, fingerprint, addresses, secret, expires_at } = token;
        Self { addresses, expires_at, fingerprint, secret, server_name }
    }
}

/// Without the secret, so that it reaches no log.
impl fmt::Debug for JoinToken {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter
            .debug_struct("JoinToken")
            .field("server_name", &self.server_name)
            .field("addresses", &self.addresses)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_members_are_found_though_names_have_dots() {
        for (path, name, key) in [
            ("storage-pool.local.source", "local", "source"),
            ("storage-pool.a.b.source", "a.b", "source"),
            ("storage-pool.a.volatile.initial_source", "a", "volatile.initial_source"),
            ("network.br0.bridge.external_interfaces", "br0", "bridge.external_interfaces"),
            ("storage-pool.local.what.else", "local", "what.else"),
        ] {
            let read = MemberConfigKey::at(path, "v").unwrap();
            assert_eq!((&*read.name, &*read.key, &*read.value), (name, key, "v"));
            assert_eq!(read.path(), path);
        }
        for path in ["storage-pool", "storage-pool.source", "storage-pool..source", "x.y.z"] {
            assert_eq!(MemberConfigKey::at(path, "v"), None, "{path}");
        }
    }
}
