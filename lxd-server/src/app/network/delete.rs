//! Removing a network from all hosts, then from the database.

use super::RULES;
use super::realise::{on_host, path};
use super::view::users;
use crate::app::object::{self, is_made, refused};
use crate::app::peers::{self, Task};
use crate::context::Context;
use crate::db::tables::objects::NETWORKS;
use crate::error::Result;
use futures::FutureExt;

/// Deletes a network on all members; all that have it must be online.
///
/// What a kill or a failing member leaves is an errored network without the parts that are gone:
/// it can be deleted again.
pub async fn delete(ctx: &Context, name: &str) -> Result<()> {
    peers::check_answering(ctx).await?;
    let begin = ctx.db.write(|tx| {
        async move {
            let users = users(tx).await?;
            object::begin_delete(tx, &RULES, name, &users).await
        }
        .boxed()
    });
    let id = begin.await?.id;
    peers::tell(ctx, Task::Remove, &path(name)).await?;
    remove(ctx, name).await?;
    ctx.db.write(|tx| NETWORKS.delete(tx, id).boxed()).await
}

/// Removes this host's part of a network; without one nothing is to be done.
pub async fn remove(ctx: &Context, name: &str) -> Result<()> {
    let node = ctx.node.id();
    let Some(object) = ctx.db.read(|tx| NETWORKS.by_name(tx, name).boxed()).await? else {
        return Ok(());
    };
    if is_made(&object, node) {
        let network = on_host(ctx, &object)?;
        ctx.networks.delete(&network).await.map_err(|error| refused(&error))?;
    }
    ctx.db.write(|tx| NETWORKS.remove_part(tx, object.id, node).boxed()).await
}
