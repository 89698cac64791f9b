//! `lxc project set`

use crate::context::Context;
use crate::pairs;

/// Set project configuration keys
#[derive(clap::Args)]
#[command(after_help = "For backward compatibility, a single configuration key may still be set \
    with:\n  lxc project set [<remote>:]<project> <key> <value>")]
pub(crate) struct Arguments {
    /// Project to change
    #[arg(value_name = "[<remote>:]<project>", required = true)]
    name: String,
    /// Keys and their values; an empty value unsets its key
    #[arg(value_name = "<key>=<value>...", required = true)]
    pairs: Vec<String>,
}

pub(crate) async fn run(ctx: &Context, arguments: Arguments) -> anyhow::Result<()> {
    let changes = pairs::parse_set(&arguments.pairs)?;
    super::change(ctx, &ctx.resource(&arguments.name)?, changes).await
}
