//! What a daemon holds: memory, open files, bytes of its databases.

use std::{fs, path::Path};

use anyhow::{Context, Result};

use super::Stage;

/// A debug build's heap after thousands of requests, with room.
const MEMORY_BYTES_MAX: u64 = 400 << 20;
/// Beyond those that it had at the beginning: each client of the load may keep a connection.
const FILES_MORE_MAX: u64 = 300;
/// Two logs' and two states' worth of what such a load writes.
const DISK_BYTES_MAX: u64 = 128 << 20;

/// Of one daemon.
#[derive(Clone, Copy, Debug)]
pub(super) struct Holding {
    memory_bytes: u64,
    files: u64,
    disk_bytes: u64,
}

/// What every daemon holds now; none of one that is dead.
pub(super) fn look(stage: &Stage) -> Result<Vec<Option<Holding>>> {
    let members = stage.rack.hosts.iter().zip(&stage.daemons);
    let holding = members.map(|(host, daemon)| {
        let Some(daemon) = daemon else { return Ok(None) };
        let process = Path::new("/proc").join(daemon.id().to_string());
        let status = fs::read_to_string(process.join("status")).context("read its memory")?;
        let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let memory = memory.and_then(|text| text.trim().trim_end_matches(" kB").parse().ok());
        let memory_bytes = memory.map_or(0, |kib: u64| kib << 10);
        let files = fs::read_dir(process.join("fd")).context("count its files")?.count() as u64;
        let disk_bytes = size(&host.data().join("database"))?;
        Ok(Some(Holding { memory_bytes, files, disk_bytes }))
    });
    holding.collect()
}

/// Complaints about what has grown without bound.
pub(super) fn complaints(before: &[Option<Holding>], after: &[Option<Holding>]) -> Vec<String> {
    let mut complaints = Vec::new();
    for (index, (before, after)) in before.iter().zip(after).enumerate() {
        let (Some(before), Some(after)) = (before, after) else { continue };
        for (what, value, max) in [
            ("bytes of memory", after.memory_bytes, MEMORY_BYTES_MAX),
            ("open files", after.files, before.files + FILES_MORE_MAX),
            ("bytes of databases", after.disk_bytes, DISK_BYTES_MAX),
        ] {
            if value > max {
                complaints.push(format!("node{} has {value} {what}", index + 1));
            }
        }
    }
    complaints
}

fn size(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder).context("list its databases")? {
        let path = entry.context("list its databases")?.path();
        // Files come and go meanwhile.
        let Ok(found) = fs::symlink_metadata(&path) else { continue };
        bytes += if found.is_dir() { size(&path)? } else { found.len() };
    }
    Ok(bytes)
}
