//! `/internal/ready`: whether storage and networks are as they should be.

use std::time::Duration;

use axum::extract::State;

use crate::api::auth::Local;
use crate::api::extract::Query;
use crate::api::respond::Empty;
use crate::context::Context;
use crate::error::{Error, Result};

/// Answers when the daemon is ready, or refuses when the seconds of `?timeout=` are over: at once
/// without it, never with a negative one.
pub(super) async fn get(_: Local, State(ctx): State<Context>, query: Query) -> Result<Empty> {
    let seconds = query.get("timeout").map_or(Ok(0), str::parse::<i64>);
    let seconds = seconds.map_err(|_| Error::invalid("Bad timeout"))?;
    let mut changes = ctx.ready.subscribe();
    let ready = async {
        tokio::select! {
            ready = changes.wait_for(|ready| *ready) => ready.is_ok(),
            () = ctx.stop.cancelled() => false,
        }
    };
    let ready = match u64::try_from(seconds) {
        Err(_) => ready.await,
        Ok(seconds) => {
            let limit = Duration::from_secs(seconds);
            tokio::time::timeout(limit, ready).await.unwrap_or(false)
        }
    };
    if ready { Ok(Empty) } else { Err(Error::unavailable("LXD daemon not ready yet")) }
}
