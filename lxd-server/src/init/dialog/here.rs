//! This host and its daemon.

use super::{Facts, Host, Interface};
use crate::app::cluster::Surveyed;
use crate::args;
use crate::client::Client;
use crate::error::{Context, Result};
use crate::host;
use crate::init::reach;
use crate::network;
use crate::storage;
use shared_api::address::Address;
use shared_api::cluster::ClusterPut;
use shared_api::config::pool::DRIVERS;
use shared_api::networks::Network;
use shared_api::paths;
use shared_api::server::Server;
use shared_api::storage::Pool;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use tokio::net::{TcpListener, lookup_host};

/// This host.
pub(in crate::init) struct Here<'a> {
    client: &'a Client,
    server: Server,
}

impl<'a> Here<'a> {
    /// The host of the daemon that `client` talks to.
    pub(in crate::init) async fn new(client: &'a Client) -> Result<Self> {
        Ok(Self { client, server: client.get(paths::API).await? })
    }

    /// What the dialog starts from.
    pub(in crate::init) async fn facts(&self) -> Result<Facts> {
        let addresses = network::addresses().await.context("look at the host's addresses")?;
        let drivers = &self.server.environment.storage_supported_drivers;
        let is_there = |name: &&str| drivers.iter().any(|driver| driver.name == **name);
        let directory = args::directory();
        let measured = "look at the server's directory";
        let on_btrfs = storage::is_btrfs(&directory).context(measured)?;
        Ok(Facts {
            name: host::name(),
            address: addresses.first().map(ToString::to_string),
            drivers: DRIVERS.iter().copied().filter(is_there).map(str::to_owned).collect(),
            btrfs: on_btrfs.then(|| directory.display().to_string()),
            file_size: storage::default_size(&directory).context(measured)?.bytes() >> 30,
        })
    }

    fn listens_at(&self, address: SocketAddr) -> bool {
        self.server.environment.addresses.contains(&address.to_string())
    }
}

impl Host for Here<'_> {
    async fn refusal_to_bind(&self, address: &Address) -> Option<String> {
        let (host, port) = (address.host.as_str(), address.port);
        let found = lookup_host((host, port)).await.ok().and_then(|mut found| found.next());
        let Some(found) = found else {
            return Some(format!("listen tcp: lookup {host}: no such host"));
        };
        if self.listens_at(found) {
            return None;
        }
        let bound = TcpListener::bind(found).await;
        bound.err().map(|error| format!("listen tcp {found}: bind: {}", plain(&error)))
    }

    async fn has_pool(&self, name: &str) -> Result<bool> {
        let pool = self.client.find::<Pool>(&paths::storage_pool(name)).await?;
        Ok(pool.is_some())
    }

    async fn interface(&self, name: &str) -> Result<Option<Interface>> {
        let network = self.client.find::<Network>(&paths::network(name)).await?;
        Ok(network.map(|network| match network.metadata {
            network if network.managed => Interface::Managed,
            network if network.kind == "bridge" => Interface::Bridge,
            _ => Interface::Other,
        }))
    }

    fn is_block(&self, path: &str) -> bool {
        storage::is_block(Path::new(path))
    }

    async fn survey(&self, wanted: &ClusterPut) -> Result<Surveyed> {
        reach::survey(self.client, wanted).await
    }
}

/// An error of the system without its number, as LXD shows it.
fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_ascii_lowercase()
}
