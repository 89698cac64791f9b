//! Cluster groups and the editing of members over HTTP. What is expected was answered by LXD 5.0.2, unless
//! it answers with its database's words or takes what leaves a member without a group.

use super::*;

const REFUSED: &[(&str, u16, &str)] = &[
    (r#"POST /1.0/cluster/groups {"name":""}"#, 400, "No name provided"),
    (
        r#"POST /1.0/cluster/groups {"name":"a b"}"#,
        400,
        "Cluster group names may not contain spaces",
    ),
    (r#"POST /1.0/cluster/groups {"name":"*"}"#, 400, "Reserved cluster group name"),
    (r#"POST /1.0/cluster/groups {"name":".."}"#, 400, "Invalid cluster group name \"..\""),
    (r#"POST /1.0/cluster/groups {"name":"default"}"#, 500, "This cluster group already exists"),
    (
        r#"POST /1.0/cluster/groups {"name":5}"#,
        400,
        "json: cannot unmarshal number into Go struct field ClusterGroupsPost.name of type string",
    ),
    (
        r#"POST /1.0/cluster/groups {"name":"x","members":["n1","nope"]}"#,
        404,
        "Failed to get node info: Cluster member not found",
    ),
    ("GET /1.0/cluster/groups/x", 404, "Cluster group not found"),
    ("PUT /1.0/cluster/groups/x {}", 404, "Cluster group not found"),
    ("PATCH /1.0/cluster/groups/x {}", 404, "Cluster group not found"),
    (r#"POST /1.0/cluster/groups/x {"name":"y"}"#, 404, "Cluster group not found"),
    ("DELETE /1.0/cluster/groups/x", 404, "Cluster group not found"),
    (
        "PUT /1.0/cluster/groups/default {}",
        400,
        "Cluster members need to belong to at least one group: n1 would be in none",
    ),
    (
        r#"PATCH /1.0/cluster/groups/default {"description":"d","members":[]}"#,
        400,
        "Cluster members need to belong to at least one group: n1 would be in none",
    ),
    (
        r#"PUT /1.0/cluster/groups/default {"members":["n1","nope"]}"#,
        404,
        "Failed to get node info: Cluster member not found",
    ),
    ("DELETE /1.0/cluster/groups/default", 403, "The 'default' cluster group cannot be deleted"),
    (
        r#"POST /1.0/cluster/groups/default {"name":"x"}"#,
        403,
        "The \"default\" group cannot be renamed",
    ),
    (r#"POST /1.0/cluster/groups/g {"name":"default"}"#, 500, "Name \"default\" already in use"),
    (
        r#"POST /1.0/cluster/groups/g {"name":"a/b"}"#,
        400,
        "Cluster group names may not contain slashes",
    ),
    (r#"POST /1.0/cluster/groups/g {"name":""}"#, 400, "No name provided"),
    ("PUT /1.0/cluster/groups {}", 501, "not implemented"),
    (
        r#"POST /1.0/cluster/members {"server_name":"n2","groups":["g","nope"]}"#,
        404,
        "Cluster group not found",
    ),
    ("PUT /1.0/cluster/members/nope {}", 404, "Cluster member not found"),
    ("PATCH /1.0/cluster/members/nope {}", 404, "Cluster member not found"),
    ("PUT /1.0/cluster/members/n1 {}", 400, "The \"database\" role cannot be dropped at this time"),
    (
        r#"PATCH /1.0/cluster/members/n1 {"roles":[]}"#,
        400,
        "The \"database\" role cannot be dropped at this time",
    ),
    (
        r#"PATCH /1.0/cluster/members/n1 {"roles":["database","bogus"]}"#,
        500,
        "Update roles: Invalid cluster role \"bogus\"",
    ),
    (
        r#"PUT /1.0/cluster/members/n1 {"roles":["database"],"config":{"bogus":"1"}}"#,
        500,
        "Invalid cluster configuration key \"bogus\"",
    ),
    (
        r#"PATCH /1.0/cluster/members/n1 {"config":{"scheduler.instance":"all"}}"#,
        500,
        "Invalid cluster configuration key \"scheduler.instance\" value: Not supported by this server",
    ),
    (
        r#"PUT /1.0/cluster/members/n1 {"roles":["database"]}"#,
        400,
        "Cluster members need to belong to at least one group",
    ),
    (
        r#"PATCH /1.0/cluster/members/n1 {"groups":[]}"#,
        400,
        "Cluster members need to belong to at least one group",
    ),
    (
        r#"PATCH /1.0/cluster/members/n1 {"groups":["g","nope"],"description":"d"}"#,
        404,
        "Update cluster groups: Failed to add member to cluster group: Failed to get cluster group ID: Cluster group not found",
    ),
    (
        r#"PUT /1.0/cluster/members/n1 {"roles":["database"],"groups":["default"]}"#,
        500,
        "Update failure domain: Failure domain name can't be empty",
    ),
    (r#"PATCH /1.0/cluster/members/n1 {"failure_domain":"a\nb"}"#, 400, "Invalid failure domain"),
];

async fn clustered() -> Server {
    let (server, address) = (server().await, loopback());
    cluster::bootstrap(&server.ctx, &"n1".parse().unwrap(), &address).await.unwrap();
    server
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_changes_nothing() {
    let server = clustered().await;
    server.say(r#"POST /1.0/cluster/groups {"name":"g"}"#).await;
    let (groups, members) =
        ("GET /1.0/cluster/groups?recursion=1", "GET /1.0/cluster/members?recursion=1");
    let before = (server.say(groups).await.metadata(), server.say(members).await.metadata());
    for (request, status, text) in REFUSED {
        let answer = server.say(request).await;
        assert_eq!(answer.error(), (*status, (*text).to_owned()), "{request}");
        let after = (server.say(groups).await.metadata(), server.say(members).await.metadata());
        assert_eq!(after, before, "{request}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_a_cluster_has_no_groups() {
    let server = server().await;
    for request in [
        "GET /1.0/cluster/groups",
        "GET /1.0/cluster/groups/default",
        r#"POST /1.0/cluster/groups {"name":"g"}"#,
        "PUT /1.0/cluster/groups/default {}",
        "PATCH /1.0/cluster/groups/default {}",
        r#"POST /1.0/cluster/groups/default {"name":"g"}"#,
        "DELETE /1.0/cluster/groups/default",
    ] {
        let answer = server.say(request).await;
        assert_eq!(answer.error(), (400, "This server is not clustered".to_owned()), "{request}");
    }
    for request in ["PUT /1.0/cluster/members/none {}", "PATCH /1.0/cluster/members/none {}"] {
        let answer = server.say(request).await;
        assert_eq!(answer.error(), (500, "Server is not clustered".to_owned()), "{request}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_life_of_a_group() {
    let server = clustered().await;
    let filter = Filter { kinds: vec![Kind::Lifecycle], project: None };
    let mut events = server.ctx.events.subscribe(filter);
    let body = r#"{"name":"é","members":["n1","n1"],"description":"d"}"#;
    let created = server.say(&format!("POST /1.0/cluster/groups {body}")).await;
    let url = "/1.0/cluster/groups/%C3%A9";
    assert_eq!((created.status, created.header("location")), (201, url));
    let names = server.say("GET /1.0/cluster/groups").await.metadata();
    assert_eq!(names, json!(["/1.0/cluster/groups/default", url]));
    let renamed = server.say(&format!("POST {url} {{\"name\":\"z\"}}")).await;
    let url = "/1.0/cluster/groups/z";
    assert_eq!((renamed.status, renamed.header("location")), (201, url));
    let shown = server.say(&format!("GET {url}")).await;
    assert_eq!(shown.metadata(), json!({"description": "d", "members": ["n1"], "name": "z"}));
    let member = server.say("GET /1.0/cluster/members/n1").await.metadata();
    assert_eq!(member["groups"], json!(["default", "z"]));

    let tag = shown.header("etag").trim_matches('"');
    assert_eq!(server.change_if(url, "abc").await.error().0, 412);
    assert_eq!(server.change_if(url, tag).await.status, 200);
    let shown = server.say(&format!("GET {url}")).await.metadata();
    assert_eq!(shown, json!({"description": "", "members": [], "name": "z"}));
    let patch = r#"{"members":["n1"]}"#;
    assert_eq!(server.say(&format!("PATCH {url} {patch}")).await.metadata(), json!({}));
    // In another group it is free to leave the default one.
    assert_eq!(server.say("PUT /1.0/cluster/groups/default {}").await.status, 200);
    let used = server.say(&format!("DELETE {url}")).await;
    assert_eq!(used.error(), (500, "Only empty cluster groups can be removed".to_owned()));
    let back = r#"PATCH /1.0/cluster/members/n1 {"groups":["default","default"]}"#;
    assert_eq!(server.say(back).await.status, 200);
    assert_eq!(server.say(&format!("DELETE {url}")).await.metadata(), json!({}));
    for (action, source) in [
        ("cluster-group-created", "/1.0/cluster/groups/%C3%A9"),
        ("cluster-group-renamed", url),
        ("cluster-group-updated", url),
        ("cluster-group-updated", url),
        ("cluster-group-updated", "/1.0/cluster/groups/default"),
        ("cluster-member-updated", "/1.0/cluster/members/n1"),
        ("cluster-group-deleted", url),
    ] {
        let event = events.next().await.unwrap().metadata.clone();
        assert_eq!((&event["action"], &event["source"]), (&json!(action), &json!(source)));
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tag_of_a_group_is_that_of_lxd() {
    let server = clustered().await;
    server.say(r#"POST /1.0/cluster/groups {"name":"z","description":"e"}"#).await;
    let shown = server.say("GET /1.0/cluster/groups/z").await;
    // Sent by LXD 5.0.2 for the same group.
    let tag = "\"8d8998080558cb79e32fefbd4442bc35ded9a344284ba027d899b3658cbcb53c\"";
    assert_eq!(shown.header("etag"), tag);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_out_of_a_member_stays() {
    let server = clustered().await;
    let url = "/1.0/cluster/members/n1";
    server.say(r#"POST /1.0/cluster/groups {"name":"g"}"#).await;
    let body = r#"{"roles":["database"],"failure_domain":"rack 1","description":"d","config":{"user.a":"1","user.b":""},"groups":["g"]}"#;
    assert_eq!(server.say(&format!("PUT {url} {body}")).await.metadata(), json!({}));
    let shown = server.say(&format!("GET {url}")).await;
    let expected = json!({
        "roles": ["database-leader", "database"], "failure_domain": "rack 1",
        "description": "d", "config": {"user.a": "1"}, "groups": ["g"],
    });
    let editable = |shown: &Answer| {
        let mut member = shown.metadata();
        let fields = member.as_object_mut().unwrap();
        fields.retain(|field, _| expected.get(field).is_some());
        member
    };
    assert_eq!(editable(&shown), expected);
    let tag = shown.header("etag").trim_matches('"');
    let stale = server.change_if(url, "abc").await;
    assert_eq!(stale.error(), (412, format!("ETag doesn't match: {tag} vs abc")));

    let patch = r#"{"config":{"user.a":"","user.c":"3"}}"#;
    assert_eq!(server.say(&format!("PATCH {url} {patch}")).await.metadata(), json!({}));
    let shown = server.say(&format!("GET {url}")).await;
    let mut expected = expected.clone();
    expected["config"] = json!({"user.c": "3"});
    assert_eq!(editable(&shown), expected);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_keeps_its_groups_over_a_rename() {
    let server = clustered().await;
    server.say(r#"POST /1.0/cluster/groups {"name":"a"}"#).await;
    let request = r#"POST /1.0/cluster/members {"server_name":"n2","groups":["a","a"]}"#;
    assert_eq!(server.say(request).await.status, 202);
    server.say(r#"POST /1.0/cluster/groups/a {"name":"b"}"#).await;
    let left = server.ctx.db.read(|tx| {
        Box::pin(async {
            let token = crate::db::tables::tokens::by_name(&mut *tx, "n2").await?.unwrap();
            let config = crate::db::tables::tokens::config(&mut *tx, token.id).await?;
            let groups = crate::db::tables::tokens::groups(&config);
            let named = crate::db::tables::groups::by_name(tx, "b").await?.unwrap();
            Ok((groups, named.id))
        })
    });
    let (groups, id) = left.await.unwrap();
    assert_eq!(groups, [id]);
    server.stop().await;
}
