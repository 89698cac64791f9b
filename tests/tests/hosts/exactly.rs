//! Requests with an Idempotency-Key that are sent again, to another member, after theirs died, and
//! counters through the death of a leader.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU32, Ordering},
};

use anyhow::{Context, Result, bail, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{
    api::{Api, Reply, block_on, runtime},
    cluster::{self, Cluster},
    daemon::{Daemon, LIMIT},
    flavour::Flavour,
    host::Host,
    rack::Rack,
    wait::wait_until,
};
use tokio::task::JoinHandle;

/// How often a member is killed with requests at work.
const ROUNDS: usize = 12;
const COUNTER: &str = "/1.0/profiles/counter";

#[test]
fn a_repeat_at_another_member_gets_the_first_outcome() -> Result<()> {
    let rack = Rack::new("repeats", Flavour::Ours, 3)?;
    let mut cluster = Cluster::form(&rack)?;
    let first = Api::of(&rack.hosts[0]);
    first.post("/1.0/profiles", &json!({"name": "counter", "config": {"user.count": "0"}}))?;
    first.post("/1.0/profiles", &json!({"name": "old0"}))?;
    for round in 0..ROUNDS {
        let (victim, other) = (round % 3, (round + 1) % 3);
        let asked = requests(&rack, other, round)?;
        let at_work = asked.iter().map(|request| request.start(&rack.hosts[victim]));
        let at_work: Vec<_> = at_work.collect();
        // It dies a little later in each round.
        for _ in 0..3 * round {
            Api::of(&rack.hosts[victim]).get("/1.0")?;
        }
        cluster.daemons.remove(victim).kill()?;
        let repeats: Vec<_> = asked.iter().map(|one| one.start(&rack.hosts[other])).collect();
        let mut told = Vec::new();
        for ((request, first), repeat) in asked.iter().zip(at_work).zip(repeats) {
            let repeat = block_on(repeat)?.with_context(|| format!("{round}: {request:?}"))?;
            ensure!(repeat.status == request.status, "{round}: {request:?}: {repeat:?}");
            if let Ok(first) = block_on(first)? {
                ensure!(same(&first, &repeat), "{round}: {request:?}: {first:?} and {repeat:?}");
            }
            told.push(repeat);
        }
        cluster.daemons.insert(victim, Daemon::start_ready(&rack.hosts[victim])?);
        for (request, told) in asked.iter().zip(&told) {
            let again = block_on(request.start(&rack.hosts[victim]))??;
            ensure!(same(&again, told), "{round}: {request:?}: {again:?} and {told:?}");
            let other = Request { body: Some(json!({"name": "x"})), ..request.clone() };
            let other = block_on(other.start(&rack.hosts[other_than(victim)]))??;
            ensure!(other.status == 422, "{round}: {request:?}: {other:?}");
        }
    }
    check_effects(&rack)?;
    rack.finish()
}

#[test]
fn a_repeat_waits_for_a_member_at_work_and_not_for_one_that_stands_still() -> Result<()> {
    let rack = Rack::new("repeats-join", Flavour::Ours, 3)?;
    let cluster = Cluster::form(&rack)?;
    let leader = cluster::leader(&rack, &rack.hosts[0])?;
    let (second, third) = ((leader + 1) % 3, (leader + 2) % 3);
    let trio = Trio { rack: &rack, daemons: &cluster.daemons, leader, second, third };
    let mut names = vec!["net0".to_owned()];
    trio.join(&names[0])?;
    trio.take_over(&mut names)?;
    wait_for_links(&rack, &names)?;
    cluster::wait_online(&rack.hosts[leader], 3)?;
    cluster::check_tables(&rack)?;
    rack.finish()
}

/// Requests that no member has answered.
const AT_WORK: &str = "id NOT IN (SELECT request_id FROM requests_steps WHERE step = 'answer')";
/// Requests that another member works on than the one that took them.
const TAKEN_OVER: &str = "runner_id <> node_id";

/// Members by what they do: the second is asked, the leader is asked again.
struct Trio<'a> {
    rack: &'a Rack,
    daemons: &'a [Daemon],
    leader: usize,
    second: usize,
    third: usize,
}

