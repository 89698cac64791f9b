//! `lxc remote switch`

use crate::context::Context;

/// Switch the default remote
#[derive(clap::Args)]
#[command(visible_alias = "set-default")]
pub(crate) struct Arguments {
    /// Remote that commands without one ask
    #[arg(value_name = "<remote>", required = true)]
    remote: String,
}

pub(crate) fn run(ctx: &Context, arguments: &Arguments) -> anyhow::Result<()> {
    super::existing(ctx, &arguments.remote)?;
    ctx.settings()?.change(|file| {
        file.set_default_remote(&arguments.remote);
        Ok(())
    })
}
