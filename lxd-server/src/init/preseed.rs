//! Reading a preseed file, with LXD's words for what is wrong in it.

use crate::error::{Error, Result};
use serde::de::IgnoredAny;
use shared_api::cluster::JoinToken;
use shared_api::init::{ClusterPreseed, Preseed};
use std::fs;
use std::io::ErrorKind;

/// The preseed of a YAML text; nothing for an empty one.
///
/// # Errors
/// The text is no YAML, has a key that there is none of, or names no certificate or token.
pub(super) fn parse(yaml: &str) -> Result<Preseed> {
    let prefix = |error: Error| error.prefix("Failed to parse the preseed");
    let checked = serde_yaml::from_str::<Option<IgnoredAny>>(yaml);
    checked.map_err(|error| prefix(no_yaml(&error)))?;
    let preseed = serde_yaml::from_str::<Option<Preseed>>(yaml);
    let mut preseed = preseed.map_err(|error| prefix(no_preseed(&error)))?.unwrap_or_default();
    if let Some(cluster) = &mut preseed.cluster {
        complete(cluster)?;
    }
    Ok(preseed)
}

/// Puts a certificate in place that is given as a file, and a token's facts.
fn complete(cluster: &mut ClusterPreseed) -> Result<()> {
    if !cluster.cluster_certificate_path.is_empty() {
        cluster.cluster_certificate = read_certificate(&cluster.cluster_certificate_path)?;
    }
    cluster.cluster_certificate = without_blank_lines(&cluster.cluster_certificate);
    if !cluster.cluster_token.is_empty() {
        let token = JoinToken::decode(&cluster.cluster_token);
        let token = token
            .map_err(|error| Error::invalid(format_args!("Invalid cluster join token: {error}")))?;
        cluster.server_name = token.server_name;
        cluster.cluster_address = token.addresses.into_iter().next().unwrap_or_default();
        // The daemon knows a token from a password.
        cluster.cluster_password = cluster.cluster_token.trim().to_owned();
    }
    Ok(())
}

fn read_certificate(path: &str) -> Result<String> {
    fs::read_to_string(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => Error::invalid(format_args!("Path {path} doesn't exist")),
        _ => Error::invalid(format_args!("Failed to read {path}: {error}")),
    })
}

/// YAML in other YAML often has blank lines between the lines of a certificate.
fn without_blank_lines(pem: &str) -> String {
    let lines = pem.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.map(|line| format!("{line}\n")).collect()
}

fn no_yaml(error: &serde_yaml::Error) -> Error {
    Error::invalid(match located(error) {
        (Some(line), text) => format!("yaml: line {line}: {text}"),
        (None, text) => format!("yaml: {text}"),
    })
}

/// LXD's words, as near as the reader's own words come to them.
fn no_preseed(error: &serde_yaml::Error) -> Error {
    let (line, text) = located(error);
    let (place, message) = text.split_once(": ").unwrap_or(("", &text));
    let field = message.strip_prefix("unknown field `").or(text.strip_prefix("unknown field `"));
    let what = match (field.and_then(|field| field.split_once('`')), text.find("struct ")) {
        (Some((field, _)), _) => {
            format!("field {field} not found in type api.{}", type_name(place))
        }
        (None, Some(name)) => format!("{}a map", &text[..name]),
        (None, None) => text,
    };
    let line = line.unwrap_or(1);
    Error::invalid(format_args!("yaml: unmarshal errors:\n  line {line}: {what}"))
}

/// The line of an error, and its text without that.
fn located(error: &serde_yaml::Error) -> (Option<usize>, String) {
    let text = error.to_string();
    let Some(location) = error.location() else { return (None, text) };
    let (line, column) = (location.line(), location.column());
    (Some(line), text.replace(&format!(" at line {line} column {column}"), ""))
}

