//! What a server is, as a preseed.

use crate::client::Client;
use crate::error::Result;
use serde::Serialize;
use shared_api::config::Values;
use shared_api::server::Server;
use shared_api::{init, networks, paths, profiles, projects, storage, yaml};

/// A preseed without a cluster, which is no server's own.
#[derive(Serialize)]
struct Dump {
    config: Values,
    networks: Vec<init::Network>,
    storage_pools: Vec<init::Pool>,
    profiles: Vec<init::Profile>,
    projects: Vec<init::Project>,
}

/// The server's configuration in YAML, with an empty line at the end, as LXD prints it.
pub(super) async fn dump(client: &Client) -> Result<String> {
    let server: Server = client.get(paths::API).await?;
    let recursive = |path| paths::with_query(path, &[("recursion", "1")]);
    let networks: Vec<networks::Network> = client.get(&recursive(paths::NETWORKS)).await?;
    let pools: Vec<storage::Pool> = client.get(&recursive(paths::STORAGE_POOLS)).await?;
    let profiles: Vec<profiles::Profile> = client.get(&recursive(paths::PROFILES)).await?;
    let projects: Vec<projects::Project> = client.get(&recursive(paths::PROJECTS)).await?;
    let managed = networks.into_iter().filter(|network| network.managed);
    let dump = Dump {
        config: server.config.unwrap_or_default(),
        networks: managed.map(network).collect(),
        storage_pools: pools.into_iter().map(pool).collect(),
        profiles: profiles.into_iter().map(profile).collect(),
        projects: projects.into_iter().map(project).collect(),
    };
    Ok(format!("{}\n", yaml::to_string(&dump)))
}

fn network(network: networks::Network) -> init::Network {
    let networks::Network { config, description, name, kind, .. } = network;
    init::Network { config, description, name, kind, project: "default".to_owned() }
}

fn pool(pool: storage::Pool) -> init::Pool {
    let storage::Pool { config, description, name, driver, .. } = pool;
    init::Pool { config, description, name, driver }
}

fn profile(profile: profiles::Profile) -> init::Profile {
    let profiles::Profile { config, description, devices, name, .. } = profile;
    init::Profile { config, description, devices, name }
}

fn project(project: projects::Project) -> init::Project {
    let projects::Project { config, description, name, .. } = project;
    init::Project { config, description, name }
}
