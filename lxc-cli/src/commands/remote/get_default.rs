//! `lxc remote get-default`

use crate::context::Context;

/// Show the default remote
#[derive(clap::Args)]
pub(crate) struct Arguments {}

pub(crate) fn run(ctx: &Context) -> anyhow::Result<()> {
    Ok(ctx.ui.data(format_args!("{}\n", ctx.settings()?.default_remote()))?)
}
