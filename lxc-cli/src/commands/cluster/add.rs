//! `lxc cluster add`

use anyhow::Context as _;
use shared_api::cluster::{MemberConfigKey, MembersPost};
use shared_api::operations::Operation;
use shared_api::server::Server;
use shared_api::{extensions, paths};

use super::tokens;
use crate::client::Client;
use crate::context::Context;
use crate::error::Usage;

/// Request a join token for adding a cluster member
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Cluster member to add
    #[arg(value_name = "[[<remote>:]<member>]", required = true)]
    member: String,
    /// Cluster member name
    #[arg(long, value_name = "name")]
    name: Option<String>,
    /// How long the token is good for, such as 90s, 10m, 3h or 2d
    #[arg(long, value_name = "time", value_parser = seconds)]
    expiry: Option<u32>,
    /// Failure domain of the new member
    #[arg(long, value_name = "name")]
    failure_domain: Option<String>,
    /// Cluster group of the new member, which is in no other then; may be given several times
    #[arg(long, value_name = "group")]
    group: Vec<String>,
    /// What the new member has for its own, such as storage-pool.default.source=/dev/sdb
    #[arg(long, value_name = "entity.name.key=value", value_parser = member_key)]
    member_config: Vec<MemberConfigKey>,
}

pub(crate) async fn run(ctx: &Context, arguments: Arguments) -> anyhow::Result<()> {
    let member = ctx.resource(&arguments.member)?;
    let client = ctx.client(&member)?;
    let server_name = match (member.name, arguments.name) {
        (member, Some(name)) if !member.is_empty() && member != name => {
            return Err(Usage::new("Cluster member name was given twice, and not the same").into());
        }
        (member, None) if member.is_empty() => {
            ctx.ui.ask("Please provide cluster member name: ")?
        }
        (member, None) => member,
        (_, Some(name)) => name,
    };
    let request = MembersPost {
        server_name: server_name.clone(),
        expires_in: arguments.expiry,
        failure_domain: arguments.failure_domain.unwrap_or_default(),
        groups: arguments.group,
        member_config: arguments.member_config,
    };
    check_options(&client, &request).await?;
    let operation: Option<Operation> = client.post(paths::CLUSTER_MEMBERS, &request).await?;
    let token = operation.as_ref().map(tokens::join_token).transpose()?.flatten();
    let token = token.context("The answer holds no join token")?;
    ctx.ui.note(format_args!("Member {server_name} join token:"))?;
    Ok(ctx.ui.data(format_args!("{}\n", token.encode()))?)
}

/// A server that does not know the options would pass over them in silence.
async fn check_options(client: &Client, request: &MembersPost) -> anyhow::Result<()> {
    let plain = MembersPost { server_name: request.server_name.clone(), ..MembersPost::default() };
    if *request == plain {
        return Ok(());
    }
    let server: Server = client.get(paths::API).await?;
    let known = server.api_extensions.iter().any(|name| name == extensions::JOIN_TOKEN_OPTIONS);
    anyhow::ensure!(known, "The server does not support options of join tokens");
    Ok(())
}

fn seconds(text: &str) -> Result<u32, &'static str> {
    let bad = "not a time such as 90s, 10m, 3h or 2d";
    let unit = text.chars().next_back().ok_or(bad)?;
    let number: u32 = text.strip_suffix(unit).and_then(|number| number.parse().ok()).ok_or(bad)?;
    let factor = match unit {
        's' | 'S' => 1,
        'm' | 'M' => 60,
        'h' | 'H' => 60 * 60,
        'd' => 24 * 60 * 60,
        _ => return Err(bad),
    };
    number.checked_mul(factor).filter(|seconds| *seconds > 0).ok_or(bad)
}

fn member_key(text: &str) -> Result<MemberConfigKey, &'static str> {
    let bad = "not a key such as storage-pool.default.source=/dev/sdb";
    let (path, value) = text.split_once('=').ok_or(bad)?;
    MemberConfigKey::at(path, value).ok_or(bad)
}
