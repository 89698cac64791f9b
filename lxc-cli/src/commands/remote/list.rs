//! `lxc remote list`

use std::collections::BTreeMap;

use serde::Serialize;
use shared_api::yaml;

use crate::context::Context;
use crate::json;
use crate::settings::Remote;
use crate::table::{self, Format, FormatFlag, Rows};

/// List the available remotes
#[derive(clap::Args)]
#[command(visible_alias = "ls")]
pub(crate) struct Arguments {
    #[command(flatten)]
    flag: FormatFlag,
}

/// A remote under the names that LXD gives its fields in JSON.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct JsonRemote<'a> {
    addr: &'a str,
    auth_type: &'a str,
    domain: &'a str,
    project: &'a str,
    protocol: &'a str,
    public: bool,
    global: bool,
    r#static: bool,
}

pub(crate) fn run(ctx: &Context, arguments: &Arguments) -> anyhow::Result<()> {
    let settings = ctx.settings()?;
    let remotes = settings.remotes();
    let list = match arguments.flag.format {
        Format::Json => json::line(&in_json(&remotes))?,
        Format::Yaml => yaml::to_string(&remotes),
        format => {
            let named: Vec<_> = remotes.iter().collect();
            table::render(format, &named, |named| rows(named, settings.default_remote()))?
        }
    };
    Ok(ctx.ui.data(list)?)
}

fn in_json(remotes: &BTreeMap<String, Remote>) -> BTreeMap<&str, JsonRemote<'_>> {
    let entry = |(name, remote)| -> (&str, JsonRemote<'_>) {
        let (name, remote): (&String, &Remote) = (name, remote);
        let remote = JsonRemote {
            addr: &remote.address,
            auth_type: &remote.auth_type,
            domain: &remote.domain,
            project: &remote.project,
            protocol: &remote.protocol,
            public: remote.public,
            global: remote.is_global,
            r#static: remote.is_static,
        };
        (name, remote)
    };
    remotes.iter().map(entry).collect()
}

fn rows(named: &[(&String, &Remote)], default_remote: &str) -> Rows {
    let word = |yes: bool| if yes { "YES" } else { "NO" }.to_owned();
    let row = |(name, remote): &(&String, &Remote)| {
        let is_default = name.as_str() == default_remote;
        vec![
            if is_default { format!("{name} (current)") } else { (*name).clone() },
            remote.address.clone(),
            if remote.protocol.is_empty() { "lxd".to_owned() } else { remote.protocol.clone() },
            auth_type(remote).to_owned(),
            word(remote.public),
            word(remote.is_static),
            word(remote.is_global),
        ]
    };
    Rows {
        columns: vec!["NAME", "URL", "PROTOCOL", "AUTH TYPE", "PUBLIC", "STATIC", "GLOBAL"],
        rows: named.iter().map(row).collect(),
    }
}

/// What is shown where none is stored depends on the kind of remote.
fn auth_type(remote: &Remote) -> &str {
    match remote.auth_type.as_str() {
        "" if remote.address.starts_with("unix:") => "file access",
        "" if remote.protocol == "simplestreams" => "none",
        "" => "tls",
        stored => stored,
    }
}
