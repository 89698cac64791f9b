//! The server's configuration.

use super::{CONFIG, Old, Step, update};
use crate::client::Answer;
use crate::error::{Error, Result};
use serde_json::{Value, json};
use shared_api::address::Address;
use shared_api::config::Values;
use shared_api::config::server::{CLUSTER_ADDRESS, HTTPS_ADDRESS, TRUST_PASSWORD, checked};
use shared_api::init::Preseed;
use shared_api::paths;
use shared_api::server::Server;

/// What the server's configuration is to be. The first member of a cluster listens for the others
/// where it listens for clients.
///
/// `has_password`: whether the trust password is already the one of the preseed. One that was another
/// before cannot be put back.
///
/// # Errors
/// A key that there is none of, or a value that it cannot have; another address for the members of
/// its cluster.
pub(in crate::init) fn server(
    preseed: &Preseed,
    current: &Answer<Server>,
    has_password: bool,
) -> Result<Option<Step>> {
    let action = "update server configuration".to_owned();
    let failed = |error: Error| error.prefix(format_args!("Failed to {action}"));
    let old = current.metadata.config.clone().unwrap_or_default();
    let mut new = old.clone();
    for (key, value) in &preseed.config {
        if key == TRUST_PASSWORD && (value == "true" || has_password) {
            // It is shown as `true`, which sent back means the one that is set.
            continue;
        }
        let stored = checked(key, value).map_err(|invalid| failed(Error::invalid(invalid)))?;
        match stored.is_empty() {
            true => new.remove(key),
            false => new.insert(key.clone(), Value::String(stored)),
        };
    }
    let is_member = current.metadata.environment.server_clustered;
    if is_member && new.get(CLUSTER_ADDRESS) != old.get(CLUSTER_ADDRESS) {
        let [is, wanted] = [&old, &new].map(|config| text(config, CLUSTER_ADDRESS));
        return Err(failed(Error::internal(format_args!(
            "Changing cluster.https_address is currently not supported: it is \"{is}\", not \"{wanted}\""
        ))));
    }
    let founds = preseed.cluster.as_ref().is_some_and(|cluster| cluster.enabled);
    if founds && !is_member && !preseed.is_join() {
        listen_for_members(&mut new);
    }
    let body = |config: &Values| json!({ "config": config });
    let changed = Old { action, object: CONFIG.to_owned(), url: paths::API.to_owned(), current };
    Ok((new != old).then(|| update(changed, body(&old), body(&new))))
}

fn listen_for_members(config: &mut Values) {
    let address = text(config, HTTPS_ADDRESS).to_owned();
    let is_one_host = address.parse().is_ok_and(|address: Address| !address.is_wildcard());
    if is_one_host && !config.contains_key(CLUSTER_ADDRESS) {
        config.insert(CLUSTER_ADDRESS.to_owned(), Value::String(address));
    }
}

fn text<'a>(config: &'a Values, key: &str) -> &'a str {
    config.get(key).and_then(Value::as_str).unwrap_or_default()
}
