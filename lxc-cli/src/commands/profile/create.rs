//! `lxc profile create`

use shared_api::paths;
use shared_api::profiles::ProfilesPost;

use crate::context::Context;

/// Create profiles
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Profile to create
    #[arg(value_name = "[<remote>:]<profile>", required = true)]
    profile: String,
}

pub(crate) async fn run(ctx: &Context, arguments: Arguments) -> anyhow::Result<()> {
    let profile = ctx.resource(&arguments.profile)?;
    let client = ctx.client(&profile)?;
    let name = profile.name_of("profile")?;
    let request = ProfilesPost { name: name.to_owned(), ..ProfilesPost::default() };
    client.create(&client.in_project(paths::PROFILES, &[]), &request).await?;
    Ok(ctx.ui.note(format_args!("Profile {name} created"))?)
}
