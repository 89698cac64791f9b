//! Every URL of the API, once: a template for the router and a function for the client.

pub const ROOT: &str = "/";
pub const API: &str = "/1.0";
pub const CERTIFICATES: &str = "/1.0/certificates";
pub const CERTIFICATE: &str = "/1.0/certificates/{fingerprint}";
pub const CLUSTER: &str = "/1.0/cluster";
pub const CLUSTER_CERTIFICATE: &str = "/1.0/cluster/certificate";
pub const CLUSTER_GROUPS: &str = "/1.0/cluster/groups";
pub const CLUSTER_GROUP: &str = "/1.0/cluster/groups/{name}";
pub const CLUSTER_MEMBERS: &str = "/1.0/cluster/members";
pub const CLUSTER_MEMBER: &str = "/1.0/cluster/members/{name}";
pub const EVENTS: &str = "/1.0/events";
pub const METRICS: &str = "/1.0/metrics";
pub const NETWORKS: &str = "/1.0/networks";
pub const NETWORK: &str = "/1.0/networks/{name}";
pub const OPERATIONS: &str = "/1.0/operations";
pub const OPERATION: &str = "/1.0/operations/{id}";
pub const OPERATION_WAIT: &str = "/1.0/operations/{id}/wait";
pub const PROFILES: &str = "/1.0/profiles";
pub const PROFILE: &str = "/1.0/profiles/{name}";
pub const PROJECTS: &str = "/1.0/projects";
pub const PROJECT: &str = "/1.0/projects/{name}";
pub const STORAGE_POOLS: &str = "/1.0/storage-pools";
pub const STORAGE_POOL: &str = "/1.0/storage-pools/{name}";

pub const INTERNAL_INIT_PASSWORD: &str = "/internal/init/password";
pub const INTERNAL_INIT_SURVEY: &str = "/internal/init/survey";
pub const INTERNAL_NETWORK: &str = "/internal/networks/{name}";
pub const INTERNAL_READY: &str = "/internal/ready";
pub const INTERNAL_REQUEST: &str = "/internal/requests/{id}";
pub const INTERNAL_SHUTDOWN: &str = "/internal/shutdown";
pub const INTERNAL_SQL: &str = "/internal/sql";
pub const INTERNAL_STORAGE_POOL: &str = "/internal/storage-pools/{name}";
pub const INTERNAL_CLUSTER_ACCEPT: &str = "/internal/cluster/accept";
pub const INTERNAL_CLUSTER_ACTIVATE: &str = "/internal/cluster/activate/{node}";
pub const INTERNAL_CLUSTER_CERTIFICATE: &str = "/internal/cluster/certificate";
pub const INTERNAL_CLUSTER_JOIN: &str = "/internal/cluster/join";
pub const INTERNAL_CLUSTER_LEAVE: &str = "/internal/cluster/leave";
pub const INTERNAL_CLUSTER_PREFLIGHT: &str = "/internal/cluster/preflight";
pub const INTERNAL_CLUSTER_REACH: &str = "/internal/cluster/reach";
pub const INTERNAL_CLUSTER_REJOIN: &str = "/internal/cluster/rejoin";
pub const INTERNAL_CLUSTER_REMOVAL: &str = "/internal/cluster/removal";

pub fn certificate(fingerprint: impl AsRef<str>) -> String {
    fill(CERTIFICATE, fingerprint.as_ref())
}

pub fn cluster_group(name: impl AsRef<str>) -> String {
    fill(CLUSTER_GROUP, name.as_ref())
}

pub fn cluster_member(name: impl AsRef<str>) -> String {
    fill(CLUSTER_MEMBER, name.as_ref())
}

pub fn internal_network(name: impl AsRef<str>) -> String {
    fill(INTERNAL_NETWORK, name.as_ref())
}

pub fn internal_request(id: impl AsRef<str>) -> String {
    fill(INTERNAL_REQUEST, id.as_ref())
}

pub fn internal_storage_pool(name: impl AsRef<str>) -> String {
    fill(INTERNAL_STORAGE_POOL, name.as_ref())
}

pub fn internal_cluster_activate(node: u64) -> String {
    fill(INTERNAL_CLUSTER_ACTIVATE, &node.to_string())
}

pub fn network(name: impl AsRef<str>) -> String {
    fill(NETWORK, name.as_ref())
}

pub fn operation(id: impl AsRef<str>) -> String {
    fill(OPERATION, id.as_ref())
}

pub fn operation_wait(id: impl AsRef<str>) -> String {
    fill(OPERATION_WAIT, id.as_ref())
}

pub fn profile(name: impl AsRef<str>) -> String {
    fill(PROFILE, name.as_ref())
}

pub fn project(name: impl AsRef<str>) -> String {
    fill(PROJECT, name.as_ref())
}

pub fn storage_pool(name: impl AsRef<str>) -> String {
    fill(STORAGE_POOL, name.as_ref())
}

/// The path with a query of these pairs, or the path alone when there are none.
pub fn with_query(path: &str, pairs: &[(&str, &str)]) -> String {
    let mut url = path.to_owned();
    for (index, (key, value)) in pairs.iter().enumerate() {
        url.push(if index == 0 { '?' } else { '&' });
        url.push_str(key);
        url.push('=');
        url.push_str(&escape(value));
    }
    url
}

/// Replaces the template's only `{…}` by the escaped value.
fn fill(template: &str, value: &str) -> String {
    let (before, rest) = template.split_once('{').expect("a template has a parameter");
    let (_, after) = rest.split_once('}').expect("a parameter is closed");
    format!("{before}{}{after}", escape(value))
}

/// Percent-encodes all but RFC 3986's unreserved characters.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped() {
        assert_eq!(cluster_member("n1"), "/1.0/cluster/members/n1");
        assert_eq!(profile("a b/é?"), "/1.0/profiles/a%20b%2F%C3%A9%3F");
        assert_eq!(operation_wait("1-2"), "/1.0/operations/1-2/wait");
    }

    #[test]
    fn queries_are_appended() {
        assert_eq!(with_query(PROFILES, &[]), "/1.0/profiles");
        let url = with_query(PROFILES, &[("project", "a b"), ("recursion", "1")]);
        assert_eq!(url, "/1.0/profiles?project=a%20b&recursion=1");
    }
}
