//! Requests with an Idempotency-Key that come again.

use axum::body::Body;
use axum::http::{Method, Request, header};
use serde_json::{Value, json};
use shared_api::events::Kind;

use super::{Answer, SOCKET, Server, loopback, remote, server};
use crate::api::listen::Peer;
use crate::app::{cluster, repeats};
use crate::db::sql;
use crate::events::Filter;
use crate::limits;
use crate::tls::Identity;

/// `POST /1.0/profiles {"name":"p1"}` with a key, and with `If-Match` if that is not empty.
async fn keyed(server: &Server, peer: &Peer, key: &str, request: &str, tag: &str) -> Answer {
    let mut parts = request.splitn(3, ' ');
    let (method, url) = (parts.next().unwrap(), parts.next().unwrap());
    let request = Request::builder().method(method).uri(url).header("Idempotency-Key", key);
    let request = request.header(header::IF_MATCH, tag);
    let body = Body::from(parts.next().unwrap_or_default().to_owned());
    server.ask(peer, request.body(body).unwrap()).await
}

impl Server {
    async fn keyed(&self, key: &str, request: &str) -> Answer {
        keyed(self, &SOCKET, key, request, "").await
    }

    /// As if the daemon had died when these steps of all requests were still to come.
    async fn die_before(&self, steps: &str) {
        let sql = format!("DELETE FROM requests_steps WHERE step IN ({steps})");
        sql::execute_global(&self.ctx.db, &sql).await.unwrap();
        let sql = "UPDATE requests SET runner = '00000000-0000-0000-0000-000000000000'";
        sql::execute_global(&self.ctx.db, sql).await.unwrap();
    }

