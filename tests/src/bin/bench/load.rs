//! Requests in numbers: reads, new connections, writes, and the gaps that a leader leaves.

use std::{
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::json;
use tests::{
    api::{Api, block_on},
    daemon::LIMIT,
    host::Host,
    wait::wait_until,
};
use tokio::{runtime, task::JoinSet};

const GETS: u32 = 300;
const HANDSHAKES: u32 = 50;
const WRITING: Duration = Duration::from_secs(3);
/// Writes that have to succeed after a leader has gone, before the gaps are looked at.
const AFTERWARDS: u32 = 20;

pub(crate) struct Rates {
    pub(crate) creates_per_s: f64,
    pub(crate) updates_per_s: f64,
}

pub(crate) struct Gap {
    pub(crate) ms: f64,
    pub(crate) errors: u32,
}

/// One connection, one request after the other; each one's time in ms.
pub(crate) fn gets(api: &Api) -> Result<Vec<f64>> {
    times(api, "/1.0/cluster/members?recursion=1", GETS)
}

/// The same for any path, so many times.
pub(crate) fn times(api: &Api, path: &str, count: u32) -> Result<Vec<f64>> {
    block_on(async {
        let mut times = Vec::new();
        for _ in 0..count {
            let begin = Instant::now();
            api.send(Method::GET, path, None).await?.metadata()?;
            times.push(begin.elapsed().as_secs_f64() * 1000.0);
        }
        Ok(times)
    })
}

/// A new TLS connection and GET /1.0 by a stranger; each one's time in ms.
pub(crate) fn handshakes(host: &Host) -> Result<Vec<f64>> {
    let url = format!("https://{}/1.0", host.endpoint());
    host.namespace().enter_network(|| {
        let runtime = runtime::Builder::new_current_thread().enable_all().build();
        runtime.context("start a runtime")?.block_on(async {
            let client = reqwest::Client::builder().tls_danger_accept_invalid_certs(true);
            let client = client.pool_max_idle_per_host(0).no_proxy().build()?;
            let mut times = Vec::new();
            for _ in 0..HANDSHAKES {
                let begin = Instant::now();
                let reply = client.get(&url).send().await?;
                ensure!(reply.status() == 200, "{url}: {}", reply.status());
                reply.bytes().await?;
                times.push(begin.elapsed().as_secs_f64() * 1000.0);
            }
            Ok(times)
        })
    })
}

/// Each client creates profiles for some seconds, then updates one of its own for as long.
pub(crate) fn writes(api: &Api, clients: u32) -> Result<Rates> {
    let creates_per_s = rate(api, clients, Method::POST)?;
    let updates_per_s = rate(api, clients, Method::PUT)?;
    Ok(Rates { creates_per_s, updates_per_s })
}

/// Does harm, and times from there to the end of the first write begun later. `name` is the
/// profile's that is written.
pub(crate) fn gap(api: &Api, name: &str, harm: impl FnOnce() -> Result<()>) -> Result<Gap> {
    block_on(write(api, Method::POST, name.to_owned()))?;
    harm()?;
    let (begin, mut errors) = (Instant::now(), 0);
    loop {
        let written = block_on(write(api, Method::PUT, name.to_owned()));
        if written.is_ok() {
            return Ok(Gap { ms: begin.elapsed().as_secs_f64() * 1000.0, errors });
        }
        errors += 1;
        ensure!(begin.elapsed() < Duration::from_secs(120), "no write succeeds: {written:?}");
    }
}

/// The longest time between two writes that succeed, one begun after the other, while something is
/// done and a little longer.
pub(crate) fn longest_gap(api: &Api, name: &str, work: impl FnOnce() -> Result<()>) -> Result<Gap> {
    block_on(write(api, Method::POST, name.to_owned()))?;
    let (done, end) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicBool::new(false)));
    let writer = {
        let (api, name, done, end) = (api.clone(), name.to_owned(), done.clone(), end.clone());
        tests::api::runtime().spawn(async move {
            let (mut gap, mut last) = (Gap { ms: 0.0, errors: 0 }, Instant::now());
            while !end.load(Ordering::Relaxed) {
                if write(&api, Method::PUT, name.clone()).await.is_err() {
                    gap.errors += 1;
                    continue;
                }
                gap.ms = gap.ms.max(last.elapsed().as_secs_f64() * 1000.0);
                last = Instant::now();
                done.fetch_add(1, Ordering::Relaxed);
            }
            gap
        })
    };
    let writes_on = || {
        let target = done.load(Ordering::Relaxed) + AFTERWARDS;
        let reached = || (done.load(Ordering::Relaxed) >= target).then_some(());
        wait_until("the writer goes on", 2 * LIMIT, reached)
    };
    let worked = writes_on().and_then(|()| work()).and_then(|()| writes_on());
    end.store(true, Ordering::Relaxed);
    let gap = block_on(writer).context("the writer panicked")?;
    worked.map(|()| gap)
}