impl Trio<'_> {
    /// The second is at work for as long as it waits for the third.
    fn join(&self, name: &str) -> Result<()> {
        let request = define(self.rack, self.leader, name)?;
        self.daemons[self.third].pause()?;
        let first = request.start(&self.rack.hosts[self.second]);
        wait_until("it is at work", LIMIT, || self.are_there(AT_WORK))?;
        let repeat = request.start(self.leader());
        let (first, repeat) = (block_on(first)??, block_on(repeat)??);
        self.daemons[self.third].resume()?;
        ensure!(first.status == 201 && same(&first, &repeat), "{first:?} and {repeat:?}");
        ensure!(self.are_there(TAKEN_OVER).is_none(), "it was not joined");
        Ok(())
    }

    /// The second stands still itself: two are at work at once when it goes on.
    fn take_over(&self, names: &mut Vec<String>) -> Result<()> {
        let (request, first) = loop {
            names.push(format!("net{}", names.len()));
            let request = define(self.rack, self.leader, &names[names.len() - 1])?;
            self.daemons[self.third].pause()?;
            let first = request.start(&self.rack.hosts[self.second]);
            wait_until("it is at work", LIMIT, || {
                self.are_there(AT_WORK).or_else(|| first.is_finished().then_some(()))
            })?;
            self.daemons[self.second].pause()?;
            self.daemons[self.third].resume()?;
            if self.are_there(AT_WORK).is_some() {
                break (request, first);
            }
            // It was too fast.
            self.daemons[self.second].resume()?;
            ensure!(names.len() < 9, "it never stood still at work");
        };
        let repeat = request.start(self.leader());
        wait_until("it is taken over", LIMIT, || self.are_there(TAKEN_OVER))?;
        let repeat = block_on(repeat)??;
        self.daemons[self.second].resume()?;
        let mut first = block_on(first)??;
        if first.status == 503 {
            // It had not found the majority again.
            first = block_on(request.start(&self.rack.hosts[self.second]))??;
        }
        ensure!(repeat.status == 201 && same(&first, &repeat), "{first:?} and {repeat:?}");
        Ok(())
    }

    fn leader(&self) -> &Host {
        &self.rack.hosts[self.leader]
    }

    fn are_there(&self, which: &str) -> Option<()> {
        let query = format!("SELECT 'y' || 'es' AS found FROM requests WHERE {which}");
        let shown = self.leader().lxd(&["sql", "global", &query], "").ok()?;
        shown.contains("yes").then_some(())
    }
}

#[test]
fn a_killed_leader_doubles_nothing_for_clients_of_the_others() -> Result<()> {
    let rack = Rack::new("counters", Flavour::Ours, 3)?;
    let mut cluster = Cluster::form(&rack)?;
    let api = Api::of(&rack.hosts[0]);
    api.post("/1.0/profiles", &json!({"name": "counter", "config": {"user.count": "0"}}))?;
    for _ in 0..3 {
        let leader = cluster::leader(&rack, &rack.hosts[0])?;
        let others = [1, 2].map(|step| Api::of(&rack.hosts[(leader + step) % 3]));
        let before = count(&others[0])?;
        let counters: Vec<_> =
            others.iter().flat_map(|api| [(); 4].map(|()| Counter::start(api))).collect();
        let done = || counters.iter().map(|one| one.done.load(Ordering::Relaxed)).sum::<u32>();
        let wait_for = |more: u32| {
            let enough = done() + more;
            let ended = || counters.iter().any(|counter| counter.task.is_finished());
            wait_until("the counters count", LIMIT, || (done() >= enough || ended()).then_some(()))
        };
        wait_for(30)?;
        cluster.daemons.remove(leader).kill()?;
        wait_for(30)?;
        cluster.daemons.insert(leader, Daemon::start_ready(&rack.hosts[leader])?);
        let mut sum = 0;
        for counter in counters {
            sum += counter.stop()?;
        }
        let counted = count(&others[0])? - before;
        ensure!(counted == u64::from(sum), "{counted} counted and {sum} acknowledged");
    }
    cluster::check_tables(&rack)?;
    rack.finish()
}

