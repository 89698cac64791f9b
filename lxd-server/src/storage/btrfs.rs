//! Pools that are btrfs file systems of their own, on a block device or in a file (`disks/NAME.img`),
//! or directories on one that is there.
//!
//! [`plan`] draws the UUID of the file system, and it is written down before there is one: so what
//! a kill leaves on a device is known for the pool's own, and nothing else is ever wiped.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::sys::statfs::{BTRFS_SUPER_MAGIC, statfs};
use shared_api::config::Map;
use shared_api::config::pool::INITIAL_SOURCE;
use shared_api::size::Size;
use uuid::Uuid;

use super::{Error, Pool, device, dir, driver, mount};
use crate::failpoint::reached;
use crate::run::Program;

/// Where udev shows file systems by their UUIDs; as a `source` it is understood without udev, too.
const BY_UUID: &str = "/dev/disk/by-uuid/";
/// How a pool is mounted unless `btrfs.mount_options` says otherwise, as in LXD.
const MOUNT_OPTIONS: &str = "user_subvol_rm_allowed";

/// What a pool is made of.
enum Place {
    /// A directory, or anything else that may be at a path.
    Path(PathBuf),
    /// A file of the daemon's own.
    File(PathBuf),
    /// A block device whose file system has this UUID, or is to get it.
    Device(String),
}

impl Place {
    fn of(pool: &Pool) -> Self {
        let file = pool.root.join("disks").join(format!("{}.img", pool.name));
        match pool.get("source") {
            None => Self::File(file),
            Some(source) if Path::new(source) == file => Self::File(file),
            Some(source) => match source.strip_prefix(BY_UUID) {
                Some(uuid) => Self::Device(uuid.to_owned()),
                None => Self::Path(PathBuf::from(source)),
            },
        }
    }
}

/// Whether a directory is on btrfs.
pub fn is_btrfs(path: &Path) -> Result<bool, Error> {
    let found = statfs(path).map_err(|errno| Error::host("measure", path)(errno.into()))?;
    Ok(found.filesystem_type() == BTRFS_SUPER_MAGIC)
}

/// How large a pool's file is unless `size` says otherwise, as in LXD: a fifth of the file system
/// that has the daemon's directory, but at least 5 GiB and at most 30 GiB.
pub fn default_size(root: &Path) -> Result<Size, Error> {
    let total = mount::resources(root)?.space_total;
    Size::from_bytes(((total / 5) >> 30).clamp(5, 30) << 30).ok_or(Error::NoSize)
}

pub(super) fn plan(pool: &Pool) -> Result<Map, Error> {
    driver::require("btrfs")?;
    dir::check_free(pool)?;
    let mut config = pool.config.clone();
    let place = Place::of(pool);
    if !matches!(place, Place::File(_)) {
        config.remove("size");
    }
    match place {
        Place::Path(path) if path.is_absolute() && device::is_block(&path) => {
            device::check_blank(&path)?;
            config.insert("source".to_owned(), format!("{BY_UUID}{}", Uuid::new_v4()));
            config.insert(INITIAL_SOURCE.to_owned(), path.display().to_string());
        }
        Place::Path(path) => check_directory(pool, &path)?,
        Place::Device(uuid) => match pool.get(INITIAL_SOURCE) {
            Some(_) if device::find(&uuid)?.is_some() => {}
            Some(device) => device::check_blank(Path::new(device))?,
            None => device::check_blank(&Path::new(BY_UUID).join(uuid))?,
        },
        Place::File(file) => {
            // One that is planned is an earlier try's.
            if pool.get(INITIAL_SOURCE).is_none() && file.exists() {
                return Err(Error::Exists(file));
            }
            let file = file.display().to_string();
            config.insert(INITIAL_SOURCE.to_owned(), file.clone());
            config.insert("source".to_owned(), file);
            if pool.get("size").is_none() {
                config.insert("size".to_owned(), default_size(&pool.root)?.to_string());
            }
        }
    }
    Ok(config)
}

pub(super) fn create(pool: &Pool) -> Result<(), Error> {
    let path = pool.path();
    dir::make(&pool.root.join("storage-pools"), dir::MODE)?;
    let fresh = match Place::of(pool) {
        Place::Path(source) => {
            if source == path && !path.exists() {
                device::run(Program::new("btrfs").args(["subvolume", "create"]).arg(&path))?;
            }
            return dir::create(pool);
        }
        Place::File(file) => format_file(pool, &file)?,
        Place::Device(uuid) => format_device(pool, &uuid)?,
    };
    let filled = fill(pool);
    if filled.is_err() {
        let undone = if fresh { delete(pool) } else { stop(pool) };
        if let Err(error) = undone {
            tracing::warn!(%error, pool = %pool.name, "Part of a pool was left");
        }
    }
    filled
}