    async fn minutes(&self, count: usize) {
        for _ in 0..count {
            repeats::pass_minute(&self.ctx).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_gets_the_first_outcome() {
    let server = server().await;
    let create = r#"POST /1.0/profiles {"name":"p1"}"#;
    let first = server.keyed("k1", create).await;
    assert_eq!(first.status, 201, "{}", first.text);
    for before in ["''", "'answer'"] {
        server.die_before(before).await;
        let repeat = server.keyed("k1", create).await;
        assert_eq!((repeat.status, &repeat.text), (201, &first.text));
        assert_eq!(repeat.head.headers(), first.head.headers());
    }
    assert_eq!(server.keyed("\"k1\"", create).await.status, 201);
    // Without the key it is another request, and so it is with another key.
    let taken = "Error inserting \"p1\" into database: The profile already exists";
    let (method, body) = (Method::POST, r#"{"name":"p1"}"#);
    let plain = server.send(&SOCKET, method, "/1.0/profiles", body).await;
    assert_eq!(plain.error(), (500, taken.to_owned()));
    assert_eq!(server.keyed("k2", create).await.error(), (500, taken.to_owned()));
    // A failure is tried anew.
    assert_eq!(server.keyed("k3", "DELETE /1.0/profiles/p1").await.status, 200);
    assert_eq!(server.keyed("k2", create).await.status, 201);
    // A refusal stays: it was the outcome.
    let refused = server.keyed("k4", "DELETE /1.0/profiles/p2").await;
    assert_eq!(refused.error(), (404, "Profile not found".to_owned()));
    assert_eq!(server.keyed("k5", r#"POST /1.0/profiles {"name":"p2"}"#).await.status, 201);
    let repeat = server.keyed("k4", "DELETE /1.0/profiles/p2").await;
    assert_eq!((repeat.status, repeat.text), (404, refused.text));
    assert_eq!(server.keyed("k3", "DELETE /1.0/profiles/p1").await.status, 200);
    let names = server.get(&SOCKET, "/1.0/profiles").await.metadata();
    assert_eq!(names.as_array().map(Vec::len), Some(3), "{names}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conditional_update_counts_once() {
    let server = server().await;
    let url = "/1.0/profiles/default";
    let tag = async || {
        let head = server.get(&SOCKET, url).await.head;
        head.headers()[header::ETAG].to_str().unwrap().to_owned()
    };
    let before = tag().await;
    let update = |count: u8| format!(r#"PUT {url} {{"config":{{"user.count":"{count}"}}}}"#);
    for steps in ["''", "'answer'"] {
        let updated = keyed(&server, &SOCKET, "k1", &update(1), &before).await;
        assert_eq!(updated.status, 200, "{}", updated.text);
        server.die_before(steps).await;
    }
    let stale = keyed(&server, &SOCKET, "k2", &update(2), &before).await;
    assert_eq!(stale.status, 412);
    assert_eq!(keyed(&server, &SOCKET, "k3", &update(2), &tag().await).await.status, 200);
    server.die_before("'answer'").await;
    assert_eq!(keyed(&server, &SOCKET, "k1", &update(1), &before).await.status, 200);
    let config = server.get(&SOCKET, url).await.metadata()["config"].clone();
    assert_eq!(config, json!({"user.count": "2"}));
    let before = server.get(&SOCKET, "/1.0").await.head.headers()[header::ETAG].clone();
    for steps in ["''", "'answer'"] {
        let patch = r#"PATCH /1.0 {"config":{"user.a":"1"}}"#;
        let set = keyed(&server, &SOCKET, "k4", patch, before.to_str().unwrap()).await;
        assert_eq!(set.status, 200, "{}", set.text);
        server.die_before(steps).await;
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_belongs_to_one_sender_and_one_request() {
    let server = server().await;
    let identity = Identity::generate("laptop", &[]).unwrap();
    let client = remote(Some(&identity));
    let create = r#"POST /1.0/profiles {"name":"p1"}"#;
    for key in ["", "\"k1", "a b"] {
        assert_eq!(server.keyed(key, create).await.status, 400, "{key}");
    }
    let stranger = keyed(&server, &client, "k1", "POST /1.0/certificates {}", "").await;
    assert_eq!(stranger.error(), (400, "An Idempotency-Key has no effect here".to_owned()));
    let sql = r#"POST /internal/sql {"database":"global","query":"SELECT 1"}"#;
    assert_eq!(server.keyed("k1", sql).await.status, 400);
    assert_eq!(server.keyed("k1", "POST /1.0/nope {}").await.status, 404);

    assert_eq!(server.keyed("k1", create).await.status, 201);
    for other in [
        r#"POST /1.0/profiles {"name":"p2"}"#,
        r#"POST /1.0/profiles?project=default {"name":"p1"}"#,
        r#"PUT /1.0/profiles {"name":"p1"}"#,
        "DELETE /1.0/profiles/p1",
    ] {
        let text = "The Idempotency-Key was used for another request";
        assert_eq!(server.keyed("k1", other).await.error(), (422, text.to_owned()), "{other}");
    }
    let certificate = {
        use base64::Engine;
        base64::engine::general_purpose::STANDARD.encode(identity.der())
    };
    let trust = json!({"certificate": certificate, "type": "client"});
    let trust = server.keyed("k2", &format!("POST /1.0/certificates {trust}")).await;
    assert_eq!(trust.status, 201, "{}", trust.text);
    // The same key of somebody else is another one.
    let taken = keyed(&server, &client, "k1", create, "").await;
    assert_eq!(taken.status, 500, "{}", taken.text);
    let delete = keyed(&server, &client, "k2", "DELETE /1.0/profiles/p1", "").await;
    assert_eq!(delete.status, 200, "{}", delete.text);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_kept_for_ten_minutes_and_a_thousand_each() {
    let server = server().await;
    let create = |number: i64| format!(r#"POST /1.0/profiles {{"name":"p{number}"}}"#);
    assert_eq!(server.keyed("k", &create(0)).await.status, 201);
    let fill = format!(
        "INSERT INTO requests
         WITH RECURSIVE n (value) AS (SELECT 2 UNION ALL SELECT value + 1 FROM n WHERE value < {})
         SELECT 'x' || value, caller, '', minute, 1, 1, runner FROM requests, n",
        limits::REQUESTS_MAX
    );
    sql::execute_global(&server.ctx.db, &fill).await.unwrap();
    let text =
        "Too many requests with an Idempotency-Key: 1000 are kept for ten minutes each".to_owned();
    assert_eq!(server.keyed("late", &create(1)).await.error(), (429, text));
    // Those that are kept still work.
    assert_eq!(server.keyed("k", &create(0)).await.status, 201);
    server.minutes(10).await;
    assert_eq!(server.keyed("k", &create(0)).await.status, 201);
    assert_eq!(server.keyed("late", &create(1)).await.status, 429);
    server.minutes(1).await;
    assert_eq!(server.keyed("late", &create(1)).await.status, 201);
    assert_eq!(server.keyed("k", &create(2)).await.status, 201);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_joins_the_one_at_work() {
    let server = server().await;
    let filter = Filter { kinds: vec![Kind::Lifecycle], project: None };
    let mut events = server.ctx.events.subscribe(filter);
    let patch = r#"PATCH /1.0 {"config":{"user.a":"1"}}"#;
    // What the first has to wait for.
    let busy = server.ctx.joining.lock().await;
    let (router, ctx) = (server.router.clone(), server.ctx.clone());
    let ask = |router: axum::Router| {
        let request = Request::patch("/1.0").header("Idempotency-Key", "k1").extension(SOCKET);
        let body = Body::from(patch.split_once(" {").map(|(_, body)| format!("{{{body}")).unwrap());
        tower::ServiceExt::oneshot(router, request.body(body).unwrap())
    };
    let first = tokio::spawn(ask(router.clone()));
    let dump = async || sql::dump_global(&ctx.db, sql::Part::All).await.unwrap();
    let mut applied = 0;
    while !dump().await.contains("INSERT INTO requests VALUES") {
        applied = ctx.db.replica().applied_after(applied).await;
    }
    let second = tokio::spawn(ask(router));
    let other = server.keyed("k1", "DELETE /1.0/profiles/default").await;
    assert_eq!(other.status, 422, "{}", other.text);
    drop(busy);
    for answer in [first, second] {
        assert_eq!(answer.await.unwrap().unwrap().status(), 200);
    }
    server.ctx.events.lifecycle(
        "last",
        "/1.0",
        &crate::identity::Identity::Socket { uid: 0 },
        None,
    );
    let mut told = Vec::new();
    while told.last().is_none_or(|action: &String| action != "last") {
        let event = serde_json::to_value(&*events.next().await.unwrap()).unwrap();
        told.push(event["metadata"]["action"].as_str().unwrap().to_owned());
    }
    assert_eq!(told, ["config-updated", "last"]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_made_once_and_its_secret_is_kept_in_one_place() {
    let server = server().await;
    cluster::bootstrap(&server.ctx, &"n1".parse().unwrap(), &loopback()).await.unwrap();
    let invite = r#"POST /1.0/cluster/members {"server_name":"n2"}"#;
    let first = server.keyed("k1", invite).await;
    assert_eq!(first.status, 202, "{}", first.text);
    let operation = first.metadata();
    let secret = operation["metadata"]["secret"].as_str().unwrap();
    for before in ["''", "'answer'"] {
        server.die_before(before).await;
        let repeat = server.keyed("k1", invite).await;
        assert_eq!((repeat.status, &repeat.text), (202, &first.text));
        assert_eq!(repeat.head.headers(), first.head.headers());
    }
    let password = r#"PATCH /1.0 {"config":{"core.trust_password":"sekret"}}"#;
    assert_eq!(server.keyed("k2", password).await.status, 200);
    let dump = sql::dump_global(&server.ctx.db, sql::Part::All).await.unwrap();
    assert_eq!(dump.matches(secret).count(), 1);
    assert_eq!(dump.matches("sekret").count(), 0);
    let url = format!("DELETE /1.0/operations/{}", operation["id"].as_str().unwrap());
    for steps in ["'answer'", "''"] {
        assert_eq!(server.keyed("k3", &url).await.status, 200);
        server.die_before(steps).await;
    }
    let gone = server.keyed("k1", invite).await;
    assert_eq!(gone.error().0, 404, "{}", gone.text);
    let tokens = server.get(&SOCKET, "/1.0/operations").await.metadata();
    assert_eq!(tokens, json!({}));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn work_of_several_writes_goes_on_where_it_was_left() {
    let server = server().await;
    let create = r#"POST /1.0/storage-pools {"name":"a","driver":"dir"}"#;
    let state = async || {
        let pool = server.get(&SOCKET, "/1.0/storage-pools/a").await;
        (pool.status, pool.body()["metadata"]["status"].clone())
    };
    let created = (200, Value::from("Created"));
    assert_eq!(server.keyed("k1", create).await.status, 201);
    // After the first write; after the last; after the answer.
    for before in ["'answer', 'end'", "'answer'", "''"] {
        server.die_before(before).await;
        let repeat = server.keyed("k1", create).await;
        assert_eq!(repeat.status, 201, "{before}: {}", repeat.text);
        assert_eq!(state().await, created);
    }
    let (delete, again) = ("DELETE /1.0/storage-pools/a", "k3");
    assert_eq!(server.keyed("k2", delete).await.status, 200);
    assert_eq!(server.keyed(again, create).await.status, 201);
    // The pool that is there now is another one.
    for before in ["'answer'", "''"] {
        server.die_before(before).await;
        assert_eq!(server.keyed("k2", delete).await.status, 200);
        assert_eq!(state().await, created);
    }
    let path = server.ctx.dir.join("storage-pools/a/containers");
    assert!(path.is_dir());
    assert_eq!(server.keyed("k4", delete).await.status, 200);
    server.die_before("'answer'").await;
    assert_eq!(server.keyed("k1", create).await.status, 201);
    assert_eq!(state().await.0, 404);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_one_members_own_is_done_there() {
    let server = server().await;
    let address = loopback();
    cluster::bootstrap(&server.ctx, &"n1".parse().unwrap(), &address).await.unwrap();
    let patch = |key: &str| format!(r#"PATCH /1.0 {{"config":{{"{key}":"{address}"}}}}"#);
    for (key, config, status) in [("k1", "user.a", 200), ("k2", "core.https_address", 503)] {
        assert_eq!(server.keyed(key, &patch(config)).await.status, 200);
        server.die_before("'answer', 'end', '0'").await;
        // As if another member had taken it first.
        let sql = "UPDATE requests SET node_id = 7";
        sql::execute_global(&server.ctx.db, sql).await.unwrap();
        let repeat = server.keyed(key, &patch(config)).await;
        assert_eq!(repeat.status, status, "{}", repeat.text);
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_is_renamed_once() {
    let server = server().await;
    server.say(r#"POST /1.0/projects {"name":"a"}"#).await;
    let rename = r#"POST /1.0/projects/a {"name":"b"}"#;
    assert_eq!(server.keyed("k1", rename).await.status, 202);
    // Another has the old name meanwhile: that one is not meant.
    server.say(r#"POST /1.0/projects {"name":"a"}"#).await;
    server.die_before("'answer'").await;
    let repeat = server.keyed("k1", rename).await;
    assert_eq!(repeat.status, 202, "{}", repeat.text);
    let url = format!("{}/wait", repeat.header("location"));
    assert_eq!(server.get(&SOCKET, &url).await.metadata()["status"], "Success");
    let all = ["a", "b", "default"].map(|name| format!("/1.0/projects/{name}"));
    assert_eq!(server.get(&SOCKET, "/1.0/projects").await.metadata(), json!(all));
    server.stop().await;
}
