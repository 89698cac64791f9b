//! Bytes that flip and files that end early: a member opens with all that it had, or says that it cannot.
//!
//! `DAMAGE_STRIDE=1` tries every offset of the last pages of each file instead of a sample.

use crate::Error;
use crate::log::LogStore;
use crate::machine::StateMachine;
use crate::repair::{self, Keeper};
use crate::schema;
use crate::store::Store;
use crate::types::{Command, Entry, LogId, TableHash, Term, Vote};
use openraft::EntryPayload;
use openraft::storage::{
    RaftLogReader, RaftLogStorage, RaftLogStorageExt, RaftSnapshotBuilder, RaftStateMachine,
};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes at the end of each file that are damaged.
const TAIL: u64 = 3 * 4096;
/// Every so many bytes, unless the environment says otherwise.
const STRIDE: usize = 331;

/// A member's directory, and what it holds.
struct Image {
    dir: tempfile::TempDir,
    entries: Vec<Entry>,
    vote: Option<Vote>,
    hashes: Vec<TableHash>,
}

/// On a file system in memory, where there is one: these tests open thousands of databases.
fn directory() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let parent = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    tempfile::tempdir_in(parent).unwrap()
}

fn entry(index: u64) -> Entry {
    let id = LogId::new(Term::new(1 + index / 10), index);
    let sql = match index {
        0 => return Entry { log_id: id, payload: EntryPayload::Blank },
        1 => "CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT".to_owned(),
        _ => format!("INSERT INTO t VALUES ({index}, '{}')", format!("{index:x}").repeat(40)),
    };
    let (from, to) = (u32::try_from(index).unwrap() - 1, u32::try_from(index).unwrap());
    let payload = EntryPayload::Normal(Command::Ddl { from, to, sql });
    Entry { log_id: id, payload }
}

async fn apply(machine: &mut StateMachine, entries: Vec<Entry>) {
    let entries = futures::stream::iter(entries.into_iter().map(|entry| Ok((entry, None))));
    machine.apply(entries).await.unwrap();
}

async fn hashes(store: &Store) -> Vec<TableHash> {
    schema::hashes(&mut store.writers().await.unwrap().apply).await.unwrap()
}

