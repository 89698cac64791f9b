//! What this process takes of its host.

use crate::error::{Context, Result};
use rustix::time::{ClockId, clock_gettime};
use std::fs;
use std::time::Duration;

/// As of one moment.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    /// Bytes in memory.
    pub memory: u64,
    /// Time on processors since the start.
    pub cpu: Duration,
    /// Open files and sockets.
    pub files: usize,
}

/// What it takes now.
pub fn usage() -> Result<Usage> {
    let text = fs::read_to_string("/proc/self/status").context("read the process's state")?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
    let kibibytes = kibibytes.and_then(|number| number.parse::<u64>().ok()).unwrap_or_default();
    let cpu = clock_gettime(ClockId::ProcessCPUTime);
    // One of the files is the directory that is read.
    let files = fs::read_dir("/proc/self/fd").context("read the process's files")?.count() - 1;
    let cpu = Duration::try_from(cpu).context("read the process's time")?;
    Ok(Usage { memory: kibibytes * 1024, cpu, files })
}

#[cfg(test)]
mod tests {
    #[test]
    fn this_process_takes_something() {
        let before = super::usage().unwrap();
        let _file = std::fs::File::open("/dev/null").unwrap();
        let after = super::usage().unwrap();
        assert!(before.memory > 1 << 20 && before.files >= 3, "{before:?}");
        assert!(after.cpu > before.cpu && after.files > before.files, "{before:?} {after:?}");
    }
}
