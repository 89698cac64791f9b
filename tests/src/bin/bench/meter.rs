//! What a running daemon takes of its host.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use nix::{time::clock_getcpuclockid, unistd::Pid};
use tests::{daemon::Daemon, host::Host, wait::wait_until};

/// How long an idle daemon is watched.
const WINDOW: Duration = Duration::from_secs(10);

/// A process's share of memory in MiB.
pub(crate) fn memory(id: u32) -> Result<f64> {
    let text = fs::read_to_string(format!("/proc/{id}/smaps_rollup")).context("read memory")?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:")).context("find memory")?;
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse().context("parse memory")?;
    Ok(mebibytes(kibibytes * 1024))
}

/// The files of a folder in MiB, as large as they are on disk.
pub(crate) fn disk(folder: &Path) -> Result<f64> {
    fn blocks(folder: &Path) -> Result<u64> {
        use std::os::unix::fs::MetadataExt;
        let entries = fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))?;
        let mut sum = 0;
        for entry in entries {
            let entry = entry?;
            // One that goes away meanwhile takes nothing.
            let Ok(metadata) = entry.metadata() else { continue };
            sum += if metadata.is_dir() { blocks(&entry.path())? } else { metadata.blocks() };
        }
        Ok(sum)
    }
    Ok(mebibytes(blocks(folder)? * 512))
}

/// What a daemon takes while nobody asks it for anything.
pub(crate) struct Idle {
    /// Of one processor, in percent.
    pub(crate) cpu: f64,
    /// Sent and received, in kB/s.
    pub(crate) network: f64,
}

/// Watches a daemon for a while.
pub(crate) fn idle(host: &Host, daemon: &Daemon) -> Result<Idle> {
    let (begin, cpu, bytes) = (Instant::now(), cpu(daemon.id())?, network(host)?);
    wait_until("the window ends", 2 * WINDOW, || (begin.elapsed() >= WINDOW).then_some(()))?;
    let (cpu, bytes) = (self::cpu(daemon.id())? - cpu, network(host)? - bytes);
    let seconds = begin.elapsed().as_secs_f64();
    Ok(Idle { cpu: 100.0 * cpu / seconds, network: bytes / 1000.0 / seconds })
}

/// Seconds on processors, of threads that have ended, too.
fn cpu(id: u32) -> Result<f64> {
    let process = Pid::from_raw(i32::try_from(id).context("read the process's id")?);
    let clock = clock_getcpuclockid(process).context("find the daemon's clock")?;
    Ok(Duration::from(clock.now().context("read the daemon's clock")?).as_secs_f64())
}

/// Bytes that the host's card has sent and received.
fn network(host: &Host) -> Result<f64> {
    let folder = "/sys/class/net/eth0/statistics";
    let text = host.sh(&format!("cat {folder}/rx_bytes {folder}/tx_bytes"))?;
    text.lines().map(|line| line.parse::<f64>().context("count bytes")).sum()
}

#[allow(clippy::cast_precision_loss, reason = "memory and files are far below 2^52 bytes")]
pub(crate) fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
