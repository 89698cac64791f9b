//! Operations as clients see them: those of this member, tokens, and those of other members.

use crate::app::{self, client_tokens, cluster, remotes};
use crate::context::Context;
use crate::db::tables;
use crate::error::{Error, Kind, Result};
use crate::identity::{Client, Identity};
use crate::limits;
use crate::node::{Method, Remote};
use futures::FutureExt;
use futures::future::join_all;
use shared_api::operations::{ByStatus, Operation, StatusCode};
use shared_api::paths;
use std::time::Duration;
use tokio::time::{Instant, timeout, timeout_at};
use uuid::Uuid;

/// How long one request to wait at another member lasts; longer waits are several.
const WAIT_SLICE: Duration = Duration::from_secs(30);
/// How long other members may take to list theirs before they are left out.
const LIST_TIMEOUT: Duration = Duration::from_secs(2);

/// Those of a project and of none, or all, grouped by lower-case status.
pub async fn list(ctx: &Context, project: Option<&str>, who: &Identity) -> Result<ByStatus> {
    let mut all = ctx.operations.list(project);
    if !who.is_notification() {
        all.extend(tokens(ctx, who).await?);
        all.extend(elsewhere(ctx, project).await?);
    }
    all.sort_by_key(|operation| operation.created_at);
    let mut groups = ByStatus::new();
    for operation in all {
        groups.entry(operation.status.to_lowercase()).or_default().push(operation);
    }
    Ok(groups)
}

/// One as it is now.
pub async fn get(ctx: &Context, id: Uuid, who: &Identity) -> Result<Operation> {
    check(ctx, id, who).await?;
    match find(ctx, id, who).await? {
        Place::Here(operation) | Place::Token(operation) | Place::At(_, operation) => Ok(operation),
    }
}

/// One when it has ended, or as it is when the time is over.
pub async fn wait(
    ctx: &Context,
    id: Uuid,
    limit: Option<Duration>,
    who: &Identity,
) -> Result<Operation> {
    check(ctx, id, who).await?;
    match find(ctx, id, who).await? {
        Place::Here(_) => ctx.operations.wait(id, limit).await,
        Place::Token(operation) => wait_for_token(ctx, operation, limit).await,
        Place::At(remote, operation) => wait_elsewhere(&remote, operation, limit).await,
    }
}

/// Ends one half-way.
pub async fn cancel(ctx: &Context, id: Uuid, who: &Identity) -> Result<()> {
    if let Some(ended) = ctx.db.ended() {
        return ended;
    }
    check(ctx, id, who).await?;
    let own = ctx.operations.project(id);
    if !who.is_admin() && !own.is_some_and(|project| who.may_use(&project)) {
        return Err(Error::forbidden("not authorized"));
    }
    match find(ctx, id, who).await? {
        Place::Here(_) => ctx.operations.cancel(id).await,
        Place::Token(token) => revoke(ctx, token).await,
        Place::At(remote, _) => {
            let path = paths::operation(id.to_string());
            remote.notify(Method::DELETE, &path, None).await.map(drop)
        }
    }
}

async fn revoke(ctx: &Context, token: Operation) -> Result<()> {
    let id = token.id;
    // Tokens for members alone say what they are for.
    let is_invitation = token.resources.is_some();
    let end = ctx.db.end(Ok(()), |tx| {
        async move {
            let was_there = if is_invitation {
                cluster::revoke(tx, id).await?
            } else {
                tables::client_tokens::delete(tx, id).await?
            };
            if was_there { Ok(()) } else { Err(not_found()) }
        }
        .boxed()
    });
    end.await?;
    app::tokens::tell_end(ctx, token, StatusCode::Cancelled);
    Ok(())
}

/// Hides from a restricted client what no list of its projects shows.
async fn check(ctx: &Context, id: Uuid, who: &Identity) -> Result<()> {
    let Identity::Client(Client { projects: Some(projects), .. }) = who else { return Ok(()) };
    for project in projects {
        let groups = list(ctx, Some(project), who).await?;
        if groups.values().flatten().any(|operation| operation.id == id) {
            return Ok(());
        }
    }
    Err(not_found())
}

/// Where an operation is.
enum Place {
    Here(Operation),
    Token(Operation),
    At(Remote, Operation),
}

