//! Files that are there whole or not at all, also after a power cut.

use crate::connection::{Connection, OpenOptions, blocking};
use crate::error::io;
use sqlx::{AssertSqlSafe, Executor};
use std::io::{Read, Result};
use std::path::{Path, PathBuf};

/// Bytes that a -wal keeps when it begins anew, however large it had to become.
pub(crate) const WAL_MAX: &str = "4194304";

/// Makes a database with this schema, unless there is one. Nothing is synced until it is complete: two
/// syncs instead of a dozen, which is what a new member's start mostly consists of.
///
/// # Errors
/// SQLite's, or the disk's.
pub async fn create(path: &Path, schema: &str) -> Result<()> {
    if path.exists() {
        return Ok(());
    }
    let part = sibling(path, ".part");
    remove(&part);
    let options = OpenOptions::new(&part).create();
    let mut connection = Connection::open(&options).await.map_err(io)?;
    let made = connection.execute("PRAGMA synchronous = OFF; PRAGMA journal_mode = WAL").await;
    made.map_err(io)?;
    connection.execute(AssertSqlSafe(schema)).await.map_err(io)?;
    // Moves what is in the -wal into the file.
    connection.close().await.map_err(io)?;
    place(&part, path).await
}

/// Moves a file to its place.
pub(crate) async fn place(from: &Path, to: &Path) -> Result<()> {
    let (source, target) = (from.to_owned(), to.to_owned());
    blocking(move || {
        std::fs::File::open(&source)?.sync_all()?;
        std::fs::rename(source, target)
    })
    .await?;
    sync_dir(to).await
}

/// Makes the name of a file durable.
pub(crate) async fn sync_dir(file: &Path) -> Result<()> {
    let Some(dir) = file.parent().map(Path::to_owned) else { return Ok(()) };
    blocking(move || std::fs::File::open(dir)?.sync_all()).await
}

/// Removes a database and what SQLite keeps beside it.
pub(crate) fn remove(database: &Path) {
    for suffix in ["", "-wal", "-shm", "-journal"] {
        // Already gone is as good.
        let _ = std::fs::remove_file(sibling(database, suffix));
    }
}

/// The digest of a file's first `size` bytes, or of all of it.
pub(crate) fn digest(path: &Path, size: u64) -> Result<[u8; 32]> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(std::fs::File::open(path)?.take(size))?;
    Ok(hasher.finalize().into())
}

pub(crate) fn sibling(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.to_owned().into_os_string();
    name.push(suffix);
    name.into()
}
