//! Runs a test's body in a process of its own, inside fresh network and mount namespaces.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

const INSIDE: &str = "HOST_TEST_INSIDE";

/// What a test's body gets.
pub(crate) struct Sandbox {
    root: TempDir,
}

impl Sandbox {
    /// The daemon's directory, empty.
    pub(crate) fn root(&self) -> PathBuf {
        let root = self.root.path().join("lxd");
        fs::create_dir_all(&root).unwrap();
        root
    }

    /// A directory for anything else.
    pub(crate) fn scratch(&self) -> &Path {
        self.root.path()
    }
}

/// Runs `body` inside; `name` is the test's own full name, by which it starts itself again.
pub(crate) fn inside<F: Future<Output = ()>>(name: &str, body: impl FnOnce(Sandbox) -> F) {
    if std::env::var_os(INSIDE).is_none() {
        return again(name);
    }
    run("mount", &["-t", "sysfs", "sysfs", "/sys"]);
    run("ip", &["link", "set", "lo", "up"]);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(body(Sandbox { root: tempfile::tempdir().unwrap() }));
}

/// Runs a program and returns what it prints; anything but success fails the test.
pub(crate) fn run(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output();
    let output = output.unwrap_or_else(|error| panic!("{program} cannot be started: {error}"));
    let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    assert!(output.status.success(), "{program} {args:?}: {}: {out}{err}", output.status);
    out
}

fn again(name: &str) {
    let status = Command::new("unshare")
        .args(["--net", "--mount", "--propagation", "private", "--"])
        .arg(std::env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture", "--test-threads=1"])
        .env(INSIDE, "1")
        .status()
        .expect("unshare starts");
    assert!(status.success(), "{name} failed inside its namespaces");
}
