//! `lxc config unset`

use anyhow::bail;
use shared_api::config::Map;

use crate::context::Context;

/// Unset server configuration keys
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Key to unset, after the remote to ask
    #[arg(value_names = ["[<remote>:]", "<key>"], num_args = 1..=2, required = true)]
    words: Vec<String>,
    /// Cluster member name
    #[arg(long, value_name = "target")]
    target: Option<String>,
}

pub(crate) async fn run(ctx: &Context, arguments: Arguments) -> anyhow::Result<()> {
    let (remote, keys) = super::split_remote(ctx, arguments.words)?;
    let [key] = keys.as_slice() else { bail!("Instance not found") };
    let changes = Map::from([(key.clone(), String::new())]);
    super::change(ctx, &remote, arguments.target.as_deref(), changes).await
}
