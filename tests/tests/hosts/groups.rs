//! Cluster groups: where a token puts its bearer.

use anyhow::{Result, ensure};
use serde_json::json;
use tests::{
    api::Api,
    cluster::{self, Cluster},
    daemon::Daemon,
    flavour::Flavour,
    host::Host,
    rack::Rack,
};

#[test]
fn a_token_puts_its_bearer_into_the_groups_that_are_left() -> Result<()> {
    let mut rack = Rack::new("groups-tokens", Flavour::Ours, 1)?;
    let _cluster = Cluster::form(&rack)?;
    for _ in 0..2 {
        rack.add(Flavour::Ours)?;
    }
    let [first, second, third] = &rack.hosts[..] else { anyhow::bail!("there are three") };
    let _daemons = (Daemon::start_ready(second)?, Daemon::start_ready(third)?);
    for name in ["kept", "gone"] {
        first.lxc(&["cluster", "group", "create", name])?;
    }
    let refused = token(first, "x", &["kept", "nope"]).err().map(|error| format!("{error:#}"));
    ensure!(refused.is_some_and(|error| error.contains("Error: Cluster group not found")));
    let some = token(first, "node2", &["kept", "gone"])?;
    let none = token(first, "node3", &["gone"])?;
    first.lxc(&["cluster", "group", "delete", "gone"])?;
    // Another of the same name is not the one that was meant.
    first.lxc(&["cluster", "group", "create", "gone"])?;
    first.lxc(&["cluster", "group", "rename", "kept", "renamed"])?;
    cluster::join(second, &some)?;
    cluster::join(third, &none)?;
    let expected = json!([
        {"name": "default", "description": "Default cluster group", "members": ["node1", "node3"]},
        {"name": "gone", "description": "", "members": []},
        {"name": "renamed", "description": "", "members": ["node2"]},
    ]);
    for host in &rack.hosts {
        let groups = Api::of(host).get("/1.0/cluster/groups?recursion=1")?;
        ensure!(groups == expected, "{}: {groups}", host.name);
    }
    rack.finish()
}

fn token(host: &Host, name: &str, groups: &[&str]) -> Result<String> {
    let options = groups.iter().flat_map(|group| ["--group", group]);
    let words: Vec<_> = ["cluster", "add", name].into_iter().chain(options).collect();
    let printed = host.lxc(&words)?;
    Ok(printed.lines().last().unwrap_or_default().to_owned())
}
