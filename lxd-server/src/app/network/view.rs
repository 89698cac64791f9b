//! Networks as clients see them: those of the cluster, and the host's other interfaces.

use crate::app::object::{self, View, refused};
use crate::app::profile::{self, Users};
use crate::context::Context;
use crate::db::Tx;
use crate::db::tables::objects::{NETWORKS, Object};
use crate::db::tables::profiles;
use crate::error::{Error, Result};
use crate::network::{self, Interface};
use futures::FutureExt;
use shared_api::networks::Network;

/// The cluster's networks by name, then this host's other interfaces.
pub async fn list(ctx: &Context) -> Result<Vec<Network>> {
    let view = View::of(ctx);
    let read =
        ctx.db.read(|tx| async move { Ok((NETWORKS.list(tx).await?, users(tx).await?)) }.boxed());
    let (managed, users) = read.await?;
    let others = others(&managed).await?;
    let managed = managed.into_iter().map(|network| show(network, &users, view));
    Ok(managed.chain(others.into_iter().map(|other| show_other(other, &users))).collect())
}

/// Their names, in the same order.
pub async fn names(ctx: &Context) -> Result<Vec<String>> {
    let managed = ctx.db.read(|tx| NETWORKS.list(tx).boxed()).await?;
    let others = others(&managed).await?;
    let managed = managed.into_iter().map(|network| network.name);
    Ok(managed.chain(others.into_iter().map(|other| other.name)).collect())
}

/// One network or interface; with `target`, the network as it is on that member.
pub async fn get(ctx: &Context, name: &str, target: Option<&str>) -> Result<Network> {
    let view = View::of(ctx);
    let read = ctx.db.read(|tx| {
        async move {
            let view = view.or_target(tx, target).await?;
            let users = users(tx).await?;
            let network = NETWORKS.by_name(tx, name).await?;
            let network = network.map(|network| show(network, &users, view));
            Ok((network, users))
        }
        .boxed()
    });
    let (network, users) = read.await?;
    if let Some(network) = network {
        return Ok(network);
    }
    let interface = others(&[]).await?.into_iter().find(|interface| interface.name == name);
    let interface = interface.ok_or_else(|| Error::not_found("Network not found"))?;
    Ok(show_other(interface, &users))
}

/// URLs of what uses each network or interface.
pub(super) async fn users(tx: &mut Tx<'_>) -> Result<Users> {
    Ok(profile::users(profiles::networks(tx).await?))
}

pub(super) fn show(network: Object, users: &Users, view: View) -> Network {
    let (config, status) = view.show(&network);
    Network {
        config,
        status,
        locations: Some(object::locations(&network)),
        used_by: users.get(&network.name).cloned(),
        description: network.description,
        name: network.name,
        kind: network.kind,
        managed: true,
    }
}

fn show_other(interface: Interface, users: &Users) -> Network {
    let used_by = users.get(&interface.name).cloned();
    Network {
        used_by: used_by.or_else(|| (interface.kind == "loopback").then(Vec::new)),
        name: interface.name,
        kind: interface.kind.to_owned(),
        ..Network::default()
    }
}

/// This host's interfaces that are none of these networks.
async fn others(managed: &[Object]) -> Result<Vec<Interface>> {
    let mut interfaces = network::interfaces().await.map_err(|error| refused(&error))?;
    interfaces.retain(|interface| managed.iter().all(|network| network.name != interface.name));
    Ok(interfaces)
}
