//! Changing a pool's keys. None of those that may change needs anything done on a host that has
//! the pool.

use super::RULES;
use super::view::{show, users};
use crate::app::object::{self, Update, View};
use crate::context::Context;
use crate::db::tables::objects::{Object, Part, State};
use crate::error::{Error, Result};
use futures::FutureExt;
use shared_api::config::pool::INITIAL_SOURCE;
use shared_api::storage::Pool;

/// What a pool is made and mounted with.
const FIXED: [&str; 2] = ["btrfs.mount_options", "size"];

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
            object::update(tx, &RULES, &pool, (view, alone), update).await?;
            keeps_fixed(&pool, &RULES.find(tx, name).await?)
        }
        .boxed()
    });
    write.await
}

/// Refuses a change that no host would follow, and one by which a host would take something that was
/// there before for what it has made.
fn keeps_fixed(before: &Object, after: &Object) -> Result<()> {
    for (before, after) in before.parts.iter().zip(&after.parts) {
        let made_of =
            |part: &Part| ["source", INITIAL_SOURCE].map(|key| part.config.get(key).cloned());
        if after.config.contains_key(INITIAL_SOURCE) && made_of(before) != made_of(after) {
            return Err(Error::invalid(format_args!(
                "Config key \"{INITIAL_SOURCE}\" is the server's own: to change the source, leave it out"
            )));
        }
    }
    let shared = (before.state != State::Pending).then_some((&before.config, &after.config));
    let parts = before.parts.iter().zip(&after.parts);
    let made = parts.filter(|(before, _)| before.state != State::Pending);
    let own = made.map(|(before, after)| (&before.config, &after.config));
    for (before, after) in shared.into_iter().chain(own) {
        if let Some(key) = FIXED.iter().find(|key| before.get(**key) != after.get(**key)) {
            return Err(Error::invalid(format_args!(
                "Config key \"{key}\" cannot be changed once the storage pool is created"
            )));
        }
    }
    Ok(())
}