pub(super) fn start(pool: &Pool) -> Result<(), Error> {
    if matches!(Place::of(pool), Place::Path(_)) {
        return dir::start(pool);
    }
    mount_file_system(pool)?;
    dir::lay_out(&pool.path())
}

pub(super) fn stop(pool: &Pool) -> Result<(), Error> {
    match Place::of(pool) {
        Place::Path(_) => dir::stop(pool),
        // A file's loop device goes with it.
        Place::File(_) | Place::Device(_) => mount::unmount(&pool.path()),
    }
}

pub(super) fn delete(pool: &Pool) -> Result<(), Error> {
    let path = pool.path();
    let place = Place::of(pool);
    if matches!(place, Place::Path(_)) {
        return dir::delete(pool);
    }
    mount::unmount(&path)?;
    match place {
        Place::Path(_) => {}
        Place::File(file) => {
            device::detach_all(&file)?;
            dir::gone(fs::remove_file(&file), &file)?;
        }
        // No other file system has this UUID; one that is lost is gone.
        Place::Device(uuid) => {
            device::find(&uuid)?.map_or(Ok(()), |found| device::wipe(&found))?;
        }
    }
    dir::gone(fs::remove_dir(&path), &path)
}

/// Mounts a file system that holds nothing yet and makes the pool's directories in it.
fn fill(pool: &Pool) -> Result<(), Error> {
    let path = pool.path();
    mount_file_system(pool)?;
    if !dir::is_blank(&path).map_err(Error::host("read", &path))? {
        return Err(Error::Exists(path));
    }
    dir::lay_out(&path)
}

fn mount_file_system(pool: &Pool) -> Result<(), Error> {
    let path = pool.path();
    if mount::is_mount_point(&path) {
        return Ok(());
    }
    dir::make(&path, dir::MODE)?;
    let mounted = match Place::of(pool) {
        Place::Path(source) => Err(Error::NotBtrfs(source.display().to_string())),
        Place::Device(uuid) => match device::find(&uuid)? {
            Some(device) => mount_at(pool, &device),
            None => Err(Error::DeviceLost(uuid)),
        },
        Place::File(file) => device::attach(&file).and_then(|device| {
            let mounted = mount_at(pool, &device);
            // From now on nothing but the mount holds it.
            device::detach(&device).and(mounted)
        }),
    };
    mounted.inspect_err(|_| drop(fs::remove_dir(&path)))
}

fn mount_at(pool: &Pool, device: &Path) -> Result<(), Error> {
    let options = pool.get("btrfs.mount_options").unwrap_or(MOUNT_OPTIONS);
    let program = Program::new("mount").args(["--types", "btrfs", "--options", options]);
    device::run(program.arg(device).arg(pool.path()))?;
    Ok(())
}

/// Makes a file and a file system in it; false if there is one already.
fn format_file(pool: &Pool, file: &Path) -> Result<bool, Error> {
    let size = pool.get("size").and_then(|size| size.parse::<Size>().ok());
    let size = size.ok_or(Error::NoSize)?.bytes();
    dir::make(&pool.root.join("disks"), 0o700)?;
    if file.exists() && device::kind(file)?.is_some() {
        return Ok(false);
    }
    let mut options = OpenOptions::new();
    let opened = options.write(true).create(true).truncate(true).mode(0o600).open(file);
    let sized = opened.and_then(|opened| opened.set_len(size)).map_err(Error::host("create", file));
    let made = sized.and_then(|()| format(pool, file, &Uuid::new_v4().to_string()));
    made.inspect_err(|_| drop(fs::remove_file(file)))?;
    Ok(true)
}

/// Makes the file system on its device, which is blank; false if it is there already.
fn format_device(pool: &Pool, uuid: &str) -> Result<bool, Error> {
    if device::find(uuid)?.is_some() {
        return Ok(false);
    }
    let device = pool.get(INITIAL_SOURCE).ok_or_else(|| Error::DeviceLost(uuid.to_owned()))?;
    device::check_blank(Path::new(device))?;
    format(pool, Path::new(device), uuid)?;
    Ok(true)
}

fn format(pool: &Pool, path: &Path, uuid: &str) -> Result<(), Error> {
    // Discarding a large device takes longer than members wait for each other.
    let program = Program::new("mkfs.btrfs").args(["--quiet", "--nodiscard", "--uuid", uuid]);
    device::run(program.args(["--label", pool.name.as_str()]).arg(path))?;
    reached("pool: formatted");
    Ok(())
}

fn check_directory(pool: &Pool, source: &Path) -> Result<(), Error> {
    let own = source == pool.path();
    if !own {
        dir::check(pool)?;
    }
    // The pool's own directory is not there yet.
    let shown = source.parent().filter(|_| own).unwrap_or(source);
    if is_btrfs(shown)? { Ok(()) } else { Err(Error::NotBtrfs(shown.display().to_string())) }
}
