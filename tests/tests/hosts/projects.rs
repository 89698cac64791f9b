//! Projects: both clients on a cluster, a preseed of them, and who sees what is in one.

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tests::{api::Api, cluster::Cluster, daemon::Daemon, flavour::Flavour, rack::Rack};

use crate::commands::{fails, state};
use crate::preseeds::{changes_nothing, would_change};
use crate::remotes::{form_one, must, run};

const PRESEED: &str = "\
projects:
- name: web
  description: Sites
  config:
    user.owner: ann
- name: plain
  config:
    features.profiles: false
profiles:
- name: small
  config:
    limits.cpu: 1
";

#[test]
fn both_clients_use_projects_of_a_cluster() -> Result<()> {
    let rack = Rack::new("projects", Flavour::Ours, 2)?;
    let _cluster = Cluster::form(&rack)?;
    let [one, other] = &rack.hosts[..] else { anyhow::bail!("two hosts") };
    for (client, host, elsewhere) in [(Flavour::Debian, one, other), (Flavour::Ours, other, one)] {
        let lxc = |words: &str| must(host, client, &words.split(' ').collect::<Vec<_>>());
        lxc("project create a -c user.x=1")?;
        lxc("project set a user.y=2")?;
        lxc("profile create p --project a")?;
        // The name goes on, and what is in it: the settings still name the former one.
        lxc("project switch a")?;
        let (_, _, error) = run(host, client, &["project", "delete", "a"], "")?;
        ensure!(error.ends_with("Error: Only empty projects can be removed\n"), "{error}");
        lxc("project rename a b")?;
        lxc("project switch b")?;
        let listed = lxc("project list -f csv")?;
        ensure!(listed.contains("b (current),YES,YES,YES,NO,,2\n"), "{listed}");
        let listed = lxc("profile list -f csv")?;
        ensure!(listed == "default,Default LXD profile for project a,0\np,,0\n", "{listed}");
        let seen = Api::of(elsewhere).get("/1.0/projects/b")?;
        ensure!(seen["config"]["user.x"] == "1" && seen["config"]["user.y"] == "2", "{seen}");
        let own = ["default", "p"].map(|name| format!("/1.0/profiles/{name}?project=b"));
        ensure!(seen["used_by"] == json!(own), "{seen}");
        lxc("profile delete p")?;
        lxc("project delete b")?;
        let listed = lxc("profile list -f csv")?;
        ensure!(listed.starts_with("default,Default LXD profile,"), "{listed}");
        for host in &rack.hosts {
            let left = Api::of(host).get("/1.0/projects")?;
            ensure!(left == json!(["/1.0/projects/default"]), "{}: {left}", host.name);
        }
    }
    rack.finish()
}

#[test]
fn a_preseed_makes_projects_once_and_takes_them_back() -> Result<()> {
    let rack = Rack::new("projects-preseed", Flavour::Ours, 1)?;
    let host = &rack.hosts[0];
    let _daemon = Daemon::start_ready(host)?;
    let fresh = state(host)?;
    let diff = would_change(host, PRESEED)?;
    ensure!(diff.contains("+++ projects/web\n") && diff.contains("+  user.owner: ann\n"), "{diff}");
    // The server refuses what comes after the projects: their making and their change are undone.
    let broken = "- name: other\n  devices: {eth0: {type: nic, network: nope}}\n";
    let error = fails(host, &["init", "--preseed"], &format!("{PRESEED}{broken}"))?;
    ensure!(error.contains("Failed to create profile \"other\": "), "{error}");
    ensure!(state(host)? == fresh, "something is left");

    host.lxd(&["init", "--preseed"], PRESEED)?;
    changes_nothing(host, PRESEED)?;
    let dump = host.lxd(&["init", "--dump"], "")?;
    ensure!(dump.contains("  description: Sites\n  name: web\n"), "{dump}");
    changes_nothing(host, &dump)?;
    let applied = state(host)?;
    let changed = PRESEED.replace("ann", "bob").replace("profiles: false", "profiles: true");
    fails(host, &["init", "--preseed"], &format!("{changed}{broken}"))?;
    ensure!(state(host)? == applied, "a change is left");
    host.lxd(&["init", "--preseed"], &changed)?;
    let web = Api::of(host).get("/1.0/projects/web")?;
    ensure!(web["config"]["user.owner"] == "bob" && web["description"] == "Sites", "{web}");
    let plain = Api::of(host).get("/1.0/profiles?project=plain")?;
    ensure!(plain == json!(["/1.0/profiles/default?project=plain"]), "{plain}");
    let error = fails(host, &["init", "--preseed"], "projects: [{name: a_b}]")?;
    ensure!(error.contains("Failed to create local member project \"a_b\": "), "{error}");

    // Another server becomes the same by what this one prints.
    let mut rack = rack;
    rack.add(Flavour::Ours)?;
    let dump = rack.hosts[0].lxd(&["init", "--dump"], "")?;
    let copy = rack.hosts.last().context("it was added")?;
    let _copy = Daemon::start_ready(copy)?;
    copy.lxd(&["init", "--preseed"], &dump)?;
    let printed = copy.lxd(&["init", "--dump"], "")?;
    ensure!(printed == dump, "{printed} and not {dump}");
    rack.finish()
}

#[test]
fn a_restricted_client_sees_its_project_alone() -> Result<()> {
    let rack = Rack::new("projects-restricted", Flavour::Ours, 3)?;
    let server = &rack.hosts[0];
    let _cluster = form_one(server)?;
    for project in ["mine", "theirs"] {
        server.lxc(&["project", "create", project])?;
        server.lxc(&["profile", "create", &format!("of-{project}"), "--project", project])?;
    }
    for (user, client) in [(&rack.hosts[1], Flavour::Ours), (&rack.hosts[2], Flavour::Debian)] {
        let trust = "config trust add --name web --restricted --projects mine";
        let made = server.lxc(&trust.split(' ').collect::<Vec<_>>())?;
        let token = made.lines().last().context("a token")?;
        let added = run(user, client, &["remote", "add", "c", token], "")?;
        ensure!(added.0 == 0, "{}{}", added.1, added.2);
        let listed = must(user, client, &["project", "list", "c:", "-f", "csv"])?;
        ensure!(listed == "mine (current),YES,YES,YES,NO,,2\n", "{listed}");
        let listed = must(user, client, &["profile", "list", "c:", "-f", "csv"])?;
        ensure!(listed.contains("of-mine") && !listed.contains("of-theirs"), "{listed}");
        must(user, client, &["profile", "create", "c:new"])?;
        must(user, client, &["profile", "delete", "c:new"])?;
        for words in [
            "profile list c: --project theirs",
            "profile show c:of-theirs --project theirs",
            "profile delete c:of-theirs --project theirs",
            "profile create c:new --project default",
            "project show c:theirs",
            "project set c:mine user.a=1",
            "project create c:more",
            "project rename c:mine more",
            "project delete c:theirs",
        ] {
            let words: Vec<_> = words.split(' ').collect();
            let (code, shown, error) = run(user, client, &words, "")?;
            ensure!(code == 1 && error.ends_with("Error: not authorized\n"), "{words:?} {error}");
            ensure!(shown.is_empty(), "{words:?}: {shown}");
        }
    }
    rack.finish()
}
