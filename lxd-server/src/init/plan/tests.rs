//! The preseed of the README, on servers in several states.

use super::*;
use crate::error::Kind;
use crate::init::preseed;
use serde_json::{from_value, json};
use shared_api::cluster::Cluster;
use shared_api::config::server::{CLUSTER_ADDRESS, HTTPS_ADDRESS, TRUST_PASSWORD};
use shared_api::init;
use shared_api::server::Server;

const PRESEED: &str = "\
config:
  core.trust_password: sekret
  core.https_address: 10.55.60.171:8443
  images.auto_update_interval: 15
storage_pools:
- name: default
  driver: dir
networks:
- name: lxdbr0
  type: bridge
  config:
    ipv4.address: 192.168.100.14/24
    ipv6.address: none
profiles:
- name: default
  devices:
    root:
      path: /
      pool: default
      type: disk
    eth0:
      name: eth0
      nictype: bridged
      parent: lxdbr0
      type: nic
cluster:
  server_name: node1
  enabled: true
";

const FINGERPRINT: &str = "216091c71425625cea40bd870960c5f8644821bef4c89b190f70c821e277b368";

fn bootstrap() -> init::Preseed {
    preseed::parse(PRESEED).unwrap()
}

fn answer<T: serde::de::DeserializeOwned>(metadata: Value) -> Answer<T> {
    Answer { metadata: from_value(metadata).unwrap(), etag: Some("tag".to_owned()) }
}

fn check(step: Option<Step>, action: &str, request: (Method, &str, Value), undo: Value) {
    let step = step.unwrap();
    let (method, url, body) = request;
    assert_eq!(step.action, action);
    assert_eq!((step.request.method, &*step.request.url, step.request.body), (method, url, body));
    assert_eq!(step.undo.body, undo);
}

fn config(key: &str, value: &str) -> init::Preseed {
    let config = Map::from([(key.to_owned(), value.to_owned())]);
    init::Preseed { config, ..init::Preseed::default() }
}

#[test]
fn the_first_member_listens_for_the_others_too() {
    let preseed = bootstrap();
    let fresh = answer(json!({ "config": {} }));
    let wanted = json!({ "config": {
        "cluster.https_address": "10.55.60.171:8443",
        "core.https_address": "10.55.60.171:8443",
        "core.trust_password": "sekret",
        "images.auto_update_interval": "15",
    }});
    check(
        server(&preseed, &fresh, false).unwrap(),
        "update server configuration",
        (Method::PUT, "/1.0", wanted),
        json!({ "config": {} }),
    );
    let alone = init::Preseed { cluster: None, ..preseed.clone() };
    let step = server(&alone, &fresh, false).unwrap().unwrap();
    assert_eq!(step.request.body["config"].get(CLUSTER_ADDRESS), None);
    let wildcard = init::Preseed { cluster: preseed.cluster, ..config(HTTPS_ADDRESS, "[::]:8443") };
    let step = server(&wildcard, &fresh, false).unwrap().unwrap();
    assert_eq!(step.request.body["config"].get(CLUSTER_ADDRESS), None);
}

#[test]
fn values_that_mean_the_same_are_no_change() {
    let current = answer(json!({ "config": {
        "core.https_address": "10.0.0.1:8443", "core.trust_password": true,
    }}));
    for (key, value) in [
        ("core.https_address", "10.0.0.1:8443"),
        ("images.auto_update_interval", "6"),
        ("user.x", ""),
        (TRUST_PASSWORD, "true"),
    ] {
        assert_eq!(server(&config(key, value), &current, false).unwrap(), None, "{key} {value}");
    }
    let password = config(TRUST_PASSWORD, "sekret");
    assert_eq!(server(&password, &current, true).unwrap(), None);
    let step = server(&password, &current, false).unwrap().unwrap();
    assert_eq!(step.request.body["config"][TRUST_PASSWORD], "sekret");
    assert_eq!(step.undo.body["config"][TRUST_PASSWORD], true);
}

