//! `lxc cluster add`

use anyhow::Context as _;
use shared_api::cluster::MembersPost;
use shared_api::operations::Operation;
use shared_api::paths;

use super::tokens;
use crate::context::Context;
use crate::error::Usage;
use crate::remote::Resource;

/// Request a join token for adding a cluster member
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Cluster member to add
    #[arg(value_name = "[[<remote>:]<member>]", required = true)]
    member: String,
    /// Cluster member name
    #[arg(long, value_name = "name")]
    name: Option<String>,
}

pub(crate) async fn run(ctx: &Context, arguments: Arguments) -> anyhow::Result<()> {
    let member = Resource::parse(&arguments.member);
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
    let request = MembersPost { server_name: server_name.clone() };
    let operation: Option<Operation> = client.post(paths::CLUSTER_MEMBERS, &request).await?;
    let token = operation.as_ref().map(tokens::join_token).transpose()?.flatten();
    let token = token.context("The answer holds no join token")?;
    ctx.ui.note(format_args!("Member {server_name} join token:"))?;
    Ok(ctx.ui.data(format_args!("{}\n", token.encode()))?)
}
