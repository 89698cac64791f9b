//! `lxc storage delete`

use shared_api::paths;

use crate::context::Context;

/// Delete storage pools
#[derive(clap::Args)]
#[command(visible_alias = "rm")]
pub(crate) struct Arguments {
    /// Storage pool to delete
    #[arg(value_name = "[<remote>:]<pool>", required = true)]
    pool: String,
}

pub(crate) async fn run(ctx: &Context, arguments: Arguments) -> anyhow::Result<()> {
    let pool = ctx.resource(&arguments.pool)?;
    let client = ctx.client(&pool)?;
    let name = pool.name_of("pool")?;
    client.delete(&client.in_project(&paths::storage_pool(name), &[])).await?;
    Ok(ctx.ui.note(format_args!("Storage pool {name} deleted"))?)
}