async fn find(ctx: &Context, id: Uuid, who: &Identity) -> Result<Place> {
    if let Ok(operation) = ctx.operations.get(id) {
        return Ok(Place::Here(operation));
    }
    if who.is_notification() {
        return Err(not_found());
    }
    let token = tokens(ctx, who).await?.into_iter().find(|token| token.id == id);
    if let Some(operation) = token {
        return Ok(Place::Token(operation));
    }
    let path = paths::operation(id.to_string());
    let asked = remotes::answering(ctx).await?.into_iter().map(async |remote| {
        let answer = timeout(LIST_TIMEOUT, remote.notify(Method::GET, &path, None)).await;
        let operation = serde_json::from_value(answer.ok()?.ok()?).ok()?;
        Some(Place::At(remote, operation))
    });
    join_all(asked).await.into_iter().flatten().next().ok_or_else(not_found)
}

fn not_found() -> Error {
    Error::not_found("Operation not found")
}

/// The tokens, which hold secrets; without a quorum there are none to be used.
async fn tokens(ctx: &Context, who: &Identity) -> Result<Vec<Operation>> {
    if !who.is_admin() {
        return Ok(Vec::new());
    }
    match all_tokens(ctx).await {
        Err(error) if error.kind == Kind::Unavailable => Ok(Vec::new()),
        tokens => tokens,
    }
}

async fn all_tokens(ctx: &Context) -> Result<Vec<Operation>> {
    let mut all = cluster::token_operations(ctx).await?;
    all.extend(client_tokens::operations(ctx).await?);
    Ok(all)
}

async fn elsewhere(ctx: &Context, project: Option<&str>) -> Result<Vec<Operation>> {
    let mut query = vec![("recursion", "1")];
    query.push(project.map_or(("all-projects", "true"), |project| ("project", project)));
    let path = paths::with_query(paths::OPERATIONS, &query);
    let asked = remotes::answering(ctx).await?.into_iter().map(async |remote| {
        let answer = timeout(LIST_TIMEOUT, remote.notify(Method::GET, &path, None)).await;
        let groups: Option<ByStatus> = serde_json::from_value(answer.ok()?.ok()?).ok();
        groups.map(|groups| groups.into_values().flatten().collect::<Vec<_>>())
    });
    Ok(join_all(asked).await.into_iter().flatten().flatten().collect())
}

/// A token has ended when it is no longer there: used, revoked or expired.
async fn wait_for_token(
    ctx: &Context,
    mut operation: Operation,
    limit: Option<Duration>,
) -> Result<Operation> {
    let replica = ctx.db.replica();
    let gone = async {
        loop {
            let applied = replica.status().applied;
            let tokens = all_tokens(ctx).await?;
            if !tokens.iter().any(|token| token.id == operation.id) {
                return Ok::<(), Error>(());
            }
            replica.applied_after(applied).await;
        }
    };
    let ended = match limit {
        Some(limit) => timeout(limit, gone).await.ok().transpose()?.is_some(),
        None => gone.await.map(|()| true)?,
    };
    if ended {
        operation.status_code = StatusCode::Success;
        StatusCode::Success.text().clone_into(&mut operation.status);
    }
    Ok(operation)
}

async fn wait_elsewhere(
    remote: &Remote,
    mut operation: Operation,
    limit: Option<Duration>,
) -> Result<Operation> {
    let end = limit.map(|limit| Instant::now() + limit);
    let seconds = WAIT_SLICE.as_secs().to_string();
    let path = paths::operation_wait(operation.id.to_string());
    let path = paths::with_query(&path, &[("timeout", &seconds)]);
    while !operation.status_code.is_final() {
        let slice = Instant::now() + WAIT_SLICE + limits::PEER_TIMEOUT;
        let until = end.map_or(slice, |end| end.min(slice));
        match timeout_at(until, remote.notify(Method::GET, &path, None)).await {
            Ok(answer) => {
                operation = serde_json::from_value(answer?)
                    .map_err(|_| Error::internal("A member's answer is malformed"))?;
            }
            Err(_) if end.is_some_and(|end| end <= until) => break,
            Err(_) => return Err(Error::internal("A member did not answer in time")),
        }
    }
    Ok(operation)
}
