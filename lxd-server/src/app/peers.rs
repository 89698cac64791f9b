//! Has the other members do on their hosts what the database says.
//!
//! Nothing is lost when one cannot be reached: what a member owes, it does when it returns.

use crate::app::remotes;
use crate::context::Context;
use crate::db::Tx;
use crate::db::tables::members::{self, Member};
use crate::error::{Error, Result};
use crate::node::{Method, Remote};
use futures::future::join_all;
use std::error::Error as _;

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
/// is not needed: it is as good as offline, and does it when it returns.
pub async fn tell(ctx: &Context, task: Task, path: &str) -> Result<()> {
    let others = remotes::online(ctx).await?;
    let told = join_all(others.iter().map(|remote| tell_one(remote, task, path))).await;
    told.into_iter().collect()
}

/// LXD's words for a member, by its address, that did not do its part.
pub fn failed(address: &str, reason: impl std::fmt::Display) -> Error {
    Error::internal(format_args!("failed to notify peer {address}: {reason}"))
}

async fn tell_one(remote: &Remote, task: Task, path: &str) -> Result<()> {
    let method = match task {
        Task::Realise => Method::PUT,
        Task::Remove => Method::DELETE,
    };
    match (remote.notify(method, path, None).await, task) {
        (Ok(_), _) => Ok(()),
        // A refusal has no cause on this side; what kept the request from the member has.
        (Err(error), Task::Realise) if error.source().is_some() => {
            tracing::warn!(member = remote.address, "{}", error.chain());
            Ok(())
        }
        (Err(error), _) => Err(failed(&remote.address, error.chain())),
    }
}
