//! Life without a majority: clear refusals at once, old answers for who takes them, and no help needed after.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use reqwest::{Method, header::HeaderMap};
use serde_json::json;
use tests::{
    api::{Api, block_on, runtime},
    cluster::{self, Cluster},
    daemon::{Daemon, LIMIT},
    flavour::Flavour,
    host::Host,
    rack::Rack,
    wait::wait_until,
};

/// Whoever asks when the majority is lost has an answer this long after.
const LOST: Duration = Duration::from_secs(2);
/// Whoever asks later has it at once: the quickest of a few rounds does, however busy the machine is. Whoever
/// waited for the others to fall silent would take more than a second.
const AT_ONCE: Duration = Duration::from_millis(500);
/// Words that mean nothing to those who run a cluster.
const INTERNAL: [&str; 7] =
    ["raft", "EOF", "forward", "quorum", "linearizable", "changeset", "learner"];

#[test]
fn two_of_three_are_killed() -> Result<()> {
    let rack = Rack::new("killed-majority", Flavour::Ours, 3)?;
    let mut cluster = Cluster::form(&rack)?;
    let host = &rack.hosts[0];
    Api::of(host).post("/1.0/profiles", &json!({"name": "before", "config": {}}))?;
    cluster.daemons.pop().context("node3 runs")?.kill()?;
    cluster::wait_write(host, "between")?;
    let lost = Instant::now();
    cluster.daemons.pop().context("node2 runs")?.kill()?;
    let texts = refusals(&[host], lost)?;
    for text in &texts {
        for part in [
            "The cluster has no majority, so ",
            "node2 (10.0.0.2:8443, unreachable since 20",
            "node3 (10.0.0.3:8443, unreachable since 20",
            "systemctl start lxd",
            "\"lxc cluster list\"",
        ] {
            ensure!(text.contains(part), "no {part:?} in {text:?}");
        }
    }
    ensure!(Api::of(host).get("/1.0")?["auth"] == "trusted", "GET /1.0 needs nobody");
    old_answers(host)?;
    old_lists(host)?;

    cluster.daemons.push(Daemon::start_ready(&rack.hosts[1])?);
    cluster::wait_write(host, "after")?;
    let fresh = ask(host, "/1.0/profiles", "max-stale")?;
    ensure!(fresh.status == 200 && fresh.headers.get("age").is_none(), "{fresh:?}");
    cluster.daemons.push(Daemon::start_ready(&rack.hosts[2])?);
    cluster::wait_online(host, 3)?;
    cluster::check_tables(&rack)?;
    rack.finish()
}

#[test]
fn all_are_cut_off_in_silence() -> Result<()> {
    let rack = Rack::new("cut-majority", Flavour::Ours, 3)?;
    let _cluster = Cluster::form(&rack)?;
    let lost = Instant::now();
    rack.isolate(1)?;
    rack.isolate(2)?;
    let hosts: Vec<&Host> = rack.hosts.iter().collect();
    for text in refusals(&hosts, lost)? {
        ensure!(text.contains("this member is cut off from them"), "{text}");
    }
    for host in hosts {
        old_answers(host)?;
    }
    rack.heal()?;
    for (index, host) in rack.hosts.iter().enumerate() {
        cluster::wait_write(host, &format!("after{index}"))?;
        cluster::wait_online(host, 3)?;
    }
    cluster::check_tables(&rack)?;
    rack.finish()
}

