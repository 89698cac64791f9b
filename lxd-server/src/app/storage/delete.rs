//! Removing a pool from all hosts, then from the database.

use super::RULES;
use super::realise::{is_planned, on_host, path};
use super::view::users;
use crate::app::object::{self, is_made, refused};
use crate::app::peers::{self, Task};
use crate::context::Context;
use crate::db::tables::objects::POOLS;
use crate::error::Result;
use crate::storage;
use futures::FutureExt;
use shared_api::paths;

/// Deletes a pool on all members; all that have it must be online.
///
/// What a kill or a failing member leaves is an errored pool without the parts that are gone: it
/// can be deleted again.
pub async fn delete(ctx: &Context, name: &str) -> Result<()> {
    if let Some(ended) = ctx.db.ended() {
        return ended;
    }
    peers::check_answering(ctx).await?;
    let begin = ctx.db.write_again(|tx| {
        async move {
            let users = users(tx).await?;
            object::begin_delete(tx, &RULES, name, &users).await
        }
        .boxed()
    });
    let id = begin.await?.id;
    let path = paths::with_query(&path(name), &[("id", &id.to_string())]);
    peers::tell(ctx, Task::Remove, &path).await?;
    remove(ctx, name, Some(id)).await?;
    ctx.db.end(Ok(()), |tx| object::end_delete(tx, &RULES, id).boxed()).await
}

/// Removes this host's part of a pool, if it is the one of that id or none is named; without one
/// nothing is to be done.
pub async fn remove(ctx: &Context, name: &str, id: Option<i64>) -> Result<()> {
    let node = ctx.node.id();
    let object = ctx.db.read(|tx| POOLS.by_name(tx, name).boxed()).await?;
    let Some(object) = object.filter(|object| id.is_none_or(|id| object.id == id)) else {
        return Ok(());
    };
    if is_made(&object, node) || is_planned(&object, node) {
        storage::delete(&on_host(ctx, &object)?).await.map_err(|error| refused(&error))?;
    }
    ctx.db.write_again(|tx| POOLS.remove_part(tx, object.id, node).boxed()).await
}
