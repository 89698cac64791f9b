//! The cluster's networks on a host that joins.

use super::RULES;
use super::realise::on_host;
use crate::app::object::{is_made, not_here, refused};
use crate::app::undo_log::{self, Undo};
use crate::context::Context;
use crate::db::Tx;
use crate::db::tables::objects::{NETWORKS, Object};
use crate::error::{Error, Result};
use crate::network;
use crate::node::Remotes;
use futures::FutureExt;
use shared_api::cluster::MemberConfigKey;
use shared_api::config::Map;
use shared_api::name::NetworkName;
use shared_api::networks::Network;
use shared_api::paths;
use std::collections::BTreeMap;

/// Makes the cluster's networks on this host, which is about to join, with its own keys; a network
/// of the same name is taken over. Returns this member's keys of each network.
pub async fn prepare_join(
    ctx: &Context,
    cluster: &Remotes,
    keys: &[MemberConfigKey],
) -> Result<BTreeMap<String, Map>> {
    let existing = ctx.db.read_local(|tx| NETWORKS.list(tx).boxed()).await?;
    let mut own = BTreeMap::new();
    for wanted in wanted(cluster).await? {
        let name = wanted.name.clone();
        let existing = existing.iter().find(|existing| existing.name == name);
        let made = make(ctx, wanted, existing, keys).await;
        own.insert(name, made.map_err(not_here)?);
    }
    Ok(own)
}

/// What keeps this host from having the cluster's networks, in words for users; nothing is made. `own`: those of
/// the keys that were chosen for it, not given by its token.
pub async fn obstacles(
    ctx: &Context,
    cluster: &Remotes,
    keys: &[MemberConfigKey],
    own: &[MemberConfigKey],
) -> Result<Vec<String>> {
    let existing = ctx.db.read_local(|tx| NETWORKS.list(tx).boxed()).await?;
    let all = wanted(cluster).await?;
    let names: Vec<&str> = all.iter().map(|network| network.name.as_str()).collect();
    let mut found = Vec::from_iter(RULES.of_nothing(&names, own));
    for wanted in all {
        let is_ours = existing.iter().any(|existing| existing.name == wanted.name);
        let checked = match check(ctx, wanted, keys) {
            Ok((network, _)) if !is_ours => {
                let free = match network::check(&network).await {
                    Ok(()) => network::check_subnets(&network).await,
                    taken => taken,
                };
                free.map_err(|error| failed(&network, &error))
            }
            checked => checked.map(drop),
        };
        found.extend(checked.err().map(|error| not_here(error).message));
    }
    Ok(found)
}

/// Writes down a joiner's parts. What it does not know of yet, it makes once it is a member.
pub async fn add_member(tx: &mut Tx<'_>, node: u64, own: &BTreeMap<String, Map>) -> Result<()> {
    RULES.add_member(tx, node, own).await
}

/// Refuses member-specific keys that no joiner could use.
pub async fn check_member_config(tx: &mut Tx<'_>, keys: &[MemberConfigKey]) -> Result<()> {
    RULES.check_member_config(tx, keys).await
}

/// The keys that a joiner has to choose for itself: those that members have set for themselves.
pub async fn member_config(tx: &mut Tx<'_>) -> Result<Vec<MemberConfigKey>> {
    RULES.member_config(tx).await
}

/// What takes back that a member has made the cluster's networks.
pub async fn parts_of(tx: &mut Tx<'_>, node: u64) -> Result<Vec<Undo>> {
    let made = NETWORKS.list(tx).await?.into_iter().filter(|network| is_made(network, node));
    let undo = |network: Object| {
        let config = network.config_on(node);
        Undo::DeleteNetwork { name: network.name, config }
    };
    Ok(made.map(undo).collect())
}

/// Deletes a network that a join made, or was about to make.
pub async fn discard(ctx: &Context, name: String, config: Map) -> Result<()> {
    let network = of(ctx, name, config)?;
    ctx.networks.delete(&network).await.map_err(|error| refused(&error))
}

/// Brings a network that a join took over back to its former keys.
pub async fn bring_back(ctx: &Context, name: String, config: Map) -> Result<()> {
    let network = of(ctx, name, config)?;
    ctx.networks.start(&network).await.map_err(|error| refused(&error))
}

fn of(ctx: &Context, name: String, config: Map) -> Result<network::Network> {
    let name: NetworkName = name.parse().map_err(Error::internal)?;
    Ok(network::Network { name, config, root: ctx.dir.clone() })
}

/// The cluster's networks that are there.
async fn wanted(cluster: &Remotes) -> Result<Vec<Network>> {
    let url = paths::with_query(paths::NETWORKS, &[("recursion", "1")]);
    let mut wanted: Vec<Network> = cluster.get(&url).await?;
    wanted.retain(|network| network.managed && network.status != "Pending");
    Ok(wanted)
}

/// The network as it would be on this host, and this member's keys of it.
fn check(
    ctx: &Context,
    wanted: Network,
    keys: &[MemberConfigKey],
) -> Result<(network::Network, Map)> {
    let Network { name, kind, mut config, .. } = wanted;
    let own = RULES.own_keys(&name, keys)?;
    config.extend(own.clone());
    (RULES.check)(&name, &kind, &config).map_err(Error::invalid)?;
    Ok((of(ctx, name, config)?, own))
}

fn failed(network: &network::Network, error: &network::Error) -> Error {
    refused(error).prefix(format_args!("Failed to create network \"{}\"", network.name))
}

async fn make(
    ctx: &Context,
    wanted: Network,
    existing: Option<&Object>,
    keys: &[MemberConfigKey],
) -> Result<Map> {
    let (network, own) = check(ctx, wanted, keys)?;
    let (name, config) = (network.name.to_string(), network.config.clone());
    let made = if let Some(existing) = existing {
        let former = on_host(ctx, existing)?.config;
        undo_log::note(ctx, &Undo::RestoreNetwork { name, config: former }).await?;
        ctx.networks.start(&network).await
    } else {
        undo_log::note(ctx, &Undo::DeleteNetwork { name, config }).await?;
        ctx.networks.create(&network).await
    };
    made.map_err(|error| failed(&network, &error))?;
    Ok(own)
}
