//! What the server is, as far as a preseed asks for something, and what has to be done.

use super::plan::{self, Plan, Step};
use crate::client::{Answer, Client};
use crate::error::{Error, Result};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use shared_api::cluster::{Cluster, MemberConfigKey};
use shared_api::config::Map;
use shared_api::config::pool::INITIAL_SOURCE;
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
    let membership = plan::cluster(preseed, &cluster, &server.metadata)?;
    refuse_other_keys(client, preseed, &cluster).await?;
    if preseed.is_join() && cluster.enabled && !steps.is_empty() {
        return Err(contradicts_cluster(&steps));
    }
    Ok(Plan { steps, cluster: membership })
}

/// What a preseed says beside the cluster is of the server before it joins: it changes nothing of the cluster's.
fn contradicts_cluster(steps: &[Step]) -> Error {
    let actions: Vec<&str> = steps.iter().map(|step| step.action.as_str()).collect();
    Error::invalid(format_args!(
        "Failed to join cluster: This server is already clustered: it would have to {}",
        actions.join(", ")
    ))
}

/// What a preseed chose for this member must be so if it is one already. What is gone since then is no matter.
async fn refuse_other_keys(client: &Client, preseed: &Preseed, cluster: &Cluster) -> Result<()> {
    #[derive(Deserialize)]
    struct Own {
        config: Map,
    }
    let wanted = preseed.cluster.iter().filter(|wanted| wanted.enabled && cluster.enabled);
    let keys = wanted.flat_map(|wanted| &wanted.member_config);
    for MemberConfigKey { entity, name, key, value, .. } in keys.filter(|key| !key.value.is_empty())
    {
        let url = match entity.as_str() {
            "storage-pool" => paths::storage_pool(name),
            "network" => paths::network(name),
            _ => continue,
        };
        let url = paths::with_query(&url, &[("target", &cluster.server_name)]);
        let Some(Answer { metadata: Own { config }, .. }) = client.find(&url).await? else {
            continue;
        };
        // A source is as good as what the server has made of it.
        let given = config.get(INITIAL_SOURCE).filter(|_| key == "source");
        let is = given.or(config.get(key)).map_or("", String::as_str);
        if is != value {
            return Err(Error::invalid(format_args!(
                "Failed to join cluster: This server is already clustered: {entity} \"{name}\" has {key} \"{is}\" on it, not \"{value}\""
            )));
        }
    }
    Ok(())
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
