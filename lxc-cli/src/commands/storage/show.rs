//! `lxc storage show`

use shared_api::storage::Pool;
use shared_api::{paths, yaml};

use crate::context::{self, Context};

/// Show storage pool configurations
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Storage pool to show
    #[arg(value_name = "[<remote>:]<pool>", required = true)]
    pool: String,
    /// Cluster member name
    #[arg(long, value_name = "target")]
    target: Option<String>,
}

pub(crate) async fn run(ctx: &Context, arguments: Arguments) -> anyhow::Result<()> {
    let pool = ctx.resource(&arguments.pool)?;
    let client = ctx.client(&pool)?;
    let path = paths::storage_pool(pool.name_of("pool")?);
    let target = context::target(arguments.target.as_deref());
    let pool: Pool = client.get(&client.in_project(&path, &target)).await?;
    Ok(ctx.ui.data(yaml::to_string(&pool))?)
}
