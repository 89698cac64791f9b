//! `lxc config show`

use shared_api::server::{Server, ServerPut};
use shared_api::{paths, yaml};

use crate::context::{self, Context};

/// Show server configuration
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Remote to ask
    #[arg(value_name = "[<remote>:]")]
    remote: Option<String>,
    /// Cluster member name
    #[arg(long, value_name = "target")]
    target: Option<String>,
}

pub(crate) async fn run(ctx: &Context, arguments: Arguments) -> anyhow::Result<()> {
    let remote = ctx.resource(arguments.remote.as_deref().unwrap_or_default())?;
    remote.check_server()?;
    let target = context::target(arguments.target.as_deref());
    let path = paths::with_query(paths::API, &target);
    let server: Server = ctx.client(&remote)?.get(&path).await?;
    let writable = ServerPut { config: server.config.unwrap_or_default() };
    Ok(ctx.ui.data(yaml::to_string(&writable))?)
}
