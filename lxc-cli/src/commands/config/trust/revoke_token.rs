//! `lxc config trust revoke-token`

use anyhow::bail;
use shared_api::paths;

use super::tokens;
use crate::context::Context;

/// Revoke certificate add token
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Name that the token is for, after the remote to ask
    #[arg(value_names = ["[<remote>:]", "<name>"], num_args = 1..=2, required = true)]
    words: Vec<String>,
}

pub(crate) async fn run(ctx: &Context, arguments: Arguments) -> anyhow::Result<()> {
    let [remote @ .., name] = arguments.words.as_slice() else { bail!("Missing token name") };
    let mut resource = ctx.resource(remote.first().unwrap_or(name))?;
    if !remote.is_empty() {
        resource.name.clone_from(name);
    }
    let client = ctx.client(&resource)?;
    let pending = tokens::pending(&client).await?;
    let name = resource.name_of("token")?;
    let Some(pending) = pending.iter().find(|pending| pending.token.client_name == name) else {
        bail!("No certificate add token for member {name} on remote: {}", resource.remote);
    };
    client.delete(&paths::operation(&pending.operation)).await?;
    Ok(ctx.ui.note(format_args!("Certificate add token for {name} deleted"))?)
}
