//! `/1.0/metrics`: who may read it, and that a strict reader of OpenMetrics 1.0 understands it.

use std::collections::{BTreeMap, HashSet};

use axum::body::Body;
use axum::http::{Method, Request};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::{SOCKET, Server, loopback, remote, server};
use crate::app::cluster;
use crate::tls::Identity;

const METRICS: &str = "/1.0/metrics";

/// Samples by family, each with its labels as written.
type Families<'a> = BTreeMap<&'a str, Vec<(&'a str, &'a str, f64)>>;

/// Parses the text, or panics where it is not as the format wants it.
fn parse(text: &str) -> Families<'_> {
    let body = text.strip_suffix("# EOF\n").expect("ends with # EOF");
    assert!(!body.contains("# EOF"), "there is one end");
    let (mut families, mut current) = (Families::new(), ("", ""));
    let mut seen = HashSet::new();
    let mut lines = body.lines();
    while let Some(line) = lines.next() {
        if let Some(announced) = line.strip_prefix("# TYPE ") {
            current = announced.split_once(' ').expect("a name and a type");
            assert!(is_name(current.0), "{line}");
            let help = lines.next().and_then(|help| help.strip_prefix("# HELP "));
            let help =
                help.and_then(|help| help.strip_prefix(current.0)).expect("its help follows");
            assert!(help.starts_with(' ') && help.ends_with('.'), "{help}");
            assert!(families.insert(current.0, Vec::new()).is_none(), "twice: {line}");
            continue;
        }
        let (series, value) = line.rsplit_once(' ').expect("a series and its value");
        assert!(seen.insert(series), "twice: {line}");
        let (name, labels) = match series.split_once('{') {
            Some((name, labels)) => (name, labels.strip_suffix('}').expect("labels end")),
            None => (series, ""),
        };
        check_labels(labels);
        let suffix = name.strip_prefix(current.0).expect("a sample of the family before it");
        let suffixes: &[&str] = match current.1 {
            "gauge" => &[""],
            "counter" => &["_total"],
            "histogram" => &["_bucket", "_sum", "_count"],
            kind => panic!("type {kind}"),
        };
        assert!(suffixes.contains(&suffix), "{line}");
        let value: f64 = value.parse().expect("a number");
        assert!(value >= 0.0 && value.is_finite(), "{line}");
        families.get_mut(current.0).expect("announced").push((suffix, labels, value));
    }
    for (name, samples) in &families {
        assert!(!samples.is_empty(), "{name} is empty");
        if samples[0].0 == "_bucket" {
            check_histograms(name, samples);
        }
    }
    families
}

fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

/// `name="value",…`; in values `\`, `"` and line ends are escaped.
fn check_labels(mut labels: &str) {
    while !labels.is_empty() {
        let (name, rest) = labels.split_once("=\"").expect("a label's name");
        assert!(is_name(name), "{labels}");
        let mut escaped = false;
        let end = rest.find(|letter| {
            let ends = letter == '"' && !escaped;
            escaped = letter == '\\' && !escaped;
            ends
        });
        let rest = &rest[end.expect("a value ends") + 1..];
        labels = rest.strip_prefix(',').unwrap_or(rest);
        assert!(rest.is_empty() || !labels.is_empty(), "a comma too many");
    }
}

/// Buckets grow with their bounds; the last is without bound and holds all.
fn check_histograms(name: &str, samples: &[(&str, &str, f64)]) {
    let (mut bound, mut inside) = (f64::NEG_INFINITY, 0.0);
    for (suffix, labels, value) in samples {
        match *suffix {
            "_bucket" => {
                let (_, le) = labels.rsplit_once("le=\"").expect("a bucket has a bound");
                let le: f64 = le.trim_end_matches('"').parse().expect("a bound is a number");
                assert!(le > bound && *value >= inside, "{name} {labels}");
                (bound, inside) = (le, *value);
            }
            "_sum" => assert_eq!(bound, f64::INFINITY, "{name} {labels}"),
            _ => {
                assert_eq!(inside, *value, "{name} {labels}");
                (bound, inside) = (f64::NEG_INFINITY, 0.0);
            }
        }
    }
    assert_eq!(bound, f64::NEG_INFINITY, "{name} ends with its count");
}

