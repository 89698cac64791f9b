//! pylxd, which other people's programs are written with.

use anyhow::{Context, Result};
use tests::{cluster::Cluster, flavour::Flavour, host::Host, rack::Rack};

use crate::remotes::{PASSWORD, must};

#[test]
fn pylxd_works_by_the_socket_and_over_https() -> Result<()> {
    let mut rack = Rack::new("pylxd", Flavour::Ours, 3)?;
    let user = rack.hosts.pop().expect("three hosts");
    let _cluster = Cluster::form(&rack)?;
    rack.hosts.push(user);
    let [first, second, user] = &rack.hosts[..] else { anyhow::bail!("three hosts") };
    pylxd(first, "socket")?;
    pylxd(second, "socket")?;
    // pylxd makes no certificate for itself: its documentation takes the client's.
    let add = ["remote", "add", "c", &first.endpoint(), "--accept-certificate", "--password"];
    must(user, Flavour::Debian, &[&add[..], &[PASSWORD]].concat())?;
    let trusted = must(first, Flavour::Ours, &["config", "trust", "list", "-f", "csv"])?;
    let client = trusted.lines().find(|line| line.starts_with("client,"));
    let fingerprint = client.and_then(|line| line.split(',').nth(3)).context(trusted.clone())?;
    must(first, Flavour::Ours, &["config", "trust", "remove", fingerprint])?;
    pylxd(user, &format!("https://{}", second.endpoint()))?;
    rack.finish()
}

fn pylxd(host: &Host, place: &str) -> Result<()> {
    let home = host.sh("echo -n ~")?;
    let mut python = host.command("/usr/bin/python3")?;
    python.args(["-", place, &home, PASSWORD]);
    host.stdout(&mut python, include_str!("pylxd.py")).map(drop)
}
