//! What the log last held, in a small file beside it, `raft.mark`: by it a log that has lost its end, or was
//! put back from a copy, is known. SQLite cannot tell: it takes a damaged end of a -wal for a write that a crash
//! cut short, and goes back to what was before. The file is written after each commit of the log and not
//! synced, so it never knows more than the log did.

use crate::codec::{Ballot, Position, seal, unseal};
use crate::disk;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Result};
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Bytes of the file: one block, so that it is written whole.
const SIZE: usize = 128;
/// What the checksum says that these bytes are.
const WHAT: &str = "mark";

/// Where a log stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    pub(crate) vote: Option<Ballot>,
    /// The last entry, purged or not.
    pub(crate) last: Option<Position>,
    pub(crate) boot: u64,
    /// Index up to which the entries are known to be on a majority.
    pub(crate) committed: u64,
}

impl Mark {
    /// Whether the log of the other mark cannot be the one that this was written for: it would have gone back.
    pub(crate) fn is_ahead_of(&self, log: &Self) -> bool {
        let vote = |mark: &Self| mark.vote.map(|vote| (vote.term, vote.committed));
        let last = |mark: &Self| mark.last.map(|last| (last.term, last.index));
        vote(self) > vote(log) || last(self) > last(log) || self.boot > log.boot
    }
}

/// The open file.
pub(crate) struct MarkFile(File);

impl MarkFile {
    /// Opens or makes the file. `None`: there is no mark, or it is damaged itself.
    pub(crate) async fn open(path: &Path) -> Result<(Self, Option<Mark>)> {
        let fresh = !path.exists();
        let mut options = OpenOptions::new();
        let mut file = options.read(true).write(true).create(true).truncate(false).open(path)?;
        if fresh {
            disk::sync_dir(path).await?;
            return Ok((Self(file), None));
        }
        let mut bytes = Vec::with_capacity(SIZE);
        Read::by_ref(&mut file).take(SIZE as u64).read_to_end(&mut bytes)?;
        let mark = bytes.split_first().and_then(|(size, rest)| rest.get(..usize::from(*size)));
        let mark = mark.and_then(|sealed| unseal(WHAT, sealed).ok());
        if mark.is_none() && !bytes.is_empty() {
            tracing::warn!(?path, "the log's mark is damaged; it is made anew");
        }
        Ok((Self(file), mark))
    }

    pub(crate) fn write(&self, mark: &Mark) -> Result<()> {
        let sealed = seal(WHAT, mark)?;
        let mut bytes = [0; SIZE];
        let fits = u8::try_from(sealed.len()).ok().filter(|_| sealed.len() < SIZE);
        bytes[0] = fits.ok_or(ErrorKind::InvalidData)?;
        bytes[1..=sealed.len()].copy_from_slice(&sealed);
        self.0.write_all_at(&bytes, 0)
    }

    /// As `write`, and survives a power cut from here on.
    pub(crate) fn write_through(&self, mark: &Mark) -> Result<()> {
        self.write(mark)?;
        self.0.sync_data()
    }
}
