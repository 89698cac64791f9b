//! Who may import whom, and which calls have one home.

use crate::{files::File, imports::paths};

/// Parts of lxd-server and what they must not name; tests may.
const AREAS: &[(&str, &[&str])] = &[
    ("api/", &["crate::db", "crate::storage", "crate::network", "sqlx", "replicated_sqlite"]),
    ("app/", &["crate::api", "axum", "http", "hyper", "reqwest", "sqlx"]),
    ("db/", &["crate::api", "crate::app", "crate::storage", "crate::network", "axum"]),
    ("storage/", &["crate::api", "crate::app", "crate::db", "sqlx", "replicated_sqlite"]),
    ("network/", &["crate::api", "crate::app", "crate::db", "sqlx", "replicated_sqlite"]),
    ("operations/", &["crate::api", "crate::app"]),
    ("events", &["crate::api", "crate::app"]),
    ("tls/", &["crate::api", "crate::app", "crate::db"]),
    ("node/", &["crate::api", "crate::app"]),
];

/// Handlers without a use case: who somebody is and what browsers may do come before any, and what
/// an operator's own statements do is decided by none.
const EXCEPTIONS: &[(&str, &str)] = &[
    ("api/auth.rs", "crate::db"),
    ("api/cors.rs", "crate::db"),
    ("api/internal/sql.rs", "crate::db"),
];

/// Crates and where alone they may be named.
const CRATES: &[(&str, &[&str])] = &[
    ("axum", &["lxd-server/src/api/"]),
    ("sqlx", &["lxd-server/src/db/", "lxd-server/replicated-sqlite/"]),
    ("openraft", &["lxd-server/replicated-sqlite/"]),
    ("replicated_sqlite", &["lxd-server/", "tests/src/bin/bench/replicas.rs"]),
    ("lxd_server", &["lxd-server/"]),
    ("lxc_cli", &["lxc-cli/"]),
    ("clap", &["lxc-cli/", "lxd-server/", "tests/"]),
    ("tokio", &["lxc-cli/", "lxd-server/", "tests/"]),
    ("std::fs", &["lxc-cli/", "lxd-server/", "tests/"]),
    ("std::env", &["lxc-cli/", "lxd-server/", "tests/"]),
    ("std::process", &["lxc-cli/", "lxd-server/", "tests/"]),
];

/// Pieces of code and where alone they may stand.
const CALLS: &[(&str, &[&str], &str)] = &[
    (
        "Command::new(",
        &["lxd-server/src/run.rs", "lxc-cli/src/editor.rs"],
        "programs are started in run.rs, and a user's editor in editor.rs",
    ),
    ("SystemTime::now(", &["clock.rs"], "the clock is read in clock.rs"),
    ("Timestamp::now(", &["clock.rs"], "the clock is read in clock.rs"),
    ("Zoned::now(", &["clock.rs"], "the clock is read in clock.rs"),
    ("\"SELECT ", &["/src/db/", "replicated-sqlite/"], "SQL is in db/"),
    ("\"INSERT ", &["/src/db/", "replicated-sqlite/"], "SQL is in db/"),
    ("\"UPDATE ", &["/src/db/", "replicated-sqlite/"], "SQL is in db/"),
    ("\"DELETE FROM ", &["/src/db/", "replicated-sqlite/"], "SQL is in db/"),
];

/// The import table inside the daemon.
pub(crate) fn areas(files: &[File]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in product(files) {
        let Some(inside) = file.path.strip_prefix("lxd-server/src/") else { continue };
        let rules = AREAS.iter().filter(|(area, _)| inside.starts_with(area));
        for (area, banned) in rules {
            for (line, path) in paths(file.product()) {
                let path = resolve(inside, &path);
                let bad =
                    |name: &&&str| is_in(&path, name) && !EXCEPTIONS.contains(&(inside, **name));
                if let Some(name) = banned.iter().find(bad) {
                    complaints.push(format!("{}:{line}: {area} must not know {name}", file.path));
                }
            }
        }
    }
    complaints
}

/// Crates that have one home.
pub(crate) fn crates(files: &[File]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in product(files) {
        for (line, path) in paths(file.product()) {
            for (name, homes) in CRATES {
                let home = homes.iter().any(|home| file.path.starts_with(home));
                if is_in(&path, name) && !home {
                    complaints.push(format!("{}:{line}: {name} belongs to {homes:?}", file.path));
                }
            }
        }
    }
    complaints
}

/// Calls that have one home.
pub(crate) fn calls(files: &[File]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in product(files) {
        for (line, text) in file.product() {
            for (piece, homes, reason) in CALLS {
                if text.contains(piece) && !homes.iter().any(|home| file.path.contains(home)) {
                    complaints.push(format!("{}:{line}: {reason}", file.path));
                }
            }
        }
    }
    complaints
}

fn product(files: &[File]) -> impl Iterator<Item = &File> {
    files.iter().filter(|file| file.is_rust() && !file.is_test())
}

fn is_in(path: &str, name: &str) -> bool {
    path.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// `super::db` in api/x.rs as `crate::db`; `inside` is the file's path below src.
fn resolve(inside: &str, path: &str) -> String {
    let module = inside.trim_end_matches(".rs").trim_end_matches("/mod");
    let mut parents: Vec<_> = module.split('/').collect();
    let mut rest = path;
    while let Some(after) = rest.strip_prefix("super::") {
        parents.pop();
        rest = after;
    }
    if rest == path {
        return path.to_owned();
    }
    parents.insert(0, "crate");
    format!("{}::{rest}", parents.join("::"))
}

#[test]
fn violations_are_found() {
    use crate::check;
    check(areas, "lxd-server/src/api/x.rs", "use crate::{app, db::tables};\n", 1);
    check(areas, "lxd-server/src/api/x.rs", "use crate::app;\n", 0);
    check(areas, "lxd-server/src/app/x.rs", "fn a() -> axum::Json<u8> {}\n", 1);
    check(areas, "lxd-server/src/storage/dir.rs", "use super::super::db;\n", 1);
    check(areas, "lxd-server/src/storage/dir.rs", "use super::driver;\n", 0);
    check(areas, "lxd-server/src/storage/dir.rs", "#[cfg(test)]\nmod t { use crate::db::X; }\n", 0);
    check(crates, "lxd-server/src/app/x.rs", "use openraft::Raft;\n", 1);
    check(crates, "lxd-server/src/daemon.rs", "use axum::Router;\n", 1);
    check(crates, "lxd-server/replicated-sqlite/src/log.rs", "use openraft::Raft;\n", 0);
    check(crates, "lxc-cli/src/lib.rs", "use lxd_server::daemon;\n", 1);
    check(crates, "shared-api/src/size.rs", "use std::{fmt, fs::File};\n", 1);
    check(calls, "lxd-server/src/network/bridge.rs", "    Command::new(\"ip\")\n", 1);
    check(calls, "lxd-server/src/run.rs", "    Command::new(\"ip\")\n", 0);
    check(calls, "lxd-server/src/app/x.rs", "    Timestamp::now()\n", 1);
    check(calls, "lxd-server/src/app/x.rs", "    sql(\"SELECT 1\") // why\n", 1);
    check(calls, "lxd-server/src/app/x.rs", "    // Timestamp::now()\n", 0);
}
