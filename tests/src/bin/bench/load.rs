//! Requests in numbers: reads, new connections, writes, and the gap that a dead leader leaves.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::json;
use tests::{
    api::{Api, block_on},
    host::Host,
};
use tokio::{runtime, task::JoinSet};

const GETS: u32 = 300;
const HANDSHAKES: u32 = 50;
const WRITING: Duration = Duration::from_secs(3);

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
    let path = "/1.0/cluster/members?recursion=1";
    block_on(async {
        let mut times = Vec::new();
        for _ in 0..GETS {
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

/// Kills while a writer writes, and times from there to the end of the first write begun later.
pub(crate) fn gap(api: &Api, kill: impl FnOnce() -> Result<()>) -> Result<Gap> {
    block_on(write(api, Method::POST, clients_name("gap", 0, 0)))?;
    kill()?;
    let (begin, mut errors) = (Instant::now(), 0);
    loop {
        let written = block_on(write(api, Method::PUT, clients_name("gap", 0, 0)));
        if written.is_ok() {
            return Ok(Gap { ms: begin.elapsed().as_secs_f64() * 1000.0, errors });
        }
        errors += 1;
        ensure!(begin.elapsed() < Duration::from_secs(120), "no write succeeds: {written:?}");
    }
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

async fn write(api: &Api, method: Method, name: String) -> Result<()> {
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
