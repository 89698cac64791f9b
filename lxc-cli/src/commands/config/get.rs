//! `lxc config get`

use anyhow::bail;
use shared_api::paths;
use shared_api::server::Server;

use crate::context::{self, Context};
use crate::error::Usage;

/// Get values for server configuration keys
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Key to get, after the remote to ask
    #[arg(value_names = ["[<remote>:]", "<key>"], num_args = 1..=2, required = true)]
    words: Vec<String>,
    /// Cluster member name
    #[arg(long, value_name = "target")]
    target: Option<String>,
}

/// A key that is not set has an empty value.
pub(crate) async fn run(ctx: &Context, arguments: Arguments) -> anyhow::Result<()> {
    let (remote, keys) = super::split_remote(ctx, arguments.words)?;
    let [key] = keys.as_slice() else { bail!("Instance not found") };
    if key.is_empty() {
        return Err(Usage::new("Invalid number of arguments").into());
    }
    let target = context::target(arguments.target.as_deref());
    let path = paths::with_query(paths::API, &target);
    let server: Server = ctx.client(&remote)?.get(&path).await?;
    let config = server.config.unwrap_or_default();
    let value = config.get(key).map(super::shown).unwrap_or_default();
    Ok(ctx.ui.data(format_args!("{value}\n"))?)
}