#[test]
fn what_no_server_takes_is_refused_before_anything_is_done() {
    let current = answer(json!({ "config": { "cluster.https_address": "10.0.0.1:8443" },
        "environment": { "server_clustered": true } }));
    let refused = |preseed: &init::Preseed| server(preseed, &current, false).unwrap_err().message;
    let failed = "Failed to update server configuration: ";
    assert_eq!(
        refused(&config("bogus", "1")),
        format!("{failed}cannot set 'bogus' to '1': unknown key")
    );
    assert_eq!(
        refused(&config(CLUSTER_ADDRESS, "10.0.0.2:8443")),
        format!(
            "{failed}Changing cluster.https_address is currently not supported: \
             it is \"10.0.0.1:8443\", not \"10.0.0.2:8443\""
        )
    );
    let preseed = bootstrap();
    let bad = init::Pool { driver: "zfs".into(), ..preseed.storage_pools[0].clone() };
    let error = pool(&bad, None, &Map::new()).unwrap_err().message;
    assert_eq!(error, "Failed to create storage pool \"default\": Unknown driver");
    let mut bad = preseed.networks[0].clone();
    bad.config.insert("fan.type".into(), "ipip".into());
    let error = network(&bad, None, &Map::new()).unwrap_err().message;
    let what = "local member network \"lxdbr0\" in project \"default\"";
    assert!(error.starts_with(&format!("Failed to create {what}: ")), "{error}");
    let mut bad = preseed.profiles[0].clone();
    bad.config.insert("bogus".into(), "1".into());
    let error = profile(&bad, Some(&answer(json!({})))).unwrap_err().message;
    assert_eq!(error, "Failed to update profile \"default\": Unknown configuration key: bogus");
    let mut bad = init::Project { name: "p_q".into(), ..init::Project::default() };
    let error = project(&bad, None).unwrap_err().message;
    let what = "local member project \"p_q\"";
    assert_eq!(
        error,
        format!("Failed to create {what}: Project names may not contain underscores")
    );
    bad.name = "default".into();
    bad.config.insert("features.images".into(), "false".into());
    let on = json!({ "name": "default", "config": { "features.images": "true" } });
    let error = project(&bad, Some(&answer(on))).unwrap_err().message;
    let text = "You can't change the features of the default project";
    assert_eq!(error, format!("Failed to update local member project \"default\": {text}"));
    let elsewhere = init::Network { project: "p".into(), ..preseed.networks[0].clone() };
    let error = network(&elsewhere, None, &Map::new()).unwrap_err();
    assert_eq!(error.kind, Kind::NotImplemented);
}

#[test]
fn what_is_missing_is_created_and_undone_by_deleting_it() {
    let preseed = bootstrap();
    let body = json!({ "config": {}, "description": "", "name": "default", "driver": "dir" });
    let step = pool(&preseed.storage_pools[0], None, &Map::new()).unwrap();
    assert_eq!(step.as_ref().unwrap().undo.url, "/1.0/storage-pools/default");
    let request = (Method::POST, "/1.0/storage-pools", body);
    check(step, "create storage pool \"default\"", request, Value::Null);
    let unmanaged = answer(json!({ "name": "lxdbr0", "type": "bridge", "managed": false }));
    for current in [None, Some(&unmanaged)] {
        let step = network(&preseed.networks[0], current, &Map::new()).unwrap().unwrap();
        assert_eq!(step.action, "create local member network \"lxdbr0\" in project \"default\"");
        assert_eq!(step.request.url, "/1.0/networks");
        assert_eq!(step.request.body["config"]["ipv4.address"], "192.168.100.14/24");
        assert_eq!(step.undo.url, "/1.0/networks/lxdbr0");
    }
    let new = init::Project { name: "p".into(), ..init::Project::default() };
    let step = project(&new, None).unwrap();
    assert_eq!(step.as_ref().unwrap().undo.url, "/1.0/projects/p");
    let body = json!({ "config": {}, "description": "", "name": "p" });
    let action = "create local member project \"p\"";
    check(step, action, (Method::POST, "/1.0/projects", body), Value::Null);
}

