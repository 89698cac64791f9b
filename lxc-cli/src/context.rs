//! What every command is given.

use std::path::PathBuf;

use shared_api::paths;

use crate::Environment;
use crate::cli::Global;
use crate::client::Client;
use crate::remote::Resource;
use crate::ui::Ui;

pub(crate) struct Context {
    pub(crate) ui: Ui,
    /// The project of `--project`.
    pub(crate) project: Option<String>,
    socket: PathBuf,
}

impl Context {
    pub(crate) fn new(global: &Global, environment: Environment, ui: Ui) -> Self {
        let dir = || environment.lxd_dir.unwrap_or_else(|| PathBuf::from("/var/lib/lxd"));
        let socket = environment.lxd_socket.unwrap_or_else(|| dir().join("unix.socket"));
        Self { ui, project: global.project.clone(), socket }
    }

    /// A client of the remote that the argument names.
    pub(crate) fn client(&self, resource: &Resource) -> anyhow::Result<Client> {
        resource.check()?;
        Ok(Client::unix(&self.socket, self.ui))
    }

    /// The path with the project of `--project`, for what is inside projects.
    pub(crate) fn in_project(&self, path: &str, pairs: &[(&str, &str)]) -> String {
        let project = self.project.as_deref().map(|project| ("project", project));
        let pairs: Vec<_> = project.into_iter().chain(pairs.iter().copied()).collect();
        paths::with_query(path, &pairs)
    }
}

/// The query of `--target`.
pub(crate) fn target(member: Option<&str>) -> Vec<(&str, &str)> {
    member.map(|member| ("target", member)).into_iter().collect()
}
