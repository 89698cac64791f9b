//! Whole dialogs, as they stand on the screen. Answers are in «».

use super::*;
use crate::error::Error;
use shared_api::cluster::MemberConfigKey;

/// A screen that was written down: questions and texts must come as they stand there.
struct Transcript {
    rest: String,
}

impl Transcript {
    fn expect(&mut self, text: &str) {
        let rest = self.rest.strip_prefix(text);
        let rest =
            rest.unwrap_or_else(|| panic!("{text:?} comes where this stands:\n{}", self.rest));
        self.rest = rest.to_owned();
    }
}

impl Terminal for Transcript {
    fn ask(&mut self, question: &str) -> Result<String> {
        self.expect(question);
        if self.rest.is_empty() {
            return Err(Error::invalid("EOF"));
        }
        let answer = self.rest.strip_prefix('«').and_then(|rest| rest.split_once("»\n"));
        let (answer, rest) = answer.unwrap_or_else(|| panic!("no answer before {}", self.rest));
        let answer = answer.to_owned();
        self.rest = rest.to_owned();
        Ok(answer)
    }

    fn ask_hidden(&mut self, question: &str) -> Result<String> {
        self.ask(question)
    }

    fn say(&mut self, text: &str) -> Result<()> {
        self.expect(text);
        Ok(())
    }
}

/// A host with a pool `old`, a card `eth0`, a bridge `br0`, a network `lan0`; it has 10.0.0.1 alone.
struct Fake;

const FINGERPRINT: &str = "216091c71425625cea40bd870960c5f8644821bef4c89b190f70c821e277b368";

impl Host for Fake {
    async fn refusal_to_bind(&self, address: &Address) -> Option<String> {
        let text = format!("listen tcp {address}: bind: cannot assign requested address");
        (address.host != "10.0.0.1" && address.host != "node1").then_some(text)
    }

    async fn has_pool(&self, name: &str) -> Result<bool> {
        Ok(name == "old")
    }

    async fn interface(&self, name: &str) -> Result<Option<Interface>> {
        Ok(match name {
            "eth0" => Some(Interface::Other),
            "br0" => Some(Interface::Bridge),
            "lan0" => Some(Interface::Managed),
            _ => None,
        })
    }

    fn is_block(&self, path: &str) -> bool {
        path == "/dev/sdb"
    }

    async fn survey(&self, wanted: &ClusterPut) -> Result<Surveyed> {
        if wanted.cluster_address == "10.0.0.9" {
            return Err(Error::unavailable("it does not answer"));
        }
        if wanted.cluster_password == "wrong" {
            return Err(Error::forbidden("Failed to add server cert to cluster: not authorized"));
        }
        let key = |entity: &str, name: &str, key: &str, what: &str| MemberConfigKey {
            entity: entity.to_owned(),
            name: name.to_owned(),
            key: key.to_owned(),
            value: String::new(),
            description: format!("\"{key}\" property for {what} \"{name}\""),
        };
        let keys = vec![
            key("storage-pool", "local", "source", "storage pool"),
            key("network", "lan0", "bridge.external_interfaces", "network"),
        ];
        Ok(Surveyed {
            address: "10.0.0.2:8443".to_owned(),
            certificate: "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"
                .to_owned(),
            fingerprint: FINGERPRINT.to_owned(),
            member_config: if wanted.cluster_password.is_empty() { Vec::new() } else { keys },
        })
    }
}

async fn held(transcript: &str) -> Result<Preseed, String> {
    held_with(transcript, &["dir"], None).await
}

/// The same on a host with these drivers, whose data directory may be on btrfs.
async fn held_with(
    transcript: &str,
    drivers: &[&str],
    btrfs: Option<&str>,
) -> Result<Preseed, String> {
    let mut terminal = Transcript { rest: transcript.to_owned() };
    let (name, address) = ("node1".to_owned(), Some("10.0.0.1".to_owned()));
    let drivers = drivers.iter().copied().map(str::to_owned).collect();
    let btrfs = btrfs.map(str::to_owned);
    let facts = Facts { name, address, drivers, btrfs, file_size: 17 };
    let held = hold(&mut terminal, &Fake, facts).await;
    assert_eq!(terminal.rest, "", "was not reached");
    held.map_err(|error| error.message)
}

