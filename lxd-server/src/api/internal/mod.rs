//! `/internal`: what the commands of `lxd` ask their daemon, on the socket alone, and what a joiner
//! asks of a member.

mod cluster;
mod init;
mod ready;
mod requests;
mod shutdown;
mod sql;

use axum::Router;
use axum::routing::{get, post, put};
use shared_api::paths;

use crate::context::Context;

/// The paths below `/internal`.
pub(super) fn routes() -> Router<Context> {
    Router::new()
        .route(paths::INTERNAL_INIT_PASSWORD, post(init::is_password))
        .route(paths::INTERNAL_INIT_SURVEY, post(init::survey))
        .route(paths::INTERNAL_READY, get(ready::get))
        .route(paths::INTERNAL_REQUEST, get(requests::get))
        .route(paths::INTERNAL_SHUTDOWN, put(shutdown::put))
        .route(paths::INTERNAL_SQL, get(sql::get).post(sql::post))
        .merge(cluster::routes())
}
