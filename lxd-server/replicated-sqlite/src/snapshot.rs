//! Snapshots: whole copies of the state database that say themselves what they are of. The file ends in the
//! digest of what comes before, which SQLite does not look at: so it is on the wire what it is on disk.

use crate::connection::{Connection, OpenOptions, blocking};
use crate::disk;
use crate::error::io;
use crate::figures::Meters;
use crate::progress;
use crate::store::{Store, file};
use crate::types::{Snapshot, SnapshotMeta, Types, Value};
use openraft::storage::RaftSnapshotBuilder;
use std::fs::File;
use std::io::{Error, ErrorKind, Read, Result, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_util::task::AbortOnDropHandle;

/// Bytes read or written at once.
const CHUNK: usize = 128 << 10;
/// How often a snapshot that is being made is written to the disk.
const FLUSH: Duration = Duration::from_millis(20);
/// Bytes of the digest.
const DIGEST: u64 = 32;

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
        let begun = tokio::time::Instant::now();
        let part = self.0.dir().join("snapshot.part");
        let _ = std::fs::remove_file(&part);
        let built = build(&self.0, &part).await;
        // An unfinished one must not take up room that the disk may lack.
        let _ = std::fs::remove_file(&part);
        let built = built?;
        self.1.snapshots.note(begun.elapsed());
        self.1.snapshot_bytes.set(std::fs::metadata(&built.snapshot.0)?.len());
        Ok(built)
    }
}

async fn build(store: &Store, part: &Path) -> Result<Snapshot> {
    // On a reading connection: applying goes on meanwhile.
    let path = Value::Text(part.to_string_lossy().into_owned());
    let mut reader = store.readers().take().await.map_err(io)?;
    let trickle = AbortOnDropHandle::new(tokio::spawn(trickle(part.to_owned())));
    reader.ask_aside("VACUUM INTO ?", &[path]).await.map_err(io)?;
    drop((reader, trickle));
    let meta = describe(part).await?;
    let whole = part.to_owned();
    blocking(move || append_digest(&whole)).await?;
    let kept = kept(store.dir());
    // One that was installed meanwhile is newer: the log may be purged up to it already.
    match current(store.dir()).await? {
        Some(newer) if newer.meta.last_log_id > meta.last_log_id => return Ok(newer),
        _ => disk::place(part, &kept).await?,
    }
    Ok(Snapshot { meta, snapshot: SnapshotFile(kept) })
}

/// Has a file that is being written reach the disk bit by bit: one sync at the end would hold up the log's
/// syncs for as long as all of it takes.
async fn trickle(path: PathBuf) {
    loop {
        tokio::time::sleep(FLUSH).await;
        let path = path.clone();
        // Not there yet, or the sync at the end tells.
        let _ = blocking(move || File::open(path)?.sync_data()).await;
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
///
/// # Errors
/// `InvalidData` if it is not what it was when it was made.
pub(crate) async fn unpack(dir: &Path, snapshot: &SnapshotFile, generation: u64) -> Result<()> {
    let kept = kept(dir);
    if snapshot.0 != kept {
        disk::place(&snapshot.0, &kept).await?;
    }
    let live = file(dir, generation);
    disk::remove(&live);
    let to = live.clone();
    blocking(move || {
        // First, so that what is copied is in the kernel's memory.
        verify_file(&kept)?;
        let copied = std::fs::copy(kept, &to).and_then(|size| {
            let copy = File::options().write(true).open(&to)?;
            copy.set_len(size - DIGEST)?;
            copy.sync_all()
        });
        copied.inspect_err(|_| disk::remove(&to))
    })
    .await?;
    disk::sync_dir(&live).await
}

/// The newest snapshot, if it is what it was when it was made; a damaged one is taken away.
pub(crate) async fn verified(dir: &Path) -> Result<Option<Snapshot>> {
    let kept = kept(dir);
    if !kept.exists() {
        return Ok(None);
    }
    let path = kept.clone();
    match blocking(move || verify_file(&path)).await {
        Ok(()) => current(dir).await,
        Err(error) if error.kind() == ErrorKind::InvalidData => {
            tracing::error!(%error, "it is made anew");
            disk::remove(&kept);
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn append_digest(path: &Path) -> Result<()> {
    let digest = disk::digest(path, u64::MAX)?;
    File::options().append(true).open(path)?.write_all(&digest)
}

fn verify_file(path: &Path) -> Result<()> {
    let size = path.metadata()?.len().checked_sub(DIGEST).ok_or_else(damaged)?;
    let mut digest = [0; blake3::OUT_LEN];
    File::open(path)?.read_exact_at(&mut digest, size)?;
    if disk::digest(path, size)? == digest { Ok(()) } else { Err(damaged()) }
}

fn damaged() -> Error {
    Error::new(ErrorKind::InvalidData, "the snapshot is damaged")
}

/// What a snapshot is of: read from the file itself, so the two cannot disagree.
pub(crate) async fn describe(path: &Path) -> Result<SnapshotMeta> {
    let mut connection = open(path).await?;
    let progress = progress::load(&mut connection).await;
    let _ = connection.close().await;
    let progress = progress?;
    Ok(SnapshotMeta { last_log_id: progress.applied, last_membership: progress.membership })
}

/// Sends a snapshot as it is, its digest at the end. `size` is what the file had when it was opened.
///
/// # Errors
/// `InvalidData` if it is damaged; the other end will have noticed, too.
pub(crate) async fn send(
    mut file: File,
    size: u64,
    mut output: impl AsyncWrite + Unpin,
) -> Result<()> {
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; CHUNK];
    let mut left = size.checked_sub(DIGEST).ok_or_else(damaged)?;
    while left > 0 {
        let want = usize::try_from(left).unwrap_or(usize::MAX).min(CHUNK);
        let count;
        (file, buffer, count) = blocking(move || {
            let count = file.read(&mut buffer[..want])?;
            Ok((file, buffer, count))
        })
        .await?;
        if count == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        hasher.update(&buffer[..count]);
        output.write_all(&buffer[..count]).await?;
        left -= count as u64;
    }
    let mut digest = [0; blake3::OUT_LEN];
    file.read_exact(&mut digest)?;
    output.write_all(&digest).await?;
    output.flush().await?;
    if hasher.finalize() == digest { Ok(()) } else { Err(damaged()) }
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
        let verdict = connection.check().await;
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
        found |= name == "snapshot.db" || name == "raft.mark";
        found |= name.starts_with("state-") && !name.contains(".part");
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
    let mut left = size.checked_sub(DIGEST).ok_or_else(damaged)?;
    let mut buffer = vec![0; CHUNK];
    while left > 0 {
        let want = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let count = body.read(&mut buffer[..want]).await?;
        if count == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        hasher.update(&buffer[..count]);
        (output, buffer) = blocking(move || {
            output.write_all(&buffer[..count])?;
            Ok((output, buffer))
        })
        .await?;
        left -= count as u64;
    }
    let mut digest = [0; blake3::OUT_LEN];
    body.read_exact(&mut digest).await?;
    blocking(move || {
        output.write_all(&digest)?;
        output.sync_all()
    })
    .await?;
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
