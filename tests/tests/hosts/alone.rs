//! From a server of its own to a cluster's first member, and back: nothing it has is lost on the way.

use anyhow::{Result, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tests::{
    api::{Api, sort},
    cluster,
    daemon::Daemon,
    flavour::Flavour,
    host::Host,
    rack::Rack,
};

#[test]
fn a_server_keeps_what_it_has_in_a_cluster_and_after_it() -> Result<()> {
    let rack = Rack::new("enable", Flavour::under_test(), 2)?;
    let [host, other] = &rack.hosts[..] else { anyhow::bail!("there are two") };
    let (daemon, _other) = (Daemon::start_ready(host)?, Daemon::start_ready(other)?);
    set_up(host)?;
    let before = kept(host)?;
    let client_token = host.lxc(&["config", "trust", "add", "--name", "laptop"])?;
    ensure!(!client_token.is_empty());
    for client in [Flavour::Debian, Flavour::Ours] {
        let enabled =
            host.stdout(&mut host.client(client, &["cluster", "enable", "node1"])?, "")?;
        ensure!(enabled == "Clustering enabled\n", "{enabled}");
        ensure!(Api::of(host).get("/1.0/cluster")?["server_name"] == "node1");
        cluster::wait_online(host, 1)?;
        cluster::check_host(host)?;
        // It named a certificate that is shown no more.
        let tokens = host.lxc(&["config", "trust", "list-tokens", "--format", "csv"])?;
        ensure!(tokens.is_empty(), "{tokens}");
        let token = cluster::token(host, "node9")?;
        ensure!(host.lxc(&["cluster", "disable"])? == "Clustering disabled\n");
        let after = kept(host)?;
        ensure!(after == before, "{after:#?} and not {before:#?}");
        ensure!(cluster::join(other, &token).is_err(), "joined a server without a cluster");
    }
    daemon.stop()?;
    let _daemon = Daemon::start_ready(host)?;
    let after = kept(host)?;
    ensure!(after == before, "{after:#?} and not {before:#?}");
    cluster::check_host(host)?;
    rack.finish()
}

#[test]
fn only_the_last_member_becomes_a_server_of_its_own() -> Result<()> {
    let rack = Rack::new("disable", Flavour::under_test(), 2)?;
    let [first, second] = &rack.hosts[..] else { anyhow::bail!("there are two") };
    let (_first, _second) = (Daemon::start_ready(first)?, Daemon::start_ready(second)?);
    set_up(first)?;
    let error = Api::of(first).put("/1.0/cluster", &json!({"enabled": false})).unwrap_err();
    ensure!(format!("{error:#}").contains("This server is not clustered"), "{error:#}");
    first.lxc(&["cluster", "enable", "node1"])?;
    cluster::join(second, &cluster::token(first, "node2")?)?;
    cluster::wait_online(second, 2)?;
    for (member, others) in [(first, "node2"), (second, "node1")] {
        let output = member
            .capture(&mut member.client(Flavour::under_test(), &["cluster", "disable"])?, "")?;
        let expected = format!(
            "Error: Only the last member of a cluster can become a server of its own: remove the others first \
             ({others})\n"
        );
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(said == expected && output.status.code() == Some(1), "{said}");
    }
    cluster::wait_online(first, 2)?;
    rack.finish()
}

/// A pool, a bridge, a profile that uses both, configuration, a trusted client.
pub(crate) fn set_up(host: &Host) -> Result<()> {
    let mut preseed: Value =
        serde_json::from_str(&cluster::bootstrap_preseed(&host.name, &host.endpoint()))?;
    preseed.as_object_mut().map(|preseed| preseed.remove("cluster"));
    host.lxd(&["init", "--preseed"], &preseed.to_string())?;
    let certificate = rcgen::generate_simple_self_signed(["desk".to_owned()])?;
    let certificate = STANDARD.encode(certificate.cert.der());
    let client = json!({"type": "client", "name": "desk", "certificate": certificate});
    Api::of(host).post("/1.0/certificates", &client)?;
    Ok(())
}

/// All that a server without a cluster has and shows.
pub(crate) fn kept(host: &Host) -> Result<Vec<Value>> {
    let api = Api::of(host);
    let mut found = Vec::new();
    for path in [
        "/1.0/cluster",
        "/1.0/certificates?recursion=1",
        "/1.0/storage-pools?recursion=1",
        "/1.0/networks?recursion=1",
        "/1.0/profiles?recursion=1",
        "/1.0/projects?recursion=1",
    ] {
        let mut answer = api.get(path)?;
        sort(&mut answer);
        found.push(answer);
    }
    let server = api.get("/1.0")?;
    let mut config = server["config"].clone();
    // As LXD: it stays when a server leaves its cluster.
    config.as_object_mut().map(|config| config.remove("cluster.https_address"));
    found.push(config);
    for key in ["certificate_fingerprint", "server_clustered", "server_name", "addresses"] {
        found.push(server["environment"][key].clone());
    }
    for command in [
        "ls /run/lxd",
        "ip -brief address show | cut -d @ -f 1 | sort",
        "ss -Hltn | sort",
        "find /run/lxd/storage-pools | sort",
    ] {
        found.push(host.sh(command)?.into());
    }
    Ok(found)
}
