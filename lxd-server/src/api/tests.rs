//! The API in process: a daemon of its own for each test, asked through its router.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, Response, header};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use shared_api::cluster::{JoinToken, JoinTokenMetadata, MembersPost};
use shared_api::events::Kind;
use tower::ServiceExt;

mod access;
mod groups;
mod metrics;
mod projects;
mod repeats;
mod resources;
mod trust;

use super::listen::{Certificate, Peer};
use super::router;
use crate::app::cluster;
use crate::context::Context;
use crate::daemon;
use crate::events::{Events, Filter};
use crate::tls::Identity;

/// A daemon with its directory.
struct Server {
    ctx: Context,
    router: Router,
    _dir: tempfile::TempDir,
}

/// An answer, read to its end.
struct Answer {
    status: u16,
    head: Response<()>,
    text: String,
}

impl Answer {
    fn body(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    fn metadata(&self) -> Value {
        self.body()["metadata"].clone()
    }

    fn error(&self) -> (u16, String) {
        (self.status, self.body()["error"].as_str().unwrap_or_default().to_owned())
    }
}

async fn server() -> Server {
    let dir = tempfile::tempdir().unwrap();
    let ctx = daemon::start(dir.path(), None, Events::default()).await.unwrap();
    Server { router: router(ctx.clone()), ctx, _dir: dir }
}

const SOCKET: Peer = Peer::Unix { uid: 0 };

fn remote(certificate: Option<&Identity>) -> Peer {
    let certificate = certificate.map(|identity| {
        let (der, fingerprint) = (identity.der().clone(), identity.fingerprint.clone());
        Arc::new(Certificate { der, fingerprint })
    });
    Peer::Tls { address: SocketAddr::from(([10, 0, 0, 9], 4321)), certificate }
}

/// An address of this host that no other test has: the process in the address, the call in the port.
fn loopback() -> String {
    static CALLS: AtomicU16 = AtomicU16::new(1);
    let [_, a, b, c] = std::process::id().to_be_bytes();
    format!("127.{a}.{b}.{c}:{}", CALLS.fetch_add(1, Ordering::Relaxed))
}

impl Server {
    async fn send(&self, peer: &Peer, method: Method, url: &str, body: &str) -> Answer {
        let mut request = Request::new(Body::from(body.to_owned()));
        *request.method_mut() = method;
        *request.uri_mut() = url.parse().unwrap();
        self.ask(peer, request).await
    }

