//! Pools of driver `dir` on a real file system.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use lxd_server::storage::{self, Error, Pool};
use shared_api::config::Map;

use crate::sandbox::{Sandbox, inside, run};

const LAYOUT: &str = "buckets:711 containers-snapshots:711 containers:711 \
                      custom-snapshots:700 custom:700 images:700 \
                      virtual-machines-snapshots:700 virtual-machines:700";

fn pool(sandbox: &Sandbox, name: &str, source: Option<&Path>) -> Pool {
    let source = source.map(|path| ("source".to_owned(), path.display().to_string()));
    Pool {
        name: name.parse().unwrap(),
        driver: "dir".to_owned(),
        config: source.into_iter().collect::<Map>(),
        root: sandbox.root(),
    }
}

/// The names and modes of what is in a directory.
fn listing(path: &Path) -> String {
    let entries = fs::read_dir(path).unwrap().map(|entry| {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o7777;
        format!("{}:{mode:o}", entry.file_name().display())
    });
    let mut entries: Vec<String> = entries.collect();
    entries.sort();
    entries.join(" ")
}

fn inode(path: &Path) -> u64 {
    fs::metadata(path).unwrap().ino()
}

#[test]
fn a_pool_is_made_measured_and_removed() {
    inside("storage::a_pool_is_made_measured_and_removed", |sandbox| async move {
        let mut pool = pool(&sandbox, "p1", None);
        pool.config = storage::plan(&pool).await.unwrap();
        storage::create(&pool).await.unwrap();
        assert_eq!(pool.config["source"], pool.path().display().to_string());
        assert_eq!(listing(&pool.path()), LAYOUT);
        assert_eq!(listing(&pool.root), "storage-pools:711");
        assert_eq!(listing(&pool.root.join("storage-pools")), "p1:711");

        let resources = storage::resources(&pool).await.unwrap();
        assert!(resources.space_total > resources.space_used && resources.space_used > 0);
        assert!(resources.inodes_total > resources.inodes_used);

        storage::start(&pool).await.unwrap();
        storage::stop(&pool).await.unwrap();
        fs::write(pool.path().join("custom/file"), "data").unwrap();
        storage::delete(&pool).await.unwrap();
        assert_eq!(listing(&pool.root.join("storage-pools")), "");
        storage::delete(&pool).await.unwrap();
    });
}

#[test]
fn what_is_in_the_way_is_refused_and_kept() {
    inside("storage::what_is_in_the_way_is_refused_and_kept", |sandbox| async move {
        let taken = pool(&sandbox, "taken", None);
        fs::create_dir_all(taken.path().join("precious")).unwrap();
        let error = storage::create(&taken).await.unwrap_err();
        let path = taken.path();
        assert_eq!(
            error.to_string(),
            format!("Storage pool directory \"{}\" already exists", path.display())
        );
        assert_eq!(listing(&path), "precious:755");

        let file = pool(&sandbox, "file", None);
        fs::write(file.path(), "").unwrap();
        assert!(matches!(storage::create(&file).await, Err(Error::Exists(_))));

        // A mount point that an administrator made is empty, and as good as none.
        let empty = pool(&sandbox, "empty", None);
        fs::create_dir(empty.path()).unwrap();
        storage::create(&empty).await.unwrap();
        assert_eq!(listing(&empty.path()), LAYOUT);
        assert_eq!(listing(&empty.root), "storage-pools:711");
    });
}

#[test]
fn a_given_source_is_shown_in_the_usual_place() {
    inside("storage::a_given_source_is_shown_in_the_usual_place", |sandbox| async move {
        let source = sandbox.scratch().join("source");
        fs::create_dir(&source).unwrap();
        let mut pool = pool(&sandbox, "p2", Some(&source));
        pool.config = storage::plan(&pool).await.unwrap();
        storage::create(&pool).await.unwrap();
        assert_eq!(pool.config["source"], source.display().to_string());
        assert_eq!(listing(&source), LAYOUT);
        assert_eq!(inode(&source), inode(&pool.path()));

        // The host restarts: the mount is gone, and comes back once.
        storage::stop(&pool).await.unwrap();
        assert_ne!(inode(&source), inode(&pool.path()));
        storage::start(&pool).await.unwrap();
        storage::start(&pool).await.unwrap();
        assert_eq!(inode(&source), inode(&pool.path()));
        assert_eq!(run("findmnt", &["-n", &pool.path().display().to_string()]).lines().count(), 1);

        // Without its source it does not start, and nothing is written under the mount point.
        storage::stop(&pool).await.unwrap();
        let away = sandbox.scratch().join("away");
        fs::rename(&source, &away).unwrap();
        assert!(matches!(storage::start(&pool).await, Err(Error::SourceMissing(_))));
        assert_eq!(listing(&pool.path()), "");
        fs::rename(&away, &source).unwrap();
        storage::start(&pool).await.unwrap();

        fs::write(source.join("mine"), "").unwrap();
        storage::delete(&pool).await.unwrap();
        assert_eq!(listing(&source), "mine:644");
        assert_eq!(listing(&pool.root.join("storage-pools")), "");
    });
}

#[test]
fn a_bad_source_is_refused_and_nothing_is_left() {
    inside("storage::a_bad_source_is_refused_and_nothing_is_left", |sandbox| async move {
        let scratch = sandbox.scratch();
        let full = scratch.join("full");
        fs::create_dir_all(full.join("something")).unwrap();
        let file = scratch.join("file");
        fs::write(&file, "").unwrap();
        let within = sandbox.root().join("within");
        fs::create_dir(&within).unwrap();
        for (source, text) in [
            (scratch.join("nope"), "doesn't exist"),
            ("relative".into(), "doesn't exist"),
            (file, "isn't a directory"),
            (full.clone(), "isn't empty"),
            (within, "is within the LXD directory"),
        ] {
            let pool = pool(&sandbox, "bad", Some(&source));
            let error = storage::create(&pool).await.unwrap_err();
            assert_eq!(error.to_string(), format!("Source path '{}' {text}", source.display()));
            assert!(!pool.path().exists());
        }
        assert_eq!(listing(&full), "something:755");
        let unknown = Pool { driver: "nosuch".to_owned(), ..pool(&sandbox, "bad", None) };
        assert_eq!(storage::create(&unknown).await.unwrap_err().to_string(), "Unknown driver");
    });
}

#[test]
fn a_creation_that_was_killed_half_way_can_be_repeated() {
    inside("storage::a_creation_that_was_killed_half_way_can_be_repeated", |sandbox| async move {
        let here = pool(&sandbox, "here", None);
        fs::create_dir_all(here.path().join("images")).unwrap();
        storage::create(&here).await.unwrap();
        assert_eq!(listing(&here.path()), LAYOUT);
        // Nobody was told of the first: as good as not done.
        storage::create(&here).await.unwrap();
        fs::create_dir(here.path().join("images/fingerprint")).unwrap();
        assert!(matches!(storage::create(&here).await, Err(Error::Exists(_))));
        assert!(here.path().join("images/fingerprint").exists());

        let source = sandbox.scratch().join("source");
        fs::create_dir_all(source.join("images")).unwrap();
        let there = pool(&sandbox, "there", Some(&source));
        fs::create_dir(there.path()).unwrap();
        let [from, to] = [&source, &there.path()].map(|path| path.display().to_string());
        run("mount", &["--bind", &from, &to]);
        storage::create(&there).await.unwrap();
        assert_eq!(listing(&source), LAYOUT);
        assert_eq!(run("findmnt", &["-n", &to]).lines().count(), 1);
    });
}