/// A request with a key, and the status that it is to be answered with.
#[derive(Clone, Debug)]
struct Request {
    method: Method,
    path: String,
    body: Option<Value>,
    key: String,
    etag: String,
    status: u16,
}

impl Request {
    fn start(&self, host: &Host) -> JoinHandle<Result<Reply>> {
        let (api, request) = (Api::of(host), self.clone());
        runtime().spawn(async move {
            let Self { method, path, body, key, etag, .. } = request;
            let headers = [("Idempotency-Key", &*key), ("If-Match", &*etag)];
            api.send_with(method, &path, body.as_ref(), &headers).await
        })
    }
}

/// A round's requests; what they need is done at `other`.
fn requests(rack: &Rack, other: usize, round: usize) -> Result<Vec<Request>> {
    let api = Api::of(&rack.hosts[other]);
    let network = define(rack, other, &format!("net{round}"))?;
    let counter = api.call(Method::GET, COUNTER, None)?;
    // Passed on to a member that stays.
    let passed = format!("/1.0?target={}", rack.hosts[other_than(other)].name);
    let server = api.call(Method::GET, &passed, None)?;
    let update = json!({"config": {"user.count": (round + 1).to_string()}, "devices": {}});
    let request = |method: Method, path: &str, body: Option<Value>, status| Request {
        key: format!("{method} {path} {round}").replace(' ', "-"),
        path: path.to_owned(),
        etag: String::new(),
        method,
        body,
        status,
    };
    let post = |path: &str, body: Value, status| request(Method::POST, path, Some(body), status);
    let etag = counter.etag.context("a profile has an ETag")?;
    let config = json!({"config": {"user.round": round.to_string()}});
    Ok(vec![
        Request {
            etag: server.etag.context("a server has an ETag")?,
            ..request(Method::PATCH, &passed, Some(config), 200)
        },
        post("/1.0/profiles", json!({"name": format!("new{round}")}), 201),
        Request { etag, ..request(Method::PUT, COUNTER, Some(update), 200) },
        post("/1.0/cluster/members", json!({"server_name": format!("t{round}")}), 202),
        network,
        request(Method::DELETE, &format!("/1.0/profiles/old{round}"), None, 200),
        Request {
            key: format!("next-{round}"),
            ..post("/1.0/profiles", json!({"name": format!("old{}", round + 1)}), 201)
        },
    ])
}

/// Defines a network for all members, at one of them; the request makes it.
fn define(rack: &Rack, at: usize, name: &str) -> Result<Request> {
    for host in &rack.hosts {
        let body = json!({"name": name, "config": {}});
        let path = format!("/1.0/networks?target={}", host.name);
        Api::of(&rack.hosts[at]).post(&path, &body)?;
    }
    let config = json!({"ipv4.address": "none", "ipv6.address": "none"});
    Ok(Request {
        method: Method::POST,
        path: "/1.0/networks".to_owned(),
        body: Some(json!({"name": name, "config": config})),
        key: format!("create-{name}"),
        etag: String::new(),
        status: 201,
    })
}

