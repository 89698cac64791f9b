//! The preseed of the README, on servers in several states.

use super::*;
use crate::init::preseed;
use serde_json::from_value;

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

#[test]
fn the_first_member_listens_for_the_others_too() {
    let preseed = bootstrap();
    let fresh = answer(json!({ "config": {} }));
    let config = json!({ "config": {
        "cluster.https_address": "10.55.60.171:8443",
        "core.https_address": "10.55.60.171:8443",
        "core.trust_password": "sekret",
        "images.auto_update_interval": "15",
    }});
    check(
        server(&preseed.config, preseed.cluster.as_ref(), &fresh),
        "update server configuration",
        (Method::PUT, "/1.0", config),
        json!({ "config": {} }),
    );
    let step = server(&preseed.config, None, &fresh).unwrap();
    assert_eq!(step.request.body["config"].get("cluster.https_address"), None);
    let wildcard = Map::from([(HTTPS_ADDRESS.to_owned(), "[::]:8443".to_owned())]);
    let step = server(&wildcard, preseed.cluster.as_ref(), &fresh).unwrap();
    assert_eq!(step.request.body["config"].get("cluster.https_address"), None);
}

#[test]
fn a_password_is_sent_to_be_checked_and_true_means_the_one_that_is_set() {
    let config = json!({ "config": { "core.trust_password": true } });
    let current = answer(config.clone());
    let password = |value: &str| Map::from([(TRUST_PASSWORD.to_owned(), value.to_owned())]);
    assert_eq!(server(&password("true"), None, &current), None);
    let sent = json!({ "config": { "core.trust_password": "sekret" } });
    let step = server(&password("sekret"), None, &current);
    check(step, "update server configuration", (Method::PUT, "/1.0", sent), config);
}

#[test]
fn what_is_missing_is_created_and_undone_by_deleting_it() {
    let preseed = bootstrap();
    let body = json!({ "config": {}, "description": "", "name": "default", "driver": "dir" });
    let step = pool(&preseed.storage_pools[0], None).unwrap();
    assert_eq!(step.as_ref().unwrap().undo.url, "/1.0/storage-pools/default");
    let request = (Method::POST, "/1.0/storage-pools", body);
    check(step, "create storage pool \"default\"", request, Value::Null);
    let mut bridge = preseed.networks[0].clone();
    let unmanaged = answer(json!({ "name": "lxdbr0", "type": "bridge", "managed": false }));
    for current in [None, Some(&unmanaged)] {
        let step = network(&bridge, current).unwrap();
        assert_eq!(step.action, "create local member network \"lxdbr0\" in project \"default\"");
        assert_eq!(step.request.body["config"]["ipv4.address"], "192.168.100.14/24");
    }
    bridge.project = "p 1".to_owned();
    let step = network(&bridge, None).unwrap();
    assert_eq!(step.request.url, "/1.0/networks?project=p%201");
    assert_eq!(step.undo.url, "/1.0/networks/lxdbr0?project=p%201");
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
    let step = profile(&preseed.profiles[0], Some(&current));
    assert_eq!(step.as_ref().unwrap().request.if_match.as_deref(), Some("tag"));
    let request = (Method::PUT, "/1.0/profiles/default", new.clone());
    check(step, "update profile \"default\"", request, old);
    assert_eq!(profile(&preseed.profiles[0], Some(&answer(new))), None);
}

#[test]
fn what_is_as_it_should_be_is_left_alone() {
    let preseed = bootstrap();
    let current = answer(json!({ "driver": "dir", "config": { "source": "/x" } }));
    assert_eq!(pool(&preseed.storage_pools[0], Some(&current)).unwrap(), None);
    let config = json!({ "ipv4.address": "192.168.100.14/24", "ipv6.address": "none" });
    let current = answer(json!({ "managed": true, "config": config }));
    assert_eq!(network(&preseed.networks[0], Some(&current)), None);
    let mut chosen = preseed.networks[0].clone();
    chosen.config.insert("ipv4.address".to_owned(), "auto".to_owned());
    assert_eq!(network(&chosen, Some(&current)), None);
}

#[test]
fn a_pool_keeps_its_driver() {
    let current = answer(json!({ "driver": "dir" }));
    let other = init::Pool { driver: "btrfs".into(), ..bootstrap().storage_pools[0].clone() };
    let error = pool(&other, Some(&current)).unwrap_err();
    assert_eq!(error.message, "Storage pool \"default\" is of type \"dir\" instead of \"btrfs\"");
}

#[test]
fn a_cluster_is_founded_once() {
    let wanted = bootstrap().cluster.unwrap();
    let state = |enabled, name: &str| Cluster {
        enabled,
        server_name: name.to_owned(),
        ..Cluster::default()
    };
    let shown = Environment::default();
    let (failure, request) = cluster(&wanted, &state(false, ""), &shown).unwrap().unwrap();
    assert_eq!(failure, "Failed to configure cluster");
    assert_eq!(request.url, "/1.0/cluster");
    assert_eq!(request.body["server_name"], "node1");
    assert_eq!(request.body["cluster_address"], "");
    assert_eq!(cluster(&wanted, &state(true, "node1"), &shown).unwrap(), None);
    // The server refuses to be founded under another name.
    assert!(cluster(&wanted, &state(true, "node2"), &shown).unwrap().is_some());
    let disabled = ClusterPreseed { enabled: false, ..wanted };
    assert_eq!(cluster(&disabled, &state(false, ""), &shown).unwrap(), None);
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
        preseed::parse(&yaml).unwrap().cluster.unwrap()
    };
    let shown = Environment::default();
    let (failure, request) =
        cluster(&read("10.77.0.3:8443"), &Cluster::default(), &shown).unwrap().unwrap();
    assert_eq!(failure, "Failed to join cluster");
    assert_eq!(request.body["server_name"], "node2");
    assert_eq!(request.body["cluster_address"], "10.77.0.1:8443");
    assert_eq!(request.body["cluster_password"], token);
    assert_eq!(request.body["member_config"][0]["key"], "source");
    let joined = Cluster { enabled: true, server_name: "node2".into(), ..Cluster::default() };
    assert!(cluster(&read("10.77.0.3:8443"), &joined, &shown).unwrap().is_some());
    let shown = Environment { certificate_fingerprint: FINGERPRINT.to_owned(), ..shown };
    assert_eq!(cluster(&read("10.77.0.3:8443"), &joined, &shown).unwrap(), None);
    let error = cluster(&read("\"\""), &Cluster::default(), &shown).unwrap_err();
    let expected = "Failed to configure cluster: No server address provided for this member";
    assert_eq!(error.message, expected);
}
