//! The demo of the README, by its own program.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use tests::{keep, program};

#[test]
fn the_demo_comes_up_and_goes() -> Result<()> {
    let Demo(folder) = &Demo(keep::create()?.join("demo"));
    let up = demo(folder, &["up"])?;
    ensure!(up.matches("ONLINE").count() == 3, "{up}");
    ensure!(demo(folder, &["up"]).is_err(), "it is up already");
    let token = demo(folder, &["exec", "node2", "lxc", "cluster", "add", "node4"])?;
    ensure!(token.starts_with("Member node4 join token:\n"), "{token}");
    let cluster = demo(folder, &["exec", "node3", "lxc", "query", "/1.0/cluster"])?;
    ensure!(cluster.contains("\"server_name\": \"node3\""), "{cluster}");
    let list = demo(folder, &["exec", "node1", "/usr/bin/lxc", "cluster", "list"])?;
    ensure!(list.matches("ONLINE").count() == 3, "{list}");
    demo(folder, &["down"])?;
    ensure!(!folder.exists());
    ensure!(demo(folder, &["exec", "node1", "true"]).is_err(), "it is down");
    keep::remove(folder.parent().unwrap_or(folder))
}

/// Its hosts outlive this test, unless they are ended.
struct Demo(PathBuf);

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = demo(&self.0, &["down"]);
    }
}

fn demo(folder: &Path, arguments: &[&str]) -> Result<String> {
    let mut command = program::command(env!("CARGO_BIN_EXE_demo"));
    program::stdout(command.arg("--folder").arg(folder).args(arguments), "")
}
