//! `lxc remote remove`

use anyhow::bail;

use crate::context::Context;

/// Remove remotes
#[derive(clap::Args)]
#[command(visible_alias = "rm")]
pub(crate) struct Arguments {
    /// Remote to remove
    #[arg(value_name = "<remote>", required = true)]
    remote: String,
}

pub(crate) fn run(ctx: &Context, arguments: &Arguments) -> anyhow::Result<()> {
    let name = &arguments.remote;
    super::changeable(ctx, name)?;
    let settings = ctx.settings()?;
    if settings.default_remote() == name {
        bail!("Can't remove the default remote");
    }
    settings.change(|file| {
        file.remove(name);
        settings.move_files(name, None)
    })
}
