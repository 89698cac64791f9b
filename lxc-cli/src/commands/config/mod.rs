//! `lxc config …`

mod get;
mod set;
mod show;
mod trust;
mod unset;

use clap::{Args, Subcommand};
use serde_json::Value;
use shared_api::config::Map;
use shared_api::paths;
use shared_api::server::ServerPut;

use crate::context::{self, Context};
use crate::remote::Resource;

/// Manage server configuration options
#[derive(Args)]
#[command(disable_help_subcommand = true)]
pub(crate) struct Group {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    Get(get::Arguments),
    Set(set::Arguments),
    Show(show::Arguments),
    Trust(trust::Group),
    Unset(unset::Arguments),
}

pub(crate) async fn run(ctx: &Context, group: Group) -> anyhow::Result<()> {
    match group.verb {
        Verb::Get(arguments) => get::run(ctx, arguments).await,
        Verb::Set(arguments) => set::run(ctx, arguments).await,
        Verb::Show(arguments) => show::run(ctx, arguments).await,
        Verb::Trust(group) => trust::run(ctx, group).await,
        Verb::Unset(arguments) => unset::run(ctx, arguments).await,
    }
}

/// The server of a remote, and the keys given with it. A remote needs its colon here.
fn split_remote(ctx: &Context, words: Vec<String>) -> anyhow::Result<(Resource, Vec<String>)> {
    let mut words = words;
    let remote = match words.first() {
        Some(first) if words.len() > 1 && first.ends_with(':') => words.remove(0),
        _ => String::new(),
    };
    Ok((ctx.resource(&remote)?, words))
}

/// Sets these keys and leaves the others; an empty value unsets its key.
async fn change(
    ctx: &Context,
    remote: &Resource,
    target: Option<&str>,
    changes: Map,
) -> anyhow::Result<()> {
    let path = paths::with_query(paths::API, &context::target(target));
    let config = changes.into_iter().map(|(key, value)| (key, Value::String(value))).collect();
    ctx.client(remote)?.patch(&path, &ServerPut { config }).await
}

/// A value for people: strings without quotes.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}
