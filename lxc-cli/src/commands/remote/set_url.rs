//! `lxc remote set-url`

use crate::context::Context;
use crate::settings::Remote;

/// Set the URL for the remote
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Remote to change
    #[arg(value_name = "<remote>", required = true)]
    remote: String,
    /// Its new URL
    #[arg(value_name = "<URL>", required = true)]
    url: String,
}

pub(crate) fn run(ctx: &Context, arguments: &Arguments) -> anyhow::Result<()> {
    let remote = super::changeable(ctx, &arguments.remote)?;
    let address = match remote.protocol.as_str() {
        "" | "lxd" => super::url(&arguments.url)?,
        _ => arguments.url.clone(),
    };
    ctx.settings()?.change(|file| {
        file.set(&arguments.remote, &Remote { address, ..remote });
        Ok(())
    })
}
