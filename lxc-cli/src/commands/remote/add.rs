//! `lxc remote add`

use anyhow::{Context as _, bail};
use shared_api::address::Address;
use shared_api::certificates::{AddToken, CertificatesPost};
use shared_api::paths;
use shared_api::projects::Project;
use shared_api::server::ServerUntrusted;

use crate::client::{self, Accept, Client, Seen, Tls};
use crate::context::Context;
use crate::settings::{Identity, Members, Remote};

/// Add new remote servers
///
/// URL for remote resources must be HTTPS (https://). A remote whose server is in a cluster is the whole cluster:
/// when that server does not answer, another member is asked.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Name of the remote, then where it is; without a name the remote is called by its address
    #[arg(value_names = ["[<remote>]", "<IP|FQDN|URL|token>"], num_args = 1..=2, required = true)]
    words: Vec<String>,
    /// Accept certificate
    #[arg(long)]
    accept_certificate: bool,
    /// Server authentication type (tls)
    #[arg(long, value_name = "auth-type")]
    auth_type: Option<String>,
    /// Remote admin password
    #[arg(long, value_name = "password")]
    password: Option<String>,
    /// Server protocol (lxd)
    #[arg(long, value_name = "protocol")]
    protocol: Option<String>,
}

/// Nothing is kept of a remote that could not be added.
pub(crate) async fn run(ctx: &Context, arguments: Arguments) -> anyhow::Result<()> {
    let token = AddToken::decode(arguments.words.last().map_or("", String::as_str)).ok();
    let name = name(&arguments.words, token.as_ref())?;
    super::check_name(&name)?;
    if let Some(existing) = ctx.settings()?.remote(&name) {
        bail!("Remote {name} exists as <{}>", existing.address);
    }
    match arguments.protocol.as_deref() {
        None | Some("lxd") => {}
        Some("simplestreams") => bail!("Image servers are not supported by this client"),
        Some(other) => bail!("Invalid protocol: {other}"),
    }
    if let Some(other) = arguments.auth_type.as_deref().filter(|kind| *kind != "tls") {
        bail!("Invalid authentication type: {other}");
    }
    let text = arguments.words.last().map_or("", String::as_str);
    let remote = match &token {
        Some(token) => by_token(ctx, &name, text, token).await?,
        None => {
            let url = super::url(text)?;
            match url.starts_with("unix:") {
                true => by_socket(ctx, url).await?,
                false => by_address(ctx, &name, &url, &arguments).await?,
            }
        }
    };
    ctx.settings()?.change(|file| {
        file.set(&name, &remote);
        Ok(())
    })
}

/// The first argument, or the host of the second.
fn name(words: &[String], token: Option<&AddToken>) -> anyhow::Result<String> {
    if let [name, _] = words {
        return Ok(name.clone());
    }
    let text = match token {
        Some(token) => token.addresses.first().context("The token names no server")?,
        None => words.first().map_or("", String::as_str),
    };
    let url = super::url(text)?;
    let Some(authority) = url.strip_prefix("https://") else { bail!("The remote needs a name") };
    Ok(authority.parse::<Address>()?.host)
}

async fn by_socket(ctx: &Context, url: String) -> anyhow::Result<Remote> {
    let remote = Remote { address: url, protocol: "lxd".to_owned(), ..Remote::default() };
    let client = ctx.local_client(&remote).context("It is no socket")?;
    let project = project(ctx, &client).await?;
    Ok(Remote { auth_type: "tls".to_owned(), project, ..remote })
}

/// The token says which server it is for: nothing is asked.
async fn by_token(
    ctx: &Context,
    name: &str,
    text: &str,
    token: &AddToken,
) -> anyhow::Result<Remote> {
    let identity = identity(ctx)?;
    let addresses = token.addresses.iter().map(|address| address.parse());
    let addresses = addresses.collect::<Result<Vec<Address>, _>>()?;
    let seen = client::look(addresses, Accept::Only(token.fingerprint)).await;
    let seen = seen.context("Unable to connect to any of the servers of the token")?;
    let new = New { ctx, url: format!("https://{}", seen.address), identity: &identity, seen };
    let request = CertificatesPost { password: text.trim().to_owned(), ..Default::default() };
    let added = new.client(None)?.create(paths::CERTIFICATES, &request).await;
    added.map_err(|error| anyhow::anyhow!("Failed to create certificate: {error}"))?;
    new.trusted(name, "").await
}