fn token() -> String {
    shared_api::token::encode(&serde_json::json!({
        "server_name": "node7",
        "fingerprint": FINGERPRINT,
        "addresses": ["10.0.0.2:8443"],
        "secret": "520191a5319097bd519ec41bcec1547fac4519dd66409dceb6d877aaff5a75d0",
        "expires_at": "2026-11-22T19:01:25.066600836Z",
    }))
}

#[tokio::test]
async fn a_server_of_its_own() {
    let preseed = held(include_str!("transcripts/alone")).await.unwrap();
    assert_eq!(preseed.networks[0].config["ipv4.nat"], "true");
    assert_eq!(preseed.cluster, None);
}

#[tokio::test]
async fn a_server_that_needs_nothing() {
    let preseed = held(include_str!("transcripts/nothing")).await.unwrap();
    let profile = init::Profile { name: "default".to_owned(), ..init::Profile::default() };
    assert_eq!(preseed, Preseed { profiles: vec![profile], ..Preseed::default() });
}

#[tokio::test]
async fn a_pool_of_btrfs() {
    let start = "Would you like to use LXD clustering? (yes/no) [default=no]: «»\n\
                 Do you want to configure a new storage pool? (yes/no) [default=yes]: «»\n\
                 Name of the new storage pool [default=default]: «»\n\
                 Name of the storage backend to use (btrfs, dir) [default=btrfs]: ";
    let new = "Create a new BTRFS pool? (yes/no) [default=yes]: ";
    let device = "Would you like to use an existing empty block device (e.g. a disk or partition)? (yes/no) [default=no]: ";
    let path = "Path to the existing block device: ";
    let size = "Size in GiB of the new loop device (1GiB minimum) [default=17GiB]: ";
    let under =
        "Would you like to create a new btrfs subvolume under /lxd? (yes/no) [default=yes]: ";
    let invalid = |why: &str| format!("Invalid input: {why}\n\n");
    for (btrfs, answers, key) in [
        (None, "«dir»\n".to_owned(), None),
        (None, format!("«»\n{new}«»\n{device}«»\n{size}«»\n"), Some(("size", "17GiB"))),
        (
            None,
            format!(
                "«»\n{new}«»\n{device}«»\n{size}«0»\n{}{size}«x»\n{}{size}«2GiB»\n",
                invalid("Minimum size is 1GiB"),
                invalid("strconv.ParseInt: parsing \"x\": invalid syntax"),
            ),
            Some(("size", "2GiB")),
        ),
        (
            None,
            format!(
                "«btrfs»\n{new}«»\n{device}«yes»\n{path}«/dev/x»\n{}{path}«/dev/sdb»\n",
                invalid("\"/dev/x\" is not a block device"),
            ),
            Some(("source", "/dev/sdb")),
        ),
        (
            None,
            format!("«»\n{new}«no»\nName of the existing BTRFS pool or dataset: «/srv/x»\n"),
            Some(("source", "/srv/x")),
        ),
        (Some("/lxd"), format!("«»\n{under}«»\n"), Some(("source", "/lxd/storage-pools/default"))),
        (
            Some("/lxd"),
            format!("«»\n{under}«no»\n{new}«»\n{device}«»\n{size}«3»\n"),
            Some(("size", "3GiB")),
        ),
    ] {
        let (rest, _) = include_str!("transcripts/nothing").rsplit_once("«yes»\n").unwrap();
        let (_, rest) = rest.split_once("«no»\n").unwrap();
        let preseed =
            held_with(&format!("{start}{answers}{rest}«»\n"), &["btrfs", "dir"], btrfs).await;
        let config = key.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let pool = &preseed.unwrap().storage_pools[0];
        assert_eq!(pool.config, config.into_iter().collect(), "{answers}");
    }
}

