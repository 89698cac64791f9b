//! Where a remote's cluster answers beside the address that the remote was added by: `members/REMOTE.yml`. Losing
//! it costs nothing but the time until it is learned again.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How long what was learned is not asked for again.
const FRESH: Duration = Duration::from_secs(60);

/// The members of a remote's cluster.
#[derive(Debug, Default)]
pub(crate) struct Members {
    /// None if they cannot be kept.
    path: Option<PathBuf>,
    pub(crate) known: Known,
}

/// What the file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Known {
    /// The URL that the remote was found at then: another one has other members.
    #[serde(rename = "addr")]
    pub(crate) address: String,
    /// `host:port` of all members; the one that answered last is the first.
    pub(crate) members: Vec<String>,
    /// Whether a request with an `Idempotency-Key` is done once by all of them together.
    pub(crate) idempotency_key: bool,
}

impl Members {
    /// Reads them; none if the file cannot be read.
    pub(super) fn of(directory: Option<&Path>, remote: &str) -> Self {
        let path = directory.map(|directory| path(directory, remote));
        let text = path.as_deref().and_then(|path| fs::read_to_string(path).ok());
        let known = text.and_then(|text| serde_yaml::from_str(&text).ok());
        Self { path, known: known.unwrap_or_default() }
    }

    /// Whether they were learned a moment ago.
    pub(crate) fn is_fresh(&self) -> bool {
        let modified =
            self.path.as_deref().and_then(|path| fs::metadata(path).ok()?.modified().ok());
        // A time that is to come is not the right one.
        modified.is_some_and(|modified| modified.elapsed().is_ok_and(|age| age < FRESH))
    }

    pub(crate) fn save(&self, known: &Known) -> anyhow::Result<()> {
        let Some(path) = self.path.as_deref() else { return Ok(()) };
        super::make_directory(path.parent().expect("it is in a directory"))?;
        super::write(path, &serde_yaml::to_string(known)?, 0o644)
    }
}

pub(super) fn path(directory: &Path, remote: &str) -> PathBuf {
    directory.join("members").join(format!("{remote}.yml"))
}
