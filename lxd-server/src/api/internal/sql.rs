//! `/internal/sql`: an operator's own statements, and the databases as text.

use axum::extract::State;
use shared_api::sql;

use crate::api::auth::Local;
use crate::api::extract::{Body, Query};
use crate::api::respond::Sync;
use crate::context::Context;
use crate::db::sql::{self as db, Part};
use crate::error::{Error, Result};

/// The database as SQL text, or with `?schema=1` only its schema.
pub(super) async fn get(
    _: Local,
    State(ctx): State<Context>,
    query: Query,
) -> Result<Sync<sql::Dump>> {
    let part = if query.is_set("schema") { Part::Schema } else { Part::All };
    let text = match query.get("database") {
        Some("local") => db::dump_local(&ctx.local, part).await?,
        Some("global") => db::dump_global(&ctx.db, part).await?,
        _ => return Err(unknown()),
    };
    Ok(Sync(sql::Dump { text }))
}

/// Runs statements in one transaction.
pub(super) async fn post(
    _: Local,
    State(ctx): State<Context>,
    Body(request): Body<sql::Query>,
) -> Result<Sync<sql::Batch>> {
    let sql::Query { database, query } = request;
    if query.is_empty() {
        return Err(Error::invalid("No query provided"));
    }
    let results = match &*database {
        "local" => db::execute_local(&ctx.local, &query).await?,
        "global" => db::execute_global(&ctx.db, &query).await?,
        _ => return Err(unknown()),
    };
    Ok(Sync(sql::Batch { results }))
}

fn unknown() -> Error {
    Error::invalid("Invalid database")
}
