//! All paths, and what is done for each request before and after its handler.

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::http::Method;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};

use super::{
    auth, certificates, cluster, cors, error, events, forward, hangup, idempotency, internal,
    metrics, networks, operations, profiles, projects, server, stale, storage,
};
use crate::context::Context;
use crate::error::{Error, Kind};

/// The API.
pub fn router(ctx: Context) -> Router {
    Router::new()
        .merge(certificates::routes())
        .merge(cluster::routes())
        .merge(events::routes())
        .merge(internal::routes())
        .merge(metrics::routes())
        .merge(networks::routes())
        .merge(operations::routes())
        .merge(profiles::routes())
        .merge(projects::routes())
        .merge(server::routes())
        .merge(storage::routes())
        .fallback(async || Error::not_found("not found"))
        .method_not_allowed_fallback(async |method: Method| no_such_method(&method))
        // The last is the first to see a request.
        .layer(middleware::from_fn_with_state(ctx.clone(), idempotency::once))
        .layer(middleware::from_fn(stale::allow))
        .layer(middleware::from_fn_with_state(ctx.clone(), forward::to_target))
        .layer(middleware::from_fn(hangup::go_on))
        .layer(middleware::from_fn(refuse_head))
        .layer(middleware::from_fn_with_state(ctx.clone(), auth::identify))
        .layer(middleware::from_fn_with_state(ctx.clone(), cors::allow))
        .layer(middleware::from_fn(error::report))
        .layer(middleware::from_fn_with_state(ctx.clone(), metrics::count))
        .with_state(ctx)
}

/// HEAD is no method of any path, although axum would answer it like GET.
async fn refuse_head(request: Request, next: Next) -> Response {
    let known = request.extensions().get::<MatchedPath>().is_some();
    if known && request.method() == Method::HEAD {
        return not_implemented().into_response();
    }
    next.run(request).await
}

/// LXD's words, which tell a method that it does not have here from one that nobody has.
fn no_such_method(method: &Method) -> Error {
    match *method {
        Method::GET | Method::PUT | Method::POST | Method::PATCH | Method::DELETE => {
            not_implemented()
        }
        _ => Error::not_found(format_args!("Method \"{method}\" not found")),
    }
}

fn not_implemented() -> Error {
    Error::new(Kind::NotImplemented, "not implemented")
}
