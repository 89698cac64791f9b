//! `config.yml`: remotes and which is the default one. What else LXD's client or a user has written there stays.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};
use serde_yaml::{Mapping, Value};

use super::LOCAL;

const DEFAULT_REMOTE: &str = "default-remote";
const REMOTES: &str = "remotes";
const ALIASES: &str = "aliases";
/// What an entry has only if it has a value.
const UNSET_IF_EMPTY: [&str; 4] = ["auth_type", "domain", "project", "protocol"];

/// A server, or a place of images.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Remote {
    /// A URL: `https://host:port`, `unix://` or `unix:///path`.
    #[serde(rename = "addr")]
    pub(crate) address: String,
    /// `tls`, or empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) auth_type: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) domain: String,
    /// The project of commands that name none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) project: String,
    /// `lxd` or `simplestreams`; empty means `lxd`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) protocol: String,
    pub(crate) public: bool,
    /// Whether it is in the settings of all users.
    #[serde(skip)]
    pub(crate) is_global: bool,
    /// Whether it is built in.
    #[serde(skip)]
    pub(crate) is_static: bool,
}

/// The file, with all that is in it.
#[derive(Debug, Default)]
pub(crate) struct Remotes(Mapping);

impl Remotes {
    /// What a directory without the file has.
    pub(super) fn initial() -> Self {
        let mut new = Self::default();
        new.0.insert(DEFAULT_REMOTE.into(), LOCAL.into());
        let images = images("https://images.linuxcontainers.org");
        new.set("images", &Remote { is_static: false, ..images });
        new.set(LOCAL, &local());
        new.0.insert(ALIASES.into(), Value::Mapping(Mapping::new()));
        new
    }

    /// Those that are always there, and always the same.
    pub(super) fn fixed() -> impl Iterator<Item = (String, Remote)> {
        let fixed = [
            (LOCAL, local()),
            ("ubuntu", images("https://cloud-images.ubuntu.com/releases")),
            ("ubuntu-daily", images("https://cloud-images.ubuntu.com/daily")),
        ];
        fixed.into_iter().map(|(name, remote)| (name.to_owned(), remote))
    }

    /// Reads the file of a directory, if there is one.
    pub(super) fn load(directory: &Path) -> anyhow::Result<Option<Self>> {
        let path = directory.join("config.yml");
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => bail!("Failed to read {}: {error}", path.display()),
        };
        let unreadable = || format!("Failed to read {}", path.display());
        let content: Option<Mapping> = serde_yaml::from_str(&text).with_context(unreadable)?;
        let remotes = Self(content.unwrap_or_default());
        remotes.try_list().with_context(unreadable)?;
        Ok(Some(remotes))
    }

    pub(super) fn save(&self, directory: &Path) -> anyhow::Result<()> {
        super::write(&directory.join("config.yml"), &serde_yaml::to_string(&self.0)?, 0o644)
    }

    pub(super) fn default_remote(&self) -> Option<&str> {
        self.0.get(DEFAULT_REMOTE)?.as_str().filter(|name| !name.is_empty())
    }

    pub(crate) fn set_default_remote(&mut self, name: &str) {
        self.0.insert(DEFAULT_REMOTE.into(), name.into());
    }

    pub(super) fn list(&self) -> BTreeMap<String, Remote> {
        self.try_list().expect("it was read when it was loaded")
    }

    /// Writes what this client knows of a remote, and leaves the rest of it.
    pub(crate) fn set(&mut self, name: &str, remote: &Remote) {
        let known = serde_yaml::to_value(remote).expect("a remote is plain data");
        let known = known.as_mapping().cloned().unwrap_or_default();
        let entry = self.entries().entry(name.into()).or_insert_with(|| Mapping::new().into());
        match entry.as_mapping_mut() {
            Some(entry) => {
                let is_unset = |key: &Value| {
                    UNSET_IF_EMPTY.iter().any(|unset| key == unset) && !known.contains_key(key)
                };
                entry.retain(|key, _| !is_unset(key));
                entry.extend(known);
            }
            None => *entry = known.into(),
        }
    }

    pub(crate) fn rename(&mut self, name: &str, new_name: &str) {
        let entries = self.entries();
        if let Some(entry) = entries.remove(name) {
            entries.insert(new_name.into(), entry);
        }
        if self.default_remote() == Some(name) {
            self.set_default_remote(new_name);
        }
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.entries().remove(name);
    }

    fn try_list(&self) -> serde_yaml::Result<BTreeMap<String, Remote>> {
        let entries = self.0.get(REMOTES).cloned().unwrap_or_default();
        let entries: Option<BTreeMap<String, Remote>> = serde_yaml::from_value(entries)?;
        Ok(entries.unwrap_or_default())
    }

    fn entries(&mut self) -> &mut Mapping {
        let entries = self.0.entry(REMOTES.into()).or_insert_with(|| Mapping::new().into());
        if !entries.is_mapping() {
            *entries = Mapping::new().into();
        }
        entries.as_mapping_mut().expect("it was just made one")
    }
}

fn local() -> Remote {
    Remote { address: "unix://".to_owned(), is_static: true, ..Remote::default() }
}

fn images(address: &str) -> Remote {
    Remote {
        address: address.to_owned(),
        protocol: "simplestreams".to_owned(),
        public: true,
        is_static: true,
        ..Remote::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_file_is_that_of_lxd() {
        let expected = "default-remote: local
remotes:
  images:
    addr: https://images.linuxcontainers.org
    protocol: simplestreams
    public: true
  local:
    addr: unix://
    public: false
aliases: {}
";
        assert_eq!(serde_yaml::to_string(&Remotes::initial().0).unwrap(), expected);
    }

    #[test]
    fn what_others_wrote_stays() {
        let folder = tempfile::tempdir().unwrap();
        let text = "default-remote: a
remotes:
  a:
    addr: https://10.0.0.1:8443
    project: p
    protocol: lxd
    public: false
    keepalive: 30
aliases:
  ls: list
tomorrow: [1, 2]
";
        fs::write(folder.path().join("config.yml"), text).unwrap();
        let mut file = Remotes::load(folder.path()).unwrap().unwrap();
        let (address, project) = ("https://10.0.0.2:8443".to_owned(), String::new());
        let remote = Remote { address, project, ..file.list()["a"].clone() };
        file.set("a", &remote);
        file.rename("a", "b");
        file.save(folder.path()).unwrap();
        // What has no value any more goes.
        let text = text.replace("    project: p\n", "");
        let expected = text.replace("10.0.0.1", "10.0.0.2").replace("  a:", "  b:");
        let expected = expected.replace("default-remote: a", "default-remote: b");
        let written = fs::read_to_string(folder.path().join("config.yml")).unwrap();
        let parsed = |text: &str| serde_yaml::from_str::<Value>(text).unwrap();
        assert_eq!(parsed(&written), parsed(&expected));
        assert_eq!(Remotes::load(folder.path()).unwrap().unwrap().list().len(), 1);
    }

    #[test]
    fn a_file_that_is_none_is_told_and_left() {
        let folder = tempfile::tempdir().unwrap();
        for text in ["[1]", "remotes: {a: [1]}", "remotes: 3", "a: : b"] {
            fs::write(folder.path().join("config.yml"), text).unwrap();
            let error = Remotes::load(folder.path()).unwrap_err().to_string();
            assert!(error.starts_with("Failed to read "), "{text}: {error}");
        }
        fs::write(folder.path().join("config.yml"), "").unwrap();
        assert_eq!(Remotes::load(folder.path()).unwrap().unwrap().list(), BTreeMap::new());
    }
}
