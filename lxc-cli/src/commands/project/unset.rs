//! `lxc project unset`

use shared_api::config::Map;

use crate::context::Context;

/// Unset project configuration keys
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Project to change
    #[arg(value_name = "[<remote>:]<project>", required = true)]
    name: String,
    /// Key to unset
    #[arg(value_name = "<key>", required = true)]
    key: String,
}

pub(crate) async fn run(ctx: &Context, arguments: Arguments) -> anyhow::Result<()> {
    let changes = Map::from([(arguments.key, String::new())]);
    super::change(ctx, &ctx.resource(&arguments.name)?, changes).await
}
