//! Making a network.

use super::RULES;
use super::realise::{path, realise};
use crate::app::object::{self, Before, Wanted, refused};
use crate::app::peers::{self, Task};
use crate::context::Context;
use crate::db::new_id;
use crate::db::tables::objects::{NETWORKS, State};
use crate::error::{Error, Kind, Result};
use crate::network;
use futures::FutureExt;
use shared_api::name::NetworkName;
use shared_api::networks::NetworksPost;

/// LXD's types of networks.
const TYPES: [&str; 5] = ["bridge", "macvlan", "sriov", "ovn", "physical"];

/// Announces a network for one member, with that member's keys. Nothing is made yet.
pub async fn define(ctx: &Context, target: &str, request: NetworksPost) -> Result<()> {
    let (wanted, id) = (&checked(request)?, new_id());
    ctx.db.write(|tx| object::define(tx, &RULES, id, target, wanted).boxed()).await
}

/// Makes a network on all members. What its keys leave open (subnets, NAT) is chosen once, here.
///
/// A member that is offline makes its part when it returns. When one that is online fails, the
/// network is errored: it can be created again without keys, or deleted. A kill on the way leaves
/// it pending, to be created again.
pub async fn create(ctx: &Context, request: NetworksPost) -> Result<()> {
    if let Some(ended) = ctx.db.ended() {
        return ended;
    }
    let wanted = &checked(request)?;
    (RULES.check)(&wanted.name, &wanted.kind, &wanted.config).map_err(Error::internal)?;
    let filled = network::fill(wanted.config.clone()).await.map_err(|error| refused(&error))?;
    let (id, node) = (new_id(), ctx.node.id());
    let begin = ctx.db.write(|tx| object::begin(tx, &RULES, id, node, wanted, &filled).boxed());
    let (id, before) = begin.await?;
    let (made, is_new) = match realise(ctx, &wanted.name).await {
        Ok(()) => (peers::tell(ctx, Task::Realise, &path(&wanted.name)).await, false),
        Err(error) => (Err(error), before == Before::Nothing),
    };
    let state = if made.is_ok() { State::Created } else { State::Errored };
    let end = ctx.db.end(made, |tx| {
        async move {
            if is_new {
                return NETWORKS.delete(tx, id).await;
            }
            NETWORKS.set_state(tx, id, state).await
        }
        .boxed()
    });
    end.await
}

/// Refuses what no server of this kind can make, whatever it has.
pub fn check(request: &NetworksPost) -> Result<()> {
    let wanted = checked(request.clone())?;
    (RULES.check)(&wanted.name, &wanted.kind, &wanted.config).map_err(Error::internal)
}

fn checked(request: NetworksPost) -> Result<Wanted> {
    let NetworksPost { mut config, description, name, kind } = request;
    let name: NetworkName = name.parse().map_err(Error::invalid)?;
    let kind = if kind.is_empty() { "bridge".to_owned() } else { kind };
    if !TYPES.contains(&kind.as_str()) {
        return Err(Error::invalid("Unknown driver"));
    }
    if kind != "bridge" {
        let text = format!("Networks of type \"{kind}\" are not implemented");
        return Err(Error::new(Kind::NotImplemented, text));
    }
    config.retain(|_, value| !value.is_empty());
    Ok(Wanted { name: name.into(), kind, description, config })
}
