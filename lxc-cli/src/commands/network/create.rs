//! `lxc network create`

use shared_api::networks::NetworksPost;
use shared_api::paths;

use crate::context::{self, Context};
use crate::pairs;

/// Create new networks
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Network to create
    #[arg(value_name = "[<remote>:]<network>", required = true)]
    network: String,
    /// Configuration of the network
    #[arg(value_name = "[key=value...]")]
    config: Vec<String>,
    /// Cluster member name
    #[arg(long, value_name = "target")]
    target: Option<String>,
    /// Network type
    #[arg(short = 't', long = "type", value_name = "type")]
    kind: Option<String>,
}

/// With a target the network is only prepared for that member.
pub(crate) async fn run(ctx: &Context, arguments: Arguments) -> anyhow::Result<()> {
    let network = ctx.resource(&arguments.network)?;
    let client = ctx.client(&network)?;
    let request = NetworksPost {
        config: pairs::parse(&arguments.config, |pair| format!("Bad key/value pair: {pair}"))?,
        name: network.name.clone(),
        kind: arguments.kind.unwrap_or_default(),
        ..NetworksPost::default()
    };
    let target = context::target(arguments.target.as_deref());
    client.create(&client.in_project(paths::NETWORKS, &target), &request).await?;
    Ok(match arguments.target {
        Some(member) => {
            ctx.ui.note(format_args!("Network {} pending on member {member}", network.name))
        }
        None => ctx.ui.note(format_args!("Network {} created", network.name)),
    }?)
}
