//! Cluster groups. Every member is in at least one of them, whatever is changed.

use crate::context::Context;
use crate::db::tables::groups;
use crate::db::tables::members::{self, State};
use crate::db::{Tx, new_id};
use crate::error::{Error, Result};
use futures::FutureExt;
use serde::Deserialize;
use shared_api::cluster::{ClusterGroup, ClusterGroupPut, ClusterGroupsPost};
use shared_api::name::GroupName;

/// The group that is always there.
const DEFAULT: &str = "default";

/// Part of a group to change: what is left out stays.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct GroupPatch {
    pub description: Option<String>,
    pub members: Option<Vec<String>>,
}

/// All groups, by name.
pub async fn groups(ctx: &Context) -> Result<Vec<ClusterGroup>> {
    require_clustered(ctx)?;
    let groups = ctx.db.read(|tx| groups::list(tx).boxed()).await?;
    Ok(groups.into_iter().map(show).collect())
}

/// One group.
pub async fn group(ctx: &Context, name: &str) -> Result<ClusterGroup> {
    require_clustered(ctx)?;
    ctx.db.read(|tx| find(tx, name).boxed()).await.map(show)
}

/// Makes a group.
pub async fn create_group(ctx: &Context, request: &ClusterGroupsPost) -> Result<()> {
    require_clustered(ctx)?;
    let name: GroupName = request.name.parse().map_err(Error::invalid)?;
    let id = new_id();
    let write = ctx.db.write(|tx| {
        let name = name.as_str();
        async move {
            groups::insert(&mut *tx, id, name, &request.description).await?;
            let nodes = nodes(&mut *tx, &request.members).await?;
            groups::set_members(tx, id, &nodes).await
        }
        .boxed()
    });
    write.await
}

/// Replaces a group; returns what it is now. `unchanged` refuses if it is not the one that the client has seen.
pub async fn replace_group(
    ctx: &Context,
    name: &str,
    unchanged: impl Fn(&ClusterGroup) -> Result<()> + Sync,
    request: &ClusterGroupPut,
) -> Result<ClusterGroup> {
    change(ctx, name, &unchanged, &|_| request.clone()).await
}

/// Changes a part of a group; returns what it is now. `unchanged` refuses if it is not the one that the client
/// has seen.
pub async fn patch_group(
    ctx: &Context,
    name: &str,
    unchanged: impl Fn(&ClusterGroup) -> Result<()> + Sync,
    request: &GroupPatch,
) -> Result<ClusterGroup> {
    let patched = |now: &ClusterGroup| ClusterGroupPut {
        description: request.description.as_ref().unwrap_or(&now.description).clone(),
        members: request.members.as_ref().unwrap_or(&now.members).clone(),
    };
    change(ctx, name, &unchanged, &patched).await
}

/// Gives a group another name.
pub async fn rename_group(ctx: &Context, old: &str, new: &str) -> Result<()> {
    require_clustered(ctx)?;
    if old == DEFAULT {
        return Err(Error::forbidden("The \"default\" group cannot be renamed"));
    }
    let new: GroupName = new.parse().map_err(Error::invalid)?;
    let write = ctx.db.write(|tx| {
        let new = new.as_str();
        async move {
            let group = find(&mut *tx, old).await?;
            if groups::by_name(&mut *tx, new).await?.is_some() {
                return Err(Error::internal(format_args!("Name \"{new}\" already in use")));
            }
            groups::rename(tx, group.id, new).await
        }
        .boxed()
    });
    write.await
}

/// Deletes a group that nobody is in.
pub async fn delete_group(ctx: &Context, name: &str) -> Result<()> {
    require_clustered(ctx)?;
    if name == DEFAULT {
        return Err(Error::forbidden("The 'default' cluster group cannot be deleted"));
    }
    let write = ctx.db.write(|tx| {
        async move {
            let group = find(&mut *tx, name).await?;
            groups::delete(tx, group.id).await
        }
        .boxed()
    });
    write.await
}

/// The ids of groups, each once.
///
/// # Errors
/// There is none of such a name.
pub(super) async fn ids(tx: &mut Tx<'_>, names: &[String]) -> Result<Vec<i64>> {
    let mut ids = Vec::new();
    for name in names {
        ids.push(find(&mut *tx, name).await?.id);
    }
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

async fn change(
    ctx: &Context,
    name: &str,
    unchanged: &(dyn Fn(&ClusterGroup) -> Result<()> + Sync),
    change: &(dyn Fn(&ClusterGroup) -> ClusterGroupPut + Sync),
) -> Result<ClusterGroup> {
    require_clustered(ctx)?;
    let write = ctx.db.write(|tx| {
        async move {
            let group = find(&mut *tx, name).await?;
            let (id, shown) = (group.id, show(group));
            unchanged(&shown)?;
            let ClusterGroupPut { description, members } = change(&shown);
            groups::describe(&mut *tx, id, &description).await?;
            let nodes = nodes(&mut *tx, &members).await?;
            groups::set_members(&mut *tx, id, &nodes).await?;
            let lost = groups::lost(&mut *tx).await?;
            if !lost.is_empty() {
                let text = "Cluster members need to belong to at least one group";
                let lost = lost.join(", ");
                return Err(Error::invalid(format_args!("{text}: {lost} would be in none")));
            }
            find(tx, name).await.map(show)
        }
        .boxed()
    });
    write.await
}

/// The ids of the members of these names.
async fn nodes(tx: &mut Tx<'_>, names: &[String]) -> Result<Vec<u64>> {
    let mut nodes = Vec::new();
    for name in names {
        let member = members::by_name(&mut *tx, name).await?;
        let member = member.filter(|member| member.state != State::Joining);
        let missing = || Error::not_found("Failed to get node info: Cluster member not found");
        nodes.push(member.ok_or_else(missing)?.id);
    }
    Ok(nodes)
}

async fn find(tx: &mut Tx<'_>, name: &str) -> Result<groups::Group> {
    let group = groups::by_name(tx, name).await?;
    group.ok_or_else(|| Error::not_found("Cluster group not found"))
}

fn require_clustered(ctx: &Context) -> Result<()> {
    if super::is_clustered(ctx) {
        Ok(())
    } else {
        Err(Error::invalid("This server is not clustered"))
    }
}

fn show(group: groups::Group) -> ClusterGroup {
    let groups::Group { name, description, members, .. } = group;
    ClusterGroup { description, members, name }
}
