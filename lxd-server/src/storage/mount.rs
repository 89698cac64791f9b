//! Mounts and the size of file systems.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::errno::Errno;
use nix::mount::{MntFlags, MsFlags};

use super::{Error, Resources};

/// Shows the directory `source` at `target`, which is an empty directory.
pub(super) fn bind(source: &Path, target: &Path) -> Result<(), Error> {
    let none = None::<&str>;
    nix::mount::mount(Some(source), target, none, MsFlags::MS_BIND, none)
        .map_err(|errno| Error::host("mount", target)(errno.into()))
}

/// Unmounts what is mounted on `target`; one that is gone or nothing is mounted on is no error.
pub(super) fn unmount(target: &Path) -> Result<(), Error> {
    match nix::mount::umount2(target, MntFlags::UMOUNT_NOFOLLOW) {
        Ok(()) | Err(Errno::EINVAL | Errno::ENOENT) => Ok(()),
        Err(errno) => Err(Error::host("unmount", target)(errno.into())),
    }
}

/// Whether both paths lead to one directory, as after [`bind`].
pub(super) fn is_bound(source: &Path, target: &Path) -> bool {
    let id = |path| fs::metadata(path).map(|found| (found.dev(), found.ino())).ok();
    id(source).is_some() && id(source) == id(target)
}

/// Whether another file system begins at a path. Parts of one that are shown by [`bind`] count if
/// they are on another than what is above the path.
pub(super) fn is_mount_point(path: &Path) -> bool {
    let device = |path: &Path| fs::metadata(path).map(|found| found.dev()).ok();
    path.parent().is_some_and(|above| device(path).is_some_and(|own| Some(own) != device(above)))
}

/// Measures the file system that a path is on.
pub(super) fn resources(path: &Path) -> Result<Resources, Error> {
    let found = rustix::fs::statvfs(path)
        .map_err(|errno| Error::host("measure", path)(io::Error::from(errno)))?;
    Ok(Resources {
        space_used: found.f_blocks.saturating_sub(found.f_bfree).saturating_mul(found.f_frsize),
        space_total: found.f_blocks.saturating_mul(found.f_frsize),
        inodes_used: found.f_files.saturating_sub(found.f_ffree),
        inodes_total: found.f_files,
    })
}
