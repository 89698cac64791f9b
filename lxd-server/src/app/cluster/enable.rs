//! `PUT /1.0/cluster`: decides between founding, joining and ending a cluster, and runs it as an operation.

use super::{bootstrap, disable, join, leave};
use crate::app::config;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::operations::Task;
use shared_api::cluster::ClusterPut;
use shared_api::name::MemberName;
use shared_api::operations::Operation;

/// Starts founding or joining a cluster, or ending one.
///
/// Only the last member is made a server of its own, or one that was removed: LXD wipes any, and its cluster goes on counting it.
pub async fn enable(ctx: &Context, request: ClusterPut) -> Result<Operation> {
    if !request.enabled {
        return end(ctx).await;
    }
    if super::is_clustered(ctx) {
        return Err(Error::internal("This server is already clustered"));
    }
    let joins = !request.cluster_password.is_empty() || !request.cluster_address.is_empty();
    if request.server_name.is_empty() && !joins {
        return Err(Error::invalid("ServerName is required when enabling clustering"));
    }
    let description = if joins { "Joining cluster" } else { "Creating bootstrap node" };
    let task = Task { description: description.to_owned(), ..Task::default() };
    if joins {
        let own = ctx.clone();
        return ctx.operations.spawn(task, |_| async move { join(&own, &request).await });
    }
    let name: MemberName = request.server_name.parse().map_err(Error::invalid)?;
    let address = config::cluster_address(ctx, &request.server_address).await?;
    let own = ctx.clone();
    ctx.operations.spawn(task, |_| async move { bootstrap(&own, &name, &address).await })
}

async fn end(ctx: &Context) -> Result<Operation> {
    if !super::is_clustered(ctx) {
        return Err(Error::invalid("This server is not clustered"));
    }
    let task = Task { description: "Disabling clustering".to_owned(), ..Task::default() };
    let own = ctx.clone();
    if let Some(removal) = leave::removal(ctx).await? {
        return ctx.operations.spawn(task, |_| async move { leave::leave(&own, &removal).await });
    }
    disable::require_alone(ctx).await?;
    ctx.operations.spawn(task, |_| async move { disable::disable(&own).await })
}
