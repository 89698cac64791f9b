//! Applying a preseed step by step, and taking it back when a step fails.

use super::plan::{self, Step};
use crate::app::undo::Undo;
use crate::client::{self, Answer, Client};
use crate::error::Result;
use shared_api::init::{self, Preseed};
use shared_api::paths;
use shared_api::server::Server;

/// Brings the server to what the preseed says: its configuration, storage pools, networks, projects,
/// profiles, at last its cluster. What is so already is left alone.
///
/// A kill between two steps leaves the earlier ones done; the same preseed does the rest.
///
/// # Errors
/// The first step that failed: the earlier ones are taken back.
pub(super) async fn apply(client: &Client, preseed: &Preseed) -> Result<()> {
    let mut undo = Undo::new();
    match steps(client, preseed, &mut undo).await {
        Ok(()) => {
            undo.disarm();
            Ok(())
        }
        Err(error) => {
            undo.run().await;
            Err(error)
        }
    }
}

async fn steps<'a>(client: &'a Client, preseed: &Preseed, undo: &mut Undo<'a>) -> Result<()> {
    let cluster = preseed.cluster.as_ref();
    let server: Answer<Server> = client.read(paths::API).await?;
    take(client, undo, plan::server(&preseed.config, cluster, &server)).await?;
    for pool in &preseed.storage_pools {
        let current = client.find(&paths::storage_pool(&pool.name)).await?;
        take(client, undo, plan::pool(pool, current.as_ref())?).await?;
    }
    let (own, other): (Vec<_>, Vec<_>) =
        preseed.networks.iter().partition(|network| plan::project_of(network) == "default");
    networks(client, undo, &own).await?;
    for project in &preseed.projects {
        let current = client.find(&paths::project(&project.name)).await?;
        take(client, undo, plan::project(project, current.as_ref())).await?;
    }
    networks(client, undo, &other).await?;
    for profile in &preseed.profiles {
        let current = client.find(&paths::profile(&profile.name)).await?;
        take(client, undo, plan::profile(profile, current.as_ref())).await?;
    }
    let Some(cluster) = cluster else { return Ok(()) };
    let current = client.get(paths::CLUSTER).await?;
    let plan = plan::cluster(cluster, &current, &server.metadata.environment)?;
    let Some((failure, request)) = plan else { return Ok(()) };
    let done = client.complete(&request).await;
    done.map_err(|error| {
        // A join says so itself.
        if error.message.starts_with(failure) { error } else { error.prefix(failure) }
    })
}

async fn networks<'a>(
    client: &'a Client,
    undo: &mut Undo<'a>,
    networks: &[&init::Network],
) -> Result<()> {
    for network in networks {
        let url = plan::network_url(network);
        let current = client.find(&url).await?;
        take(client, undo, plan::network(network, current.as_ref())).await?;
    }
    Ok(())
}

/// Takes a step, if there is one to take.
async fn take<'a>(client: &'a Client, undo: &mut Undo<'a>, step: Option<Step>) -> Result<()> {
    let Some(Step { action, request, undo: back }) = step else { return Ok(()) };
    client
        .send(&request)
        .await
        .map_err(|error| error.prefix(format_args!("Failed to {action}")))?;
    undo.push("apply the preseed", async move {
        if let Err(error) = client.send(&back).await {
            client::note(format_args!("Failed to undo \"{action}\": {}", error.chain()));
        }
    });
    Ok(())
}
