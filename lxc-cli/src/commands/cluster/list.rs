//! `lxc cluster list`

use shared_api::cluster::Member;
use shared_api::paths;

use crate::context::Context;
use crate::table::{self, Format, FormatFlag, Rows};

/// List all the cluster members
#[derive(clap::Args)]
#[command(visible_alias = "ls")]
pub(crate) struct Arguments {
    /// Remote to ask
    #[arg(value_name = "[<remote>:]")]
    remote: Option<String>,
    #[command(flatten)]
    flag: FormatFlag,
}

pub(crate) async fn run(ctx: &Context, arguments: Arguments) -> anyhow::Result<()> {
    let format = arguments.flag.format;
    let client = ctx.client(&ctx.resource(arguments.remote.as_deref().unwrap_or_default())?)?;
    let path = paths::with_query(paths::CLUSTER_MEMBERS, &[("recursion", "1")]);
    let (clustered, members) =
        tokio::join!(super::check_clustered(&client), client.get::<Vec<Member>>(&path));
    clustered?;
    let members = members?;
    let list = table::render(format, &members, |members| rows(format, members))?;
    Ok(ctx.ui.data(list)?)
}

fn rows(format: Format, members: &[Member]) -> Rows {
    let separator = if format == Format::Csv { "," } else { "\n" };
    let row = |member: &Member| {
        vec![
            member.server_name.clone(),
            member.url.clone(),
            member.roles.join(separator),
            member.architecture.clone(),
            member.failure_domain.clone(),
            member.description.clone(),
            member.status.to_uppercase(),
            member.message.clone(),
        ]
    };
    Rows {
        columns: vec![
            "NAME",
            "URL",
            "ROLES",
            "ARCHITECTURE",
            "FAILURE DOMAIN",
            "DESCRIPTION",
            "STATE",
            "MESSAGE",
        ],
        rows: members.iter().map(row).collect(),
    }
}
