//! `lxc profile delete`

use shared_api::paths;

use crate::context::Context;

/// Delete profiles
#[derive(clap::Args)]
#[command(visible_alias = "rm")]
pub(crate) struct Arguments {
    /// Profile to delete
    #[arg(value_name = "[<remote>:]<profile>", required = true)]
    profile: String,
}

pub(crate) async fn run(ctx: &Context, arguments: Arguments) -> anyhow::Result<()> {
    let profile = ctx.resource(&arguments.profile)?;
    let client = ctx.client(&profile)?;
    let name = profile.name_of("profile")?;
    client.delete(&client.in_project(&paths::profile(name), &[])).await?;
    Ok(ctx.ui.note(format_args!("Profile {name} deleted"))?)
}
