//! `lxc storage create`

use shared_api::paths;
use shared_api::storage::PoolsPost;

use crate::context::{self, Context};
use crate::pairs;

/// Create storage pools
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Storage pool to create
    #[arg(value_name = "[<remote>:]<pool>", required = true)]
    pool: String,
    /// Driver of the pool
    #[arg(value_name = "<driver>", required = true)]
    driver: String,
    /// Configuration of the pool
    #[arg(value_name = "[key=value...]")]
    config: Vec<String>,
    /// Cluster member name
    #[arg(long, value_name = "target")]
    target: Option<String>,
}

/// With a target the pool is only prepared for that member.
pub(crate) async fn run(ctx: &Context, arguments: Arguments) -> anyhow::Result<()> {
    let pool = ctx.resource(&arguments.pool)?;
    let client = ctx.client(&pool)?;
    let request = PoolsPost {
        config: pairs::parse(&arguments.config, |pair| format!("Bad key=value pair: [{pair}]"))?,
        name: pool.name.clone(),
        driver: arguments.driver,
        ..PoolsPost::default()
    };
    let target = context::target(arguments.target.as_deref());
    client.create(&client.in_project(paths::STORAGE_POOLS, &target), &request).await?;
    Ok(match arguments.target {
        Some(member) => {
            ctx.ui.note(format_args!("Storage pool {} pending on member {member}", pool.name))
        }
        None => ctx.ui.note(format_args!("Storage pool {} created", pool.name)),
    }?)
}
