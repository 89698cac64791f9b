//! `lxc network list`

use shared_api::networks::Network;
use shared_api::paths;

use crate::commands::used_by;
use crate::context::Context;
use crate::table::{self, FormatFlag, Rows};

/// List available networks
#[derive(clap::Args)]
#[command(visible_alias = "ls")]
pub(crate) struct Arguments {
    /// Remote to ask
    #[arg(value_name = "[<remote>:]")]
    remote: Option<String>,
    #[command(flatten)]
    flag: FormatFlag,
}

pub(crate) async fn run(ctx: &Context, arguments: Arguments) -> anyhow::Result<()> {
    let client = ctx.client(&ctx.resource(arguments.remote.as_deref().unwrap_or_default())?)?;
    let path = client.in_project(paths::NETWORKS, &[("recursion", "1")]);
    let networks: Vec<Network> = client.get(&path).await?;
    Ok(ctx.ui.data(table::render(arguments.flag.format, &networks, rows)?)?)
}

/// All but interfaces of no interest.
fn rows(networks: &[Network]) -> Rows {
    let is_shown = |network: &&Network| !["loopback", "unknown"].contains(&network.kind.as_str());
    let value = |network: &Network, key| network.config.get(key).cloned().unwrap_or_default();
    let row = |network: &Network| {
        vec![
            network.name.clone(),
            network.kind.clone(),
            if network.managed { "YES" } else { "NO" }.to_owned(),
            value(network, "ipv4.address"),
            value(network, "ipv6.address"),
            network.description.clone(),
            used_by(network.used_by.as_ref()),
            network.status.to_uppercase(),
        ]
    };
    Rows {
        columns: vec!["NAME", "TYPE", "MANAGED", "IPV4", "IPV6", "DESCRIPTION", "USED BY", "STATE"],
        rows: networks.iter().filter(is_shown).map(row).collect(),
    }
}
