//! What the server is, as far as a preseed asks for something, and what has to be done.

use super::plan::{self, Plan};
use crate::client::{Answer, Client};
use crate::error::{Error, Result};
use serde::de::DeserializeOwned;
use serde_json::json;
use shared_api::cluster::Cluster;
use shared_api::config::Map;
use shared_api::config::server::TRUST_PASSWORD;
use shared_api::init::Preseed;
use shared_api::networks::Network;
use shared_api::paths;
use shared_api::projects::Project;
use shared_api::server::Server;
use shared_api::storage::Pool;
use std::collections::BTreeSet;

/// Reads the server and compares it with the preseed; changes nothing.
///
/// # Errors
/// The preseed says something that no server takes, or that contradicts what this one is.
pub(super) async fn plan(client: &Client, preseed: &Preseed) -> Result<Plan> {
    refuse_doubles(preseed)?;
    let server: Answer<Server> = client.read(paths::API).await?;
    let has_password = match preseed.config.get(TRUST_PASSWORD) {
        Some(password) if !password.is_empty() && password != "true" => {
            client.post(paths::INTERNAL_INIT_PASSWORD, &json!(password)).await?
        }
        _ => false,
    };
    let cluster: Cluster = client.get(paths::CLUSTER).await?;
    let mut steps = Vec::from_iter(plan::server(preseed, &server, has_password)?);
    for pool in &preseed.storage_pools {
        let url = paths::storage_pool(&pool.name);
        let current: Option<Answer<Pool>> = client.find(&url).await?;
        let seen = current.as_ref().map(|pool| &pool.metadata.config);
        let own = own_keys(client, &cluster, &url, seen, |pool: Pool| pool.config).await?;
        steps.extend(plan::pool(pool, current.as_ref(), &own)?);
    }
    for network in &preseed.networks {
        let url = paths::network(&network.name);
        let current: Option<Answer<Network>> = client.find(&url).await?;
        let managed = current.as_ref().filter(|network| network.metadata.managed);
        let seen = managed.map(|network| &network.metadata.config);
        let own = own_keys(client, &cluster, &url, seen, |network: Network| network.config).await?;
        steps.extend(plan::network(network, current.as_ref(), &own)?);
    }
    for project in &preseed.projects {
        let current: Option<Answer<Project>> = client.find(&paths::project(&project.name)).await?;
        steps.extend(plan::project(project, current.as_ref())?);
    }
    for profile in &preseed.profiles {
        let current = client.find(&paths::profile(&profile.name)).await?;
        steps.extend(plan::profile(profile, current.as_ref())?);
    }
    let cluster = plan::cluster(preseed, &cluster, &server.metadata)?;
    Ok(Plan { steps, cluster })
}

/// The keys that an object has on this member: in a cluster they are shown to those who ask for them.
async fn own_keys<T: DeserializeOwned>(
    client: &Client,
    cluster: &Cluster,
    url: &str,
    seen: Option<&Map>,
    config: fn(T) -> Map,
) -> Result<Map> {
    match seen {
        None => Ok(Map::new()),
        Some(seen) if !cluster.enabled => Ok(seen.clone()),
        Some(_) => {
            let url = paths::with_query(url, &[("target", &cluster.server_name)]);
            client.get(&url).await.map(config)
        }
    }
}

/// Two things of a kind with one name would be one that is created and then changed.
fn refuse_doubles(preseed: &Preseed) -> Result<()> {
    fn check<'a>(what: &str, names: impl Iterator<Item = &'a String>) -> Result<()> {
        let mut seen = BTreeSet::new();
        for name in names {
            if !seen.insert(name) {
                let text = format!("The preseed has the {what} \"{name}\" more than once");
                return Err(Error::invalid(text));
            }
        }
        Ok(())
    }
    check("storage pool", preseed.storage_pools.iter().map(|pool| &pool.name))?;
    check("network", preseed.networks.iter().map(|network| &network.name))?;
    check("project", preseed.projects.iter().map(|project| &project.name))?;
    check("profile", preseed.profiles.iter().map(|profile| &profile.name))
}
