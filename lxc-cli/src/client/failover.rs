//! A remote is a cluster: when the member that it was added by does not answer, another one does. Only what may be
//! done again is sent again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use hyper::{Method, StatusCode};
use serde::de::DeserializeOwned;
use shared_api::address::Address;
use shared_api::cluster::Member;
use shared_api::response::Response;
use shared_api::server::Server;
use shared_api::{extensions, paths};
use tokio::time::timeout;
use uuid::Uuid;

use super::Request;
use super::connection::{Broken, Connections, Exchanged, Way};
use super::route::Route;
use crate::settings::{Known, Members};
use crate::ui::Ui;

/// Members that one request is sent to, one after the other.
const TRIES_MAX: usize = 4;
/// How long it may take to learn of members: the command is done by then.
const LEARN_MAX: Duration = Duration::from_secs(1);

pub(super) struct Failover {
    /// The remote's URL.
    url: String,
    /// `host:port` of the URL.
    own: Address,
    /// To any member.
    connections: Connections,
    members: Members,
    ui: Ui,
    is_learned: AtomicBool,
    /// The user knows that another member was asked.
    is_told: AtomicBool,
}

impl Failover {
    /// To the remote at a URL; `route` makes a way of addresses.
    pub(super) fn new(
        url: &str,
        own: Address,
        members: Members,
        route: impl FnOnce(Vec<Address>) -> Route,
        ui: Ui,
    ) -> Self {
        let known = members.known.members.iter().filter(|_| members.known.address == url);
        let known = known.filter_map(|address| address.parse().ok());
        let others = known.filter(|address: &Address| *address != own);
        let addresses = [own.clone()].into_iter().chain(others).collect();
        Self {
            url: url.to_owned(),
            own,
            connections: Connections::new(Way::Network(route(addresses))),
            is_learned: AtomicBool::new(members.is_fresh() && members.known.address == url),
            members,
            ui,
            is_told: AtomicBool::new(false),
        }
    }

    /// Sends a request to a member, and to another one if that breaks off and the request may be repeated.
    pub(super) async fn exchange(&self, request: &Request<'_>) -> anyhow::Result<Exchanged> {
        let is_keyed = request.method != Method::GET && self.members.known.idempotency_key;
        let mut key = is_keyed.then(|| Uuid::new_v4().to_string());
        let may_repeat = request.method == Method::GET || is_keyed;
        let mut tries = if may_repeat { TRIES_MAX } else { 1 };
        let mut may_be_done = false;
        loop {
            tries -= 1;
            let http = request.to_http(&self.own.to_string(), key.as_deref())?;
            match self.connections.exchange(http).await {
                Err(error) if error.is::<Broken>() && tries > 0 => {
                    may_be_done = true;
                    self.ui.debug(format_args!("{error:#}; asking another member"));
                }
                Err(error) => return Err(error),
                // Nothing was done: there are too many keys to be remembered. Then without one, and once.
                Ok(exchanged) if is_refused(&exchanged) && key.is_some() && !may_be_done => {
                    (key, tries) = (None, 1);
                }
                Ok(exchanged) => {
                    self.note(exchanged.address.as_ref())?;
                    return Ok(exchanged);
                }
            }
        }
    }

    /// Learns where the cluster's members are, unless that was done a moment ago. Nothing depends on it.
    pub(super) async fn learn(&self) {
        if self.is_learned.swap(true, Ordering::Relaxed) {
            return;
        }
        let learned = match timeout(LEARN_MAX, self.look()).await {
            Ok(Ok(Some(known))) => self.members.save(&known),
            Ok(Ok(None)) => Ok(()),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(anyhow::anyhow!("No answer in time")),
        };
        if let Err(error) = learned {
            self.ui.debug(format_args!("The cluster's members were not learned: {error:#}"));
        }
    }

    /// What is to be kept of the server; nothing of one that does not trust this client.
    async fn look(&self) -> anyhow::Result<Option<Known>> {
        let server: Server = self.get(paths::API).await?;
        if server.auth != "trusted" {
            return Ok(None);
        }
        let mut members = Vec::new();
        if server.environment.server_clustered {
            let path = paths::with_query(paths::CLUSTER_MEMBERS, &[("recursion", "1")]);
            let all: Vec<Member> = self.get(&path).await?;
            members.extend(all.iter().filter_map(|member| {
                member.url.strip_prefix("https://").map(|address| address.to_owned())
            }));
        }
        // The one that answered last first, as it was.
        let first = self.members.known.members.first();
        members.sort_by_key(|member| Some(member) != first);
        let key = extensions::IDEMPOTENCY_KEY;
        let idempotency_key = server.api_extensions.iter().any(|extension| extension == key);
        Ok(Some(Known { address: self.url.clone(), members, idempotency_key }))
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        let request = Request::get(path).to_http(&self.own.to_string(), None)?;
        let answer = self.connections.exchange(request).await?.answer;
        let envelope: Response<Option<T>> = serde_json::from_str(answer.body())?;
        envelope.into_result()?.with_context(|| format!("The answer to GET {path} is empty"))
    }

    /// Tells the user that another member answered, once, and has it asked sooner the next time.
    fn note(&self, address: Option<&Address>) -> anyhow::Result<()> {
        let Some(address) = address.filter(|address| **address != self.own) else { return Ok(()) };
        if self.is_told.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        self.ui.remark(format_args!(
            "{} did not answer in time: {address} was asked instead.",
            self.own
        ))?;
        let (known, answered) = (&self.members.known, address.to_string());
        if known.members.first() != Some(&answered) {
            let mut known = known.clone();
            known.members.sort_by_key(|member| *member != answered);
            if let Err(error) = self.members.save(&known) {
                self.ui.debug(format_args!("{error:#}"));
            }
        }
        Ok(())
    }
}

fn is_refused(exchanged: &Exchanged) -> bool {
    exchanged.answer.status() == StatusCode::TOO_MANY_REQUESTS
}

/// Whether any member can do it: what changes the member itself cannot be done by another.
pub(super) fn is_for_any(request: &Request<'_>) -> bool {
    let (path, query) = request.path.split_once('?').unwrap_or((request.path, ""));
    let names_member = query.split('&').any(|pair| pair.starts_with("target="));
    match path {
        paths::API => request.method == Method::GET || names_member,
        paths::CLUSTER => request.method == Method::GET,
        _ => path.starts_with("/1.0/"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_a_member_is_for_it_alone() {
        for (method, path, expected) in [
            (Method::GET, "/1.0", true),
            (Method::PATCH, "/1.0", false),
            (Method::PATCH, "/1.0?target=n1", true),
            (Method::PUT, "/1.0?project=target=", false),
            (Method::PUT, "/1.0/cluster", false),
            (Method::GET, "/1.0/cluster", true),
            (Method::POST, "/1.0/cluster/members", true),
            (Method::POST, "/1.0/profiles?project=default", true),
            (Method::PUT, "/internal/shutdown", false),
        ] {
            let request = Request { method, ..Request::get(path) };
            assert_eq!(is_for_any(&request), expected, "{} {path}", request.method);
        }
    }
}
