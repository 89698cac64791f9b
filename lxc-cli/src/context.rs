//! What every command is given.

use std::cell::OnceCell;
use std::path::PathBuf;

use anyhow::{Context as _, anyhow, bail};

use crate::Environment;
use crate::cli::Global;
use crate::client::{Accept, Client, Tls};
use crate::remote::Resource;
use crate::settings::{Remote, Settings};
use crate::ui::Ui;

pub(crate) struct Context {
    pub(crate) ui: Ui,
    /// The project of `--project`.
    pub(crate) project: Option<String>,
    pub(crate) environment: Environment,
    force_local: bool,
    settings: OnceCell<Settings>,
}

impl Context {
    pub(crate) fn new(global: &Global, environment: Environment, ui: Ui) -> Self {
        let (project, force_local) = (global.project.clone(), global.force_local);
        Self { ui, project, environment, force_local, settings: OnceCell::new() }
    }

    /// The user's settings.
    pub(crate) fn settings(&self) -> anyhow::Result<&Settings> {
        if let Some(settings) = self.settings.get() {
            return Ok(settings);
        }
        let settings = if self.force_local {
            Settings::local()
        } else {
            let Environment { lxd_conf, lxd_global_conf, home, .. } = &self.environment;
            let at_home = || home.as_ref().map(|home| home.join(".config/lxc"));
            Settings::load(lxd_conf.clone().or_else(at_home), lxd_global_conf.clone())?
        };
        Ok(self.settings.get_or_init(|| settings))
    }

    /// What an argument `[remote:]name` means.
    pub(crate) fn resource(&self, text: &str) -> anyhow::Result<Resource> {
        Ok(Resource::parse(text, self.settings()?.default_remote()))
    }

    /// A client of the remote that the argument names.
    pub(crate) fn client(&self, resource: &Resource) -> anyhow::Result<Client> {
        let (settings, name) = (self.settings()?, &resource.remote);
        let remote = settings.remote(name);
        let remote = remote.with_context(|| format!("The remote \"{name}\" doesn't exist"))?;
        if remote.public || !["", "lxd"].contains(&remote.protocol.as_str()) {
            bail!("The remote isn't a private LXD server");
        }
        if let Some(client) = self.local_client(&remote) {
            return Ok(client);
        }
        let certificate = settings.server_certificate(name)?.ok_or_else(|| {
            anyhow!(
                "No certificate was accepted for the remote \"{name}\": remove it and add it again"
            )
        })?;
        let identity = settings.identity()?;
        let members = Some(settings.members(name));
        let accept = Accept::only(&certificate)?;
        let server = Tls { url: &remote.address, accept, identity: identity.as_ref(), members };
        Client::tls(server, self.project_at(&remote), self.ui)
    }

    /// A client of a remote that is a socket of this machine.
    pub(crate) fn local_client(&self, remote: &Remote) -> Option<Client> {
        let path = remote.address.strip_prefix("unix:")?.trim_start_matches("//");
        let socket = if path.is_empty() { self.socket() } else { PathBuf::from(path) };
        Some(Client::unix(socket, self.project_at(remote), self.ui))
    }

    /// The project of `--project`, else the remote's own.
    fn project_at(&self, remote: &Remote) -> Option<String> {
        let own = Some(&remote.project).filter(|project| !project.is_empty());
        self.project.as_ref().or(own).cloned()
    }

    fn socket(&self) -> PathBuf {
        let Environment { lxd_dir, lxd_socket, .. } = &self.environment;
        let dir = || lxd_dir.clone().unwrap_or_else(|| PathBuf::from("/var/lib/lxd"));
        lxd_socket.clone().unwrap_or_else(|| dir().join("unix.socket"))
    }
}

/// The query of `--target`.
pub(crate) fn target(member: Option<&str>) -> Vec<(&str, &str)> {
    member.map(|member| ("target", member)).into_iter().collect()
}
