//! What LXD 5.0.2 was seen to answer is read and written back byte for byte.

use serde::Serialize;
use serde::de::DeserializeOwned;
use shared_api::response::{Empty, Response};
use shared_api::{
    certificates, cluster, networks, operations, profiles, projects, server, storage,
};

fn check<T: DeserializeOwned + Serialize>(recorded: &str) {
    let response: Response<T> = serde_json::from_str(recorded).expect(recorded);
    assert_eq!(serde_json::to_string(&response).expect("plain data"), recorded.trim_end());
}

#[test]
fn answers_survive_the_types() {
    check::<()>(include_str!("recorded/created.json"));
    check::<()>(include_str!("recorded/error-404.json"));
    check::<Vec<String>>(include_str!("recorded/members-urls.json"));
    check::<server::Server>(include_str!("recorded/server.json"));
    check::<cluster::Cluster>(include_str!("recorded/cluster.json"));
    check::<cluster::Member>(include_str!("recorded/member.json"));
    check::<Vec<cluster::Member>>(include_str!("recorded/members.json"));
    check::<operations::Operation>(include_str!("recorded/members-post.json"));
    check::<operations::ByStatus>(include_str!("recorded/operations.json"));
    check::<Vec<certificates::Certificate>>(include_str!("recorded/certificates.json"));
    check::<Vec<networks::Network>>(include_str!("recorded/networks.json"));
    check::<networks::Network>(include_str!("recorded/network-lo.json"));
    check::<networks::Network>(include_str!("recorded/network.json"));
    check::<Vec<storage::Pool>>(include_str!("recorded/pools.json"));
    check::<Vec<profiles::Profile>>(include_str!("recorded/profiles.json"));
    check::<Vec<projects::Project>>(include_str!("recorded/projects.json"));
}

#[test]
fn a_token_operation_is_a_join_token() {
    let recorded = include_str!("recorded/members-post.json");
    let response: Response<operations::Operation> = serde_json::from_str(recorded).unwrap();
    let metadata = serde_json::Value::Object(response.metadata.metadata.unwrap());
    let metadata: cluster::JoinTokenMetadata = serde_json::from_value(metadata).unwrap();
    let token = cluster::JoinToken::from(metadata);
    assert_eq!(token.server_name, "n2");
    assert_eq!(cluster::JoinToken::decode(&token.encode()).unwrap(), token);
}

#[test]
fn an_answer_without_data_is_an_empty_object() {
    check::<Empty>(&serde_json::to_string(&Response::empty()).unwrap());
}