#[tokio::test]
async fn the_first_member() {
    let preseed = held(include_str!("transcripts/bootstrap")).await.unwrap();
    let cluster = preseed.cluster.unwrap();
    assert!(cluster.enabled && cluster.server_name == "first");
    assert_eq!(preseed.config["core.https_address"], "node1:8443");
}

#[tokio::test]
async fn the_first_member_on_an_existing_interface() {
    for (interface, nictype) in
        [("eth0", Some("macvlan")), ("br0", Some("bridged")), ("lan0", None)]
    {
        let transcript = include_str!("transcripts/interface").replace("INTERFACE", interface);
        let preseed = held(&transcript).await.unwrap();
        let eth0 = &preseed.profiles[0].devices["eth0"];
        assert_eq!(eth0.get("nictype").map(String::as_str), nictype);
        let key = if nictype.is_some() { "parent" } else { "network" };
        assert_eq!(eth0[key], interface);
        assert!(preseed.networks.is_empty());
    }
}

#[tokio::test]
async fn a_further_member_by_token() {
    let transcript = include_str!("transcripts/token").replace("TOKEN", &token());
    let cluster = held(&transcript).await.unwrap().cluster.unwrap();
    // What is printed lets nobody in; what is applied does.
    assert_eq!(cluster.cluster_password, token());
    assert_eq!(cluster.server_address, "10.0.0.1:8443");
    assert_eq!(cluster.member_config[0].value, "/srv/pool");
}

#[tokio::test]
async fn a_further_member_by_password() {
    let transcript = include_str!("transcripts/password");
    let cluster = held(transcript).await.unwrap().cluster.unwrap();
    assert_eq!(cluster.cluster_password, "sekret");
    let wrong = transcript.replace("«sekret»", "«wrong»");
    let end = "[default=no] «yes»\n";
    let wrong = &wrong[..wrong.find(end).unwrap() + end.len()];
    let text = "Failed to setup trust relationship with cluster: \
                Failed to add server cert to cluster: not authorized";
    assert_eq!(held(wrong).await, Err(text.to_owned()));
}

#[tokio::test]
async fn what_is_not_agreed_to_is_not_done() {
    let start = "Would you like to use LXD clustering? (yes/no) [default=no]: «y»\n\
                 What IP address or DNS name should be used to reach this server? [default=10.0.0.1]: «»\n\
                 Are you joining an existing cluster? (yes/no) [default=no]: «Y»\n";
    let lost = "All existing data is lost when joining a cluster, continue? (yes/no) [default=no] ";
    let have = "Do you have a join token? (yes/no/[token]) [default=no]: ";
    for answer in ["", "no", "N"] {
        let transcript = format!("{start}{have}«{}»\n{lost}«{answer}»\n", token());
        assert_eq!(held(&transcript).await, Err("User aborted configuration".to_owned()));
        let correct = "Is this the correct fingerprint? (yes/no/[fingerprint]) [default=no]: ";
        let transcript = include_str!("transcripts/password");
        let before = &transcript[..transcript.find(correct).unwrap()];
        let transcript = format!("{before}{correct}«{answer}»\n");
        assert_eq!(held(&transcript).await, Err("User aborted configuration".to_owned()));
    }
    assert_eq!(held(&format!("{start}{have}")).await, Err("EOF".to_owned()));
}

#[tokio::test]
async fn all_that_is_printed_is_read() {
    for transcript in [
        include_str!("transcripts/alone").to_owned(),
        include_str!("transcripts/bootstrap").to_owned(),
        include_str!("transcripts/token").replace("TOKEN", &token()),
        include_str!("transcripts/password").to_owned(),
    ] {
        let (_, printed) = transcript.rsplit_once("[default=no]: «yes»\n").unwrap();
        let mut held = held(&transcript).await.unwrap();
        if let Some(cluster) = &mut held.cluster {
            cluster.cluster_password.clear();
        }
        assert_eq!(crate::init::preseed::parse(printed).unwrap(), held);
    }
}
