//! Who may ask for what: every path and method, asked for by strangers and by each kind of certificate.

use std::collections::BTreeSet;

use super::*;

/// Method, path, and who is let in (`+`) or refused (`-`): a stranger, a certificate for metrics, one that is
/// restricted to the project `default`, one that may do everything. What is not here does not exist.
const TABLE: &[(&str, &str, &str)] = &[
    ("GET", "/", "++++"),
    ("GET", "/1.0", "++++"),
    ("PUT", "/1.0", "---+"),
    ("PATCH", "/1.0", "---+"),
    ("GET", "/1.0/certificates", "--++"),
    // Whom it trusts, its use case decides.
    ("POST", "/1.0/certificates", "++++"),
    ("GET", "/1.0/certificates/{fingerprint}", "--++"),
    ("PUT", "/1.0/certificates/{fingerprint}", "---+"),
    ("PATCH", "/1.0/certificates/{fingerprint}", "---+"),
    ("DELETE", "/1.0/certificates/{fingerprint}", "---+"),
    ("GET", "/1.0/cluster", "--++"),
    ("PUT", "/1.0/cluster", "---+"),
    ("GET", "/1.0/cluster/groups", "--++"),
    ("POST", "/1.0/cluster/groups", "---+"),
    ("GET", "/1.0/cluster/groups/{name}", "--++"),
    ("PUT", "/1.0/cluster/groups/{name}", "---+"),
    ("PATCH", "/1.0/cluster/groups/{name}", "---+"),
    ("POST", "/1.0/cluster/groups/{name}", "---+"),
    ("DELETE", "/1.0/cluster/groups/{name}", "---+"),
    ("PUT", "/1.0/cluster/certificate", "---+"),
    ("GET", "/1.0/cluster/members", "--++"),
    ("POST", "/1.0/cluster/members", "---+"),
    ("GET", "/1.0/cluster/members/{name}", "--++"),
    ("PUT", "/1.0/cluster/members/{name}", "---+"),
    ("PATCH", "/1.0/cluster/members/{name}", "---+"),
    ("DELETE", "/1.0/cluster/members/{name}", "---+"),
    ("GET", "/1.0/events", "--++"),
    ("GET", "/1.0/metrics", "-+-+"),
    ("GET", "/1.0/networks", "--++"),
    ("POST", "/1.0/networks", "---+"),
    ("GET", "/1.0/networks/{name}", "--++"),
    ("PUT", "/1.0/networks/{name}", "---+"),
    ("PATCH", "/1.0/networks/{name}", "---+"),
    ("POST", "/1.0/networks/{name}", "---+"),
    ("DELETE", "/1.0/networks/{name}", "---+"),
    ("GET", "/1.0/operations", "--++"),
    ("GET", "/1.0/operations/{id}", "--++"),
    ("DELETE", "/1.0/operations/{id}", "--++"),
    ("GET", "/1.0/operations/{id}/wait", "--++"),
    ("GET", "/1.0/profiles", "--++"),
    ("POST", "/1.0/profiles", "--++"),
    ("GET", "/1.0/profiles/{name}", "--++"),
    ("PUT", "/1.0/profiles/{name}", "--++"),
    ("PATCH", "/1.0/profiles/{name}", "--++"),
    ("POST", "/1.0/profiles/{name}", "--++"),
    ("DELETE", "/1.0/profiles/{name}", "--++"),
    ("GET", "/1.0/projects", "--++"),
    ("POST", "/1.0/projects", "---+"),
    ("GET", "/1.0/projects/{name}", "--++"),
    ("PUT", "/1.0/projects/{name}", "---+"),
    ("PATCH", "/1.0/projects/{name}", "---+"),
    ("POST", "/1.0/projects/{name}", "---+"),
    ("DELETE", "/1.0/projects/{name}", "---+"),
    ("GET", "/1.0/storage-pools", "--++"),
    ("POST", "/1.0/storage-pools", "---+"),
    ("GET", "/1.0/storage-pools/{name}", "--++"),
    ("PUT", "/1.0/storage-pools/{name}", "---+"),
    ("PATCH", "/1.0/storage-pools/{name}", "---+"),
    ("DELETE", "/1.0/storage-pools/{name}", "---+"),
    // For the socket, for members and for joiners alone.
    ("PUT", "/internal/networks/{name}", "----"),
    ("DELETE", "/internal/networks/{name}", "----"),
    ("POST", "/internal/init/password", "----"),
    ("POST", "/internal/init/survey", "----"),
    ("GET", "/internal/ready", "----"),
    ("GET", "/internal/requests/{id}", "----"),
    ("PUT", "/internal/shutdown", "----"),
    ("GET", "/internal/sql", "----"),
    ("POST", "/internal/sql", "----"),
    ("PUT", "/internal/storage-pools/{name}", "----"),
    ("DELETE", "/internal/storage-pools/{name}", "----"),
    ("POST", "/internal/cluster/accept", "----"),
    ("POST", "/internal/cluster/activate/{node}", "----"),
    ("PUT", "/internal/cluster/certificate", "----"),
    ("POST", "/internal/cluster/join", "----"),
    ("DELETE", "/internal/cluster/join", "----"),
    ("POST", "/internal/cluster/leave", "----"),
    ("POST", "/internal/cluster/preflight", "----"),
    ("POST", "/internal/cluster/reach", "----"),
    ("POST", "/internal/cluster/rejoin", "----"),
    // For whoever was removed.
    ("GET", "/internal/cluster/removal", "----"),
];
const METHODS: [&str; 5] = ["GET", "PUT", "PATCH", "POST", "DELETE"];
/// What of a restricted client's requests names the project that it is for.
const OF_PROJECTS: [&str; 4] = ["/1.0/profiles", "/1.0/networks", "/1.0/operations", "/1.0/events"];
/// Every path of the API.
const PATHS: &str = include_str!("../../../../shared-api/src/paths.rs");

