//! `/internal/shutdown`: ends the daemon.

use axum::extract::State;

use crate::api::auth::Local;
use crate::api::extract::Query;
use crate::api::respond::Empty;
use crate::context::Context;

/// Answers, then stops the daemon: at once with `?force=true`, else when no operation runs.
pub(super) async fn put(_: Local, State(ctx): State<Context>, query: Query) -> Empty {
    let force = query.is_set("force");
    tokio::spawn(async move {
        if !force {
            ctx.operations.idle().await;
        }
        ctx.stop.cancel();
    });
    Empty
}
