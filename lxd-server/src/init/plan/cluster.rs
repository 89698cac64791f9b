//! Founding a cluster and joining one.

use super::json;
use crate::client::Request;
use crate::error::{Error, Result};
use reqwest::Method;
use shared_api::address::Address;
use shared_api::cluster::{Cluster, ClusterPut, JoinToken};
use shared_api::config::Values;
use shared_api::config::server::CLUSTER_ADDRESS;
use shared_api::init::{ClusterPreseed, Preseed};
use shared_api::name::MemberName;
use shared_api::paths;
use shared_api::server::Server;

/// The request that founds or joins a cluster.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::init) struct Membership {
    /// LXD's words for what failed if it fails.
    pub(in crate::init) failure: &'static str,
    pub(in crate::init) wanted: ClusterPut,
}

impl Membership {
    pub(in crate::init) fn request(&self) -> Request {
        Request::new(Method::PUT, paths::CLUSTER, json(&self.wanted))
    }
}

/// What makes the server a member as the preseed says; nothing if it is that, or if the preseed says
/// nothing of a cluster.
///
/// # Errors
/// It is a member otherwise than the preseed says; it cannot be reached by the others of the cluster
/// that it is to join.
pub(in crate::init) fn cluster(
    preseed: &Preseed,
    current: &Cluster,
    server: &Server,
) -> Result<Option<Membership>> {
    let Some(wanted) = preseed.cluster.as_ref().filter(|cluster| cluster.enabled) else {
        return Ok(None);
    };
    let joins = preseed.is_join();
    let failure = if joins { "Failed to join cluster" } else { "Failed to configure cluster" };
    if current.enabled {
        let difference = difference(wanted, joins, current, server);
        return match difference {
            None => Ok(None),
            Some(difference) => Err(Error::invalid(format_args!(
                "{failure}: This server is already clustered: {difference}"
            ))),
        };
    }
    if joins && wanted.server_address.is_empty() {
        let text = "Failed to configure cluster: No server address provided for this member";
        return Err(Error::invalid(text));
    }
    if wanted.server_name.is_empty() {
        let text = format!("{failure}: ServerName is required when enabling clustering");
        return Err(Error::invalid(text));
    }
    let name = wanted.server_name.parse::<MemberName>();
    name.map_err(|error| Error::invalid(error).prefix(failure))?;
    let wanted = ClusterPut {
        server_name: wanted.server_name.clone(),
        enabled: true,
        member_config: wanted.member_config.clone(),
        cluster_address: wanted.cluster_address.clone(),
        cluster_certificate: wanted.cluster_certificate.clone(),
        server_address: wanted.server_address.clone(),
        cluster_password: wanted.cluster_password.clone(),
    };
    Ok(Some(Membership { failure, wanted }))
}

/// What a member is otherwise than a preseed says.
fn difference(
    wanted: &ClusterPreseed,
    joins: bool,
    current: &Cluster,
    server: &Server,
) -> Option<String> {
    let (is, name) = (&current.server_name, &wanted.server_name);
    if is != name {
        return Some(format!("its name is \"{is}\", not \"{name}\""));
    }
    let shown = &server.environment;
    let is = &shown.certificate_fingerprint;
    match JoinToken::decode(&wanted.cluster_token) {
        Ok(token) if token.fingerprint.to_string() != *is => {
            let other = token.fingerprint;
            return Some(format!(
                "the fingerprint of its cluster's certificate is {is}, not {other}"
            ));
        }
        Err(_) if joins && wanted.cluster_certificate.trim() != shown.certificate.trim() => {
            return Some("its cluster has another certificate than the one given".to_owned());
        }
        _ => {}
    }
    let config = server.config.as_ref().map(reached_at).unwrap_or_default();
    let differs = !wanted.server_address.is_empty() && canonical(&wanted.server_address) != config;
    differs.then(|| format!("it is reached at \"{config}\", not \"{}\"", wanted.server_address))
}

fn reached_at(config: &Values) -> String {
    let address = config.get(CLUSTER_ADDRESS).and_then(serde_json::Value::as_str);
    canonical(address.unwrap_or_default())
}

fn canonical(address: &str) -> String {
    address.parse().map_or_else(|_| address.to_owned(), |address: Address| address.to_string())
}
