//! Has the other members do on their hosts what the database says.
//!
//! Nothing is lost when one cannot be reached: what a member owes, it does when it returns.

use crate::app::remotes;
use crate::context::Context;
use crate::db::Tx;
use crate::db::tables::members::{self, Member};
use crate::error::{Error, Kind, Result};
use crate::node::{Method, Remote};
use futures::future::join_all;

/// What a member is to do with an object.
#[derive(Clone, Copy, Debug)]
pub enum Task {
    /// Bring it to the state that the database says.
    Realise,
    /// Remove it from the host.
    Remove,
}

/// The member that a request names by `?target=`.
pub async fn by_name(tx: &mut Tx<'_>, name: &str) -> Result<Member> {
    let member = members::by_name(tx, name).await?;
    member.ok_or_else(|| Error::not_found("Cluster member not found"))
}

/// Has every other member that is online do a task, all at once; tells the first failure.
///
/// `path` is the internal URL of the object. To realise something, a member that cannot be reached
/// is not needed: it is as good as offline, and does it when it returns. One whose replica is silent
/// is not even asked, which could take long.
pub async fn tell(ctx: &Context, task: Task, path: &str) -> Result<()> {
    let remotes::Online { answering, silent } = remotes::online(ctx).await?;
    if matches!(task, Task::Remove) {
        none_is_silent(&silent)?;
    }
    let tell = |(id, remote): &(u64, Remote)| tell_one(ctx, *id, remote.clone(), task, path);
    let told = join_all(answering.iter().map(tell)).await;
    told.into_iter().collect()
}

/// Refuses what needs all members while one that counts as online does not answer.
pub async fn check_answering(ctx: &Context) -> Result<()> {
    none_is_silent(&remotes::online(ctx).await?.silent)
}

fn none_is_silent(silent: &[String]) -> Result<()> {
    let refusal = |address: &String| Err(failed(address, "The member does not answer"));
    silent.first().map_or(Ok(()), refusal)
}

/// LXD's words for a member, by its address, that did not do its part.
pub fn failed(address: &str, reason: impl std::fmt::Display) -> Error {
    Error::internal(format_args!("failed to notify peer {address}: {reason}"))
}

async fn tell_one(ctx: &Context, id: u64, remote: Remote, task: Task, path: &str) -> Result<()> {
    let method = match task {
        Task::Realise => Method::PUT,
        Task::Remove => Method::DELETE,
    };
    let told = tokio::select! {
        told = remote.notify(method, path, None) => told,
        // Its host may have lost its power: long before a request times out, the replicas know.
        () = remotes::lost(ctx, id) => Err(remote.lost()),
    };
    match (told, task) {
        (Ok(_), _) => Ok(()),
        // One that stood still a moment ago may not have found the majority again.
        (Err(error), Task::Realise)
            if matches!(error.kind, Kind::Unreachable | Kind::Unavailable) =>
        {
            tracing::warn!(member = remote.address, "{}", error.message);
            Ok(())
        }
        (Err(error), _) => Err(failed(&remote.address, error.chain())),
    }
}