    async fn ask(&self, peer: &Peer, mut request: Request<Body>) -> Answer {
        request.extensions_mut().insert(peer.clone());
        let (head, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let text = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(text.to_vec()).unwrap();
        Answer { status: head.status.as_u16(), head: Response::from_parts(head, ()), text }
    }

    async fn get(&self, peer: &Peer, url: &str) -> Answer {
        self.send(peer, Method::GET, url, "").await
    }

    async fn patch(&self, config: Value) -> Answer {
        let body = json!({ "config": config }).to_string();
        self.send(&SOCKET, Method::PATCH, "/1.0", &body).await
    }

    async fn stop(self) {
        daemon::stop(&self.ctx, daemon::End::Restart).await;
    }

    async fn config(&self) -> Value {
        self.get(&SOCKET, "/1.0").await.metadata()["config"].clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_those_of_lxd() {
    let server = server().await;
    let stranger = remote(None);
    for (peer, method, url, status, text) in [
        (&SOCKET, Method::GET, "/1.0/", 404, "not found"),
        (&SOCKET, Method::GET, "/nope", 404, "not found"),
        (&stranger, Method::GET, "/1.0/nope", 404, "not found"),
        (&SOCKET, Method::DELETE, "/1.0", 501, "not implemented"),
        (&stranger, Method::DELETE, "/1.0", 403, "not authorized"),
        (&stranger, Method::GET, "/1.0/operations", 403, "not authorized"),
        (&stranger, Method::GET, "/1.0/events", 403, "not authorized"),
        (&stranger, Method::GET, "/1.0/certificates", 403, "not authorized"),
        (&stranger, Method::POST, "/1.0/certificates", 400, "EOF"),
        (&SOCKET, Method::GET, "/1.0/certificates/abc", 404, "Certificate not found"),
        (&SOCKET, Method::GET, "/1.0/operations/abc", 404, "Operation not found"),
        (&SOCKET, Method::DELETE, "/1.0/operations/abc", 404, "Operation not found"),
        (&SOCKET, Method::GET, "/1.0?target=n9", 404, "Cluster member not found"),
        (&SOCKET, Method::PATCH, "/1.0", 400, "EOF"),
        (
            &SOCKET,
            Method::GET,
            "/1.0/events?type=bogus",
            500,
            "\"bogus\" isn't a supported event type",
        ),
    ] {
        let answer = server.send(peer, method.clone(), url, "").await;
        assert_eq!(answer.error(), (status, text.to_owned()), "{method} {url}");
        assert!(answer.text.ends_with("}\n\n"), "{method} {url}");
    }
    let made_up = Method::from_bytes(b"FOO").unwrap();
    let answer = server.send(&SOCKET, made_up, "/1.0", "").await;
    assert_eq!(answer.error(), (404, "Method \"FOO\" not found".to_owned()));
    for (url, status) in [("/1.0", 501), ("/1.0/nope", 404)] {
        assert_eq!(server.send(&SOCKET, Method::HEAD, url, "").await.status, status);
    }
    let root = server.get(&stranger, "/").await;
    let head = r#"{"type":"sync","status":"Success","status_code":200,"operation":"","#;
    let tail = r#""error_code":0,"error":"","metadata":["/1.0"]}"#;
    assert_eq!(root.text, format!("{head}{tail}\n"));
    let options = server.send(&stranger, Method::OPTIONS, "/1.0/nope", "").await;
    assert_eq!((options.status, options.text.as_str()), (200, ""));
    let plain = server.get(&SOCKET, "/1.0/events").await;
    assert_eq!((plain.status, plain.text.as_str()), (400, "Bad Request\n"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_shows_less_to_strangers() {
    let server = server().await;
    let stranger = server.get(&remote(None), "/1.0").await.metadata();
    assert_eq!(stranger["auth"], "untrusted");
    assert_eq!(stranger.get("config").or(stranger.get("environment")), None);
    let trusted = server.get(&SOCKET, "/1.0").await;
    assert_eq!(trusted.head.headers()[header::ETAG].to_str().unwrap().len(), 66);
    let trusted = trusted.metadata();
    assert_eq!(trusted["auth"], "trusted");
    assert_eq!(trusted["config"], json!({}));
    let environment = &trusted["environment"];
    assert_eq!(environment["server"], "lxd");
    assert_eq!(environment["server_clustered"], false);
    assert_eq!(environment["kernel"], "Linux");
    assert_eq!(environment["certificate_fingerprint"], server.ctx.tls.public().fingerprint);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn configuration_is_set_whole_or_not_at_all() {
    let server = server().await;
    let set = json!({"user.a": "1", "images.auto_update_interval": "15",
        "images.auto_update_cached": "no", "core.trust_password": "sekret"});
    assert_eq!(server.patch(set).await.status, 200);
    let shown = json!({"user.a": "1", "images.auto_update_interval": "15",
        "images.auto_update_cached": "false", "core.trust_password": true});
    assert_eq!(server.config().await, shown);
    for (config, text) in [
        (json!({"user.a": "2", "core.bogus": "1"}), "cannot set 'core.bogus' to '1': unknown key"),
        (
            json!({"user.a": "2", "images.auto_update_interval": 6}),
            "cannot set 'images.auto_update_interval': invalid type float64",
        ),
        (
            json!({"user.a": "2", "core.metrics_address": "[::]"}),
            "cannot set 'core.metrics_address' to '[::]': not supported by this server",
        ),
    ] {
        assert_eq!(server.patch(config).await.error(), (400, text.to_owned()));
    }
    let list = server.send(&SOCKET, Method::PATCH, "/1.0", r#"{"config":["a"]}"#).await;
    let text = "json: cannot unmarshal array into Go struct field ServerPut.config of type map[string]interface {}";
    assert_eq!(list.error(), (400, text.to_owned()));
    // From TEST-NET-1: no host has it.
    let unbound = server.patch(json!({"user.a": "2", "core.https_address": "192.0.2.1:1"})).await;
    let text = "Cannot listen on network HTTPS socket \"192.0.2.1:1\": listen tcp 192.0.2.1:1: bind: cannot assign requested address";
    assert_eq!(unbound.error(), (500, text.to_owned()));
    assert_eq!(server.config().await, shown);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn put_unsets_what_it_does_not_name() {
    let server = server().await;
    server.patch(json!({"user.a": "1", "core.trust_password": "sekret"})).await;
    let tag = server.get(&SOCKET, "/1.0").await.head.headers()[header::ETAG].clone();
    let put = async |tag: &str, body: Value| {
        let request = Request::put("/1.0").header("If-Match", tag);
        server.ask(&SOCKET, request.body(Body::from(body.to_string())).unwrap()).await
    };
    let body = json!({"config": {"user.b": "2", "core.trust_password": true}});
    let stale = put("\"abc\"", body.clone()).await;
    let current = tag.to_str().unwrap().trim_matches('"');
    assert_eq!(stale.error(), (412, format!("ETag doesn't match: {current} vs abc")));
    assert_eq!(put(tag.to_str().unwrap(), body).await.status, 200);
    assert_eq!(server.config().await, json!({"user.b": "2", "core.trust_password": true}));
    assert_eq!(put("", json!({"config": {"user.b": null}})).await.status, 200);
    assert_eq!(server.config().await, json!({}));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_port_follows_its_key() {
    let server = server().await;
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = format!("127.0.0.1:{port}");
    let set = server.patch(json!({"core.https_address": address})).await;
    assert_eq!(set.status, 200, "{}", set.text);
    let shown = server.get(&SOCKET, "/1.0").await.metadata();
    assert_eq!(shown["environment"]["addresses"], json!([address]));
    assert_eq!(server.patch(json!({"core.https_address": ""})).await.status, 200);
    assert!(std::net::TcpStream::connect(&address).is_err());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_trusted_by_the_password() {
    let server = server().await;
    server.patch(json!({"core.trust_password": "sekret"})).await;
    let stored = server.ctx.db.read(|tx| Box::pin(crate::db::tables::config::all(tx)));
    let stored = stored.await.unwrap()["core.trust_password"].clone();
    assert!(stored.starts_with("$argon2id$"));
    let identity = Identity::generate("laptop", &[]).unwrap();
    let client = remote(Some(&identity));
    let post =
        async |body: &str| server.send(&client, Method::POST, "/1.0/certificates", body).await;
    for body in ["{}", r#"{"type":"client"}"#] {
        assert_eq!(post(body).await.error(), (403, "not authorized".to_owned()), "{body}");
    }
    let answer = post(r#"{"password":"sekret"}"#).await;
    assert_eq!(answer.error(), (400, "Invalid certificate type".to_owned()));
    let added = post(r#"{"type":"client","password":"sekret"}"#).await;
    let url = format!("/1.0/certificates/{}", identity.fingerprint);
    assert_eq!(added.status, 201, "{}", added.text);
    assert_eq!(added.head.headers()[header::LOCATION], url);
    let again = post(r#"{"type":"client","password":"sekret"}"#).await;
    assert_eq!(again.error(), (400, "Client is already trusted".to_owned()));
    let entry = server.get(&client, &url[..30]).await.metadata();
    assert_eq!((&entry["name"], &entry["type"]), (&json!("root@laptop"), &json!("client")));
    assert_eq!(server.get(&client, "/1.0").await.metadata()["auth"], "trusted");
    // The same password again is not stored again.
    server.patch(json!({"core.trust_password": "sekret"})).await;
    let kept = server.ctx.db.read(|tx| Box::pin(crate::db::tables::config::all(tx)));
    assert_eq!(kept.await.unwrap()["core.trust_password"], stored);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_are_changed_and_deleted() {
    let server = server().await;
    let identity = Identity::generate("laptop", &[]).unwrap();
    let client = remote(Some(&identity));
    let certificate = {
        use base64::Engine;
        base64::engine::general_purpose::STANDARD.encode(identity.der())
    };
    let url = format!("/1.0/certificates/{}", identity.fingerprint);
    let send = async |method: Method, url: &str, body: Value| {
        server.send(&SOCKET, method, url, &body.to_string()).await
    };
    let list = "/1.0/certificates";
    for (body, text) in [
        (json!({}), "Client is already trusted"),
        (json!({"certificate": "!"}), "illegal base64 data at input byte 0"),
        (
            json!({"certificate": "AAAA"}),
            "Invalid certificate material: x509: malformed certificate",
        ),
        (json!({"certificate": certificate, "type": "server"}), "Invalid certificate type"),
    ] {
        assert_eq!(send(Method::POST, list, body).await.error(), (400, text.to_owned()));
    }
    let body = json!({"certificate": certificate, "type": "client", "name": "a"});
    assert_eq!(send(Method::POST, list, body).await.status, 201);
    assert_eq!(server.get(&SOCKET, list).await.metadata(), json!([url]));
    let put = send(Method::PUT, &url, json!({"name": "b", "type": "server"})).await;
    assert_eq!(put.error(), (403, "The certificate type cannot be changed".to_owned()));
    let restricted = json!({"restricted": true, "projects": ["nope"]});
    let refused = send(Method::PATCH, &url, restricted).await;
    assert_eq!(refused.error(), (404, "Project not found".to_owned()));
    let restricted = json!({"restricted": true, "projects": ["default"]});
    assert_eq!(send(Method::PATCH, &url, restricted).await.status, 200);
    let entry = server.get(&SOCKET, &url).await.metadata();
    assert_eq!((&entry["name"], &entry["projects"]), (&json!("a"), &json!(["default"])));
    assert_eq!(server.get(&client, "/1.0").await.metadata()["config"], Value::Null);
    for (method, url) in [
        (Method::PATCH, "/1.0"),
        // Not passed on either: the other member would take this one for the sender.
        (Method::PATCH, "/1.0?target=n9"),
        (Method::GET, "/1.0/operations?project=secret"),
    ] {
        let forbidden = server.send(&client, method, url, "{}").await;
        assert_eq!(forbidden.error(), (403, "not authorized".to_owned()), "{url}");
    }
    assert_eq!(server.get(&client, "/1.0/operations").await.status, 200);
    assert_eq!(send(Method::DELETE, &url, Value::Null).await.status, 200);
    assert_eq!(server.get(&client, &url).await.status, 403);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_joiner_may_do_nothing_else() {
    let server = server().await;
    cluster::bootstrap(&server.ctx, &"n1".parse().unwrap(), &loopback()).await.unwrap();
    let post = MembersPost { server_name: "n2".to_owned(), ..MembersPost::default() };
    let operation = cluster::invite(&server.ctx, &post).await.unwrap();
    let listed = server.get(&SOCKET, "/1.0/operations").await.metadata();
    assert_eq!(listed, json!({"running": [format!("/1.0/operations/{}", operation.id)]}));
    let metadata = Value::Object(operation.metadata.clone().unwrap());
    let metadata: JoinTokenMetadata = serde_json::from_value(metadata).unwrap();
    let token = JoinToken::from(metadata).encode();
    let identity = Identity::generate("n2", &[]).unwrap();
    let joiner = remote(Some(&identity));
    let body = json!({"type": "server", "password": token, "name": "n2"}).to_string();
    let admitted = server.send(&joiner, Method::POST, "/1.0/certificates", &body).await;
    assert_eq!(admitted.status, 201, "{}", admitted.text);
    // It is let in to join, not trusted.
    let trusted = server.get(&SOCKET, "/1.0/certificates").await.metadata();
    assert_eq!(trusted.as_array().map(Vec::len), Some(1));
    assert_eq!(server.get(&joiner, "/1.0").await.metadata()["auth"], "untrusted");
    for (method, url) in [
        (Method::PATCH, "/1.0"),
        (Method::GET, "/1.0/certificates"),
        (Method::GET, "/1.0/operations"),
        (Method::GET, "/1.0/events"),
    ] {
        let refused = server.send(&joiner, method.clone(), url, "{}").await;
        assert_eq!(refused.error(), (403, "not authorized".to_owned()), "{method} {url}");
    }
    // Its token is for one certificate.
    let other = remote(Some(&Identity::generate("n3", &[]).unwrap()));
    let refused = server.send(&other, Method::POST, "/1.0/certificates", &body).await;
    let text =
        "No matching cluster join operation found: another server is joining with this token";
    assert_eq!(refused.error(), (403, text.to_owned()));
    let url = format!("/1.0/operations/{}", operation.id);
    assert_eq!(server.send(&SOCKET, Method::DELETE, &url, "").await.status, 200);
    assert_eq!(server.get(&SOCKET, &url).await.status, 404);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_token_lets_its_bearer_out_and_no_event_tells_its_secret() {
    let server = server().await;
    cluster::bootstrap(&server.ctx, &"n1".parse().unwrap(), &loopback()).await.unwrap();
    let filter = Filter { kinds: vec![Kind::Operation], project: None };
    let mut events = server.ctx.events.subscribe(filter);
    let post = MembersPost { server_name: "n2".to_owned(), ..MembersPost::default() };
    let operation = cluster::invite(&server.ctx, &post).await.unwrap();
    let metadata = Value::Object(operation.metadata.clone().unwrap());
    let metadata: JoinTokenMetadata = serde_json::from_value(metadata).unwrap();
    let event = serde_json::to_string(&*events.next().await.unwrap()).unwrap();
    assert!(event.contains(&operation.id.to_string()) && !event.contains(&metadata.secret));
    let joiner = remote(Some(&Identity::generate("n2", &[]).unwrap()));
    let token = JoinToken::from(metadata).encode();
    let body = json!({"type": "server", "password": token, "name": "n2"}).to_string();
    let admitted = server.send(&joiner, Method::POST, "/1.0/certificates", &body).await;
    assert_eq!(admitted.status, 201, "{}", admitted.text);
    assert_eq!(server.get(&joiner, "/1.0/storage-pools").await.status, 200);
    let url = format!("/1.0/operations/{}", operation.id);
    assert_eq!(server.send(&SOCKET, Method::DELETE, &url, "").await.status, 200);
    assert_eq!(server.get(&joiner, "/1.0/storage-pools").await.status, 403);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_are_listed_by_status() {
    let server = server().await;
    let task = crate::operations::Task { description: "Wait".into(), ..Default::default() };
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    let running = server.ctx.operations.spawn(task, |_| async move {
        let _ = ended.await;
        Ok(())
    });
    let url = format!("/1.0/operations/{}", running.unwrap().id);
    let list = server.get(&SOCKET, "/1.0/operations").await.metadata();
    assert_eq!(list, json!({"running": [url]}));
    let cancelled = server.send(&SOCKET, Method::DELETE, &url, "").await;
    assert_eq!(cancelled.error(), (400, "This operation can't be cancelled".to_owned()));
    let waited = server.get(&SOCKET, &format!("{url}/wait?timeout=0")).await.metadata();
    assert_eq!(waited["status"], "Running");
    end.send(()).unwrap();
    let waited = server.get(&SOCKET, &format!("{url}/wait")).await.metadata();
    assert_eq!((&waited["status"], &waited["location"]), (&json!("Success"), &json!("none")));
    let again = server.send(&SOCKET, Method::DELETE, &url, "").await;
    assert_eq!(again.error(), (400, "Only running operations can be cancelled".to_owned()));
    server.stop().await;
}
