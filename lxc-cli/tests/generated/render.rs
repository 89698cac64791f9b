//! Renders a program's man pages and completions, and compares them with those in the repository.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use clap_complete::Shell;

/// The folders for what is generated, of all programs.
const FOLDERS: [&str; 2] = ["man", "completions"];

/// Fails when a file of this program is missing, stale or left over.
pub(crate) fn check(command: clap::Command, name: &str) {
    let fresh = tempfile::tempdir().expect("a folder");
    render(fresh.path(), command, name);
    let fresh = read(fresh.path(), name);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    if is_update() {
        update(&root, name, &fresh);
    }
    let kept = read(&root, name);
    let names = |files: &BTreeMap<PathBuf, String>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&kept), names(&fresh), "run the test with UPDATE=1");
    for (path, text) in &fresh {
        assert!(kept.get(path) == Some(text), "{} is stale: run with UPDATE=1", path.display());
    }
}

#[expect(clippy::disallowed_methods, reason = "a switch of this test alone")]
fn is_update() -> bool {
    std::env::var_os("UPDATE").is_some()
}

fn update(root: &Path, name: &str, fresh: &BTreeMap<PathBuf, String>) {
    for path in read(root, name).keys() {
        fs::remove_file(root.join(path)).expect("a file of ours");
    }
    for (path, text) in fresh {
        let path = root.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder of ours");
        fs::write(path, text).expect("a file of ours");
    }
}

fn render(root: &Path, mut command: clap::Command, name: &str) {
    let [man, completions] = FOLDERS.map(|folder| root.join(folder));
    fs::create_dir_all(&man).expect("a folder");
    fs::create_dir_all(&completions).expect("a folder");
    clap_mangen::generate_to(command.clone(), man).expect("man pages are written");
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        clap_complete::generate_to(shell, &mut command, name, &completions)
            .expect("completions are written");
    }
}

/// The program's files, by their path from the root.
fn read(root: &Path, name: &str) -> BTreeMap<PathBuf, String> {
    let mut files = BTreeMap::new();
    for folder in FOLDERS {
        for entry in fs::read_dir(root.join(folder)).into_iter().flatten().flatten() {
            let file = entry.file_name().to_string_lossy().into_owned();
            let program = file.trim_start_matches('_').split(['.', '-']).next().unwrap_or_default();
            if program == name {
                let text = fs::read_to_string(entry.path()).expect("a text");
                files.insert(Path::new(folder).join(file), text);
            }
        }
    }
    files
}
