//! The other members of the cluster, to ask them something.

use crate::app::cluster;
use crate::context::Context;
use crate::db::tables::members::{self, Member, State};
use crate::error::{Error, Result};
use crate::node::Remote;
use futures::FutureExt;
use replicated_sqlite::Status;

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

/// The way to the member of that id, which is not this one; nothing when there is none.
pub async fn of(ctx: &Context, id: u64) -> Result<Option<Remote>> {
    let member = ctx.db.read_local(|tx| members::get(tx, id).boxed()).await?;
    member.map(|member| remote(ctx, &member)).transpose()
}

/// The ways to all others that answer.
pub async fn answering(ctx: &Context) -> Result<Vec<Remote>> {
    Ok(online(ctx).await?.answering.into_iter().map(|(_, remote)| remote).collect())
}

/// The way to any other member that answers.
pub async fn any(ctx: &Context) -> Result<Option<Remote>> {
    Ok(answering(ctx).await?.pop())
}

/// The others that count as online.
#[derive(Default)]
pub struct Online {
    /// Those whose replica answers this one's, by node id.
    pub answering: Vec<(u64, Remote)>,
    /// The addresses of those that do not: it has not been long enough for them to count as offline.
    pub silent: Vec<String>,
}

/// Waits until that member's replica does not answer this one's.
pub async fn lost(ctx: &Context, id: u64) {
    let mut watch = ctx.db.replica().watch();
    let lost = |status: &Status| !status.peers.get(&id).is_some_and(|peer| peer.connected);
    // Ends with the replica, too: then nobody knows any more.
    let _ = watch.wait_for(lost).await;
}

/// All others that count as online.
pub async fn online(ctx: &Context) -> Result<Online> {
    let mut online = Online::default();
    if !cluster::is_clustered(ctx) {
        return Ok(online);
    }
    let members = ctx.db.read_local(|tx| members::list(tx).boxed()).await?;
    let peers = ctx.db.replica().status().peers;
    let others = members.into_iter().filter(|member| {
        member.id != ctx.node.id() && member.online && member.state != State::Joining
    });
    for member in others {
        if peers.get(&member.id).is_some_and(|peer| peer.connected) {
            online.answering.push((member.id, remote(ctx, &member)?));
        } else {
            online.silent.push(member.address);
        }
    }
    Ok(online)
}

fn remote(ctx: &Context, member: &Member) -> Result<Remote> {
    Remote::new(&member.address, &ctx.tls.public().fingerprint, &ctx.tls.server())
}