async fn by_address(
    ctx: &Context,
    name: &str,
    url: &str,
    arguments: &Arguments,
) -> anyhow::Result<Remote> {
    let identity = identity(ctx)?;
    let address: Address = url.trim_start_matches("https://").parse()?;
    let seen = client::look(vec![address], Accept::Any).await?;
    // One that was accepted for this name before needs no second look.
    let known = ctx.settings()?.server_certificate(name)?;
    let known = known.and_then(|pem| Accept::only(&pem).ok());
    let is_known = matches!(known, Some(Accept::Only(known)) if known == seen.fingerprint);
    if !is_known && !arguments.accept_certificate {
        confirm(ctx, &seen)?;
    }
    let new = New { ctx, url: url.to_owned(), identity: &identity, seen };
    let client = new.client(None)?;
    if is_trusted(&client).await? {
        return new.trusted(name, "tls").await;
    }
    let password = match &arguments.password {
        Some(password) => password.clone(),
        None => ctx.ui.ask_secret(&format!("Admin password (or token) for {name}: "))?,
    };
    let kind = "client".to_owned();
    let request = CertificatesPost { kind, password, ..Default::default() };
    client.create(paths::CERTIFICATES, &request).await?;
    if !is_trusted(&client).await? {
        bail!("Server doesn't trust us after adding our certificate");
    }
    let remote = new.trusted(name, "tls").await?;
    ctx.ui.note(format_args!("Client certificate now trusted by server: {name}"))?;
    Ok(remote)
}

fn confirm(ctx: &Context, seen: &Seen) -> anyhow::Result<()> {
    ctx.ui.data(format_args!("Certificate fingerprint: {}\n", seen.fingerprint))?;
    let answer = ctx.ui.ask("ok (y/n/[fingerprint])? ")?;
    match answer.to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        "n" | "no" => bail!("Server certificate NACKed by user"),
        answer if answer == seen.fingerprint.to_string() => Ok(()),
        _ => bail!("Please type 'y', 'n' or the fingerprint:"),
    }
}

/// A server that is not a remote yet.
struct New<'a> {
    ctx: &'a Context,
    url: String,
    identity: &'a Identity,
    seen: Seen,
}

impl New<'_> {
    fn client(&self, members: Option<Members>) -> anyhow::Result<Client> {
        let accept = Accept::Only(self.seen.fingerprint);
        let server = Tls { url: &self.url, accept, identity: Some(self.identity), members };
        Client::tls(server, None, self.ctx.ui)
    }

    /// What is kept of a server that trusts this client now.
    async fn trusted(&self, name: &str, auth_type: &str) -> anyhow::Result<Remote> {
        let settings = self.ctx.settings()?;
        let client = self.client(Some(settings.members(name)))?;
        let project = project(self.ctx, &client).await?;
        settings.accept(name, &self.seen.certificate)?;
        Ok(Remote {
            address: self.url.clone(),
            auth_type: auth_type.to_owned(),
            project,
            protocol: "lxd".to_owned(),
            ..Remote::default()
        })
    }
}

/// The client's certificate, made now if this is the first remote.
fn identity(ctx: &Context) -> anyhow::Result<Identity> {
    let settings = ctx.settings()?;
    if let Some(identity) = settings.identity()? {
        return Ok(identity);
    }
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let user = ctx.environment.user.as_deref().unwrap_or("root");
    ctx.ui.diagnose("Generating a client certificate. This may take a minute...\n")?;
    settings.make_identity(&format!("{user}@{host}"))
}

async fn is_trusted(client: &Client) -> anyhow::Result<bool> {
    let server: ServerUntrusted = client.get(paths::API).await?;
    Ok(server.auth == "trusted")
}

/// The project that commands on the remote use: `--project`, else `default` or the first that this client may use.
async fn project(ctx: &Context, client: &Client) -> anyhow::Result<String> {
    let path = paths::with_query(paths::PROJECTS, &[("recursion", "1")]);
    let projects: Vec<Project> = client.get(&path).await?;
    let projects: Vec<&str> = projects.iter().map(|project| &*project.name).collect();
    if let Some(wanted) = &ctx.project {
        if !projects.contains(&wanted.as_str()) {
            bail!("Project not found");
        }
        return Ok(wanted.clone());
    }
    let first = projects.iter().find(|name| **name == "default").or(projects.first());
    Ok(first.copied().unwrap_or_default().to_owned())
}
