//! Folders of a run: made under /tmp, removed when it ended well, copied to the target directory
//! when it did not; those of killed runs are removed by the next one.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU32, Ordering},
};

use anyhow::{Context, Result};

use crate::{flavour, program};

const PREFIX: &str = "lxd-rack-";

/// A new folder that belongs to this process. Its path is short: unix sockets live in it.
pub fn create() -> Result<PathBuf> {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    remove_stale();
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let (id, start) = (process::id(), started(process::id()).context("read own start time")?);
    let path = env::temp_dir().join(format!("{PREFIX}{id}-{start}-{number}"));
    fs::create_dir_all(&path).with_context(|| format!("make {}", path.display()))?;
    Ok(path)
}

/// Moves what a failed run left to `target/failed/NAME` and says so.
#[allow(clippy::print_stderr, reason = "whoever reads the failure must find the files")]
pub fn keep(folder: &Path, name: &str) -> Result<()> {
    let target = flavour::built()?.join("../failed");
    fs::create_dir_all(&target).with_context(|| format!("make {}", target.display()))?;
    let target = target.canonicalize()?.join(name);
    remove(&target)?;
    // Sockets and device nodes of the daemons are copied as what they are.
    program::stdout(program::command("cp").arg("-a").arg(folder).arg(&target), "")?;
    remove(folder)?;
    eprintln!("logs and databases are kept in {}", target.display());
    Ok(())
}

/// Removes a folder and what is in it; none is fine.
pub fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}

/// When a process started, in clock ticks since boot; none when there is no such process.
/// Together with the id this names a process for ever.
#[must_use]
pub fn started(id: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name, in brackets, may hold anything; the start is the 20th field after it.
    stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
}

fn remove_stale() {
    for entry in fs::read_dir(env::temp_dir()).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(owner) = name.to_str().and_then(|name| name.strip_prefix(PREFIX)) else {
            continue;
        };
        let mut parts = owner.split('-').map_while(|part| part.parse::<u64>().ok());
        let (Some(id), Some(start)) = (parts.next(), parts.next()) else { continue };
        if u32::try_from(id).ok().and_then(started) != Some(start) {
            let _ = remove(&entry.path());
        }
    }
}
