//! `PUT /1.0/cluster`: decides between founding and joining, and runs it as an operation.

use super::{bootstrap, join};
use crate::app::config;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::operations::Task;
use shared_api::cluster::ClusterPut;
use shared_api::name::MemberName;
use shared_api::operations::Operation;

/// Starts founding or joining a cluster.
///
/// A member is never taken out of its cluster this way, as LXD does: the cluster would go on
/// counting it.
pub async fn enable(ctx: &Context, request: ClusterPut) -> Result<Operation> {
    if !request.enabled {
        return Err(Error::invalid(if super::is_clustered(ctx) {
            "A member leaves its cluster by being removed from it"
        } else {
            "This server is not clustered"
        }));
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
