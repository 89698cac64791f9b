//! Block devices for tests: files behind loop devices.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::program;

/// A blank block device. The kernel frees it once this is dropped and nothing is mounted from it,
/// however the process ends: it has few of them.
#[derive(Debug)]
pub struct Disk {
    pub path: String,
    _held: File,
}

impl Disk {
    /// One of 256 MiB, of which nothing is stored yet, in a file of that name.
    pub fn create(folder: &Path, name: &str) -> Result<Self> {
        let file: PathBuf = folder.join(name);
        let sized = File::create_new(&file).and_then(|file| file.set_len(256 << 20));
        sized.with_context(|| format!("make {}", file.display()))?;
        let mut attach = program::command("losetup");
        let path = program::stdout(attach.args(["--find", "--show"]).arg(&file), "")?;
        let path = path.trim().to_owned();
        let held = File::open(&path).with_context(|| format!("open {path}"))?;
        // One that is open is detached when it is closed.
        program::stdout(program::command("losetup").args(["--detach", &path]), "")?;
        Ok(Self { path, _held: held })
    }

    /// The kinds of what is on it, one a line; nothing on a blank one.
    pub fn kinds(&self) -> Result<String> {
        let mut list = program::command("wipefs");
        program::stdout(list.args(["--noheadings", "--output", "TYPE,UUID", &self.path]), "")
    }
}
