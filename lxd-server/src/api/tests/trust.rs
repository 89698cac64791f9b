//! Tokens of clients and of joiners, and what is told of secrets.

use shared_api::certificates::{AddToken, AddTokenMetadata};

use super::*;

/// A certificate as requests hold it.
pub(super) fn base64(identity: &Identity) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(identity.der())
}

/// Makes a server the first member of a cluster.
async fn found(server: &Server) {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = format!("127.0.0.1:{port}");
    cluster::bootstrap(&server.ctx, &"n1".parse().unwrap(), &address).await.unwrap();
}

/// A server that listens, with a token of this request.
async fn with_token(request: Value) -> (Server, Answer) {
    let server = server().await;
    found(&server).await;
    let made = server.send(&SOCKET, Method::POST, "/1.0/certificates", &request.to_string()).await;
    (server, made)
}

fn token(made: &Answer) -> AddToken {
    let metadata = made.metadata()["metadata"].clone();
    serde_json::from_value::<AddTokenMetadata>(metadata).unwrap().into()
}

async fn redeem(server: &Server, peer: &Peer, token: &AddToken) -> Answer {
    let body = json!({"password": token.encode()}).to_string();
    server.send(peer, Method::POST, "/1.0/certificates", &body).await
}

fn peer_at(identity: &Identity, address: [u8; 4]) -> Peer {
    match remote(Some(identity)) {
        Peer::Tls { certificate, .. } => {
            Peer::Tls { address: SocketAddr::from((address, 4321)), certificate }
        }
        peer @ Peer::Unix { .. } => peer,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_adds_one_client_with_what_it_gives() {
    let request = json!({"token": true, "type": "client", "name": "web", "restricted": true,
        "projects": ["default"]});
    let (server, made) = with_token(request).await;
    assert_eq!(made.status, 202, "{}", made.text);
    let token = token(&made);
    assert_eq!((&*token.client_name, token.expiry()), ("web", None));
    assert!(token.addresses[0].starts_with("127.0.0.1:"), "{:?}", token.addresses);
    let operation = made.metadata()["id"].as_str().unwrap().to_owned();
    let list = server.get(&SOCKET, "/1.0/operations").await.metadata();
    assert_eq!(list, json!({"running": [format!("/1.0/operations/{operation}")]}));

    let client = Identity::generate("laptop", &[]).unwrap();
    let added = redeem(&server, &remote(Some(&client)), &token).await;
    assert_eq!(added.status, 201, "{}", added.text);
    let url = format!("/1.0/certificates/{}", client.fingerprint);
    let entry = server.get(&SOCKET, &url).await.metadata();
    assert_eq!((&entry["name"], &entry["type"]), (&json!("web"), &json!("client")));
    assert_eq!((&entry["restricted"], &entry["projects"]), (&json!(true), &json!(["default"])));
    assert_eq!(server.get(&SOCKET, "/1.0/operations").await.metadata(), json!({}));

    let again = redeem(&server, &remote(Some(&client)), &token).await;
    assert_eq!(again.error(), (400, "Client is already trusted".to_owned()));
    let other = remote(Some(&Identity::generate("other", &[]).unwrap()));
    let used = redeem(&server, &other, &token).await;
    assert_eq!(used.error(), (403, "No matching certificate add operation found".to_owned()));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_token_adds_nobody() {
    let (server, made) = with_token(json!({"token": true, "type": "client", "name": "web"})).await;
    let url = format!("/1.0/operations/{}", made.metadata()["id"].as_str().unwrap());
    assert_eq!(server.send(&SOCKET, Method::DELETE, &url, "").await.status, 200);
    assert_eq!(server.get(&SOCKET, &url).await.status, 404);
    let client = remote(Some(&Identity::generate("laptop", &[]).unwrap()));
    let refused = redeem(&server, &client, &token(&made)).await;
    assert_eq!(refused.error(), (403, "No matching certificate add operation found".to_owned()));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_tokens_makes_an_address_wait() {
    let (server, made) = with_token(json!({"token": true, "type": "client", "name": "web"})).await;
    let right = token(&made);
    let wrong = AddToken { secret: "0".repeat(64), ..right.clone() };
    let client = Identity::generate("laptop", &[]).unwrap();
    let here = peer_at(&client, [10, 0, 0, 9]);
    let refused = redeem(&server, &here, &wrong).await;
    assert_eq!(refused.error(), (403, "No matching certificate add operation found".to_owned()));
    let busy = redeem(&server, &here, &right).await;
    assert_eq!(busy.status, 429, "{}", busy.text);
    let there = peer_at(&client, [10, 0, 0, 8]);
    assert_eq!(redeem(&server, &there, &right).await.status, 201);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_requests_make_no_token() {
    let (server, made) = with_token(json!({"token": true, "name": "web"})).await;
    let text = "Tokens can only be issued for client certificates";
    assert_eq!(made.error(), (400, text.to_owned()));
    let post = async |peer: &Peer, body: Value| {
        server.send(peer, Method::POST, "/1.0/certificates", &body.to_string()).await.error()
    };
    let unknown = json!({"token": true, "type": "client", "name": "web", "restricted": true,
        "projects": ["nope"]});
    assert_eq!(post(&SOCKET, unknown).await, (404, "Project not found".to_owned()));
    let stranger = remote(Some(&Identity::generate("laptop", &[]).unwrap()));
    let request = json!({"token": true, "type": "client", "name": "web"});
    assert_eq!(post(&stranger, request.clone()).await, (403, "not authorized".to_owned()));
    assert_eq!(server.get(&SOCKET, "/1.0/operations").await.metadata(), json!({}));
    server.patch(json!({"core.remote_token_expiry": "1H"})).await;
    let made = server.send(&SOCKET, Method::POST, "/1.0/certificates", &request.to_string()).await;
    assert!(token(&made).expiry().is_some(), "{}", made.text);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_event_tells_a_token() {
    let server = server().await;
    found(&server).await;
    let kinds = vec![Kind::Operation, Kind::Lifecycle, Kind::Logging];
    let mut events = server.ctx.events.subscribe(Filter { kinds, project: None });
    let request = json!({"token": true, "type": "client", "name": "web"}).to_string();
    let made = server.send(&SOCKET, Method::POST, "/1.0/certificates", &request).await;
    let token = token(&made);
    let client = Identity::generate("laptop", &[]).unwrap();
    assert_eq!(redeem(&server, &remote(Some(&client)), &token).await.status, 201);
    let mut told = Vec::new();
    loop {
        let event = serde_json::to_string(&*events.next().await.unwrap()).unwrap();
        assert!(!event.contains(&token.secret) && !event.contains(&token.encode()), "{event}");
        told.push(event);
        if told.iter().any(|event| event.contains("certificate-created")) {
            break;
        }
    }
    assert!(told.len() >= 2, "{told:?}");
    // A client that may not do everything sees no token either.
    let restricted = json!({"restricted": true, "projects": ["default"]}).to_string();
    let url = format!("/1.0/certificates/{}", client.fingerprint);
    assert_eq!(server.send(&SOCKET, Method::PATCH, &url, &restricted).await.status, 200);
    server.send(&SOCKET, Method::POST, "/1.0/certificates", &request).await;
    let seen = server.get(&remote(Some(&client)), "/1.0/operations?recursion=1").await;
    assert_eq!(seen.metadata(), json!({}));
    server.stop().await;
}

/// A token for a further member.
async fn join_token(server: &Server) -> JoinToken {
    let made = server.say(r#"POST /1.0/cluster/members {"server_name":"n2"}"#).await;
    assert_eq!(made.status, 202, "{}", made.text);
    let metadata = made.metadata()["metadata"].clone();
    serde_json::from_value::<JoinTokenMetadata>(metadata).unwrap().into()
}

/// Shows a join token as a joiner does.
async fn show(server: &Server, joiner: &Identity, token: &JoinToken) -> Answer {
    let body = json!({"type": "server", "name": "n2", "password": token.encode(),
        "certificate": base64(joiner)});
    let joiner = remote(Some(joiner));
    server.send(&joiner, Method::POST, "/1.0/certificates", &body.to_string()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_use_of_a_join_token_is_told_with_who_came() {
    let server = server().await;
    found(&server).await;
    let token = join_token(&server).await;
    let mut events =
        server.ctx.events.subscribe(Filter { kinds: vec![Kind::Lifecycle], project: None });
    let joiner = Identity::generate("n2", &[]).unwrap();
    let wrong = JoinToken { secret: "0".repeat(64), ..token.clone() };
    assert_eq!(show(&server, &joiner, &token).await.status, 201);
    assert_eq!(show(&server, &joiner, &wrong).await.status, 403);
    for (action, reason) in [
        ("cluster-token-used", Value::Null),
        ("cluster-token-refused", json!("No matching cluster join operation found")),
    ] {
        let told = events.next().await.unwrap().metadata.clone();
        assert_eq!((&told["action"], &told["context"]["reason"]), (&json!(action), &reason));
        assert_eq!(told["source"], "/1.0/cluster/members/n2");
        assert_eq!(told["requestor"]["address"], "10.0.0.9:4321", "{told}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_asked_for_again_lets_out_who_came_with_the_first() {
    let server = server().await;
    found(&server).await;
    let first = join_token(&server).await;
    let joiner = Identity::generate("n2", &[]).unwrap();
    assert_eq!(show(&server, &joiner, &first).await.status, 201);
    let seen = server.get(&remote(Some(&joiner)), "/1.0/cluster").await;
    assert_eq!(seen.status, 200, "{}", seen.text);
    let second = join_token(&server).await;
    let out = server.get(&remote(Some(&joiner)), "/1.0/cluster").await;
    assert_eq!(out.error(), (403, "not authorized".to_owned()));
    assert_eq!(show(&server, &joiner, &second).await.status, 201);
    server.stop().await;
}