#[test]
fn what_is_there_is_merged() {
    let preseed = bootstrap();
    let old = json!({
        "config": { "user.a": "x" },
        "description": "Mine",
        "devices": { "eth0": { "mtu": "1400", "name": "x" }, "gpu": { "type": "gpu" } },
    });
    let mut new = old.clone();
    new["devices"]["eth0"] = json!({
        "mtu": "1400", "name": "eth0", "nictype": "bridged", "parent": "lxdbr0", "type": "nic",
    });
    new["devices"]["root"] = json!({ "path": "/", "pool": "default", "type": "disk" });
    let current = answer(old.clone());
    let step = profile(&preseed.profiles[0], Some(&current)).unwrap();
    assert_eq!(step.as_ref().unwrap().request.if_match.as_deref(), Some("tag"));
    let request = (Method::PUT, "/1.0/profiles/default", new.clone());
    check(step, "update profile \"default\"", request, old);
    assert_eq!(profile(&preseed.profiles[0], Some(&answer(new))).unwrap(), None);
    let old = json!({ "config": { "user.a": "1", "user.b": "2" }, "description": "Mine" });
    let new = json!({ "config": { "user.b": "3", "user.c": "4" }, "description": "Mine" });
    let config = json!({ "user.a": "", "user.b": "3", "user.c": "4" });
    let wanted: init::Project = from_value(json!({ "name": "p", "config": config })).unwrap();
    let step = project(&wanted, Some(&answer(old.clone()))).unwrap();
    let request = (Method::PUT, "/1.0/projects/p", new.clone());
    check(step, "update local member project \"p\"", request, old);
    assert_eq!(project(&wanted, Some(&answer(new))).unwrap(), None);
}

#[test]
fn what_is_as_it_should_be_is_left_alone() {
    let preseed = bootstrap();
    let own = Map::from([("source".to_owned(), "/x".to_owned())]);
    let mut wanted = preseed.storage_pools[0].clone();
    // On a server of its own all keys are seen, in a cluster only those of all members.
    for seen in [json!({ "source": "/x" }), json!({})] {
        let current = answer(json!({ "driver": "dir", "config": seen }));
        for source in ["", "/x"] {
            wanted.config.insert("source".to_owned(), source.to_owned());
            assert_eq!(pool(&wanted, Some(&current), &own).unwrap(), None);
        }
    }
    let keys = json!({ "ipv4.address": "192.168.100.14/24", "ipv6.address": "none" });
    let current = answer(json!({ "managed": true, "type": "bridge", "config": keys }));
    assert_eq!(network(&preseed.networks[0], Some(&current), &Map::new()).unwrap(), None);
    let mut chosen = preseed.networks[0].clone();
    chosen.config.insert("ipv4.address".to_owned(), "auto".to_owned());
    assert_eq!(network(&chosen, Some(&current), &Map::new()).unwrap(), None);
    let default = answer(json!({ "name": "default", "config": { "user.a": "1" } }));
    let same = init::Project { name: "default".into(), ..init::Project::default() };
    assert_eq!(project(&same, Some(&default)).unwrap(), None);
}

#[test]
fn a_pool_keeps_its_driver_and_its_source() {
    let current = answer(json!({ "driver": "dir" }));
    let own = Map::from([("source".to_owned(), "/x".to_owned())]);
    let other = init::Pool { driver: "btrfs".into(), ..bootstrap().storage_pools[0].clone() };
    let error = pool(&other, Some(&current), &own).unwrap_err();
    assert_eq!(error.message, "Storage pool \"default\" is of type \"dir\" instead of \"btrfs\"");
    let config = Map::from([("source".to_owned(), "/y".to_owned())]);
    let other = init::Pool { config, ..bootstrap().storage_pools[0].clone() };
    let error = pool(&other, Some(&current), &own).unwrap_err();
    let text = "Storage pool \"default\" has source \"/x\" on this member instead of \"/y\"";
    assert_eq!(error.message, text);
}

#[test]
fn what_a_pool_was_given_and_what_became_of_it_may_both_be_said() {
    let keys = |keys: &[(&str, &str)]| -> Map {
        keys.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    };
    let own = keys(&[("source", "/dev/disk/by-uuid/1"), ("volatile.initial_source", "/dev/sdb")]);
    let current = answer(json!({"name": "p", "driver": "btrfs", "config": {}}));
    let mut wanted = init::Pool { name: "p".into(), driver: "btrfs".into(), ..Default::default() };
    for config in
        [own.clone(), keys(&[("source", "/dev/sdb")]), keys(&[("source", "/dev/disk/by-uuid/1")])]
    {
        wanted.config = config;
        assert_eq!(pool(&wanted, Some(&current), &own).unwrap(), None, "{:?}", wanted.config);
    }
    wanted.config = keys(&[("volatile.initial_source", "/dev/sdc")]);
    assert!(pool(&wanted, Some(&current), &own).is_err());
}

