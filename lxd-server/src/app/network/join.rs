//! The cluster's networks on a host that joins.

use super::RULES;
use super::realise::on_host;
use crate::app::object::refused;
use crate::app::undo::Undo;
use crate::context::Context;
use crate::db::Tx;
use crate::db::tables::objects::{NETWORKS, Object};
use crate::error::{Error, Result};
use crate::network;
use crate::node::Remote;
use futures::FutureExt;
use shared_api::cluster::MemberConfigKey;
use shared_api::config::Map;
use shared_api::name::NetworkName;
use shared_api::networks::Network;
use shared_api::paths;
use std::collections::BTreeMap;

/// Makes the cluster's networks on this host, which is about to join, with its own keys; a network
/// of the same name is taken over. Returns this member's keys of each network.
pub async fn prepare_join<'a>(
    ctx: &'a Context,
    remote: &Remote,
    keys: &[MemberConfigKey],
    undo: &mut Undo<'a>,
) -> Result<BTreeMap<String, Map>> {
    let url = paths::with_query(paths::NETWORKS, &[("recursion", "1")]);
    let wanted: Vec<Network> = remote.get(&url).await?;
    let existing = ctx.db.read_local(|tx| NETWORKS.list(tx).boxed()).await?;
    let mut own = BTreeMap::new();
    for wanted in
        wanted.into_iter().filter(|network| network.managed && network.status != "Pending")
    {
        let name = wanted.name.clone();
        let existing = existing.iter().find(|existing| existing.name == name);
        let made = make(ctx, wanted, existing, keys, undo).await.map_err(|error| {
            error.prefix(
                "Failed to initialize member: Failed to initialize storage pools and networks",
            )
        });
        own.insert(name, made?);
    }
    Ok(own)
}

/// Writes down a joiner's parts. What it does not know of yet, it makes once it is a member.
pub async fn add_member(tx: &mut Tx<'_>, node: u64, own: &BTreeMap<String, Map>) -> Result<()> {
    RULES.add_member(tx, node, own).await
}

/// The keys that a joiner has to choose for itself: those that members have set for themselves.
pub async fn member_config(tx: &mut Tx<'_>) -> Result<Vec<MemberConfigKey>> {
    RULES.member_config(tx).await
}

async fn make<'a>(
    ctx: &'a Context,
    wanted: Network,
    existing: Option<&Object>,
    keys: &[MemberConfigKey],
    undo: &mut Undo<'a>,
) -> Result<Map> {
    let Network { name, kind, mut config, .. } = wanted;
    let own = RULES.own_keys(&name, keys)?;
    let failed = format!("Failed to create network \"{name}\"");
    config.extend(own.clone());
    (RULES.check)(&name, &kind, &config).map_err(Error::invalid)?;
    let name: NetworkName = name.parse().map_err(Error::internal)?;
    let network = network::Network { name, config, root: ctx.dir.clone() };
    let made = if let Some(existing) = existing {
        let former = on_host(ctx, existing)?;
        undo.push("bring a network back to what it was", async move {
            if let Err(error) = ctx.networks.start(&former).await {
                tracing::warn!("A network could not be brought back: {}", refused(&error));
            }
        });
        ctx.networks.start(&network).await
    } else {
        let made = ctx.networks.create(&network).await;
        if made.is_ok() {
            undo.push("delete a network", async move {
                if let Err(error) = ctx.networks.delete(&network).await {
                    tracing::warn!("A network was left on the host: {}", refused(&error));
                }
            });
        }
        made
    };
    made.map_err(|error| refused(&error).prefix(failed))?;
    Ok(own)
}
