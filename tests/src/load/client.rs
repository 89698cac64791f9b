//! One operation after the other at one member: what is asked, and what the answer means.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use reqwest::Method;
use serde_json::{Value as Json, json};

use super::Record;
use crate::{
    api::{Api, Reply},
    history::{Action, Answer, Event, Failure, Outcome, Value},
};

/// Profiles that live from the beginning to the end: counters.
const COUNTERS: u64 = 4;
/// Profiles that come and go at the same time; after an era there are others.
const GUESTS: u64 = 8;
const ERA: Duration = Duration::from_secs(5);
const PATH: &str = "/1.0/profiles";

#[derive(Debug)]
pub(super) struct Client {
    member: usize,
    api: Api,
    record: Arc<Record>,
    writes: AtomicU64,
}

impl Client {
    pub(super) fn new(member: usize, api: Api, record: Arc<Record>) -> Self {
        Self { member, api, record, writes: AtomicU64::new(0) }
    }

    pub(super) fn stopped(&self) -> bool {
        self.record.stop.load(Ordering::Relaxed)
    }

    /// The operation of this number: a kind, and a profile that the other members use, too.
    pub(super) async fn operate(&self, number: u64) {
        let dice = mix(number ^ (self.member as u64) << 32);
        let guest = !dice.is_multiple_of(3);
        let name = if guest {
            let era = self.record.now().as_secs() / ERA.as_secs();
            format!("guest{era}-{}", (dice >> 8) % GUESTS)
        } else {
            format!("counter{}", (dice >> 8) % COUNTERS)
        };
        match (dice >> 16) % 10 {
            0 | 1 => self.create(&name).await,
            2..=4 => self.update(&name).await,
            5 => self.set(&name).await,
            6 if guest => self.delete(&name).await,
            7 => self.read_all().await,
            _ => drop(self.get(&name).await),
        }
    }

    /// Reads all profiles.
    pub(super) async fn read_all(&self) {
        let path = format!("{PATH}?recursion=1");
        self.ask("", Action::List, Method::GET, &path, None, None).await;
    }

    async fn create(&self, name: &str) {
        let value = self.fresh(0);
        let mut body = body(value);
        body["name"] = json!(name);
        self.ask(name, Action::Create(value), Method::POST, PATH, Some(body), None).await;
    }

    /// Counts one further in what it has read.
    async fn update(&self, name: &str) {
        let Some((from, etag)) = self.get(name).await else { return };
        let to = self.fresh(from.count + 1);
        let action = Action::Swap { from, to };
        self.ask(name, action, Method::PUT, &path(name), Some(body(to)), Some(&etag)).await;
    }

    async fn set(&self, name: &str) {
        let value = self.fresh(0);
        let action = Action::Set(value);
        self.ask(name, action, Method::PUT, &path(name), Some(body(value)), None).await;
    }

    async fn delete(&self, name: &str) {
        self.ask(name, Action::Delete, Method::DELETE, &path(name), None, None).await;
    }

    /// What the profile holds, and its ETag.
    async fn get(&self, name: &str) -> Option<(Value, String)> {
        let reply = self.ask(name, Action::Get, Method::GET, &path(name), None, None).await?;
        Some((value(&reply.body["metadata"])?, reply.etag?))
    }

    async fn ask(
        &self,
        name: &str,
        action: Action,
        method: Method,
        path: &str,
        body: Option<Json>,
        etag: Option<&str>,
    ) -> Option<Reply> {
        let begin = self.record.now();
        let asked = self.api.send_if(method, path, body.as_ref(), etag).await;
        let end = self.record.now();
        let outcome = match &asked {
            Ok(reply) => outcome(action, reply),
            Err(error) => unanswered(error),
        };
        let (member, name) = (self.member, name.to_owned());
        self.record.add(Event { member, name, action, outcome, begin, end });
        asked.ok()
    }

    /// A value that no other write has.
    fn fresh(&self, count: u32) -> Value {
        let number = self.writes.fetch_add(1, Ordering::Relaxed);
        Value { count, write: number * 100 + self.member as u64 }
    }
}

fn path(name: &str) -> String {
    format!("{PATH}/{name}")
}

fn body(value: Value) -> Json {
    let config = json!({
        "user.count": value.count.to_string(), "user.write": value.write.to_string(),
    });
    json!({"config": config, "description": format!("write {}", value.write), "devices": {}})
}

/// What a profile holds; none unless all its parts are of one write.
fn value(profile: &Json) -> Option<Value> {
    let number = |key: &str| profile["config"][key].as_str()?.parse::<u64>().ok();
    let write = number("user.write")?;
    let count = u32::try_from(number("user.count")?).ok()?;
    (profile["description"] == format!("write {write}")).then_some(Value { count, write })
}

fn outcome(action: Action, reply: &Reply) -> Outcome {
    let text = reply.error();
    let failure = || Failure { status: Some(reply.status), text: text.to_owned() };
    let answer = match (reply.status, action) {
        (200, Action::Get) => value(&reply.body["metadata"]).map(Answer::Found),
        (200, Action::List) => listed(&reply.body["metadata"]).map(Answer::Listed),
        (200 | 201, _) => Some(Answer::Done),
        (404, _) => Some(Answer::Absent),
        (412, Action::Swap { .. }) => Some(Answer::Changed),
        // LXD's status for a name that is taken.
        (500, Action::Create(_)) if text.contains("already exists") => Some(Answer::Exists),
        (503, _) if !text.contains("may still take effect") => {
            return Outcome::Nothing(failure());
        }
        _ => None,
    };
    answer.map_or_else(|| Outcome::Unknown(failure()), Outcome::Answered)
}

/// What the load's own profiles hold; none if one of them is torn.
fn listed(profiles: &Json) -> Option<BTreeMap<String, Value>> {
    let named = profiles.as_array()?.iter().filter(|profile| profile["name"] != "default");
    let pair = |profile: &Json| Some((profile["name"].as_str()?.to_owned(), value(profile)?));
    named.map(pair).collect()
}

fn unanswered(error: &anyhow::Error) -> Outcome {
    let failure = Failure { status: None, text: format!("{error:#}") };
    let request = error.chain().find_map(|cause| cause.downcast_ref::<reqwest::Error>());
    // Without a connection nothing was asked.
    if request.is_some_and(reqwest::Error::is_connect) {
        Outcome::Nothing(failure)
    } else {
        Outcome::Unknown(failure)
    }
}

/// SplitMix64: the same operations in every run.
fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
