//! Snapshots: whole copies of the state database that say themselves what they are of.

use crate::connection::{Connection, OpenOptions, blocking};
use crate::disk;
use crate::error::io;
use crate::figures::Meters;
use crate::progress;
use crate::store::{Store, file};
use crate::types::{Snapshot, SnapshotMeta, Types};
use openraft::storage::RaftSnapshotBuilder;
use std::fs::File;
use std::io::{Error, Read, Result, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Bytes read or written at once.
const CHUNK: usize = 128 << 10;

/// A complete, self-describing copy of the state database.
#[derive(Clone, Debug)]
pub(crate) struct SnapshotFile(pub(crate) PathBuf);

/// Makes snapshots of a state database while writers go on.
pub(crate) struct Builder(Store, Arc<Meters>);

impl Builder {
    pub(crate) fn new(store: Store, meters: Arc<Meters>) -> Self {
        Self(store, meters)
    }
}

impl RaftSnapshotBuilder<Types> for Builder {
    type SnapshotData = SnapshotFile;

    async fn build_snapshot(&mut self) -> Result<Snapshot> {
        let dir = self.0.dir();
        let begun = tokio::time::Instant::now();
        let (part, kept) = (dir.join("snapshot.part"), kept(dir));
        let _ = std::fs::remove_file(&part);
        // On a reading connection: applying goes on meanwhile.
        let sql = sqlx::query("VACUUM INTO ?").bind(part.to_string_lossy().into_owned());
        let mut reader = self.0.readers().take().await.map_err(io)?;
        sql.execute(&mut *reader).await.map_err(io)?;
        drop(reader);
        let meta = describe(&part).await?;
        // One that was installed meanwhile is newer: the log may be purged up to it already.
        match current(dir).await? {
            Some(newer) if newer.meta.last_log_id > meta.last_log_id => return Ok(newer),
            _ => disk::place(&part, &kept).await?,
        }
        self.1.snapshots.note(begun.elapsed());
        self.1.snapshot_bytes.set(std::fs::metadata(&kept)?.len());
        Ok(Snapshot { meta, snapshot: SnapshotFile(kept) })
    }
}

/// The newest snapshot on disk.
pub(crate) async fn current(dir: &Path) -> Result<Option<Snapshot>> {
    let path = kept(dir);
    if !path.exists() {
        return Ok(None);
    }
    Ok(Some(Snapshot { meta: describe(&path).await?, snapshot: SnapshotFile(path) }))
}

/// Keeps a snapshot as this member's newest and copies it to the place of a generation of the state.
pub(crate) async fn unpack(dir: &Path, snapshot: &SnapshotFile, generation: u64) -> Result<()> {
    let kept = kept(dir);
    if snapshot.0 != kept {
        disk::place(&snapshot.0, &kept).await?;
    }
    let live = file(dir, generation);
    disk::remove(&live);
    let (from, to) = (kept, live.clone());
    blocking(move || {
        std::fs::copy(from, &to)?;
        std::fs::File::open(&to)?.sync_all()
    })
    .await?;
    disk::sync_dir(&live).await
}

/// What a snapshot is of: read from the file itself, so the two cannot disagree.
pub(crate) async fn describe(path: &Path) -> Result<SnapshotMeta> {
    let mut connection = open(path).await?;
    let progress = progress::load(&mut connection).await;
    let _ = connection.close().await;
    let progress = progress?;
    Ok(SnapshotMeta { last_log_id: progress.applied, last_membership: progress.membership })
}

/// Sends a snapshot: the file, then its digest. `size` is what the file had when it was opened.
pub(crate) async fn send(
    mut file: File,
    size: u64,
    mut output: impl AsyncWrite + Unpin,
) -> Result<()> {
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; CHUNK];
    let mut left = size;
    while left > 0 {
        let count;
        (file, buffer, count) = blocking(move || {
            let count = file.read(&mut buffer)?;
            Ok((file, buffer, count))
        })
        .await?;
        if count == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        hasher.update(&buffer[..count]);
        output.write_all(&buffer[..count]).await?;
        left = left.saturating_sub(count as u64);
    }
    output.write_all(hasher.finalize().as_bytes()).await?;
    output.flush().await
}

/// Puts a snapshot that comes from another member on disk, and makes sure that it is whole.
///
/// # Errors
/// If the stream ends early, the digest is another, or SQLite finds the file damaged.
pub(crate) async fn receive(
    dir: &Path,
    mut body: impl AsyncRead + Unpin,
    size: u64,
) -> Result<SnapshotFile> {
    let path = dir.join(format!("incoming-{:016x}.db", rand::random::<u64>()));
    let result = async {
        download(&path, &mut body, size).await?;
        let mut connection = open(&path).await?;
        let check = sqlx::query_scalar("PRAGMA quick_check");
        let verdict: sqlx::Result<String> = check.fetch_one(&mut connection).await;
        let _ = connection.close().await;
        match verdict.map_err(io)?.as_str() {
            "ok" => Ok(()),
            damage => Err(Error::other(format!("the snapshot is damaged: {damage}"))),
        }
    };
    if let Err(error) = result.await {
        let _ = std::fs::remove_file(&path);
        return Err(error);
    }
    Ok(SnapshotFile(path))
}

/// Whether a member has lived here.
pub(crate) fn traces(dir: &Path) -> Result<bool> {
    let mut found = false;
    for entry in std::fs::read_dir(dir)? {
        let name = entry?.file_name();
        let name = name.to_string_lossy();
        found |= name == "snapshot.db" || name.starts_with("state-") && !name.contains(".part");
    }
    Ok(found)
}

/// Removes what a crash left behind: other generations, unfinished snapshots.
pub(crate) fn sweep(dir: &Path, generation: u64) -> Result<()> {
    let live = format!("state-{generation}.db");
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let old = name.starts_with("state-") && !name.starts_with(&live);
        let part = name == "snapshot.part" || name.starts_with("raft.db.part");
        if old || part || name.starts_with("incoming-") {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

async fn download(path: &Path, body: &mut (impl AsyncRead + Unpin), size: u64) -> Result<()> {
    let path = path.to_owned();
    let mut output = blocking(move || File::create(path)).await?;
    let mut hasher = blake3::Hasher::new();
    let mut left = size;
    let mut buffer = vec![0; CHUNK];
    while left > 0 {
        let want = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let count = body.read(&mut buffer[..want]).await?;
        if count == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        hasher.update(&buffer[..count]);
        (output, buffer) = blocking(move || {
            output.write_all(&buffer[..count])?;
            Ok((output, buffer))
        })
        .await?;
        left -= count as u64;
    }
    blocking(move || output.sync_all()).await?;
    let mut digest = [0; 32];
    body.read_exact(&mut digest).await?;
    if hasher.finalize() != digest {
        return Err(Error::other("the snapshot was damaged on its way"));
    }
    Ok(())
}

fn kept(dir: &Path) -> PathBuf {
    dir.join("snapshot.db")
}

async fn open(path: &Path) -> Result<Connection> {
    let options = OpenOptions::new(path).immutable();
    Connection::open(&options).await.map_err(io)
}
