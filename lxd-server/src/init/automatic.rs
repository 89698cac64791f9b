//! What `--auto` and `--minimal` choose: a pool and a bridge where there is none, and a profile that
//! uses what was made.

use super::mode::Choices;
use crate::client::Client;
use crate::error::{Error, Result};
use shared_api::config::server::{HTTPS_ADDRESS, TRUST_PASSWORD};
use shared_api::config::{Devices, Map};
use shared_api::init::{self, Preseed};
use shared_api::networks::Network;
use shared_api::paths;
use shared_api::server::Server;
use shared_api::storage::Pool;

/// The preseed for the server as it is: nothing if it has been set up before.
pub(super) async fn preseed(client: &Client, choices: &Choices) -> Result<Preseed> {
    let recursive = |path| paths::with_query(path, &[("recursion", "1")]);
    let pools: Vec<Pool> = client.get(&recursive(paths::STORAGE_POOLS)).await?;
    let networks: Vec<Network> = client.get(&recursive(paths::NETWORKS)).await?;
    let server: Server = client.get(paths::API).await?;
    let (known, driver) =
        (server.environment.storage_supported_drivers, choices.pool.driver.as_str());
    if known.iter().all(|known| known.name != driver) {
        let text = format!("The requested backend '{driver}' isn't supported by lxd init");
        return Err(Error::invalid(text));
    }
    Ok(choose(choices, &pools, &networks))
}

/// A device of the kind `disk` that is the root of instances, in a pool.
pub(super) fn root(pool: &str) -> Map {
    device([("type", "disk"), ("path", "/"), ("pool", pool)])
}

/// A network card on a network that the server manages.
pub(super) fn nic(network: &str) -> Map {
    device([("type", "nic"), ("name", "eth0"), ("network", network)])
}

/// A bridge whose addresses are chosen by the server.
pub(super) fn bridge(name: String) -> init::Network {
    let config =
        Map::from(["ipv4.address", "ipv6.address"].map(|key| (key.to_owned(), "auto".to_owned())));
    init::Network { config, name, project: "default".to_owned(), ..init::Network::default() }
}

pub(super) fn device<const N: usize>(keys: [(&str, &str); N]) -> Map {
    Map::from(keys.map(|(key, value)| (key.to_owned(), value.to_owned())))
}

fn choose(choices: &Choices, pools: &[Pool], networks: &[Network]) -> Preseed {
    let mut preseed = Preseed::default();
    if let Some(address) = &choices.address {
        preseed.config.insert(HTTPS_ADDRESS.to_owned(), address.to_string());
    }
    if !choices.trust_password.is_empty() {
        preseed.config.insert(TRUST_PASSWORD.to_owned(), choices.trust_password.clone());
    }
    let mut devices = Devices::new();
    if pools.is_empty() {
        devices.insert("root".to_owned(), root(&choices.pool.name));
        preseed.storage_pools = vec![choices.pool.clone()];
    }
    if networks.iter().all(|network| !network.managed) {
        let is_free = |name: &String| networks.iter().all(|network| network.name != *name);
        let name = (0..).map(|number| format!("lxdbr{number}")).find(is_free);
        let name = name.expect("there are more numbers than interfaces");
        devices.insert("eth0".to_owned(), nic(&name));
        preseed.networks = vec![bridge(name)];
    }
    if !devices.is_empty() {
        let name = "default".to_owned();
        preseed.profiles = vec![init::Profile { devices, name, ..init::Profile::default() }];
    }
    preseed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_not_made_again() {
        let (name, driver) = ("default".to_owned(), "dir".to_owned());
        let pool = init::Pool { name, driver, ..init::Pool::default() };
        let choices = Choices { pool, ..Choices::default() };
        let network =
            |name: &str, managed| Network { name: name.to_owned(), managed, ..Network::default() };
        let fresh = choose(&choices, &[], &[network("eth0", false), network("lxdbr0", false)]);
        assert_eq!(fresh.storage_pools[0].driver, "dir");
        assert_eq!(fresh.networks[0].name, "lxdbr1");
        assert_eq!(fresh.profiles[0].devices["root"]["pool"], "default");
        assert_eq!(fresh.profiles[0].devices["eth0"]["network"], "lxdbr1");
        let (pools, networks) = ([Pool::default()], [network("br1", true)]);
        assert_eq!(choose(&choices, &pools, &networks), Preseed::default());
        let with_pool = choose(&choices, &pools, &[]);
        assert_eq!(with_pool.profiles[0].devices.keys().collect::<Vec<_>>(), ["eth0"]);
        let address = Some("[::]:8443".parse().unwrap());
        let open = Choices { address, trust_password: "x".into(), ..choices };
        let preseed = choose(&open, &pools, &networks);
        assert_eq!(preseed.config[HTTPS_ADDRESS], "[::]:8443");
        assert_eq!(preseed.config[TRUST_PASSWORD], "x");
    }
}