#[test]
fn a_member_that_is_started_alone_shows_what_it_has() -> Result<()> {
    let rack = Rack::new("started-alone", Flavour::Ours, 3)?;
    let cluster = Cluster::form(&rack)?;
    for daemon in cluster.daemons {
        daemon.kill()?;
    }
    let host = &rack.hosts[2];
    let _daemon = Daemon::start(host)?;
    let api = Api::of(host);
    wait_until("lxd answers", LIMIT, || api.get("/1.0").ok())?;
    let answer = wait_until("an old answer", LIMIT, || {
        ask(host, "/1.0/profiles", "max-stale").ok().filter(|answer| answer.status == 200)
    })?;
    // Nobody knows how long it was away.
    ensure!(answer.headers.get("age").is_none() && answer.stale(), "{answer:?}");
    let limited = ask(host, "/1.0/profiles", "max-stale=3600")?;
    ensure!(limited.status == 503 && limited.error.contains("of unknown age"), "{limited:?}");
    let listed = host.capture(&mut host.client(Flavour::Ours, &["cluster", "list"])?, "")?;
    let note = String::from_utf8(listed.stderr)?;
    ensure!(note.ends_with("knew when it last heard from the others.\n"), "{note}");
    let table = String::from_utf8(listed.stdout)?;
    ensure!(table.contains("No heartbeat since lxd was started on this member"), "{table}");
    rack.finish()
}

#[test]
fn a_host_without_power_holds_up_nobody() -> Result<()> {
    let rack = Rack::new("powerless", Flavour::Ours, 3)?;
    let _cluster = Cluster::form(&rack)?;
    let host = &rack.hosts[0];
    for member in &rack.hosts {
        host.lxc(&["network", "create", "br1", "--target", &member.name])?;
    }
    rack.isolate(2)?;
    let begun = Instant::now();
    host.lxc(&["network", "create", "br1", "ipv4.address=10.9.0.1/24", "ipv6.address=none"])?;
    // It takes twenty seconds until it counts as OFFLINE, and ten for a request to time out.
    ensure!(begun.elapsed() < Duration::from_secs(8), "made after {:?}", begun.elapsed());
    ensure!(rack.hosts[1].sh("ip -brief address show br1")?.contains("10.9.0.1/24"));
    // What it has it cannot remove now.
    let refused = host.lxc(&["network", "delete", "br1"]);
    ensure!(refused.is_err_and(|error| format!("{error:?}").contains("failed to notify peer")));
    rack.heal()?;
    wait_until("node3 has made it", LIMIT, || {
        rack.hosts[2].sh("ip -brief address show br1").ok()?.contains("10.9.0.1/24").then_some(())
    })?;
    rack.finish()
}

/// A write and a read at each host, now and again: all are refused, those of the first round within [`LOST`] of
/// the loss, none later than that, and then at once. Returns the texts.
fn refusals(hosts: &[&Host], lost: Instant) -> Result<Vec<String>> {
    let ask = |host: &&Host| {
        let api = Api::of(host);
        let profile = json!({"name": format!("lost-{}", host.name), "config": {}});
        let ask = async move |method: Method, path: &str| {
            let body = (method == Method::POST).then_some(&profile);
            let reply = api.send(method, path, body).await?;
            anyhow::Ok((reply.status, reply.error().to_owned()))
        };
        runtime().spawn(async move {
            let write = ask(Method::POST, "/1.0/profiles");
            let read = ask(Method::GET, "/1.0/cluster/members?recursion=1");
            let (write, read) = tokio::join!(write, read);
            anyhow::Ok([write?, read?])
        })
    };
    let mut texts = Vec::new();
    let mut quickest = LOST;
    for round in 0..5 {
        let start = if round == 0 { lost } else { Instant::now() };
        let asked: Vec<_> = hosts.iter().map(ask).collect();
        for answers in asked {
            for (status, text) in block_on(answers)?? {
                ensure!(status == 503, "{status} {text}");
                let word = INTERNAL.iter().find(|word| text.contains(**word));
                ensure!(word.is_none(), "{word:?} in {text}");
                texts.push(text);
            }
        }
        ensure!(start.elapsed() < LOST, "answered after {:?} in round {round}", start.elapsed());
        quickest = quickest.min(start.elapsed());
    }
    ensure!(quickest < AT_ONCE, "the quickest answer took {quickest:?}");
    Ok(texts)
}

