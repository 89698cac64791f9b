//! Projects over HTTP, and who sees what of them. What is expected was answered by LXD 5.0.2.

use super::*;

/// Each is refused whatever was done before it.
const REFUSED: &[(&str, u16, &str)] = &[
    (r#"POST /1.0/projects {"name":""}"#, 400, "No name provided"),
    (r#"POST /1.0/projects {"name":"a_b"}"#, 400, "Project names may not contain underscores"),
    (r#"POST /1.0/projects {"name":"a'b"}"#, 400, "Project names may not contain quotes"),
    (r#"POST /1.0/projects {"name":"."}"#, 400, "Invalid project name \".\""),
    (
        r#"POST /1.0/projects {"name":"default"}"#,
        409,
        "Failed creating project \"default\": Failed adding database record: This \"projects\" entry already exists",
    ),
    (
        r#"POST /1.0/projects {"name":"d","config":{"features.bogus":"1"}}"#,
        400,
        "Invalid project configuration key \"features.bogus\"",
    ),
    (
        r#"POST /1.0/projects {"name":"d","config":{"features.images":"x"}}"#,
        400,
        "Invalid project configuration key \"features.images\" value: Invalid value for a boolean \"x\"",
    ),
    ("PUT /1.0/projects/nope {}", 404, "Project not found"),
    ("PATCH /1.0/projects/nope {}", 404, "Project not found"),
    (
        r#"POST /1.0/projects/nope {"name":"b"}"#,
        404,
        "Failed loading project \"nope\": Project not found",
    ),
    (r#"POST /1.0/projects/p {"name":"a_b"}"#, 400, "Project names may not contain underscores"),
    (
        r#"POST /1.0/projects/p {"name":"default"}"#,
        409,
        "A project named \"default\" already exists",
    ),
    (r#"POST /1.0/projects/p {"name":"p"}"#, 409, "A project named \"p\" already exists"),
    (r#"POST /1.0/projects/default {"name":"x"}"#, 403, "The 'default' project cannot be renamed"),
    ("DELETE /1.0/projects/nope", 404, "Fetch project \"nope\": Project not found"),
    ("DELETE /1.0/projects/default", 403, "The 'default' project cannot be deleted"),
    ("DELETE /1.0/projects/p", 500, "Only empty projects can be removed"),
    (
        r#"PATCH /1.0/projects/default {"config":{"features.profiles":"false"}}"#,
        400,
        "You can't change the features of the default project",
    ),
    ("PUT /1.0/projects/default {}", 400, "You can't change the features of the default project"),
    (
        r#"PATCH /1.0/projects/p {"config":{"features.profiles":"false"}}"#,
        400,
        "Project feature \"features.profiles\" cannot be disabled on non-empty projects",
    ),
    (
        r#"PATCH /1.0/projects/p {"config":{"features.images":""}}"#,
        400,
        "Project feature \"features.images\" cannot be disabled on non-empty projects",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_refused_as_by_lxd() {
    let server = server().await;
    assert_eq!(server.say(r#"POST /1.0/projects {"name":"p"}"#).await.status, 201);
    assert_eq!(server.say(r#"POST /1.0/profiles?project=p {"name":"w"}"#).await.status, 201);
    let before = server.say("GET /1.0/projects?recursion=1").await.metadata();
    for (request, status, text) in REFUSED {
        let answer = server.say(request).await;
        assert_eq!(answer.error(), (*status, (*text).to_owned()), "{request}");
    }
    assert_eq!(server.say("GET /1.0/projects?recursion=1").await.metadata(), before);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_life_of_a_project() {
    let server = server().await;
    let filter = Filter { kinds: vec![Kind::Lifecycle], project: Some("é".to_owned()) };
    let mut heard = server.ctx.events.subscribe(filter);
    let created = server.say(r#"POST /1.0/projects {"name":"é","description":"d"}"#).await;
    assert_eq!((created.status, created.header("location")), (201, "/1.0/projects/%C3%A9"));
    assert_eq!(created.body()["metadata"], Value::Null);
    let url = "/1.0/projects/%C3%A9";
    let shown = server.say(&format!("GET {url}")).await;
    let on = json!({
        "features.images": "true", "features.profiles": "true", "features.storage.volumes": "true",
    });
    let own = "/1.0/profiles/default?project=%C3%A9";
    let expected = json!({"config": on, "description": "d", "name": "é", "used_by": [own]});
    assert_eq!(shown.metadata(), expected);

    let stale = server.change_if(url, "abc").await;
    let tag = shown.header("etag").trim_matches('"');
    assert_eq!(stale.error(), (412, format!("ETag doesn't match: {tag} vs abc")));
    let patch = format!(r#"PATCH {url} {{"config":{{"user.a":"1","features.images":"0"}}}}"#);
    assert_eq!(server.say(&patch).await.metadata(), json!({}));
    let shown = server.say(&format!("GET {url}")).await.metadata();
    let mut config = on.clone();
    (config["user.a"], config["features.images"]) = (json!("1"), json!("0"));
    assert_eq!((&shown["config"], &shown["description"]), (&config, &json!("d")));

    let renamed = server.say(&format!(r#"POST {url} {{"name":"q"}}"#)).await;
    assert_eq!(
        (renamed.status, &renamed.metadata()["description"]),
        (202, &json!("Renaming project"))
    );
    let operation = renamed.header("location").to_owned();
    let ended = server.say(&format!("GET {operation}/wait")).await.metadata();
    assert_eq!((&ended["status"], &ended["location"]), (&json!("Success"), &json!("none")));
    assert_eq!(server.say(&format!("GET {url}")).await.status, 404);
    let shown = server.say("GET /1.0/profiles/default?project=q").await.metadata();
    assert_eq!(shown["description"], "Default LXD profile for project é");
    assert_eq!(server.say("DELETE /1.0/projects/q").await.metadata(), json!({}));
    let left = server.say("GET /1.0/projects").await.metadata();
    assert_eq!(left, json!(["/1.0/projects/default"]));
    for action in ["project-created", "project-updated"] {
        let event = heard.next().await.unwrap();
        let told = (&event.metadata["action"], &event.metadata["source"]);
        assert_eq!(told, (&json!(action), &json!(url)));
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rename_is_told_in_the_new_project() {
    let server = server().await;
    server.say(r#"POST /1.0/projects {"name":"a"}"#).await;
    let filter = Filter { kinds: vec![Kind::Lifecycle], project: Some("b".to_owned()) };
    let mut heard = server.ctx.events.subscribe(filter);
    server.say(r#"POST /1.0/projects/a {"name":"b"}"#).await;
    let event = heard.next().await.unwrap();
    let expected = json!({
        "action": "project-renamed", "source": "/1.0/projects/b", "context": {"old_name": "a"},
        "requestor": {"username": "root", "protocol": "unix", "address": "@"},
    });
    assert_eq!(event.metadata, expected);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_without_its_own_profiles_has_those_of_default() {
    let server = server().await;
    let body = r#"{"name":"p","config":{"features.profiles":"","user.x":"","user.y":"1"}}"#;
    assert_eq!(server.say(&format!("POST /1.0/projects {body}")).await.status, 201);
    let shown = server.say("GET /1.0/projects/p").await;
    let tag = "\"50a9dacc40591f6b0725fb280390633256fe9a4f98d59f6272983453585e7d88\"";
    assert_eq!((shown.header("etag"), &shown.metadata()["used_by"]), (tag, &json!([])));
    let created = server.say(r#"POST /1.0/profiles?project=p {"name":"w"}"#).await;
    assert_eq!(created.header("location"), "/1.0/profiles/w");
    let both = json!(["/1.0/profiles/default", "/1.0/profiles/w"]);
    for url in ["/1.0/profiles", "/1.0/profiles?project=p"] {
        assert_eq!(server.say(&format!("GET {url}")).await.metadata(), both);
    }

    let on = r#"PATCH /1.0/projects/p {"config":{"features.profiles":"true"}}"#;
    assert_eq!(server.say(on).await.status, 200);
    let own = json!(["/1.0/profiles/default?project=p"]);
    assert_eq!(server.say("GET /1.0/profiles?project=p").await.metadata(), own);
    assert_eq!(server.say("GET /1.0/profiles").await.metadata(), both);
    let device = r#"{"devices":{"d":{"type":"none"}}}"#;
    server.say(&format!("PUT /1.0/profiles/default?project=p {device}")).await;
    let off = r#"PATCH /1.0/projects/p {"config":{"features.profiles":"false"}}"#;
    let refused = server.say(off).await.error();
    assert!(refused.1.ends_with(": its profile \"default\" has keys or devices"), "{refused:?}");
    server.say("PUT /1.0/profiles/default?project=p {}").await;
    assert_eq!(server.say(off).await.status, 200);
    assert_eq!(server.say("GET /1.0/profiles?project=p").await.metadata(), both);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_projects_are_kept_apart() {
    let (server, client) = with_client_of_mine().await;
    let names = server.get(&client, "/1.0/projects").await.metadata();
    assert_eq!(names, json!(["/1.0/projects/mine", "/1.0/projects/shared"]));
    // Each change in its own project, in one that has the profiles of `default`, in another's, and in `default`.
    for (project, read, change) in [
        ("mine", 200, true),
        ("shared", 200, false),
        ("other", 403, false),
        ("default", 403, false),
    ] {
        for (method, path, body, status) in [
            (Method::GET, "/1.0/profiles", "", 200),
            (Method::GET, "/1.0/profiles?recursion=1", "", 200),
            (Method::GET, "/1.0/profiles/default", "", 200),
            (Method::POST, "/1.0/profiles", r#"{"name":"new"}"#, 201),
            (Method::PUT, "/1.0/profiles/default", r#"{"description":"x"}"#, 200),
            (Method::PATCH, "/1.0/profiles/default", r#"{"description":"x"}"#, 200),
            (Method::POST, "/1.0/profiles/new", r#"{"name":"newer"}"#, 201),
            (Method::DELETE, "/1.0/profiles/newer", "", 200),
        ] {
            let expected = match method == Method::GET {
                true => read,
                false if change => status,
                false => 403,
            };
            let url =
                format!("{path}{}project={project}", if path.contains('?') { '&' } else { '?' });
            let answer = server.send(&client, method.clone(), &url, body).await;
            assert_eq!(answer.status, expected, "{method} {url}");
            assert!(!answer.text.contains("secret"), "{method} {url}: {}", answer.text);
        }
    }
    let left = server.say("GET /1.0/profiles").await.metadata();
    assert_eq!(left, json!(["/1.0/profiles/default"]));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_that_all_may_use_does_not_tell_who_else_does() {
    let (server, client) = with_client_of_mine().await;
    server.say(r#"POST /1.0/storage-pools {"name":"d","driver":"dir"}"#).await;
    let body = r#"{"devices":{"root":{"type":"disk","path":"/","pool":"d"}}}"#;
    for url in ["default?project=mine", "w?project=other", "default"] {
        assert_eq!(server.say(&format!("PUT /1.0/profiles/{url} {body}")).await.status, 200);
    }
    let all = server.say("GET /1.0/storage-pools/d").await.metadata();
    assert_eq!(all["used_by"].as_array().map(Vec::len), Some(3));
    for url in ["/1.0/storage-pools/d", "/1.0/storage-pools?recursion=1"] {
        let shown = server.get(&client, url).await.metadata();
        let pool = shown.get(0).unwrap_or(&shown);
        assert_eq!(pool["used_by"], json!(["/1.0/profiles/default?project=mine"]), "{url}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_for_a_project_whatever_its_name_is() {
    let (server, client) = with_client_of_mine().await;
    let read = async |project: &str| {
        server.get(&client, &format!("/1.0/profiles?project={project}")).await.status
    };
    server.say(r#"POST /1.0/projects/mine {"name":"renamed"}"#).await;
    assert_eq!((read("renamed").await, read("mine").await), (200, 403));
    for project in ["renamed", "shared"] {
        assert_eq!(server.say(&format!("DELETE /1.0/projects/{project}")).await.status, 200);
    }
    // One of the same name is another.
    server.say(r#"POST /1.0/projects {"name":"renamed"}"#).await;
    assert_eq!(server.get(&client, "/1.0/projects").await.metadata(), json!([]));
    assert_eq!((read("renamed").await, read("default").await), (403, 403));
    let entry = server.get(&client, "/1.0/certificates?recursion=1").await.metadata();
    assert_eq!((&entry[0]["projects"], &entry[0]["restricted"]), (&json!([]), &json!(true)));
    server.stop().await;
}

/// Three projects, and a client of `mine` and of `shared`, which has the profiles of `default`.
async fn with_client_of_mine() -> (Server, Peer) {
    let server = server().await;
    for body in [
        r#"{"name":"mine"}"#,
        r#"{"name":"other"}"#,
        r#"{"name":"shared","config":{"features.profiles":"false"}}"#,
    ] {
        assert_eq!(server.say(&format!("POST /1.0/projects {body}")).await.status, 201);
    }
    server.say(r#"POST /1.0/profiles?project=other {"name":"w","description":"secret"}"#).await;
    let identity = Identity::generate("restricted", &[]).unwrap();
    let body = json!({
        "type": "client", "restricted": true, "projects": ["mine", "shared"],
        "certificate": trust::base64(&identity),
    });
    assert_eq!(server.say(&format!("POST /1.0/certificates {body}")).await.status, 201);
    (server, remote(Some(&identity)))
}
