//! `lxc remote …`

mod add;
mod get_default;
mod list;
mod remove;
mod rename;
mod set_url;
mod switch;

use anyhow::bail;
use clap::{Args, Subcommand};
use shared_api::address::Address;

use crate::context::Context;
use crate::settings::Remote;

/// Manage the list of remote servers
#[derive(Args)]
#[command(disable_help_subcommand = true)]
pub(crate) struct Group {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    Add(add::Arguments),
    GetDefault(get_default::Arguments),
    List(list::Arguments),
    Remove(remove::Arguments),
    Rename(rename::Arguments),
    SetUrl(set_url::Arguments),
    Switch(switch::Arguments),
}

pub(crate) async fn run(ctx: &Context, group: Group) -> anyhow::Result<()> {
    match group.verb {
        Verb::Add(arguments) => add::run(ctx, arguments).await,
        Verb::GetDefault(_) => get_default::run(ctx),
        Verb::List(arguments) => list::run(ctx, &arguments),
        Verb::Remove(arguments) => remove::run(ctx, &arguments),
        Verb::Rename(arguments) => rename::run(ctx, &arguments),
        Verb::SetUrl(arguments) => set_url::run(ctx, &arguments),
        Verb::Switch(arguments) => switch::run(ctx, &arguments),
    }
}

/// The remote of that name.
fn existing(ctx: &Context, name: &str) -> anyhow::Result<Remote> {
    match ctx.settings()?.remote(name) {
        Some(remote) => Ok(remote),
        None => bail!("Remote {name} doesn't exist"),
    }
}

/// The same, of those that may be changed.
fn changeable(ctx: &Context, name: &str) -> anyhow::Result<Remote> {
    let remote = existing(ctx, name)?;
    if remote.is_static {
        bail!("Remote {name} is static and cannot be modified");
    }
    if remote.is_global {
        bail!("Remote {name} is global and cannot be removed");
    }
    Ok(remote)
}

/// A name that arguments and files can have.
fn check_name(name: &str) -> anyhow::Result<()> {
    match name {
        "" => bail!("Remote names may not be empty"),
        name if name.contains(':') => bail!("Remote names may not contain colons"),
        name if name.contains('/') => bail!("Remote names may not contain slashes"),
        _ => Ok(()),
    }
}

/// A server's URL as it is kept: `unix:` as it stands, all others with host and port.
fn url(text: &str) -> anyhow::Result<String> {
    let authority = match text.split_once("://") {
        _ if text.starts_with("unix:") => return Ok(text.to_owned()),
        Some(("https", rest)) => rest.trim_end_matches('/'),
        Some((scheme, _)) => bail!("Invalid URL scheme {scheme:?} in {text:?}"),
        None => text,
    };
    let address: Address = authority.parse()?;
    if address.host.is_empty() {
        bail!("Invalid address {text:?}");
    }
    Ok(format!("https://{address}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_kept_with_their_port() {
        for (text, expected) in [
            ("10.0.0.1", "https://10.0.0.1:8443"),
            ("https://n1.example:444/", "https://n1.example:444"),
            ("fd00::1", "https://[fd00::1]:8443"),
            ("unix:///run/lxd/unix.socket", "unix:///run/lxd/unix.socket"),
        ] {
            assert_eq!(url(text).unwrap(), expected);
        }
        for text in ["", "foo://a", "http://a", "a b", ":8443", "a:x"] {
            assert!(url(text).is_err(), "{text}");
        }
    }
}
