//! `lxc version`

use shared_api::paths;
use shared_api::server::Server;

use crate::context::Context;
use crate::remote::Resource;

/// Show local and remote versions
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Remote to ask
    #[arg(value_name = "[<remote>:]")]
    remote: Option<String>,
}

/// A server that cannot be asked is shown as `unreachable`, and is no error.
pub(crate) async fn run(ctx: &Context, arguments: Arguments) -> anyhow::Result<()> {
    let remote = ctx.resource(arguments.remote.as_deref().unwrap_or_default())?;
    let server = server_version(ctx, &remote).await.unwrap_or_else(|error| {
        ctx.ui.debug(format_args!("{error:#}"));
        "unreachable".to_owned()
    });
    let client = env!("CARGO_PKG_VERSION");
    Ok(ctx.ui.data(format_args!("Client version: {client}\nServer version: {server}\n"))?)
}

async fn server_version(ctx: &Context, remote: &Resource) -> anyhow::Result<String> {
    let server: Server = ctx.client(remote)?.get(paths::API).await?;
    Ok(server.environment.server_version)
}
