//! The other members of the cluster, to ask them something.

use crate::app::cluster;
use crate::context::Context;
use crate::db::tables::members::{self, Member, State};
use crate::error::{Error, Result};
use crate::node::Remote;
use futures::FutureExt;

/// The way to the member of that name; nothing when it is this one.
///
/// # Errors
/// There is no such member.
pub async fn named(ctx: &Context, name: &str) -> Result<Option<Remote>> {
    let members = ctx.db.read_local(|tx| members::list(tx).boxed()).await?;
    let found = members.iter().find(|member| member.name == name && member.state != State::Joining);
    let known = cluster::is_clustered(ctx).then_some(found).flatten();
    let member = known.ok_or_else(|| Error::not_found("Cluster member not found"))?;
    if member.id == ctx.node.id() { Ok(None) } else { remote(ctx, member).map(Some) }
}

/// The ways to all others that are online.
pub async fn online(ctx: &Context) -> Result<Vec<Remote>> {
    if !cluster::is_clustered(ctx) {
        return Ok(Vec::new());
    }
    let members = ctx.db.read_local(|tx| members::list(tx).boxed()).await?;
    let others = members.iter().filter(|member| {
        member.id != ctx.node.id() && member.online && member.state != State::Joining
    });
    others.map(|member| remote(ctx, member)).collect()
}

fn remote(ctx: &Context, member: &Member) -> Result<Remote> {
    Remote::new(&member.address, &ctx.tls.public().fingerprint, &ctx.tls.server())
}