/// LXD's name of the type at a place such as `networks[0]`.
fn type_name(place: &str) -> &'static str {
    let section = place.split(['[', '.']).next().unwrap_or_default();
    match section {
        "networks" => "InitNetworksProjectPost",
        "storage_pools" => "StoragePoolsPost",
        "profiles" => "ProfilesPost",
        "projects" => "ProjectsPost",
        "cluster" if place.contains("member_config") => "ClusterMemberConfigKey",
        "cluster" => "InitClusterPreseed",
        _ => "InitPreseed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(yaml: &str) -> String {
        parse(yaml).unwrap_err().message
    }

    #[test]
    fn nothing_is_a_preseed() {
        for yaml in ["", "\n", "# comment\n", "---\n", "{}", "null", "storage_pools: null"] {
            assert_eq!(parse(yaml).unwrap(), Preseed::default(), "{yaml}");
        }
    }

    #[test]
    fn unknown_keys_are_refused_in_the_words_of_lxd() {
        for (yaml, line, key, kind) in [
            ("foo: 1", 1, "foo", "InitPreseed"),
            ("config: {}\nnetworks:\n- name: a\n  foo: 1\n", 4, "foo", "InitNetworksProjectPost"),
            ("storage_pools:\n- foo: 1", 2, "foo", "StoragePoolsPost"),
            ("profiles: [{foo: 1}]", 1, "foo", "ProfilesPost"),
            ("projects:\n\n- foo: 1", 3, "foo", "ProjectsPost"),
            ("cluster:\n  enabled: true\n  foo: 1", 3, "foo", "InitClusterPreseed"),
            ("cluster:\n  member_config:\n  - foo: 1", 3, "foo", "ClusterMemberConfigKey"),
        ] {
            let expected = format!(
                "Failed to parse the preseed: yaml: unmarshal errors:\n  \
                 line {line}: field {key} not found in type api.{kind}"
            );
            assert_eq!(error(yaml), expected, "{yaml}");
        }
    }

    #[test]
    fn what_is_no_preseed_is_refused_with_its_line() {
        let mismatch = "yaml: unmarshal errors:\n  ";
        for (yaml, expected) in [
            ("profiles: {}", "line 1: profiles: invalid type: map, expected a sequence"),
            ("- a", "line 1: invalid type: sequence, expected a map"),
            ("config:\n  a: 1\n  a: 2", "line 2: config: key \"a\" already set in map"),
            ("config: {}\nconfig: {}", "line 1: duplicate field `config`"),
            (
                "cluster:\n  enabled: maybe",
                "line 2: cluster.enabled: invalid value: string \"maybe\", expected true or false",
            ),
        ] {
            let expected = format!("Failed to parse the preseed: {mismatch}{expected}");
            assert_eq!(error(yaml), expected);
        }
    }

    #[test]
    fn what_is_no_yaml_is_refused_with_its_line() {
        for (yaml, expected) in [
            ("config: {", "line 2: did not find expected node content, while parsing a flow node"),
            ("a: b: c", "line 1: mapping values are not allowed in this context"),
            (
                "config: {}\n---\nconfig: {}",
                "deserializing from YAML containing more than one document is not supported",
            ),
        ] {
            assert_eq!(error(yaml), format!("Failed to parse the preseed: yaml: {expected}"));
        }
    }

    #[test]
    fn a_list_item_that_is_indented_wrongly_is_refused_with_its_line() {
        for (yaml, line) in [
            ("storage_pools:\n- name: a\n  driver: dir\n - name: b\n", 4),
            ("storage_pools:\n  - name: a\n    driver: dir\n - name: b\n", 4),
            ("storage_pools:\n  - name: a\n - name: b\n", 3),
            ("cluster:\n  member_config:\n  - entity: network\n   name: x\n", 4),
            ("cluster:\n  member_config:\n  - entity: network\n      name: x\n", 4),
            ("cluster:\n  member_config:\n   - entity: network\n  - entity: network\n", 4),
            ("cluster:\n  enabled: true\n  member_config:\n - entity: network\n", 4),
            ("networks:\n- name: a\n  config:\n   x: 1\n    y: 2\n", 5),
            ("networks:\n- name: a\n  config:\n    x: 1\n   y: 2\n", 5),
        ] {
            let error = error(yaml);
            assert!(error.contains(&format!("line {line}: ")), "{yaml}{error}");
        }
    }

    #[test]
    fn a_certificate_may_have_blank_lines_and_be_in_a_file() {
        let pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let yaml = "cluster:\n  cluster_certificate: \"-----BEGIN CERTIFICATE-----\n\n    AAAA\n\n    -----END CERTIFICATE-----\n\n    \"\n";
        assert_eq!(parse(yaml).unwrap().cluster.unwrap().cluster_certificate, pem);
        // As LXD's documentation has it: sed ':a;N;$!ba;s/\n/\n\n/g'
        let yaml = format!(
            "cluster:\n  enabled: true\n  cluster_certificate: \"{}\"\n  server_name: n2\n",
            pem.trim_end().replace('\n', "\n\n")
        );
        let cluster = parse(&yaml).unwrap().cluster.unwrap();
        assert_eq!((cluster.cluster_certificate.as_str(), &*cluster.server_name), (pem, "n2"));
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cluster.crt");
        fs::write(&path, pem).unwrap();
        let yaml = format!("cluster: {{cluster_certificate_path: {}}}", path.display());
        assert_eq!(parse(&yaml).unwrap().cluster.unwrap().cluster_certificate, pem);
        let missing = error("cluster: {cluster_certificate_path: /nonexistent}");
        assert_eq!(missing, "Path /nonexistent doesn't exist");
    }

    #[test]
    fn a_token_says_which_name_to_take() {
        let bad = error("cluster: {enabled: true, cluster_token: \"!\"}");
        assert_eq!(bad, "Invalid cluster join token: illegal base64 data at input byte 0");
    }
}
