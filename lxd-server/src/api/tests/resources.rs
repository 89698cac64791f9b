//! Projects, profiles, pools and networks over HTTP. What is expected was answered by LXD 5.0.2.

use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::{Value, json};

use super::{Answer, SOCKET, Server, server};

impl Server {
    /// Sends a request such as `POST /1.0/profiles {"name":"p1"}`.
    pub(super) async fn say(&self, request: &str) -> Answer {
        let mut parts = request.splitn(3, ' ');
        let method: Method = parts.next().unwrap().parse().unwrap();
        let url = parts.next().unwrap();
        self.send(&SOCKET, method, url, parts.next().unwrap_or_default()).await
    }

    pub(super) async fn change_if(&self, url: &str, tag: &str) -> Answer {
        let mut request = Request::new(Body::from("{}"));
        *request.method_mut() = Method::PUT;
        *request.uri_mut() = url.parse().unwrap();
        request.headers_mut().insert("If-Match", tag.parse().unwrap());
        self.ask(&SOCKET, request).await
    }
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> &str {
        self.head.headers().get(name).map_or("", |value| value.to_str().unwrap())
    }
}

const REFUSED: &[(&str, u16, &str)] = &[
    (r#"POST /1.0/profiles {"name":""}"#, 400, "No name provided"),
    (r#"POST /1.0/profiles {"name":"a/b"}"#, 400, "Profile names may not contain slashes"),
    (r#"POST /1.0/profiles {"name":".."}"#, 400, "Invalid profile name \"..\""),
    (
        r#"POST /1.0/profiles {"name":"default"}"#,
        500,
        "Error inserting \"default\" into database: The profile already exists",
    ),
    (
        r#"POST /1.0/profiles {"name":"x","config":{"bogus":"1"}}"#,
        400,
        "Unknown configuration key: bogus",
    ),
    (
        r#"POST /1.0/profiles {"name":"x","config":{"volatile.x":"1"}}"#,
        400,
        "Volatile keys can only be set on instances",
    ),
    (
        r#"POST /1.0/profiles {"name":"x","config":{"a":5}}"#,
        400,
        "json: cannot unmarshal number into Go struct field ProfilesPost.config of type string",
    ),
    (
        r#"POST /1.0/profiles {"name":"x","devices":{"d":{"type":"nic","network":"nope"}}}"#,
        400,
        "Device validation failed for \"d\": Failed loading device \"d\": Failed to load network \"nope\" for project \"default\": Network not found",
    ),
    ("GET /1.0/profiles/nope", 404, "Fetch profile: Profile not found"),
    ("PUT /1.0/profiles/nope {}", 404, "Failed to retrieve profile \"nope\": Profile not found"),
    ("DELETE /1.0/profiles/nope", 404, "Profile not found"),
    ("DELETE /1.0/profiles/default", 403, "The \"default\" profile cannot be deleted"),
    (
        r#"POST /1.0/profiles/default {"name":"x"}"#,
        403,
        "The \"default\" profile cannot be renamed",
    ),
    ("GET /1.0/profiles?project=nope", 404, "Failed loading project \"nope\": Project not found"),
    ("PUT /1.0/profiles {}", 501, "not implemented"),
    ("GET /1.0/projects/nope", 404, "Project not found"),
    ("PATCH /1.0/projects {}", 501, "not implemented"),
    (r#"POST /1.0/storage-pools {"name":"","driver":"dir"}"#, 400, "No name provided"),
    (r#"POST /1.0/storage-pools {"name":"a"}"#, 400, "No driver provided"),
    (r#"POST /1.0/storage-pools {"name":"a","driver":"foo"}"#, 500, "Unknown driver"),
    (
        r#"POST /1.0/storage-pools {"name":"a/b","driver":"dir"}"#,
        400,
        "Storage pool names may not contain slashes",
    ),
    (
        r#"POST /1.0/storage-pools {"name":"a b","driver":"dir"}"#,
        500,
        "Storage name cannot contain white space",
    ),
    (
        r#"POST /1.0/storage-pools {"name":"a","driver":"dir","config":{"bogus":"1"}}"#,
        500,
        "Invalid option \"bogus\"",
    ),
    (
        r#"POST /1.0/storage-pools {"name":"a","driver":"dir","config":{"source":"/nope"}}"#,
        500,
        "Source path '/nope' doesn't exist",
    ),
    (
        r#"POST /1.0/storage-pools?target=foo {"name":"a","driver":"dir"}"#,
        404,
        "Cluster member not found",
    ),
    ("GET /1.0/storage-pools/nope", 404, "Storage pool not found"),
    ("PUT /1.0/storage-pools/nope {}", 404, "Storage pool not found"),
    ("DELETE /1.0/storage-pools/nope", 404, "Storage pool not found"),
    (r#"POST /1.0/storage-pools/a {"name":"z"}"#, 501, "not implemented"),
    (r#"POST /1.0/networks {"name":""}"#, 400, "No name provided"),
    (
        r#"POST /1.0/networks {"name":"0123456789abcdef"}"#,
        400,
        "Network interface is too long (maximum 15 characters)",
    ),
    (r#"POST /1.0/networks {"name":"br0","type":"foo"}"#, 400, "Unknown driver"),
    (
        r#"POST /1.0/networks {"name":"br0","config":{"bogus":"1"}}"#,
        500,
        "Invalid option for network \"br0\" option \"bogus\"",
    ),
    (
        r#"POST /1.0/networks?target=none {"name":"br0","config":{"ipv4.address":"none"}}"#,
        400,
        "Config key \"ipv4.address\" may not be used as member-specific key",
    ),
    ("GET /1.0/networks/nope", 404, "Network not found"),
    ("PUT /1.0/networks/nope {}", 404, "Failed loading network: Network not found"),
    ("DELETE /1.0/networks/lo", 404, "Failed loading network: Network not found"),
    (r#"POST /1.0/networks/nope {"name":"x"}"#, 404, "Failed loading network: Network not found"),
];

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_refused_as_by_lxd() {
    let server = server().await;
    for (request, status, text) in REFUSED {
        let answer = server.say(request).await;
        assert_eq!(answer.error(), (*status, (*text).to_owned()), "{request}");
    }
    assert_eq!(server.say("GET /1.0/profiles").await.metadata(), json!(["/1.0/profiles/default"]));
    assert_eq!(server.say("GET /1.0/storage-pools").await.metadata(), json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_life_of_a_profile() {
    let server = server().await;
    let default = server.say("GET /1.0/profiles/default").await;
    let tag = "\"0be6a87776a61ffd5357c45f5dce6e9abc0d4d4bbdb520bab9a7528f2548e9d5\"";
    assert_eq!(default.header("etag"), tag);

    let body = r#"{"name":"p 1","config":{"limits.cpu":"2","user.x":""},"description":"d"}"#;
    let created = server.say(&format!("POST /1.0/profiles {body}")).await;
    assert_eq!((created.status, created.header("location")), (201, "/1.0/profiles/p%201"));
    assert_eq!(created.body()["status_code"], 200);
    let url = "/1.0/profiles/p%201";
    let shown = server.say(&format!("GET {url}")).await;
    let expected = json!({"config":{"limits.cpu":"2"},"description":"d","devices":{},"name":"p 1","used_by":[]});
    assert_eq!(shown.metadata(), expected);

    let stale = server.change_if(url, "abc").await;
    let tag = shown.header("etag").trim_matches('"');
    assert_eq!(stale.error(), (412, format!("ETag doesn't match: {tag} vs abc")));
    assert_eq!(server.change_if(url, tag).await.status, 200);
    let patch = r#"{"config":{"user.a":"1"},"devices":{"d":{"type":"none"}}}"#;
    assert_eq!(server.say(&format!("PATCH {url} {patch}")).await.metadata(), json!({}));
    let renamed = server.say(&format!("POST {url} {{\"name\":\"p2\"}}")).await;
    assert_eq!((renamed.status, renamed.header("location")), (201, "/1.0/profiles/p2"));
    let all = server.say("GET /1.0/profiles?recursion=1").await.metadata();
    let expected = json!({"config":{"user.a":"1"},"description":"","devices":{"d":{"type":"none"}},"name":"p2","used_by":[]});
    assert_eq!(all[1], expected);
    assert_eq!(server.say("DELETE /1.0/profiles/p2").await.metadata(), json!({}));
    let names = server.say("GET /1.0/profiles").await.metadata();
    assert_eq!(names, json!(["/1.0/profiles/default"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_life_of_a_pool() {
    let server = server().await;
    let path = server.ctx.dir.join("storage-pools/d");
    let body = r#"{"name":"d","driver":"dir","config":{"user.x":"1","source":""}}"#;
    let created = server.say(&format!("POST /1.0/storage-pools {body}")).await;
    assert_eq!((created.status, created.header("location")), (201, "/1.0/storage-pools/d"));
    assert!(path.join("containers").is_dir());
    let shown = server.say("GET /1.0/storage-pools/d").await;
    let expected = json!({
        "config": {"source": path, "user.x": "1"}, "description": "", "name": "d", "driver": "dir",
        "used_by": null, "status": "Created", "locations": ["none"],
    });
    assert_eq!((shown.metadata(), shown.header("etag")), (expected, ""));
    let all = server.say("GET /1.0/storage-pools?recursion=1").await.metadata();
    assert_eq!(all, json!([shown.metadata()]));

    let again = server.say(&format!("POST /1.0/storage-pools {body}")).await;
    let text = "The storage pool already exists: The record already exists";
    assert_eq!(again.error(), (409, text.to_owned()));
    let without_source = server.say("PUT /1.0/storage-pools/d {}").await;
    let text = "Pool source cannot be changed when not in pending state";
    assert_eq!(without_source.error(), (500, text.to_owned()));
    let patch = r#"{"config":{"user.x":"","user.y":"2"},"description":"new"}"#;
    let patched = server.say(&format!("PATCH /1.0/storage-pools/d {patch}")).await;
    assert_eq!(patched.metadata(), json!({}));
    let shown = server.say("GET /1.0/storage-pools/d").await.metadata();
    assert_eq!(shown["config"], json!({"source": path, "user.y": "2"}));

    let root = r#"{"devices":{"root":{"type":"disk","path":"/","pool":"d"}}}"#;
    server.say(&format!("PUT /1.0/profiles/default {root}")).await;
    let shown = server.say("GET /1.0/storage-pools/d").await.metadata();
    assert_eq!(shown["used_by"], json!(["/1.0/profiles/default"]));
    let used = server.say("DELETE /1.0/storage-pools/d").await;
    assert_eq!(used.error(), (400, "The storage pool is currently in use".to_owned()));
    server.say("PUT /1.0/profiles/default {}").await;
    assert_eq!(server.say("DELETE /1.0/storage-pools/d").await.metadata(), json!({}));
    assert!(!path.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_announced_is_made_or_deleted() {
    let server = server().await;
    let body = r#"{"name":"d","driver":"dir"}"#;
    let announce = format!("POST /1.0/storage-pools?target=none {body}");
    assert_eq!(server.say(&announce).await.status, 201);
    let text = "The storage pool already defined on member \"none\"";
    assert_eq!(server.say(&announce).await.error(), (400, text.to_owned()));
    let shown = server.say("GET /1.0/storage-pools/d").await.metadata();
    assert_eq!(shown["status"], "Pending");
    assert_eq!(server.say(&format!("POST /1.0/storage-pools {body}")).await.status, 201);
    let shown = server.say("GET /1.0/storage-pools/d").await.metadata();
    assert_eq!(shown["status"], "Created");

    let announce = r#"POST /1.0/networks?target=none {"name":"test-br0"}"#;
    assert_eq!(server.say(announce).await.status, 201);
    let shown = server.say("GET /1.0/networks/test-br0").await.metadata();
    assert_eq!((&shown["status"], &shown["type"]), (&json!("Pending"), &json!("bridge")));
    assert_eq!(server.say("DELETE /1.0/networks/test-br0").await.metadata(), json!({}));
    assert_eq!(server.say("GET /1.0/networks/test-br0").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_interfaces_are_listed_too() {
    let server = server().await;
    let names = server.say("GET /1.0/networks").await.metadata();
    assert!(names.as_array().unwrap().contains(&json!("/1.0/networks/lo")), "{names}");
    let lo = server.say("GET /1.0/networks/lo").await.metadata();
    let expected = json!({
        "config": {}, "description": "", "name": "lo", "type": "loopback", "used_by": [],
        "managed": false, "status": "", "locations": null,
    });
    assert_eq!(lo, expected);
    let projects = server.say("GET /1.0/projects/default").await;
    let tag = "\"f47b48b5cbf34ef5be50407ca0d4e3b2c286f082c2495970db9c31cd643516ca\"";
    assert_eq!(projects.header("etag"), tag);
    assert_eq!(projects.metadata()["used_by"], json!(["/1.0/profiles/default"]));
    let all = server.say("GET /1.0/projects?recursion=1").await.metadata();
    assert_eq!(all, Value::Array(vec![projects.metadata()]));
}
