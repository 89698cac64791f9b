//! The client's settings, in the directory and the formats of LXD's client: remotes in `config.yml`, its own
//! certificate, those of servers. Only `members/`, where else a remote's cluster answers, is ours.

mod file;
mod identity;
mod members;

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

pub(crate) use file::{Remote, Remotes};
pub(crate) use identity::Identity;
pub(crate) use members::{Known, Members};

/// The remote that is this machine.
pub(crate) const LOCAL: &str = "local";
/// Where settings for all users of a machine are.
const GLOBAL: &str = "/etc/lxd";

/// What is in the directory, as it was when first asked for.
#[derive(Debug)]
pub(crate) struct Settings {
    /// None in an environment without a home.
    directory: Option<PathBuf>,
    global: PathBuf,
    remotes: Remotes,
    remotes_of_all: Remotes,
}

impl Settings {
    /// Reads the directory; one that is not there has the settings of a new one.
    pub(crate) fn load(
        directory: Option<PathBuf>,
        global: Option<PathBuf>,
    ) -> anyhow::Result<Self> {
        let remotes = directory.as_deref().map(Remotes::load).transpose()?.flatten();
        let remotes = remotes.unwrap_or_else(Remotes::initial);
        let global = global.unwrap_or_else(|| PathBuf::from(GLOBAL));
        let remotes_of_all = Remotes::load(&global)?.unwrap_or_default();
        Ok(Self { directory, global, remotes, remotes_of_all })
    }

    /// Those of an environment in which nothing but this machine is asked for.
    pub(crate) fn local() -> Self {
        let (remotes, remotes_of_all) = (Remotes::initial(), Remotes::default());
        Self { directory: None, global: PathBuf::new(), remotes, remotes_of_all }
    }

    /// The remote of commands that name none.
    pub(crate) fn default_remote(&self) -> &str {
        self.remotes.default_remote().unwrap_or(LOCAL)
    }

    /// All remotes by name.
    pub(crate) fn remotes(&self) -> BTreeMap<String, Remote> {
        let mut all = self.remotes_of_all.list();
        all.values_mut().for_each(|remote| remote.is_global = true);
        all.extend(self.remotes.list());
        for (name, fixed) in Remotes::fixed() {
            let project = all.remove(&name).unwrap_or_default().project;
            all.insert(name, Remote { project, ..fixed });
        }
        all
    }

    pub(crate) fn remote(&self, name: &str) -> Option<Remote> {
        self.remotes().remove(name)
    }

    /// Changes `config.yml`, after all others that change it, and leaves in it what is not ours.
    pub(crate) fn change(
        &self,
        change: impl FnOnce(&mut Remotes) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let directory = self.make_directory()?;
        let lock = File::open(directory).and_then(|lock| lock.lock().map(|()| lock));
        let _lock = lock.with_context(|| format!("Failed to lock {}", directory.display()))?;
        let mut remotes = Remotes::load(directory)?.unwrap_or_else(Remotes::initial);
        change(&mut remotes)?;
        remotes.save(directory)
    }

    /// The certificate that servers know this client by, made at its first use.
    pub(crate) fn identity(&self) -> anyhow::Result<Option<Identity>> {
        self.directory.as_deref().map_or(Ok(None), Identity::load)
    }

    /// The same, made if there is none yet.
    pub(crate) fn make_identity(&self, user: &str) -> anyhow::Result<Identity> {
        Identity::make(self.make_directory()?, user)
    }

    /// The certificate that a remote was accepted with, PEM.
    pub(crate) fn server_certificate(&self, remote: &str) -> anyhow::Result<Option<String>> {
        let own = self.directory.iter().map(|directory| certificate_path(directory, remote));
        let paths = own.chain([certificate_path(&self.global, remote)]);
        for path in paths {
            match fs::read_to_string(&path) {
                Ok(pem) => return Ok(Some(pem)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => bail!("Failed to read {}: {error}", path.display()),
            }
        }
        Ok(None)
    }

    /// Accepts a certificate for a remote.
    pub(crate) fn accept(&self, remote: &str, pem: &str) -> anyhow::Result<()> {
        let path = certificate_path(self.make_directory()?, remote);
        make_directory(path.parent().expect("it is in a directory"))?;
        write(&path, pem, 0o644)
    }

    /// Where the members of a remote's cluster are, as far as it was learned.
    pub(crate) fn members(&self, remote: &str) -> Members {
        Members::of(self.directory.as_deref(), remote)
    }

    /// Gives what is kept for a remote another name, or forgets it.
    pub(crate) fn move_files(&self, remote: &str, new_name: Option<&str>) -> anyhow::Result<()> {
        let directory = self.make_directory()?;
        for path in [certificate_path, members::path] {
            let old = path(directory, remote);
            let done = match new_name {
                Some(name) => fs::rename(&old, path(directory, name)),
                None => fs::remove_file(&old),
            };
            match done {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    bail!("Failed to move {}: {error}", old.display());
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn make_directory(&self) -> anyhow::Result<&Path> {
        let directory = self.directory.as_deref();
        let directory = directory.context(
            "There is no place for settings: HOME and LXD_CONF are not set, or --force-local is",
        )?;
        make_directory(directory)?;
        Ok(directory)
    }
}

fn certificate_path(directory: &Path, remote: &str) -> PathBuf {
    directory.join("servercerts").join(format!("{remote}.crt"))
}

fn make_directory(directory: &Path) -> anyhow::Result<()> {
    let made = DirBuilder::new().recursive(true).mode(0o750).create(directory);
    made.with_context(|| format!("Failed to create \"{}\"", directory.display()))
}

/// Replaces a file at once: whoever reads it sees the old or the new one.
fn write(path: &Path, content: &str, mode: u32) -> anyhow::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    // A link stays one.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let new = path.with_extension(format!("new-{}", std::process::id()));
    let written = File::options().write(true).create(true).truncate(true).mode(mode).open(&new);
    let written = written.and_then(|mut file| file.write_all(content.as_bytes()));
    let replaced = written.and_then(|()| fs::rename(&new, &path));
    if replaced.is_err() {
        let _ = fs::remove_file(&new);
    }
    replaced.with_context(|| format!("Failed to write {}", path.display()))
}
