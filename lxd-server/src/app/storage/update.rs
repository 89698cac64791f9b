//! Changing a pool's keys. None of them needs anything done on a host that has the pool.

use super::RULES;
use super::view::{show, users};
use crate::app::object::{self, Update, View};
use crate::context::Context;
use crate::error::Result;
use futures::FutureExt;
use shared_api::storage::Pool;

/// Updates a pool; with `target`, the keys of that member. `unchanged` refuses if the pool is not
/// what the client has seen.
pub async fn update(
    ctx: &Context,
    name: &str,
    target: Option<&str>,
    unchanged: impl Fn(&Pool) -> Result<()> + Sync,
    update: &Update,
) -> Result<()> {
    let (view, unchanged) = (View::of(ctx), &unchanged);
    let alone = view != View::Cluster;
    let write = ctx.db.write(|tx| {
        async move {
            let view = view.or_target(tx, target).await?;
            let pool = RULES.find(tx, name).await?;
            unchanged(&show(pool.clone(), &users(tx).await?, view))?;
            object::update(tx, &RULES, &pool, (view, alone), update).await
        }
        .boxed()
    });
    write.await
}
