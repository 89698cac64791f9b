//! `lxc config trust list-tokens`

use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::tokens::{self, Pending};
use crate::context::Context;
use crate::table::{self, Format, FormatFlag, Rows};

/// List all active certificate add tokens
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Remote to ask
    #[arg(value_name = "[<remote>:]")]
    remote: Option<String>,
    #[command(flatten)]
    flag: FormatFlag,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Token {
    client_name: String,
    token: String,
    /// Empty for never.
    expires_at: String,
}

/// The same under the names that LXD gives it in YAML.
#[derive(Serialize)]
struct YamlToken<'a> {
    clientname: &'a str,
    token: &'a str,
    expiresat: &'a str,
}

pub(crate) async fn run(ctx: &Context, arguments: Arguments) -> anyhow::Result<()> {
    let format = arguments.flag.format;
    let client = ctx.client(&ctx.resource(arguments.remote.as_deref().unwrap_or_default())?)?;
    let pending = tokens::pending(&client).await?;
    let tokens = pending.iter().map(token).collect::<anyhow::Result<Vec<Token>>>()?;
    let list = match format {
        Format::Yaml => {
            let tokens: Vec<_> = tokens.iter().map(YamlToken::from).collect();
            table::render(format, &tokens, |_| rows(&[]))
        }
        format => table::render(format, &tokens, rows),
    };
    Ok(ctx.ui.data(list?)?)
}

fn token(Pending { token, .. }: &Pending) -> anyhow::Result<Token> {
    let expires_at = token
        .expiry()
        .map(|date| strtime::format("%Y/%m/%d %H:%M UTC", &date.to_zoned(TimeZone::UTC)));
    Ok(Token {
        client_name: token.client_name.clone(),
        token: token.encode(),
        expires_at: expires_at.transpose()?.unwrap_or_default(),
    })
}

fn rows(tokens: &[Token]) -> Rows {
    let row = |token: &Token| {
        vec![token.client_name.clone(), token.token.clone(), token.expires_at.clone()]
    };
    Rows { columns: vec!["NAME", "TOKEN", "EXPIRES AT"], rows: tokens.iter().map(row).collect() }
}

impl<'a> From<&'a Token> for YamlToken<'a> {
    fn from(token: &'a Token) -> Self {
        let Token { client_name, token, expires_at } = token;
        Self { clientname: client_name, token, expiresat: expires_at }
    }
}
