//! Which daemon and client a host runs: ours, or those of Debian's packages lxd and lxd-client.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Flavour {
    /// What cargo has built beside the running program.
    Ours,
    /// LXD 5.0.2 as Debian 12 packages it.
    Debian,
}

impl Flavour {
    /// What the tests run: ours, or Debian's with `TEST_FLAVOUR=debian` in the environment, to see
    /// whether a test asks for something that LXD does too.
    #[must_use]
    pub fn under_test() -> Self {
        #[allow(clippy::disallowed_methods, reason = "a switch for people who write tests")]
        let chosen = std::env::var_os("TEST_FLAVOUR");
        if chosen.is_some_and(|name| name == "debian") { Self::Debian } else { Self::Ours }
    }

    /// The folder that holds its `lxc` and `lxd`.
    pub fn folder(self) -> Result<PathBuf> {
        match self {
            Self::Ours => built(),
            Self::Debian => Ok(PathBuf::from("/usr/bin")),
        }
    }

    /// The path of one of its programs; an error says how to get it.
    pub fn program(self, name: &str) -> Result<PathBuf> {
        let path = self.folder()?.join(name);
        let how = match self {
            Self::Ours => "cargo build --workspace --bins, in the same profile",
            Self::Debian => "apt-get install --no-install-recommends lxd lxd-client",
        };
        ensure!(path.exists(), "{} is missing: {how}", path.display());
        Ok(path)
    }

    /// A short word for tables and file names.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Debian => "debian",
        }
    }
}

/// The profile's folder in the target directory: of this program, or one up from a test in `deps`.
pub fn built() -> Result<PathBuf> {
    let program = std::env::current_exe().context("find the running program")?;
    let folder = program.parent().context("the running program has no folder")?;
    let up = folder.file_name().is_some_and(|name| name == "deps");
    Ok(if up { folder.parent().unwrap_or(folder) } else { folder }.to_owned())
}

/// The root of the repository.
#[must_use]
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this package is in the workspace")
}
