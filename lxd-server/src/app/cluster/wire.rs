//! What members of one cluster say to each other about joining. No client sees these.

use crate::app::undo_log::Undo;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared_api::cluster::MemberConfigKey;
use shared_api::config::Map;
use std::collections::BTreeMap;

/// A joiner, trusted for its join, says what it is before it makes anything.
#[derive(Debug, Serialize, Deserialize)]
pub struct Preflight {
    /// The name it wants.
    pub name: String,
    /// `host:port` of its API.
    pub address: String,
    /// The version of the database schema that it has.
    pub schema: u64,
    /// How many API extensions it has.
    pub api: usize,
    /// LXD's number of its architecture; 0 if it has none.
    pub architecture: i64,
    /// Its clock.
    pub now: Timestamp,
}

/// What the cluster says to that.
#[derive(Debug, Serialize, Deserialize)]
pub struct Findings {
    /// Why it cannot join, in words for users.
    pub problems: Vec<String>,
    /// What its token gives it for its own.
    pub member_config: Vec<MemberConfigKey>,
}

/// A member is asked whether it reaches a joiner.
#[derive(Debug, Serialize, Deserialize)]
pub struct Reach {
    /// `host:port`.
    pub address: String,
    /// Of the certificate that is shown there: SHA-256 in hex.
    pub fingerprint: String,
}

/// A joiner, trusted for its join, asks for its place.
#[derive(Debug, Serialize, Deserialize)]
pub struct Accept {
    /// The name it wants.
    pub name: String,
    /// `host:port` of its API.
    pub address: String,
    /// LXD's number of its architecture.
    pub architecture: i64,
    /// The version of the database schema that it has.
    pub schema: u64,
    /// How many API extensions it has.
    pub api: usize,
    /// SubjectPublicKeyInfo of its replica's key: DER in base64.
    pub public_key: String,
    /// Its own keys of each of the cluster's pools.
    pub storage_pools: BTreeMap<String, Map>,
    /// Its own keys of each of the cluster's networks of the default project.
    pub networks: BTreeMap<String, Map>,
}

/// A member whose replica is lost asks for another.
#[derive(Debug, Serialize, Deserialize)]
pub struct Rejoin {
    /// The version of the database schema that it has.
    pub schema: u64,
    /// How many API extensions it has.
    pub api: usize,
    /// SubjectPublicKeyInfo of its new replica's key: DER in base64.
    pub public_key: String,
}

/// Its place, and all that its replica needs.
#[derive(Serialize, Deserialize)]
pub struct Accepted {
    /// Its node id.
    pub node: u64,
    /// Its replica's certificate, PEM.
    pub certificate: String,
    /// The members' authority: certificate, PEM.
    pub authority_certificate: String,
    /// The members' authority: key, PEM.
    pub authority_key: String,
    /// The cluster's public certificate, PEM.
    pub cluster_certificate: String,
    /// Its key, PEM.
    pub cluster_key: String,
    /// The members, so that the joiner can reach others than the one that accepted it.
    pub members: Vec<Member>,
}

/// What a server is told that was removed from the cluster.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Removal {
    /// The node id that it had.
    pub node: u64,
    /// The name that it had.
    pub name: String,
    /// When it was removed, if that is known.
    pub removed_at: Option<Timestamp>,
    /// It was there when it was removed, so that it leaves by itself.
    pub attended: bool,
    /// What takes back that it has the cluster's pools and networks.
    pub parts: Vec<Undo>,
}

/// A member as a joiner is told of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// `host:port`.
    pub address: String,
}
