//! `lxc config set`

use anyhow::bail;

use crate::context::Context;
use crate::pairs;

/// Set server configuration keys
#[derive(clap::Args)]
#[command(after_help = "For backward compatibility, a single configuration key may still be set \
    with:\n  lxc config set [<remote>:] <key> <value>\n\nExamples:\n  lxc config set core.https_address=[::]:8443\n      \
    Will have LXD listen on IPv4 and IPv6 port 8443.\n\n  \
    lxc config set core.trust_password=blah\n      \
    Will set the server's trust password to blah.")]
pub(crate) struct Arguments {
    /// Keys and their values, after the remote to ask; an empty value unsets its key
    #[arg(value_names = ["[<remote>:]", "<key>=<value>..."], num_args = 1.., required = true)]
    words: Vec<String>,
    /// Cluster member name
    #[arg(long, value_name = "target")]
    target: Option<String>,
}

pub(crate) async fn run(ctx: &Context, arguments: Arguments) -> anyhow::Result<()> {
    let (remote, words) = super::split_remote(ctx, arguments.words)?;
    if let [name, rest @ ..] = words.as_slice() {
        let pairs_follow = !rest.is_empty() && rest.iter().all(|word| word.contains('='));
        if pairs_follow && !name.contains(['=', '.']) {
            bail!("Instance not found");
        }
    }
    let changes = pairs::parse_set(&words)?;
    super::change(ctx, &remote, arguments.target.as_deref(), changes).await
}