#[tokio::test(flavor = "multi_thread")]
async fn each_is_let_in_where_the_table_says() {
    let server = server().await;
    let callers = callers(&server).await;
    let paths: BTreeSet<&str> = paths().collect();
    let known: BTreeSet<&str> = TABLE.iter().map(|(_, path, _)| *path).collect();
    assert_eq!(known, paths, "the table has a row for each path");
    for path in paths {
        for method in METHODS {
            let row = TABLE.iter().find(|row| (row.0, row.1) == (method, path));
            for (index, (name, peer)) in callers.iter().enumerate() {
                let answer = ask(&server, peer, method, &filled(path)).await;
                let is_refused = answer.error() == (403, "not authorized".to_owned());
                let what = format!("{method} {path} by {name}: {} {}", answer.status, answer.text);
                match row {
                    Some((.., let_in)) => {
                        assert_eq!(is_refused, let_in.as_bytes()[index] == b'-', "{what}");
                        assert_ne!(answer.status, 501, "{what}");
                    }
                    None if *name == "full" => assert_eq!(answer.status, 501, "{what}"),
                    None => assert!(is_refused || answer.status == 501, "{what}"),
                }
            }
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restricted_certificate_is_refused_in_other_projects() {
    let server = server().await;
    let callers = callers(&server).await;
    let (_, restricted) = &callers[2];
    for (method, path, _) in TABLE {
        if !OF_PROJECTS.iter().any(|of| path.starts_with(of)) || path.contains("{id}") {
            continue;
        }
        for query in ["project=secret", "all-projects=true"] {
            if query.starts_with("all") && !["/1.0/operations", "/1.0/events"].contains(path) {
                continue;
            }
            let answer =
                ask(&server, restricted, method, &format!("{}?{query}", filled(path))).await;
            let refused = (403, "not authorized".to_owned());
            assert_eq!(answer.error(), refused, "{method} {path}?{query}");
        }
    }
    // The refusal does not tell whether there is such a project.
    assert_eq!(server.say(r#"POST /1.0/projects {"name":"secret"}"#).await.status, 201);
    let other = server.get(restricted, "/1.0/projects/secret").await;
    assert_eq!(other.error(), (403, "not authorized".to_owned()));
    assert_eq!(
        server.get(restricted, "/1.0/projects").await.metadata(),
        json!(["/1.0/projects/default"])
    );
    let shown = server.get(restricted, "/1.0/certificates").await.metadata();
    assert_eq!(shown.as_array().map(Vec::len), Some(1));
    assert_eq!(server.get(restricted, "/1.0").await.metadata()["config"], Value::Null);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restricted_certificate_sees_no_operation_of_other_projects() {
    let server = server().await;
    let callers = callers(&server).await;
    let (_, restricted) = &callers[2];
    let (end, ended) = tokio::sync::watch::channel(());
    for (project, visible) in [(Some("secret"), false), (Some("default"), true), (None, true)] {
        let task = crate::operations::Task {
            project: project.map(str::to_owned),
            may_cancel: true,
            ..Default::default()
        };
        let mut ended = ended.clone();
        let running = server.ctx.operations.spawn(task, |_| async move {
            let _ = ended.changed().await;
            Ok(())
        });
        let url = format!("/1.0/operations/{}", running.unwrap().id);
        let status = if visible { 200 } else { 404 };
        assert_eq!(server.get(restricted, &url).await.status, status, "{project:?}");
        let wait = server.get(restricted, &format!("{url}/wait?timeout=0")).await;
        assert_eq!(wait.status, status, "{project:?}");
        let cancelled = server.send(restricted, Method::DELETE, &url, "").await.status;
        let expected = match project {
            Some("secret") => 404,
            Some(_) => 200,
            None => 403,
        };
        assert_eq!(cancelled, expected, "{project:?}");
    }
    drop(end);
    server.stop().await;
}

/// A stranger and a certificate of each kind.
async fn callers(server: &Server) -> [(&'static str, Peer); 4] {
    let mut peers = Vec::new();
    for (name, body) in [
        ("metrics", json!({"type": "metrics"})),
        ("restricted", json!({"type": "client", "restricted": true, "projects": ["default"]})),
        ("full", json!({"type": "client"})),
    ] {
        let identity = Identity::generate(name, &[]).unwrap();
        let mut body = body;
        body["certificate"] = super::trust::base64(&identity).into();
        let added =
            server.send(&SOCKET, Method::POST, "/1.0/certificates", &body.to_string()).await;
        assert_eq!(added.status, 201, "{}", added.text);
        peers.push((name, remote(Some(&identity))));
    }
    let [metrics, restricted, full] = peers.try_into().ok().unwrap();
    let stranger = Identity::generate("stranger", &[]).unwrap();
    [("stranger", remote(Some(&stranger))), metrics, restricted, full]
}

/// Asks in a way that changes nothing wherever it is let in.
async fn ask(server: &Server, peer: &Peer, method: &str, url: &str) -> Answer {
    let body = if ["GET", "DELETE"].contains(&method) { "" } else { "!" };
    let mut answer = server.send(peer, method.parse().unwrap(), url, body).await;
    if !answer.text.starts_with('{') {
        // Metrics and the word to who wants events without a websocket are no JSON.
        answer.text = json!({"error": answer.text}).to_string();
    }
    answer
}

fn paths() -> impl Iterator<Item = &'static str> {
    let constants = PATHS.lines().filter_map(|line| line.strip_prefix("pub const "));
    constants.filter_map(|line| line.split('"').nth(1))
}

/// A path of something that is not there, but for the project.
fn filled(path: &str) -> String {
    let value = match path {
        "/1.0/projects/{name}" => "default",
        "/internal/cluster/activate/{node}" => "7",
        _ => "nope",
    };
    match path.split_once('{') {
        Some((before, rest)) => {
            let (_, after) = rest.split_once('}').unwrap();
            format!("{before}{value}{after}")
        }
        None => path.to_owned(),
    }
}
