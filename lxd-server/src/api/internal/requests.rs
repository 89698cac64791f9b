//! `/internal/requests`: what members ask each other about a request that came again.

use axum::extract::State;

use crate::api::auth::Member;
use crate::api::extract::Path;
use crate::api::respond::Sync;
use crate::app::repeats;
use crate::context::Context;

/// Whether the request is at work here; answers at its end, or after a while.
pub(super) async fn get(
    _: Member,
    State(ctx): State<Context>,
    Path(id): Path<String>,
) -> Sync<bool> {
    Sync(repeats::is_at_work(&ctx, &id).await)
}
