//! `lxc network delete`

use shared_api::paths;

use crate::context::Context;

/// Delete networks
#[derive(clap::Args)]
#[command(visible_alias = "rm")]
pub(crate) struct Arguments {
    /// Network to delete
    #[arg(value_name = "[<remote>:]<network>", required = true)]
    network: String,
}

pub(crate) async fn run(ctx: &Context, arguments: Arguments) -> anyhow::Result<()> {
    let network = ctx.resource(&arguments.network)?;
    let client = ctx.client(&network)?;
    let name = network.name_of("network")?;
    client.delete(&client.in_project(&paths::network(name), &[])).await?;
    Ok(ctx.ui.note(format_args!("Network {name} deleted"))?)
}
