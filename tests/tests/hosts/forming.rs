//! Clusters form, and every member answers for all of them.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tests::{
    api::{Api, sort},
    cluster::{self, BRIDGE, Cluster, POOL},
    daemon::LIMIT,
    flavour::Flavour,
    host::Host,
    rack::Rack,
    wait::wait_until,
};

/// What every member must answer alike.
const SHARED: &[&str] = &[
    "/",
    "/1.0/cluster/members",
    "/1.0/cluster/members?recursion=1",
    "/1.0/cluster/members/node2",
    "/1.0/certificates",
    "/1.0/certificates?recursion=1",
    "/1.0/storage-pools",
    "/1.0/storage-pools?recursion=1",
    "/1.0/storage-pools/local",
    "/1.0/networks/lxdbr0",
    "/1.0/profiles",
    "/1.0/profiles?recursion=1",
    "/1.0/profiles/default",
];

#[test]
fn three_members_answer_alike() -> Result<()> {
    let rack = Rack::new("three-members", Flavour::under_test(), 3)?;
    let _cluster = Cluster::form(&rack)?;
    roles_are(&rack.hosts[1], &["database", "database", "database"])?;
    for host in &rack.hosts {
        cluster::check_host(host)?;
        let list = host.lxc(&["cluster", "list", "--format", "csv"])?;
        ensure!(list.matches("ONLINE,Fully operational").count() == 3, "{list}");
        let server = Api::of(host).get("/1.0")?;
        ensure!(server["environment"]["server_name"] == host.name.as_str());
        ensure!(server["environment"]["server_clustered"] == true);
        let cluster = Api::of(host).get("/1.0/cluster")?;
        ensure!(cluster["enabled"] == true && cluster["server_name"] == host.name.as_str());
    }
    answers_are_alike(&rack)?;
    cluster::check_tables(&rack)?;
    rack.finish()
}

#[test]
fn five_members_have_three_voters_and_two_standbys() -> Result<()> {
    let rack = Rack::new("five-members", Flavour::under_test(), 5)?;
    let _cluster = Cluster::form(&rack)?;
    let standby = "database-standby";
    roles_are(&rack.hosts[4], &["database", "database", "database", standby, standby])?;
    rack.hosts.iter().try_for_each(cluster::check_host)?;
    answers_are_alike(&rack)?;
    cluster::check_tables(&rack)?;
    rack.finish()
}

#[test]
fn each_member_takes_writes() -> Result<()> {
    let rack = Rack::new("writes", Flavour::under_test(), 3)?;
    let _cluster = Cluster::form(&rack)?;
    for (index, host) in rack.hosts.iter().enumerate() {
        let (api, other) = (Api::of(host), Api::of(&rack.hosts[(index + 1) % 3]));
        let path = format!("/1.0/profiles/p{index}");
        api.post("/1.0/profiles", &json!({"name": format!("p{index}"), "config": {}}))?;
        ensure!(other.get(&path)?["description"] == "");
        api.put(&path, &json!({"description": "put", "config": {}, "devices": {}}))?;
        ensure!(other.get(&path)?["description"] == "put");
        api.patch(&path, &json!({"description": "patched"}))?;
        ensure!(other.get(&path)?["description"] == "patched");
        let value = (index + 20).to_string();
        api.patch("/1.0", &json!({"config": {"images.auto_update_interval": value}}))?;
        // A member's own replica answers this, which may lag.
        wait_until("the other member shows it", LIMIT, || {
            let server = other.get("/1.0").ok()?;
            (server["config"]["images.auto_update_interval"] == value).then_some(())
        })?;
        api.delete(&path)?;
        ensure!(other.get(&path).is_err());
    }
    cluster::check_tables(&rack)?;
    rack.finish()
}

#[test]
fn pools_and_networks_are_made_on_every_host() -> Result<()> {
    let rack = Rack::new("pools-networks", Flavour::under_test(), 3)?;
    let _cluster = Cluster::form(&rack)?;
    let host = &rack.hosts[2];
    for member in &rack.hosts {
        host.lxc(&["storage", "create", "second", "dir", "--target", &member.name])?;
        host.lxc(&["network", "create", "br1", "--target", &member.name])?;
    }
    host.lxc(&["storage", "create", "second", "dir"])?;
    host.lxc(&["network", "create", "br1", "ipv4.address=10.9.0.1/24", "ipv6.address=none"])?;
    for member in &rack.hosts {
        ensure!(member.data().join("storage-pools/second/containers").is_dir());
        ensure!(member.sh("ip -brief address show br1")?.contains("10.9.0.1/24"));
        let pool = Api::of(member).get("/1.0/storage-pools/second")?;
        ensure!(
            pool["status"] == "Created" && pool["locations"].as_array().map(Vec::len) == Some(3)
        );
    }
    rack.hosts[1].lxc(&["storage", "delete", "second"])?;
    rack.hosts[1].lxc(&["network", "delete", "br1"])?;
    for member in &rack.hosts {
        ensure!(!member.data().join("storage-pools/second").exists());
        ensure!(member.sh("ip -brief link show br1").is_err());
        ensure!(!member.sh("nft list ruleset")?.contains("br1"));
    }
    let host = &rack.hosts[0];
    ensure!(host.lxc(&["storage", "delete", POOL]).is_err(), "a profile uses the pool");
    ensure!(host.lxc(&["network", "delete", BRIDGE]).is_err(), "a profile uses the bridge");
    rack.finish()
}

fn roles_are(host: &Host, expected: &[&str]) -> Result<()> {
    wait_until(&format!("roles are {expected:?}"), LIMIT, || {
        let members = cluster::members(host).ok()?;
        let has = |member: &Value, role: &str| {
            member["roles"].as_array().is_some_and(|roles| roles.iter().any(|had| had == role))
        };
        let mut pairs = members.iter().zip(expected);
        let leaders = members.iter().filter(|member| has(member, "database-leader")).count();
        let all = members.len() == expected.len() && pairs.all(|(member, role)| has(member, role));
        (all && leaders == 1).then_some(())
    })
}

fn answers_are_alike(rack: &Rack) -> Result<()> {
    for path in SHARED {
        let mut first = None;
        for host in &rack.hosts {
            let mut answer = Api::of(host).get(path)?;
            sort(&mut answer);
            let first = first.get_or_insert_with(|| answer.clone());
            ensure!(*first == answer, "{path} at {}: {answer} and not {first}", host.name);
        }
    }
    Ok(())
}
