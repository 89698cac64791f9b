//! Block devices, and files that stand for them: what is on them, who uses them, where they are.
//! All of it is for threads on which one may block.

use std::fs::{self, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::libc::O_EXCL;
use tokio::runtime::Handle;

use super::Error;
use crate::run::{Failed, Program, Status};

/// How blkid(8) ends when it finds nothing.
const NOT_FOUND: i32 = 2;

/// Runs a program to its end and returns what it printed.
pub(super) fn run(program: Program) -> Result<String, Failed> {
    Handle::current().block_on(program.run())
}

/// Whether a path leads to a block device.
pub fn is_block(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.file_type().is_block_device())
}

/// Refuses a block device that is not there, that anything uses, or that holds anything.
pub(super) fn check_blank(path: &Path) -> Result<(), Error> {
    let shown = || path.display().to_string();
    match OpenOptions::new().read(true).write(true).custom_flags(O_EXCL).open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(Error::SourceMissing(shown()));
        }
        Err(error) if error.raw_os_error() == Some(Errno::EBUSY as i32) => {
            return Err(Error::DeviceBusy(shown()));
        }
        opened => drop(opened.map_err(Error::host("open", path))?),
    }
    match kind(path)? {
        Some(what) => Err(Error::DeviceNotEmpty { device: shown(), what }),
        None => Ok(()),
    }
}

/// What is on a block device or in a file, such as `ext4` or `dos` (a partition table); nothing on
/// one that is blank.
pub(super) fn kind(path: &Path) -> Result<Option<String>, Error> {
    let listed = Program::new("wipefs").args(["--noheadings", "--output", "TYPE"]).arg(path);
    let listed = run(listed)?;
    Ok(listed.split_whitespace().next().map(str::to_owned))
}

/// The block device with the file system of that UUID, whatever its name is by now.
pub(super) fn find(uuid: &str) -> Result<Option<PathBuf>, Error> {
    // The cache would remember devices that are gone; udev's links are used where there are any.
    match run(Program::new("blkid").args(["--cache-file", "/dev/null", "--uuid", uuid])) {
        Ok(printed) => Ok(Some(PathBuf::from(printed.trim()))),
        Err(Failed { status: Status::Ended(status), .. }) if status.code() == Some(NOT_FOUND) => {
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// Makes a block device blank again, whose file system is not mounted: by its signatures alone.
pub(super) fn wipe(path: &Path) -> Result<(), Error> {
    run(Program::new("wipefs").arg("--all").arg(path))?;
    Ok(())
}

/// The loop device of a file: a new one, unless there is one.
pub(super) fn attach(file: &Path) -> Result<PathBuf, Error> {
    // For a file that is gone losetup would take a device by the name that its file has, in another
    // namespace even.
    fs::metadata(file).map_err(Error::host("find", file))?;
    let program =
        Program::new("losetup").args(["--find", "--nooverlap", "--direct-io=on", "--show"]);
    Ok(PathBuf::from(run(program.arg(file))?.trim()))
}

/// Frees a loop device: now, or once the file system on it is unmounted.
pub(super) fn detach(device: &Path) -> Result<(), Error> {
    run(Program::new("losetup").arg("--detach").arg(device))?;
    Ok(())
}

/// Frees whatever loop devices a file has that is there.
pub(super) fn detach_all(file: &Path) -> Result<(), Error> {
    if !file.exists() {
        return Ok(());
    }
    for device in loops(file)? {
        if let Err(error) = detach(&device)
            // One may go by itself just now.
            && loops(file)?.contains(&device)
        {
            return Err(error);
        }
    }
    Ok(())
}

fn loops(file: &Path) -> Result<Vec<PathBuf>, Error> {
    let program =
        Program::new("losetup").args(["--noheadings", "--output", "NAME", "--associated"]);
    Ok(run(program.arg(file))?.split_whitespace().map(PathBuf::from).collect())
}