fn copy(from: &Path, to: &Path) {
    for file in std::fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

impl Image {
    /// A member that has lived: one image of it as a crash leaves it, one as closing it does.
    async fn pair() -> [Self; 2] {
        let (dir, crashed) = (directory(), directory());
        let (mut log, earlier) = LogStore::open(dir.path(), Arc::default()).await.unwrap();
        log.booted().await.unwrap();
        let store = Store::open(dir.path(), earlier.generation).await.unwrap();
        let mut keeper = Keeper::new(store.clone(), log.clone(), None);
        keeper.look().await.unwrap();
        let mut machine = StateMachine::new(store.clone(), log.clone(), Arc::default());
        for index in 0..40 {
            log.blocking_append([entry(index)]).await.unwrap();
            apply(&mut machine, vec![entry(index)]).await;
            if index == 20 {
                machine.get_snapshot_builder().await.build_snapshot().await.unwrap();
                log.purge(entry(12).log_id).await.unwrap();
            }
            if index == 30 {
                keeper.look().await.unwrap();
            }
        }
        let vote = Vote::new(9, 2);
        log.save_vote(&vote).await.unwrap();
        let entries = log.try_get_log_entries(0..40).await.unwrap();
        assert_eq!(entries.len(), 27);
        let hashes = hashes(&store).await;
        copy(dir.path(), crashed.path());
        store.close().await;
        log.close().await;
        let crashed = Self {
            dir: crashed,
            entries: entries.clone(),
            vote: Some(vote),
            hashes: hashes.clone(),
        };
        [crashed, Self { dir, entries, vote: Some(vote), hashes }]
    }

    /// A copy of it, damaged.
    fn copy(&self, damage: impl FnOnce(&Path)) -> tempfile::TempDir {
        let dir = directory();
        copy(self.dir.path(), dir.path());
        damage(dir.path());
        dir
    }

    /// Opens a member's directory: either all is there, or the member has lost its place.
    async fn open(&self, dir: &Path) -> Result<(), String> {
        let refused = |error| match error {
            Error::Lost(why) => why,
            error => panic!("{error}"),
        };
        let (mut log, earlier) = LogStore::open(dir, Arc::default()).await.map_err(refused)?;
        let opened = self.open_state(dir, &mut log, &earlier).await.map_err(refused);
        assert_eq!(log.read_vote().await.unwrap(), self.vote);
        log.close().await;
        opened
    }

    async fn open_state(
        &self,
        dir: &Path,
        log: &mut LogStore,
        earlier: &crate::log::Earlier,
    ) -> Result<(), Error> {
        let entries = log.try_get_log_entries(0..40).await.unwrap();
        assert!(entries.ends_with(&self.entries), "other entries");
        let store = repair::open(dir, log, earlier).await?;
        let mut machine = StateMachine::new(store.clone(), log.clone(), Arc::default());
        machine.restore().await?;
        let next = store.progress().applied.map_or(0, |id| id.index + 1);
        let rest = entries.into_iter().filter(|entry| entry.log_id.index >= next).collect();
        apply(&mut machine, rest).await;
        assert_eq!(hashes(&store).await, self.hashes, "another state");
        store.close().await;
        Ok(())
    }
}

#[allow(clippy::disallowed_methods)] // how thorough a test is
fn stride() -> usize {
    std::env::var("DAMAGE_STRIDE").map_or(STRIDE, |stride| stride.parse().unwrap())
}

/// Every file of the directory but SQLite's shared memory, which is never believed.
fn files(dir: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(dir).unwrap().map(|file| file.unwrap().file_name().into());
    let mut files: Vec<PathBuf> = files.collect();
    files.retain(|name| !name.to_string_lossy().ends_with("-shm"));
    files.sort();
    files
}

/// Opens a member with one byte after the other flipped, and the file cut off there: how many of these were
/// refused, of how many.
async fn try_offsets(image: &Image, name: &Path) -> (usize, usize) {
    let size = image.dir.path().join(name).metadata().unwrap().len();
    let (mut refused, mut all) = (0, 0);
    for offset in (size.saturating_sub(TAIL)..size).step_by(stride()) {
        let flip = |dir: &Path| {
            let mut bytes = std::fs::read(dir.join(name)).unwrap();
            bytes[usize::try_from(offset).unwrap()] ^= 1 << (offset % 8);
            std::fs::write(dir.join(name), bytes).unwrap();
        };
        let cut = |dir: &Path| {
            let file = std::fs::File::options().write(true).open(dir.join(name)).unwrap();
            file.set_len(offset).unwrap();
        };
        for dir in [image.copy(flip), image.copy(cut)] {
            refused += usize::from(image.open(dir.path()).await.is_err());
            all += 1;
        }
    }
    (refused, all)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_damaged_byte_becomes_wrong_data() {
    for image in Image::pair().await {
        for name in files(image.dir.path()) {
            let (refused, all) = try_offsets(&image, &name).await;
            let name = name.to_string_lossy();
            println!("{name}: {refused} of {all} refused");
            // The log's last writes are nowhere else.
            assert_eq!(refused > 0, name.starts_with("raft.db"), "{name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_files_are_made_again_or_missed() {
    let remove =
        |name: &'static str| move |dir: &Path| std::fs::remove_file(dir.join(name)).unwrap();
    let [crashed, closed] = Image::pair().await;
    for (image, name, missed) in [
        (&closed, "state-0.db", None),
        (&closed, "snapshot.db", None),
        (&closed, "raft.mark", None),
        (&closed, "raft.db", Some("the log is gone")),
        (&crashed, "state-0.db", None),
        (&crashed, "state-0.db-wal", None),
        (&crashed, "snapshot.db", None),
        (&crashed, "raft.db", Some("the log is gone")),
        (&crashed, "raft.db-wal", Some("the log is")),
    ] {
        let opened = image.open(image.copy(remove(name)).path()).await;
        match missed {
            None => opened.unwrap_or_else(|why| panic!("{name}: {why}")),
            Some(missed) => assert!(opened.unwrap_err().contains(missed), "{name}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_was_put_back_is_known() {
    let [crashed, closed] = Image::pair().await;
    let dir = closed.copy(|_| {});
    let (mut log, _) = LogStore::open(dir.path(), Arc::default()).await.unwrap();
    log.save_vote(&Vote::new(10, 3)).await.unwrap();
    log.close().await;
    std::fs::copy(closed.dir.path().join("raft.db"), dir.path().join("raft.db")).unwrap();
    assert!(closed.open(dir.path()).await.unwrap_err().contains("old"));
    // What a leader takes back of a log is not missed.
    let dir = crashed.copy(|_| {});
    let (mut log, _) = LogStore::open(dir.path(), Arc::default()).await.unwrap();
    log.truncate_after(Some(entry(30).log_id)).await.unwrap();
    log.close().await;
    LogStore::open(dir.path(), Arc::default()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_is_made_anew_only_if_it_must_be() {
    let [crashed, closed] = Image::pair().await;
    let flip = |dir: &Path| {
        let file = dir.join("state-0.db");
        let mut bytes = std::fs::read(&file).unwrap();
        bytes[5000] ^= 1;
        std::fs::write(file, bytes).unwrap();
    };
    for image in [&crashed, &closed] {
        let (kept, damaged) = (image.copy(|_| {}), image.copy(flip));
        for (dir, name) in [(&kept, "state-0.db"), (&damaged, "state-1.db")] {
            image.open(dir.path()).await.unwrap();
            assert!(dir.path().join(name).exists(), "{name}");
        }
    }
    let both = closed.copy(|dir| {
        flip(dir);
        std::fs::remove_file(dir.join("snapshot.db")).unwrap();
    });
    assert!(closed.open(both.path()).await.unwrap_err().contains("the state is lost"));
    // What is left of it is not taken away.
    assert!(both.path().join("state-0.db").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_power_cut_takes_back_no_state_that_went_ahead_of_the_log() {
    let dir = directory();
    let (mut log, earlier) = LogStore::open(dir.path(), Arc::default()).await.unwrap();
    log.booted().await.unwrap();
    let store = Store::open(dir.path(), earlier.generation).await.unwrap();
    Keeper::new(store.clone(), log.clone(), None).look().await.unwrap();
    let mut machine = StateMachine::new(store.clone(), log.clone(), Arc::default());
    for index in 0..12 {
        // The others have the last entry already when the process is killed, this member's disk has not.
        if index < 11 {
            log.blocking_append([entry(index)]).await.unwrap();
        }
        apply(&mut machine, vec![entry(index)]).await;
    }
    let (hashes, killed, cut) = (hashes(&store).await, directory(), directory());
    copy(dir.path(), killed.path());
    let (mut log, earlier) = LogStore::open(killed.path(), Arc::default()).await.unwrap();
    let store = repair::open(killed.path(), &log, &earlier).await.unwrap();
    // As openraft does when it finds the state ahead of the log.
    log.purge(entry(11).log_id).await.unwrap();
    copy(killed.path(), cut.path());
    let wal = cut.path().join(format!("state-{}.db-wal", store.generation()));
    std::fs::File::options().write(true).open(wal).unwrap().set_len(0).unwrap();
    let (log, earlier) = LogStore::open(cut.path(), Arc::default()).await.unwrap();
    let store = repair::open(cut.path(), &log, &earlier).await.unwrap();
    assert_eq!(self::hashes(&store).await, hashes);
}
