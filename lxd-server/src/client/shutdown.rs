//! `lxd shutdown`.

use super::{Client, Request};
use crate::args::Shutdown;
use crate::error::{Context, Error, Result};
use reqwest::Method;
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use serde_json::Value;
use shared_api::paths;
use shared_api::server::Server;
use std::time::Duration;
use tokio::io::unix::AsyncFd;

/// Stops the daemon and waits until its process has ended.
///
/// # Errors
/// There is no daemon, or it still runs when the time is over.
pub fn shutdown(arguments: &Shutdown) -> Result<()> {
    let Shutdown { timeout, force } = *arguments;
    super::run(async |client: Client| {
        let stopped = stop(&client, force);
        if timeout == 0 {
            return stopped.await;
        }
        let stopped = tokio::time::timeout(Duration::from_secs(timeout), stopped).await;
        stopped.unwrap_or_else(|_| {
            Err(Error::internal(format_args!("LXD still running after {timeout}s timeout")))
        })
    })
}

async fn stop(client: &Client, force: bool) -> Result<()> {
    let server: Server = client.get(paths::API).await?;
    let pid = i32::try_from(server.environment.server_pid).ok().and_then(Pid::from_raw);
    let pid = pid.context("find the daemon's process")?;
    let process = pidfd_open(pid, PidfdFlags::empty()).context("watch the daemon's process")?;
    #[expect(deprecated, reason = "what replaces it is unsafe, for the sake of other types")]
    let process = AsyncFd::new(process).context("watch the daemon's process")?;
    let force = force.to_string();
    let url = paths::with_query(paths::INTERNAL_SHUTDOWN, &[("force", &force)]);
    client.send(&Request::new(Method::PUT, url, Value::Null)).await?;
    process.readable().await.context("wait for the daemon's end").map(drop)
}
