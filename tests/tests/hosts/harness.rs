//! The harness itself: links, logs, what stays behind; a cluster of Debian's daemons.

use std::{fs, net::UdpSocket, time::Duration};

use anyhow::{Context, Result, ensure};
use tests::{
    cluster::{self, Cluster},
    daemon::LIMIT,
    flavour::{self, Flavour},
    host::Host,
    rack::Rack,
    wait::wait_until,
};

#[test]
fn links_are_cut_one_way_and_mended() -> Result<()> {
    let rack = Rack::new("harness-links", Flavour::Ours, 3)?;
    let sockets = rack.hosts.iter().map(socket).collect::<Result<Vec<_>>>()?;
    let passes = |from: usize, to: usize| passes(&sockets[from], &sockets[to]);
    ensure!(passes(0, 1)? && passes(1, 0)? && passes(2, 0)?);
    rack.cut_one_way(0, 1)?;
    ensure!(!passes(0, 1)? && passes(1, 0)? && passes(0, 2)?);
    rack.isolate(2)?;
    ensure!(!passes(0, 2)? && !passes(2, 1)? && passes(1, 0)?);
    rack.heal()?;
    // The kernel may still be asking for addresses that were cut off: it asks once a second.
    let mended = || (passes(0, 1).ok()? && passes(2, 1).ok()?).then_some(());
    wait_until("the links pass again", LIMIT, mended)?;
    rack.finish()
}

#[test]
fn hosts_are_apart() -> Result<()> {
    let rack = Rack::new("harness-hosts", Flavour::Ours, 2)?;
    let seen =
        rack.hosts[1].sh("hostname; ls /sys/class/net; ls /run; ls /sys/fs/cgroup | wc -l")?;
    let lines: Vec<_> = seen.lines().collect();
    ensure!(lines[..4] == ["node2", "eth0", "lo", "lxd"], "{seen}");
    ensure!(lines[4] != "0", "cgroups are hidden");
    let folder = rack.folder.clone();
    rack.finish()?;
    ensure!(!folder.exists(), "{} stays", folder.display());
    Ok(())
}

#[test]
fn errors_in_a_log_fail_unless_expected() -> Result<()> {
    let line = "2026-01-01T00:00:00Z ERROR lxd: no space left";
    for expected in [None, Some("no space")] {
        let mut rack = Rack::new("harness-errors", Flavour::Ours, 1)?;
        fs::write(rack.hosts[0].folder.join("lxd.log"), line)?;
        if let Some(text) = expected {
            rack.expect_error(text);
        }
        ensure!(rack.finish().is_ok() == expected.is_some());
    }
    forget("harness-errors")
}

#[test]
fn files_of_a_failed_run_are_kept() -> Result<()> {
    let name = "harness-kept";
    let rack = Rack::new(name, Flavour::Ours, 1)?;
    fs::write(rack.hosts[0].folder.join("lxd.log"), "the last words")?;
    let folder = rack.folder.clone();
    drop(rack);
    ensure!(!folder.exists());
    let kept = flavour::built()?.join("../failed").join(name).join("node1/lxd.log");
    ensure!(fs::read_to_string(kept)? == "the last words");
    forget(name)
}

#[test]
fn debian_forms_three_members() -> Result<()> {
    let rack = Rack::new("harness-debian", Flavour::Debian, 3)?;
    let _cluster = Cluster::form(&rack)?;
    for host in &rack.hosts {
        let list = host.lxc(&["cluster", "list", "-f", "csv"])?;
        ensure!(list.lines().count() == 3, "{list}");
    }
    ensure!(cluster::leader(&rack, &rack.hosts[1])? == 0);
    rack.finish()
}

fn socket(host: &Host) -> Result<UdpSocket> {
    let bind = || UdpSocket::bind((host.address, 9)).context("bind");
    let socket = host.namespace().enter_network(bind)?;
    socket.set_read_timeout(Some(Duration::from_millis(500)))?;
    Ok(socket)
}

fn passes(from: &UdpSocket, to: &UdpSocket) -> Result<bool> {
    from.send_to(b"x", to.local_addr()?)?;
    Ok(to.recv(&mut [0; 1]).is_ok())
}

fn forget(name: &str) -> Result<()> {
    tests::keep::remove(&flavour::built()?.join("../failed").join(name))
}