/// Header and parameter give what the member has, with its age, unless that is more than asked for.
fn old_answers(host: &Host) -> Result<()> {
    for (path, header) in [
        ("/1.0/profiles?recursion=1", "max-stale"),
        ("/1.0/profiles?recursion=1&max-stale", ""),
        ("/1.0/storage-pools/local?max-stale=600", ""),
        ("/1.0/networks/lxdbr0", "max-stale=600"),
        ("/1.0/cluster/members", "max-stale"),
        ("/1.0/certificates?recursion=1", "max-stale"),
        ("/1.0/operations", "max-stale"),
    ] {
        let answer = ask(host, path, header)?;
        let age = answer.headers.get("age").and_then(|age| age.to_str().ok()?.parse::<u64>().ok());
        ensure!(answer.status == 200 && answer.stale(), "{path}: {answer:?}");
        ensure!(age.is_some_and(|age| (1..600).contains(&age)), "{path}: {answer:?}");
    }
    for (path, header) in [("/1.0/profiles?max-stale=0", ""), ("/1.0/profiles", "max-stale=0")] {
        let answer = ask(host, path, header)?;
        ensure!(answer.status == 503 && answer.error.ends_with("more than allowed."), "{answer:?}");
    }
    Ok(())
}

/// Our client shows the members as this one sees them and says so; Debian's shows the reason.
fn old_lists(host: &Host) -> Result<()> {
    let arguments = ["cluster", "list", "-f", "csv"];
    let listed = host.capture(&mut host.client(Flavour::Ours, &arguments)?, "")?;
    let (table, note) = (String::from_utf8(listed.stdout)?, String::from_utf8(listed.stderr)?);
    ensure!(listed.status.success(), "{note}");
    let row = |name: &str| table.lines().find(|line| line.starts_with(name)).unwrap_or_default();
    ensure!(row("node1,").ends_with(",ONLINE,The cluster has no majority"), "{table}");
    for name in ["node2,", "node3,"] {
        ensure!(row(name).contains(",OFFLINE,No heartbeat for "), "{table}");
    }
    let known = note.starts_with("The cluster has no majority: this is what this member knew ");
    ensure!(known && note.lines().count() == 1, "{note:?}");
    let changed =
        host.capture(&mut host.client(Flavour::Ours, &["profile", "create", "x"])?, "")?;
    let error = String::from_utf8(changed.stderr)?;
    ensure!(error.starts_with("Error: The cluster has no majority, so nothing"), "{error:?}");
    if let Ok(mut debian) = host.client(Flavour::Debian, &arguments) {
        let listed = host.capture(&mut debian, "")?;
        let error = String::from_utf8(listed.stderr)?;
        ensure!(!listed.status.success(), "{error}");
        // Its first run tells how to start a container, too.
        let told = |line: &str| line.starts_with("Error: The cluster has no majority, so nobody");
        ensure!(error.lines().any(told), "{error:?}");
    }
    Ok(())
}

#[derive(Debug)]
struct Answer {
    status: u16,
    headers: HeaderMap,
    error: String,
}

impl Answer {
    fn stale(&self) -> bool {
        let warning = self.headers.get("warning").and_then(|warning| warning.to_str().ok());
        warning.is_some_and(|warning| warning.starts_with("110 lxd \"The cluster has no majority"))
    }
}

/// A GET with this `Cache-Control`.
fn ask(host: &Host, path: &str, cache_control: &str) -> Result<Answer> {
    let client = reqwest::Client::builder().unix_socket(host.data().join("unix.socket")).no_proxy();
    let client = client.build().context("prepare a client")?;
    let request = client.get(format!("http://lxd{path}")).header("Cache-Control", cache_control);
    block_on(async {
        let answer = request.send().await?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let body: serde_json::Value = answer.json().await?;
        let error = body["error"].as_str().unwrap_or_default().to_owned();
        Ok(Answer { status, headers, error })
    })
}
