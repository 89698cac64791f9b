//! `lxc network show`

use shared_api::networks::Network;
use shared_api::{paths, yaml};

use crate::context::{self, Context};

/// Show network configurations
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Network to show
    #[arg(value_name = "[<remote>:]<network>", required = true)]
    network: String,
    /// Cluster member name
    #[arg(long, value_name = "target")]
    target: Option<String>,
}

pub(crate) async fn run(ctx: &Context, arguments: Arguments) -> anyhow::Result<()> {
    let network = ctx.resource(&arguments.network)?;
    let client = ctx.client(&network)?;
    let path = paths::network(network.name_of("network")?);
    let target = context::target(arguments.target.as_deref());
    let network: Network = client.get(&client.in_project(&path, &target)).await?;
    Ok(ctx.ui.data(yaml::to_string(&network))?)
}
