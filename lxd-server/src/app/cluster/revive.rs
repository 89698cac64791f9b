//! A replica that its disk has stopped: the reason is told, and the replica is opened again as soon as the
//! disk takes a write. A leader whose disk is about to be full hands over before it comes to that.

use super::join::database_dir;
use super::rejoin::rejoin;
use super::{finish, heal};
use crate::context::Context;
use crate::error::{Context as _, Kind, Result};
use crate::node::Replica;
use rustix::io::Errno;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often the disk is looked at, and how soon after a stop.
const LOOK: Duration = Duration::from_secs(2);
/// The longest pause before a replica that stops again and again is opened again.
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// Bytes that should be free: below, a leader hands over.
const RESERVE: u64 = 16 << 20;
/// Bytes that the disk must take before the replica is opened again: some batches of transactions.
const PROBE: usize = 1 << 20;

/// Runs until the daemon stops.
pub async fn revive(ctx: Context) {
    let (mut pause, mut short, mut noted) = (LOOK, false, Vec::new());
    let mut opened = Instant::now();
    loop {
        let replica = ctx.node.replica();
        let mut status = replica.db.watch();
        let stops = async {
            // An error means that it was closed.
            let _ = status.wait_for(|status| status.stopped.is_some()).await;
        };
        tokio::select! {
            () = ctx.stop.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {
                short = spare(&ctx, short).await;
                note_members(&ctx, &mut noted).await;
            }
            () = stops => {}
        }
        let Some(why) = replica.db.status().stopped else { continue };
        // One that was exchanged is closed.
        if ctx.stop.is_cancelled() || !Arc::ptr_eq(&replica, &ctx.node.replica()) {
            continue;
        }
        tracing::error!(why, "The database of this server has stopped");
        // One that stops again and again is given longer and longer.
        pause = if opened.elapsed() < PAUSE_MAX { (pause * 2).min(PAUSE_MAX) } else { LOOK };
        match bring_back(&ctx, &replica, pause).await {
            Ok(()) => {}
            Err(error) if error.kind == Kind::Lost && replica.cluster.is_some() => {
                tracing::error!("{}", error.chain());
                let _joining = ctx.joining.lock().await;
                rejoin(&ctx).await;
            }
            Err(error) => {
                tracing::error!("The database cannot be opened again: {}", error.chain());
            }
        }
        opened = Instant::now();
    }
}

/// Notes on this host where the members are, for when its replica is lost.
async fn note_members(ctx: &Context, noted: &mut Vec<String>) {
    let addresses = ctx.db.replica().status().addresses;
    let now: Vec<String> = addresses.into_values().filter(|address| !address.is_empty()).collect();
    if now.is_empty() || now == *noted {
        return;
    }
    match ctx.local.set_members(&now).await {
        Ok(()) => *noted = now,
        Err(error) => tracing::warn!("{}", error.chain()),
    }
}

/// Hands over once if the room on the disk goes short; tells whether it is.
async fn spare(ctx: &Context, short: bool) -> bool {
    let Ok(disk) = rustix::fs::statvfs(database_dir(ctx)) else { return short };
    let now = disk.f_bavail.saturating_mul(disk.f_frsize) < RESERVE;
    if now && !short {
        tracing::warn!("The disk of the database is almost full");
        heal::hand_over(ctx).await;
    }
    now
}

/// Waits until the disk takes a write, then opens the replica again.
async fn bring_back(ctx: &Context, replica: &Arc<Replica>, pause: Duration) -> Result<()> {
    let mut told: Option<String> = None;
    loop {
        let dir = database_dir(ctx);
        let probed =
            tokio::task::spawn_blocking(move || probe(&dir)).await.context("try the disk")?;
        let trouble = probed.err().map(|error| words(&error));
        if let Some(trouble) = trouble.as_ref().filter(|trouble| told.as_ref() != Some(*trouble)) {
            tracing::error!("What has stopped the database: {trouble}");
        }
        // Without a fault of the disk, the log has the reason.
        let text = trouble.clone().unwrap_or_else(|| "its log says why".to_owned());
        replica.db.set_trouble(Some(text));
        let wait = if trouble.is_some() { LOOK } else { pause };
        tokio::select! {
            () = ctx.stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(wait) => {}
        }
        if trouble.is_none() {
            break;
        }
        told = trouble;
    }
    // Whoever founds or joins exchanges it, and nobody else.
    let _joining = ctx.joining.lock().await;
    if !Arc::ptr_eq(replica, &ctx.node.replica()) {
        return Ok(());
    }
    // Until here it answered what it could from what it has.
    ctx.node.serve_streams(None);
    replica.db.close().await;
    let opened = Replica::open(&database_dir(ctx), &replica.directory, &ctx.options).await?;
    finish::exchange(ctx, Arc::new(opened));
    tracing::info!("The database is open again");
    Ok(())
}

/// Writes as much as the database may want to, and takes it away again.
fn probe(dir: &Path) -> io::Result<()> {
    let path = dir.join("probe");
    let written = File::create(&path).and_then(|mut file| {
        file.write_all(&vec![0xa5; PROBE])?;
        file.sync_all()
    });
    let removed = std::fs::remove_file(&path);
    written.and(removed)
}

/// What is wrong with the disk, for whoever runs this server.
fn words(error: &io::Error) -> String {
    match Errno::from_io_error(error) {
        Some(Errno::NOSPC | Errno::DQUOT) => "the disk of the database is full".to_owned(),
        Some(Errno::ROFS) => "the disk of the database is read-only".to_owned(),
        _ => format!("the disk of the database fails: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_that_takes_nothing_is_named() {
        let dir = tempfile::tempdir().unwrap();
        probe(dir.path()).unwrap();
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        for (errno, text) in [
            (Errno::NOSPC, "the disk of the database is full"),
            (Errno::ROFS, "the disk of the database is read-only"),
            (Errno::IO, "the disk of the database fails: Input/output error (os error 5)"),
        ] {
            assert_eq!(words(&errno.into()), text);
        }
    }
}
