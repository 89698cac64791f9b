//! The simulated disk: how long it takes, and what is on it after a power cut.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::cell::RefCell;
use std::io::Result;
use std::path::Path;
use std::time::Duration;

thread_local! {
    static DISK: RefCell<Option<(StdRng, Speed)>> = const { RefCell::new(None) };
}

/// How long a disk takes.
#[derive(Clone, Copy)]
pub(super) struct Speed {
    /// The part of the calls that take any time.
    pub(super) odds: f64,
    /// How long those take at most, in ms.
    pub(super) max: u64,
}

impl Speed {
    /// Takes no time: for the simulator's own looks.
    pub(super) const NONE: Self = Self { odds: 0.0, max: 0 };
}

/// Whether this thread simulates.
pub(crate) fn active() -> bool {
    DISK.with_borrow(Option::is_some)
}

/// What the disk takes of the simulated time. Other tasks run meanwhile, and crashes happen.
pub(crate) async fn pause() {
    let pause = DISK.with_borrow_mut(|disk| {
        let (rng, speed) = disk.as_mut()?;
        (speed.odds > 0.0 && rng.random_bool(speed.odds))
            .then(|| Duration::from_millis(rng.random_range(1..=speed.max)))
    });
    if let Some(pause) = pause {
        tokio::time::sleep(pause).await;
    }
}

/// From here on this thread simulates.
pub(super) fn begin(seed: u64) {
    DISK.set(Some((StdRng::seed_from_u64(seed), Speed::NONE)));
}

/// How long the disk of whoever runs next takes.
pub(super) fn set(speed: Speed) {
    DISK.with_borrow_mut(|disk| {
        if let Some((_, now)) = disk {
            *now = speed;
        }
    });
}

/// What a member's directory holds after its process has died: all that it wrote.
pub(super) fn survivors(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        // Memory that connections share; the first to open makes it again.
        if !entry.file_name().to_string_lossy().ends_with("-shm") {
            std::fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(())
}

/// Takes the state databases of a copy back to what a power cut may leave. `live` is the original.
///
/// They are `synchronous = NORMAL`: the -wal is synced before a checkpoint copies it into the database, and
/// never else. So any part of what follows the last checkpoint may be lost from its end. (SQLite's checksums
/// are chained: what comes after something lost is lost.) `raft.db` is FULL: what was committed is there,
/// and the rest never counts.
pub(super) fn lose(live: &Path, copy: &Path, rng: &mut StdRng) -> Result<u64> {
    let mut lost = 0;
    for entry in std::fs::read_dir(live)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(wal) = name.strip_suffix("-shm").map(|base| copy.join(format!("{base}-wal")))
        else {
            continue;
        };
        // The wal-index: https://www.sqlite.org/walformat.html#the_wal_index_file_format
        let index = std::fs::read(entry.path())?;
        let word = |at: usize| index[at..at + 4].try_into().map(u32::from_ne_bytes);
        let (Ok(frames), Ok(copied)) = (word(16), word(96)) else { continue };
        let page = u64::from(u16::from_ne_bytes([index[14], index[15]]));
        if frames <= copied || !wal.exists() {
            continue;
        }
        let kept = rng.random_range(copied..=frames);
        lost += u64::from(frames - kept);
        let file = std::fs::File::options().write(true).open(wal)?;
        file.set_len(file.metadata()?.len().min(32 + u64::from(kept) * (24 + page)))?;
    }
    Ok(lost)
}