/// Profiles of these numbers, by many clients at once.
pub(crate) fn fill(api: &Api, numbers: Range<u32>, clients: u32) -> Result<()> {
    let (next, end) = (Arc::new(AtomicU32::new(numbers.start)), numbers.end);
    block_on(async {
        let mut tasks = JoinSet::new();
        for _ in 0..clients {
            let (api, next) = (api.clone(), next.clone());
            tasks.spawn(async move {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= end {
                        return anyhow::Ok(());
                    }
                    write(&api, Method::POST, format!("grown-{number}")).await?;
                }
            });
        }
        while let Some(ended) = tasks.join_next().await {
            ended.context("a client panicked")??;
        }
        Ok(())
    })
}

/// Profiles of these numbers one by one, until time is over; how many a second.
pub(crate) fn one_by_one(api: &Api, numbers: Range<u32>, limit: Duration) -> Result<f64> {
    let (begin, mut count) = (Instant::now(), 0);
    block_on(async {
        for number in numbers {
            write(api, Method::POST, format!("grown-{number}")).await?;
            count += 1;
            if begin.elapsed() > limit {
                break;
            }
        }
        Ok(f64::from(count) / begin.elapsed().as_secs_f64())
    })
}

/// Creates and updates in turn, so many in all, by many clients at once.
pub(crate) fn mix(api: &Api, writes: u32, clients: u32) -> Result<()> {
    block_on(async {
        let mut tasks = JoinSet::new();
        for client in 0..clients {
            let (api, mine) = (api.clone(), client..writes);
            tasks.spawn(async move {
                for number in mine.step_by(clients as usize) {
                    let place = (number - client) / clients;
                    let method = if place.is_multiple_of(2) { Method::POST } else { Method::PUT };
                    write(&api, method, clients_name("mix", client, place / 2)).await?;
                }
                anyhow::Ok(())
            });
        }
        while let Some(ended) = tasks.join_next().await {
            ended.context("a client panicked")??;
        }
        Ok(())
    })
}

fn rate(api: &Api, clients: u32, method: Method) -> Result<f64> {
    let done = Arc::new(AtomicU32::new(0));
    let kind = format!("of{clients}");
    block_on(async {
        let mut tasks = JoinSet::new();
        let begin = Instant::now();
        for client in 0..clients {
            let (api, method, done, kind) =
                (api.clone(), method.clone(), done.clone(), kind.clone());
            tasks.spawn(async move {
                let mut number = 0;
                while begin.elapsed() < WRITING {
                    let creates = method == Method::POST;
                    let name = clients_name(&kind, client, if creates { number } else { 0 });
                    write(&api, method.clone(), name).await?;
                    done.fetch_add(1, Ordering::Relaxed);
                    number += 1;
                }
                anyhow::Ok(())
            });
        }
        while let Some(ended) = tasks.join_next().await {
            ended.context("a client panicked")??;
        }
        Ok(f64::from(done.load(Ordering::Relaxed)) / begin.elapsed().as_secs_f64())
    })
}

fn clients_name(kind: &str, client: u32, number: u32) -> String {
    format!("{kind}-{client}-{number}")
}

/// Writes a profile of that name: a POST or a PUT of all it has.
pub(crate) async fn write(api: &Api, method: Method, name: String) -> Result<()> {
    let path = match method {
        Method::POST => "/1.0/profiles".to_owned(),
        _ => format!("/1.0/profiles/{name}"),
    };
    let body = json!({
        "name": name, "description": "a profile of the benchmark",
        "config": {"limits.memory": "1GiB", "user.written": name}, "devices": {},
    });
    api.send(method, &path, Some(&body)).await?.metadata().map(drop)
}
