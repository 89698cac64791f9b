//! Kernel settings below /proc/sys/net, of the daemon's own network namespace.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::Error;

const ROOT: &str = "/proc/sys/net";

/// Whether the kernel has IPv6.
pub(super) fn has_ipv6() -> bool {
    Path::new(ROOT).join("ipv6").exists()
}

/// Lets the host forward IPv4 packets.
pub(super) fn forward_ipv4() -> Result<(), Error> {
    set(&path("ipv4/ip_forward"), "1")
}

/// Lets the host forward IPv6 packets; interfaces that take router advertisements keep doing so,
/// which they would not once forwarding is on.
pub(super) fn forward_ipv6() -> Result<(), Error> {
    let conf = path("ipv6/conf");
    for entry in fs::read_dir(&conf).map_err(Error::host("read", &conf))? {
        let accept = entry.map_err(Error::host("read", &conf))?.path().join("accept_ra");
        if fs::read_to_string(&accept).is_ok_and(|value| value.trim() == "1") {
            set(&accept, "2")?;
        }
    }
    set(&conf.join("all/forwarding"), "1")
}

/// Turns IPv6 off on an interface.
pub(super) fn disable_ipv6(interface: &str) -> Result<(), Error> {
    if !has_ipv6() {
        return Ok(());
    }
    set(&path("ipv6/conf").join(interface).join("disable_ipv6"), "1")
}

/// Turns IPv6 on on an interface that has its addresses from us: it neither makes up some from
/// advertisements nor waits for duplicates to answer.
pub(super) fn enable_ipv6(interface: &str) -> Result<(), Error> {
    let conf = path("ipv6/conf").join(interface);
    set(&conf.join("disable_ipv6"), "0")?;
    set(&conf.join("autoconf"), "0")?;
    set(&conf.join("accept_dad"), "0")
}

fn path(name: &str) -> PathBuf {
    Path::new(ROOT).join(name)
}

/// Writes a setting that has another value; one that is right may be read-only.
fn set(path: &Path, value: &str) -> Result<(), Error> {
    match fs::read_to_string(path) {
        Ok(current) if current.trim() == value => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Err(Error::host("find the setting", path)(error))
        }
        _ => fs::write(path, value).map_err(Error::host("set", path)),
    }
}
