//! `lxc remote rename`

use anyhow::bail;

use crate::context::Context;

/// Rename remotes
#[derive(clap::Args)]
#[command(visible_alias = "mv")]
pub(crate) struct Arguments {
    /// Remote to rename
    #[arg(value_name = "<remote>", required = true)]
    remote: String,
    /// Its new name
    #[arg(value_name = "<new-name>", required = true)]
    new_name: String,
}

pub(crate) fn run(ctx: &Context, arguments: &Arguments) -> anyhow::Result<()> {
    let Arguments { remote: name, new_name } = arguments;
    super::changeable(ctx, name)?;
    super::check_name(new_name)?;
    let settings = ctx.settings()?;
    if settings.remote(new_name).is_some() {
        bail!("Remote {new_name} already exists");
    }
    settings.change(|file| {
        file.rename(name, new_name);
        settings.move_files(name, Some(new_name))
    })
}
