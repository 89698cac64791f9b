//! Pools that are plain directories: below the daemon's own, or a given `source` that is shown
//! there by a bind mount.
//!
//! Making one can be repeated: what a kill leaves holds no data, and the next try goes on from it.

use std::fs::{self, DirBuilder, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use shared_api::config::Map;

use super::{Error, Pool, mount};

/// The directories of a pool and their modes, as LXD makes them.
const LAYOUT: [(&str, u32); 8] = [
    ("buckets", 0o711),
    ("containers", 0o711),
    ("containers-snapshots", 0o711),
    ("custom", 0o700),
    ("custom-snapshots", 0o700),
    ("images", 0o700),
    ("virtual-machines", 0o700),
    ("virtual-machines-snapshots", 0o700),
];

/// The mode of a pool's own directory and of the one above it.
pub(super) const MODE: u32 = 0o711;

pub(super) fn plan(pool: &Pool) -> Result<Map, Error> {
    check(pool)?;
    let mut config = pool.config.clone();
    let source = foreign_source(pool).unwrap_or_else(|| pool.path());
    config.insert("source".to_owned(), source.to_string_lossy().into_owned());
    Ok(config)
}

/// Refuses what [`create`] refuses before it makes anything.
pub(super) fn check(pool: &Pool) -> Result<(), Error> {
    if let Some(source) = foreign_source(pool) {
        check_source(pool, &source)?;
        if !is_blank(&source).map_err(Error::host("read", &source))? {
            return Err(Error::SourceNotEmpty(source.display().to_string()));
        }
    }
    check_free(pool)
}

/// Refuses when something is where the pool would be mounted.
pub(super) fn check_free(pool: &Pool) -> Result<(), Error> {
    let path = pool.path();
    match is_blank(&path) {
        Ok(true) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        _ => Err(Error::Exists(path)),
    }
}

pub(super) fn create(pool: &Pool) -> Result<(), Error> {
    let path = pool.path();
    make(&pool.root.join("storage-pools"), MODE)?;
    let foreign = foreign_source(pool);
    let source = foreign.as_ref().unwrap_or(&path);
    if foreign.is_some() && mount::is_bound(source, &path) {
        // A kill came between here and the end of an earlier try.
        mount::unmount(&path)?;
    }
    check(pool)?;
    fill(&path, source).inspect_err(|_| undo(&path, source))
}

pub(super) fn start(pool: &Pool) -> Result<(), Error> {
    let path = pool.path();
    let Some(source) = foreign_source(pool) else {
        return lay_out(&path);
    };
    if !mount::is_bound(&source, &path) {
        check_source(pool, &source)?;
        make(&path, MODE)?;
        mount::bind(&source, &path)?;
    }
    lay_out(&path)
}

pub(super) fn stop(pool: &Pool) -> Result<(), Error> {
    match foreign_source(pool) {
        None => Ok(()),
        Some(_) => mount::unmount(&pool.path()),
    }
}

pub(super) fn delete(pool: &Pool) -> Result<(), Error> {
    let path = pool.path();
    let Some(source) = foreign_source(pool) else {
        return gone(fs::remove_dir_all(&path), &path);
    };
    mount::unmount(&path)?;
    for (name, _) in LAYOUT {
        let part = source.join(name);
        gone(fs::remove_dir_all(&part), &part)?;
    }
    gone(fs::remove_dir(&path), &path)
}

/// The directory that keeps the data when it is not the usual one.
fn foreign_source(pool: &Pool) -> Option<PathBuf> {
    pool.get("source").map(PathBuf::from).filter(|source| *source != pool.path())
}

/// Makes the directories, from nothing or from what an earlier try left.
fn fill(path: &Path, source: &Path) -> Result<(), Error> {
    make(path, MODE)?;
    if source != path {
        mount::bind(source, path)?;
    }
    lay_out(path)
}

/// Undoes a [`fill`] that failed on the way. Removes nothing but empty directories.
fn undo(path: &Path, source: &Path) {
    if source != path && mount::is_bound(source, path) && mount::unmount(path).is_err() {
        return;
    }
    for (name, _) in LAYOUT {
        let _ = fs::remove_dir(source.join(name));
    }
    let _ = fs::remove_dir(path);
}

fn check_source(pool: &Pool, source: &Path) -> Result<(), Error> {
    let shown = || source.display().to_string();
    if !source.is_absolute() || !source.exists() {
        return Err(Error::SourceMissing(shown()));
    }
    if !source.is_dir() {
        return Err(Error::SourceNotDirectory(shown()));
    }
    let real = |path: &Path| path.canonicalize().map_err(Error::host("find", path));
    if real(source)?.starts_with(real(&pool.root)?) {
        return Err(Error::SourceWithin(shown()));
    }
    Ok(())
}

/// Whether a directory holds nothing, or nothing but empty directories of a pool's layout.
pub(super) fn is_blank(source: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(source)? {
        let entry = entry?;
        let ours = LAYOUT.iter().any(|(name, _)| entry.file_name() == *name);
        if !ours || !entry.file_type()?.is_dir() || fs::read_dir(entry.path())?.next().is_some() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Makes the directories of a pool that are missing.
pub(super) fn lay_out(path: &Path) -> Result<(), Error> {
    LAYOUT.iter().try_for_each(|(name, mode)| make(&path.join(name), *mode))
}

/// Makes sure of one directory and its mode, whatever the daemon's umask.
pub(super) fn make(path: &Path, mode: u32) -> Result<(), Error> {
    match DirBuilder::new().mode(mode).create(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => {}
        made => made.map_err(Error::host("create", path))?,
    }
    fs::set_permissions(path, Permissions::from_mode(mode))
        .map_err(Error::host("change the mode of", path))
}

/// The result of a removal for which "it was not there" is a success.
pub(super) fn gone(removed: io::Result<()>, path: &Path) -> Result<(), Error> {
    match removed {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(Error::host("remove", path)(error))
        }
        _ => Ok(()),
    }
}
