//! `lxc profile unset`

use shared_api::config::Map;

use crate::context::Context;

/// Unset profile configuration keys
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Profile to change
    #[arg(value_name = "[<remote>:]<profile>", required = true)]
    profile: String,
    /// Key to unset
    #[arg(value_name = "<key>", required = true)]
    key: String,
}

pub(crate) async fn run(ctx: &Context, arguments: Arguments) -> anyhow::Result<()> {
    let changes = Map::from([(arguments.key, String::new())]);
    super::change(ctx, &ctx.resource(&arguments.profile)?, changes).await
}
