//! Where files may lie.

use std::collections::BTreeSet;

use crate::files::File;

const TOP: &[&str] = &[
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "clippy.toml",
    "completions",
    "deny.toml",
    "lxc-cli",
    "lxd-server",
    "man",
    "rust-toolchain.toml",
    "rustfmt.toml",
    "shared-api",
    "tests",
];

/// The top level is fixed; files and folders that start with a dot are free.
pub(crate) fn top_level(files: &[File]) -> Vec<String> {
    let top = files.iter().map(|file| file.path.split('/').next().unwrap_or_default());
    let unknown: BTreeSet<_> =
        top.filter(|name| !name.starts_with('.') && !TOP.contains(name)).collect();
    unknown.into_iter().map(|name| format!("{name}: not an entry of the top level")).collect()
}

/// `man` and `completions` hold nothing but what is generated for our two programs.
pub(crate) fn generated(files: &[File]) -> Vec<String> {
    let of_ours = |name: &str, end: &str| {
        let stem = name.strip_suffix(end);
        stem.is_some_and(|stem| {
            ["lxc", "lxd"].contains(&stem.split('-').next().unwrap_or_default())
        })
    };
    let stray = files.iter().filter(|file| match file.path.split_once('/') {
        Some(("man", name)) => !of_ours(name, ".1"),
        Some(("completions", name)) => {
            let zsh = name.strip_prefix('_').is_some_and(|name| of_ours(name, ""));
            !(of_ours(name, ".bash") || of_ours(name, ".fish") || zsh)
        }
        _ => false,
    });
    stray.map(|file| format!("{}: not generated from our commands", file.path)).collect()
}

/// Dependencies come from the registry, and some never.
pub(crate) fn dependencies(files: &[File]) -> Vec<String> {
    let banned = ["native-tls", "openssl", "openssl-sys", "sqlx-sqlite"];
    let mut complaints = Vec::new();
    for line in
        files.iter().filter(|file| file.path == "Cargo.lock").flat_map(|file| file.text.lines())
    {
        let value = |key: &str| line.strip_prefix(key).map(|value| value.trim_matches('"'));
        if value("source = ").is_some_and(|source| !source.starts_with("registry+")) {
            complaints.push(format!("Cargo.lock: {line}"));
        }
        if value("name = ").is_some_and(|name| banned.contains(&name)) {
            complaints.push(format!("Cargo.lock: {line} is banned in deny.toml"));
        }
    }
    complaints
}

#[test]
fn foreign_dependencies_are_found() {
    use crate::check;
    check(dependencies, "Cargo.lock", "name = \"serde\"\nsource = \"registry+x\"\n", 0);
    check(dependencies, "Cargo.lock", "name = \"serde\"\nsource = \"git+x\"\n", 1);
    check(dependencies, "Cargo.lock", "name = \"openssl\"\n", 1);
}

#[test]
fn strays_are_found() {
    use crate::check;
    check(top_level, "scripts/x.sh", "", 1);
    check(top_level, "tests/x.sh", "", 0);
    check(top_level, ".ci/run", "", 0);
    for (path, complaints) in [
        ("man/lxc.1", 0),
        ("man/lxc-cluster-add.1", 0),
        ("man/old.1", 1),
        ("man/lxc.md", 1),
        ("completions/lxc.bash", 0),
        ("completions/_lxd", 0),
        ("completions/lxc.ps1", 1),
    ] {
        check(generated, path, "", complaints);
    }
}
