//! Faults of one host: its disk and its clock. Disks of their own size and clocks of their own must
//! be there before the daemon starts; trouble with the disk comes through strace, which fails or
//! delays the calls of a running process until it lets go of it.

use std::{fs, process::Child};

use anyhow::{Context, Result};
use nix::sys::signal::{Signal, kill};

use crate::{
    daemon::{Daemon, LIMIT},
    host::{DATA, Host},
    namespace::pid,
    program,
    wait::wait_until,
};

/// What the databases of one host have room for.
const DISK_MIB: u32 = 64;

/// Puts the host's databases on a disk of their own, a small one.
pub(super) fn prepare_disk(host: &Host) -> Result<()> {
    let folder = format!("{DATA}/database");
    let mount = format!("mount -t tmpfs -o size={DISK_MIB}m,mode=0700 tmpfs {folder}");
    host.sh(&format!("mkdir -p {folder} && {mount}")).map(drop)
}

/// Fills that disk to the last byte.
pub(super) fn fill_disk(host: &Host) -> Result<()> {
    // What does not fit is the point.
    host.sh(&format!("cat /dev/zero > {DATA}/database/filler 2>/dev/null || :")).map(drop)
}

pub(super) fn free_disk(host: &Host) -> Result<()> {
    host.sh(&format!("rm {DATA}/database/filler")).map(drop)
}

/// Lets the host's daemons read their clock through libfaketime; the monotonic one stays.
pub(super) fn prepare_clock(host: &mut Host) -> Result<()> {
    set_clock(host, "+0")?;
    let file = clock(host).display().to_string();
    host.environment = [
        ("LD_PRELOAD", "/usr/$LIB/faketime/libfaketimeMT.so.1"),
        ("FAKETIME_TIMESTAMP_FILE", &file),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ("FAKETIME_CACHE_DURATION", "1"),
        ("NO_FAKE_STAT", "1"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    Ok(())
}

/// Sets the clock to so much after the true time, as libfaketime writes it: "+1h".
pub(super) fn set_clock(host: &Host, after: &str) -> Result<()> {
    fs::write(clock(host), after).context("set a clock")
}

/// Calls of a process that fail or are slow, until this ends.
#[derive(Debug)]
pub(super) struct Tracer(Child);

impl Tracer {
    /// Every write to a database fails as on a disk that the kernel has made read-only.
    pub(super) fn read_only(daemon: &Daemon) -> Result<Self> {
        Self::inject(daemon, "pwrite64,ftruncate,fallocate,fdatasync,fsync", "error=EROFS")
    }

    /// Every fsync takes so long.
    pub(super) fn slow_fsync(daemon: &Daemon, delay_ms: u32) -> Result<Self> {
        let delay = format!("delay_exit={}", delay_ms * 1000);
        Self::inject(daemon, "fdatasync,fsync", &delay)
    }

    fn inject(daemon: &Daemon, calls: &str, how: &str) -> Result<Self> {
        let id = daemon.id().to_string();
        let mut command = program::command("strace");
        command.args(["-f", "-qqq", "-o", "/dev/null", "-p", &id]);
        command.args(["-e", &format!("trace={calls}"), "-e", &format!("inject={calls}:{how}")]);
        let tracer = Self(command.spawn().context("start strace")?);
        wait_until("strace holds the daemon", LIMIT, || {
            let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
            let holder = status.lines().find_map(|line| line.strip_prefix("TracerPid:"))?;
            (holder.trim() != "0").then_some(())
        })?;
        Ok(tracer)
    }

    /// Lets go of the process, which goes on.
    pub(super) fn end(mut self) -> Result<()> {
        kill(pid(self.0.id()), Signal::SIGINT).context("stop strace")?;
        self.0.wait().context("wait for strace").map(drop)
    }
}

fn clock(host: &Host) -> std::path::PathBuf {
    host.folder.join("clock")
}
