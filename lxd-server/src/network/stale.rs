//! A dnsmasq that an earlier daemon left at work: found by its command line, ended before another
//! one takes its place.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tokio::time;

use super::Error;
use super::plan::Plan;

/// How long it may take to end when asked to.
const STOP_TIME_MAX: Duration = Duration::from_secs(5);
/// How often to look whether it has; nobody but its parent is told.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// Ends every dnsmasq that serves this network and waits until it is gone.
pub(super) async fn kill(plan: &Plan) -> Result<(), Error> {
    let argument = format!("--conf-file={}", plan.conf_file().display());
    let proc = Path::new("/proc");
    for entry in fs::read_dir(proc).map_err(Error::host("read", proc))? {
        let entry = entry.map_err(Error::host("read", proc))?;
        let pid = entry.file_name().to_str().and_then(|name| name.parse().ok());
        let Some(pid) = pid.and_then(Pid::from_raw) else { continue };
        if !serves(&entry.path(), &argument) {
            continue;
        }
        // From here on the process cannot be mistaken for another that got its id.
        let Ok(process) = pidfd_open(pid, PidfdFlags::NONBLOCK) else { continue };
        if serves(&entry.path(), &argument) {
            tracing::info!(network = plan.name, ?pid, "ending an earlier dnsmasq");
            let ended = end(process, &entry.path()).await;
            ended.map_err(Error::host("end the process", &entry.path()))?;
        }
    }
    Ok(())
}

/// Whether a process is a dnsmasq with this argument in our own network namespace.
///
/// The namespace tells it from one in a container whose paths are the same.
fn serves(process: &Path, argument: &str) -> bool {
    let Ok(line) = fs::read(process.join("cmdline")) else { return false };
    let mut words = line.split(|byte| *byte == 0);
    words.next().is_some_and(|program| program.ends_with(b"dnsmasq"))
        && words.any(|word| word == argument.as_bytes())
        && fs::read_link(process.join("ns/net")).ok() == fs::read_link("/proc/self/ns/net").ok()
}

/// When a process was started, by which it differs from a later one with its id; `None` once all
/// that it held is closed, even if its parent has not asked for its exit status yet.
fn life(process: &Path) -> Option<String> {
    let stat = fs::read_to_string(process.join("stat")).ok()?;
    // The fields follow the program's name, which may hold anything: state is the first of them.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    let started = fields.nth(18)?;
    (state != "Z" && state != "X").then(|| started.to_owned())
}

/// Asks a process to end, then makes it, and waits until it is gone.
async fn end(process: OwnedFd, dir: &Path) -> io::Result<()> {
    let life = life(dir);
    for signal in [Signal::TERM, Signal::KILL] {
        match pidfd_send_signal(&process, signal) {
            Err(Errno::SRCH) => return Ok(()),
            sent => sent?,
        }
        let gone = async {
            while life.is_some() && self::life(dir) == life {
                time::sleep(LOOK_AGAIN).await;
            }
        };
        if time::timeout(STOP_TIME_MAX, gone).await.is_ok() {
            return Ok(());
        }
    }
    Err(io::ErrorKind::TimedOut.into())
}
