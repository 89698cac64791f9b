//! Runs a test's body in a process of its own, inside fresh network, mount and process namespaces.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

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
    run("mount", &["-t", "tmpfs", "tmpfs", "/run"]);
    run("ip", &["link", "set", "lo", "up"]);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let root = tempfile::tempdir().unwrap();
    // What dnsmasq reads as user nobody is below.
    fs::set_permissions(root.path(), fs::Permissions::from_mode(0o711)).unwrap();
    runtime.block_on(body(Sandbox { root }));
}

/// Waits until a condition holds; the test fails if it does not within ten seconds.
pub(crate) async fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(10), "still waiting: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Runs a command line of plain words and returns what it prints.
pub(crate) fn sh(line: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    run(words[0], &words[1..])
}

/// Whether a command line of plain words succeeds.
pub(crate) fn succeeds(line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    let output = Command::new(words[0]).args(&words[1..]).output();
    output.unwrap_or_else(|error| panic!("{line} cannot be started: {error}")).status.success()
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
    let output = Command::new("unshare")
        .args(["--net", "--mount", "--propagation", "private"])
        // Whatever a test leaves running ends with it.
        .args(["--pid", "--fork", "--kill-child", "--mount-proc", "--"])
        .arg(std::env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture", "--test-threads=1"])
        .env(INSIDE, "1")
        .output()
        .expect("unshare starts");
    let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    assert!(output.status.success(), "failed inside its namespaces:\n{out}{err}");
    assert!(out.contains("1 passed"), "{name} is not the test's name:\n{out}");
}
