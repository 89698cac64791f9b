//! Members that are known by names, and members on different subnets.

use std::net::Ipv4Addr;

use anyhow::{Result, ensure};
use serde_json::json;
use tests::{api::Api, cluster, daemon::Daemon, flavour::Flavour, host::Host, rack::Rack};

/// All hosts know these names; the second form is for after node1 has moved.
const HOSTS: &str = "127.0.0.1 localhost\n10.0.0.1 one.example\n10.0.0.2 two.example\n";

#[test]
fn members_are_found_by_name_again_after_one_has_moved() -> Result<()> {
    let rack = Rack::new("names", Flavour::under_test(), 2)?;
    let [first, second] = &rack.hosts[..] else { anyhow::bail!("two hosts") };
    for host in &rack.hosts {
        std::fs::write(host.folder.join("data/hosts"), HOSTS)?;
        host.sh("mount --bind /run/lxd/hosts /etc/hosts")?;
    }
    let started = Daemon::start_ready(first)?;
    let _second = Daemon::start_ready(second)?;
    first.lxd(&["init", "--preseed"], &cluster::bootstrap_preseed("node1", "one.example"))?;
    let certificate = Api::of(first).get("/1.0")?["environment"]["certificate"].clone();
    let join = json!({"cluster": {
        "enabled": true,
        "server_name": "node2",
        "server_address": "two.example",
        "cluster_address": "one.example",
        "cluster_certificate": certificate,
        "cluster_password": "sekret",
    }})
    .to_string();
    second.lxd(&["init", "--preseed"], &join)?;
    second.lxd(&["init", "--preseed"], &join)?;
    cluster::wait_online(first, 2)?;
    let list = first.lxc(&["cluster", "list", "--format", "csv"])?;
    ensure!(list.contains("https://one.example:8443") && list.contains("https://two.example:8443"));
    started.stop()?;
    first.sh("ip address delete 10.0.0.1/24 dev eth0 && ip address add 10.0.0.51/24 dev eth0")?;
    for host in &rack.hosts {
        // The same file as was mounted.
        host.sh("sed 's/^10.0.0.1 /10.0.0.51 /' /etc/hosts > /run/new; cat /run/new > /etc/hosts")?;
    }
    let _moved = Daemon::start_ready(first)?;
    for host in &rack.hosts {
        cluster::wait_online(host, 2)?;
        cluster::wait_write(host, &format!("of-{}", host.name))?;
    }
    cluster::check_tables(&rack)?;
    rack.finish()
}

#[test]
fn members_on_different_subnets_reach_each_other_by_a_router() -> Result<()> {
    let mut rack = Rack::new("router", Flavour::under_test(), 3)?;
    rack.hosts[1]
        .sh("ip address flush dev eth0 scope global && ip address add 10.0.1.2/24 dev eth0 \
         && ip route add default via 10.0.1.254")?;
    rack.hosts[1].address = Ipv4Addr::new(10, 0, 1, 2);
    rack.hosts[0].sh("ip route add default via 10.0.0.254")?;
    rack.hosts[2].sh(
        "ip address add 10.0.0.254/24 dev eth0 && ip address add 10.0.1.254/24 dev eth0 \
         && echo 0 > /proc/sys/net/ipv4/conf/all/send_redirects \
         && echo 0 > /proc/sys/net/ipv4/conf/eth0/send_redirects \
         && echo 1 > /proc/sys/net/ipv4/ip_forward",
    )?;
    let members: Vec<&Host> = rack.hosts.iter().take(2).collect();
    let _daemons =
        members.iter().map(|host| Daemon::start_ready(host)).collect::<Result<Vec<_>>>()?;
    cluster::bootstrap(members[0])?;
    let token = cluster::token(members[0], "node2")?;
    cluster::join(members[1], &token)?;
    for host in &members {
        cluster::wait_online(host, 2)?;
        cluster::wait_write(host, &format!("of-{}", host.name))?;
        cluster::check_host(host)?;
    }
    let urls = members[1].lxc(&["cluster", "list", "--format", "csv"])?;
    ensure!(urls.contains("https://10.0.0.1:8443") && urls.contains("https://10.0.1.2:8443"));
    rack.finish()
}