#[test]
fn the_reader_is_strict() {
    let head = "# TYPE a histogram\n# HELP a A.\n";
    let whole = "a_bucket{le=\"1.0\"} 1\na_bucket{le=\"+Inf\"} 2\na_sum 1\na_count 2\n";
    parse(&format!("{head}{whole}# EOF\n"));
    for bad in [
        format!("{head}{whole}"),
        format!("{whole}{head}# EOF\n"),
        format!("{head}{whole}b 2\n# EOF\n"),
        format!("{head}{whole}a_count 2\n# EOF\n"),
        format!("{head}{}# EOF\n", whole.replace("_count 2", "_count 3")),
        format!("{head}{}# EOF\n", whole.replace("} 1", "} 3")),
        format!("{head}{}# EOF\n", whole.replace("1.0\"", "1.0")),
        format!("{head}{}# EOF\n", whole.replace("a_bucket{le=\"+Inf\"} 2\n", "")),
    ] {
        assert!(std::panic::catch_unwind(|| parse(&bad).len()).is_err(), "{bad}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strict_reader_understands_it() {
    let server = server().await;
    cluster::bootstrap(&server.ctx, &"n1".parse().unwrap(), &loopback()).await.unwrap();
    let profile = |name: &str| json!({ "name": name }).to_string();
    for name in ["a", "b", "default"] {
        server.send(&SOCKET, Method::POST, "/1.0/profiles", &profile(name)).await;
    }
    server.get(&SOCKET, "/1.0/profiles/a").await;
    server.get(&SOCKET, "/1.0/profiles/b").await;
    server.get(&SOCKET, "/any/\"where\"").await;
    let answer = server.get(&SOCKET, METRICS).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.head.headers()["content-type"], "text/plain");
    let families = parse(&answer.text);
    let value = |family: &str, labels: &str| {
        let sample = families[family].iter().find(|(_, found, _)| *found == labels);
        sample.unwrap_or_else(|| panic!("{family} {labels}: {}", answer.text)).2
    };
    let posts = r#"method="POST",route="/1.0/profiles",status="#;
    assert_eq!(value("lxd_api_requests_completed", &format!("{posts}\"2xx\"")), 2.0);
    assert_eq!(value("lxd_api_requests_completed", &format!("{posts}\"5xx\"")), 1.0);
    let gets = r#"method="GET",route="/1.0/profiles/{name}""#;
    let times = &families["lxd_api_request_duration_seconds"];
    assert!(times.contains(&("_count", gets, 2.0)), "{times:?}");
    assert_eq!(value("lxd_cluster_member_online", r#"member="n1""#), 1.0);
    assert_eq!((value("lxd_database_leader", ""), value("lxd_database_quorum", "")), (1.0, 1.0));
    assert!(value("lxd_database_transactions", "") >= 2.0);
    let applied = value("lxd_database_applied_index", "");
    assert!(applied >= 2.0 && value("lxd_database_commit_index", "") >= applied);
    assert!(value("process_resident_memory_bytes", "") > 1e6);
    server.stop().await;
}

async fn add(server: &Server, name: &str, more: serde_json::Value) -> super::Peer {
    let identity = Identity::generate(name, &[]).unwrap();
    let mut body = json!({"certificate": STANDARD.encode(identity.der()), "name": name});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let url = "/1.0/certificates";
    let added = server.send(&SOCKET, Method::POST, url, &body.to_string()).await;
    assert_eq!(added.status, 201, "{}", added.text);
    remote(Some(&identity))
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_for_those_who_are_trusted_so_far() {
    let server = server().await;
    let client = add(&server, "client", json!({"type": "client"})).await;
    let restricted = json!({"type": "client", "restricted": true, "projects": ["default"]});
    let restricted = add(&server, "restricted", restricted).await;
    let reader = add(&server, "reader", json!({"type": "metrics"})).await;
    let stranger = remote(None);
    for (peer, status) in [(&client, 200), (&restricted, 403), (&reader, 200), (&stranger, 403)] {
        assert_eq!(server.get(peer, METRICS).await.status, status, "{peer:?}");
    }
    let types = server.get(&SOCKET, "/1.0/certificates?recursion=1").await.text;
    assert!(types.contains(r#""type":"metrics""#), "{types}");
    // A certificate for metrics is a stranger's elsewhere.
    assert_eq!(server.get(&reader, "/1.0").await.metadata()["auth"], "untrusted");
    for (method, url) in [
        (Method::GET, "/1.0/profiles"),
        (Method::GET, "/1.0/certificates"),
        (Method::GET, "/1.0/events"),
        (Method::GET, "/1.0/operations"),
        (Method::PATCH, "/1.0"),
        (Method::POST, "/internal/sql"),
        (Method::POST, METRICS),
    ] {
        let refused = server.send(&reader, method.clone(), url, "{}").await;
        assert_eq!(refused.error(), (403, "not authorized".to_owned()), "{method} {url}");
    }
    let off = json!({"core.metrics_authentication": "no"});
    assert_eq!(server.patch(off).await.status, 200);
    for peer in [&client, &restricted, &reader, &stranger] {
        assert_eq!(server.get(peer, METRICS).await.status, 200, "{peer:?}");
    }
    assert_eq!(server.get(&stranger, "/1.0/profiles").await.status, 403);
    assert_eq!(server.patch(json!({"core.metrics_authentication": "true"})).await.status, 200);
    assert_eq!(server.get(&stranger, METRICS).await.status, 403);
    let bad = server.patch(json!({"core.metrics_authentication": "maybe"})).await;
    let text = "cannot set 'core.metrics_authentication' to 'maybe': invalid boolean";
    assert_eq!(bad.error(), (400, text.to_owned()));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn its_type_is_openmetrics_for_who_asks_for_it() {
    let server = server().await;
    let accept = "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;q=0.3";
    let request = Request::get(METRICS).header("Accept", accept);
    let answer = server.ask(&SOCKET, request.body(Body::empty()).unwrap()).await;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!(answer.head.headers()["content-type"], kind);
    parse(&answer.text);
    server.stop().await;
}