#[test]
fn a_cluster_is_founded_once() {
    let wanted = bootstrap();
    let state = |name: &str| {
        let (enabled, server_name) = (!name.is_empty(), name.to_owned());
        Cluster { enabled, server_name, ..Cluster::default() }
    };
    let shown = Server::default();
    let membership = cluster(&wanted, &state(""), &shown).unwrap().unwrap();
    assert_eq!(membership.failure, "Failed to configure cluster");
    let request = membership.request();
    assert_eq!((request.method, request.url.as_str()), (Method::PUT, "/1.0/cluster"));
    assert_eq!(request.body["server_name"], "node1");
    assert_eq!(request.body["cluster_address"], "");
    assert_eq!(cluster(&wanted, &state("node1"), &shown).unwrap(), None);
    let error = cluster(&wanted, &state("node2"), &shown).unwrap_err();
    let text = "Failed to configure cluster: This server is already clustered: its name is \"node2\", not \"node1\"";
    assert_eq!(error.message, text);
    for (name, reason) in [("", "ServerName is required when enabling clustering"), ("a/b", "")] {
        let mut impossible = wanted.clone();
        impossible.cluster.as_mut().unwrap().server_name = name.to_owned();
        let error = cluster(&impossible, &state(""), &shown).unwrap_err();
        let text = format!("Failed to configure cluster: {reason}");
        assert!(error.message.starts_with(&text), "{error}");
    }
    let mut disabled = wanted;
    disabled.cluster.as_mut().unwrap().enabled = false;
    assert_eq!(cluster(&disabled, &state(""), &shown).unwrap(), None);
}

#[test]
fn a_joiner_says_where_it_is_and_shows_its_token_as_the_password() {
    let token = shared_api::token::encode(&json!({
        "server_name": "node2",
        "fingerprint": FINGERPRINT,
        "addresses": ["10.77.0.1:8443", "10.77.0.2:8443"],
        "secret": "520191a5319097bd519ec41bcec1547fac4519dd66409dceb6d877aaff5a75d0",
        "expires_at": "2026-11-22T19:01:25.066600836Z",
    }));
    let read = |address: &str| {
        let yaml = format!(
            "cluster:\n  enabled: true\n  server_name: other\n  server_address: {address}\n  \
             cluster_token: {token}\n  member_config:\n  - entity: storage-pool\n    name: default\n    \
             key: source\n    value: \"\"\n"
        );
        preseed::parse(&yaml).unwrap()
    };
    let alone = (Cluster::default(), Server::default());
    let membership = cluster(&read("10.77.0.3:8443"), &alone.0, &alone.1).unwrap().unwrap();
    assert_eq!(membership.failure, "Failed to join cluster");
    let body = membership.request().body;
    assert_eq!(body["server_name"], "node2");
    assert_eq!(body["cluster_address"], "10.77.0.1:8443");
    assert_eq!(body["cluster_password"], token);
    assert_eq!(body["member_config"][0]["key"], "source");
    let error = cluster(&read("\"\""), &alone.0, &alone.1).unwrap_err();
    let expected = "Failed to configure cluster: No server address provided for this member";
    assert_eq!(error.message, expected);
    let joined = Cluster { enabled: true, server_name: "node2".into(), ..Cluster::default() };
    let member = |fingerprint: &str| -> Server {
        from_value(json!({
            "config": { "cluster.https_address": "10.77.0.3:8443" },
            "environment": { "certificate_fingerprint": fingerprint },
        }))
        .unwrap()
    };
    let own = member(FINGERPRINT);
    for address in ["10.77.0.3:8443", "10.77.0.3", "\"\""] {
        assert_eq!(cluster(&read(address), &joined, &own).unwrap(), None, "{address}");
    }
    let clustered = "Failed to join cluster: This server is already clustered: ";
    let error = cluster(&read("10.77.0.3:8443"), &joined, &member("ab")).unwrap_err();
    let text = format!("the fingerprint of its cluster's certificate is ab, not {FINGERPRINT}");
    assert_eq!(error.message, format!("{clustered}{text}"));
    let error = cluster(&read("10.77.0.4"), &joined, &own).unwrap_err();
    let text = "it is reached at \"10.77.0.3:8443\", not \"10.77.0.4\"";
    assert_eq!(error.message, format!("{clustered}{text}"));
}
