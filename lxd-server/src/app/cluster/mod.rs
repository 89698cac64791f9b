//! The cluster: founding it, inviting, joining, accepting, who is in it and which part each plays.

mod accept;
mod bootstrap;
mod certificate;
mod disable;
mod edit;
mod enable;
mod finish;
mod groups;
mod heal;
mod invite;
mod join;
mod leave;
mod listing;
mod preflight;
mod rejoin;
mod remote;
mod remove;
mod revive;
pub mod roles;
mod survey;
pub mod upgrade;
mod wire;

pub use accept::{abandon, accept, activate, renew};
pub use bootstrap::bootstrap;
pub use certificate::{follow_certificate, replace_certificate, show_stored};
pub use edit::{MemberPatch, patch_member, replace_member};
pub use enable::enable;
pub use finish::resume;
pub use groups::{
    GroupPatch, create_group, delete_group, group, groups, patch_group, rename_group, replace_group,
};
pub use heal::{hand_over, heal};
pub use invite::{Credential, admit, invite, revoke, token_operations};
pub use join::join;
pub use leave::{heed, leave_now};
pub use listing::{member, members, overview};
pub use preflight::{judge, reach};
pub use rejoin::{readmit, rejoin};
pub use remove::{removal, remove};
pub use revive::revive;
pub use survey::{Surveyed, survey};
pub use wire::{Accept, Accepted, Findings, Member, Preflight, Reach, Rejoin, Removal};

use crate::context::Context;
use crate::db::tables::members;
use crate::error::{Error, Result};
use futures::FutureExt;

/// This server's row; its name is `none` when it is in no cluster.
pub async fn own(ctx: &Context) -> Result<members::Member> {
    let id = ctx.node.id();
    let own = ctx.db.read_local(|tx| members::get(tx, id).boxed()).await?;
    own.ok_or_else(|| Error::internal("This server is no longer a member of its cluster"))
}

/// Whether this server is a member of a cluster.
pub fn is_clustered(ctx: &Context) -> bool {
    ctx.node.replica().cluster.is_some()
}

/// Refuses what only a member can do.
pub fn require_clustered(ctx: &Context) -> Result<()> {
    if is_clustered(ctx) { Ok(()) } else { Err(Error::internal("Server is not clustered")) }
}