/// Each round's effects, once.
fn check_effects(rack: &Rack) -> Result<()> {
    for host in &rack.hosts {
        cluster::wait_online(host, 3)?;
        let api = Api::of(host);
        ensure!(count(&api)? == ROUNDS as u64, "{} counts {}", host.name, count(&api)?);
        let mut names: Vec<_> = (0..ROUNDS).map(|round| format!("new{round}")).collect();
        names.extend(["counter", "default"].map(str::to_owned));
        names.push(format!("old{ROUNDS}"));
        names.sort();
        let urls: Vec<_> = names.iter().map(|name| format!("/1.0/profiles/{name}")).collect();
        let profiles = api.get("/1.0/profiles")?;
        ensure!(profiles == json!(urls), "{}: {profiles}", host.name);
        let tokens = host.lxc(&["cluster", "list-tokens", "--format", "csv"])?;
        ensure!(tokens.lines().count() == ROUNDS, "{}: {tokens}", host.name);
    }
    let names: Vec<_> = (0..ROUNDS).map(|round| format!("net{round}")).collect();
    wait_for_links(rack, &names)?;
    cluster::check_tables(rack)
}

/// Waits until all hosts have these bridges; what one owes it makes by itself.
fn wait_for_links(rack: &Rack, names: &[String]) -> Result<()> {
    for host in &rack.hosts {
        wait_until(&format!("{} has its bridges", host.name), LIMIT, || {
            let links = host.sh("ip -brief link").ok()?;
            let has =
                |name: &String| links.lines().any(|line| line.starts_with(&format!("{name} ")));
            names.iter().all(has).then_some(())
        })?;
        let networks = Api::of(host).get("/1.0/networks?recursion=1")?;
        let networks = networks.as_array().context("networks are a list")?.clone();
        let made = networks.iter().filter(|network| network["status"] == "Created");
        // And the one that every test cluster has.
        ensure!(made.count() == names.len() + 1, "{}: {networks:?}", host.name);
    }
    Ok(())
}

/// Counts in a profile, each step on what it has seen, until it is stopped.
struct Counter {
    stop: Arc<AtomicBool>,
    done: Arc<AtomicU32>,
    task: JoinHandle<Result<()>>,
}

impl Counter {
    fn start(api: &Api) -> Self {
        let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
        let work = count_until(api.clone(), stop.clone(), done.clone());
        Self { stop, done, task: runtime().spawn(work) }
    }

    /// How many steps were acknowledged, or the first error that its client saw.
    fn stop(self) -> Result<u32> {
        self.stop.store(true, Ordering::Relaxed);
        block_on(self.task).context("the counter panicked")??;
        Ok(self.done.load(Ordering::Relaxed))
    }
}

async fn count_until(api: Api, stop: Arc<AtomicBool>, done: Arc<AtomicU32>) -> Result<()> {
    while !stop.load(Ordering::Relaxed) {
        let seen = api.send(Method::GET, COUNTER, None).await?;
        let etag = seen.etag.clone().context("a profile has an ETag")?;
        let next = number(&seen.metadata()?)? + 1;
        let update = json!({"config": {"user.count": next.to_string()}, "devices": {}});
        let headers = [("If-Match", etag.as_str())];
        match api.send_with(Method::PUT, COUNTER, Some(&update), &headers).await? {
            Reply { status: 200, .. } => _ = done.fetch_add(1, Ordering::Relaxed),
            Reply { status: 412, .. } => {}
            reply => bail!("{} {}", reply.status, reply.error()),
        }
    }
    Ok(())
}

fn count(api: &Api) -> Result<u64> {
    number(&api.get(COUNTER)?)
}

fn number(profile: &Value) -> Result<u64> {
    let count = profile["config"]["user.count"].as_str().context("the counter counts")?;
    Ok(count.parse()?)
}

fn other_than(host: usize) -> usize {
    (host + 1) % 3
}

/// Whether two answers are one; an operation names the member that shows it.
fn same(one: &Reply, other: &Reply) -> bool {
    let told = |reply: &Reply| {
        let mut body = reply.body.clone();
        if let Some(operation) = body["metadata"].as_object_mut() {
            operation.remove("location");
        }
        (reply.status, body)
    };
    told(one) == told(other)
}
