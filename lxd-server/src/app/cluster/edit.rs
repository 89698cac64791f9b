//! Editing a member: what people say of it, and which groups and failure domain it is in. The healing loop
//! sees a new failure domain in its next round.

use super::{groups, listing};
use crate::clock;
use crate::context::Context;
use crate::db::tables::groups::set_groups;
use crate::db::tables::members::{self, State};
use crate::db::{Tx, new_id};
use crate::error::{Error, Kind, Result};
use crate::limits;
use futures::FutureExt;
use serde::Deserialize;
use shared_api::cluster::{Member, MemberPut};
use shared_api::config::{self, Map, member};

/// LXD's words before those for a group that is not there.
const NO_GROUP: &str =
    "Update cluster groups: Failed to add member to cluster group: Failed to get cluster group ID";
/// Roles that members get by themselves.
const DATABASE_ROLES: [&str; 3] = ["database", "database-leader", "database-standby"];

/// Part of a member to change: what is left out stays, an empty value removes a key.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct MemberPatch {
    pub roles: Option<Vec<String>>,
    pub failure_domain: Option<String>,
    pub description: Option<String>,
    #[serde(deserialize_with = "config::lenient")]
    pub config: Map,
    pub groups: Option<Vec<String>>,
}

/// Replaces what can be changed of a member. `unchanged` refuses if it is not the one that the client has seen.
pub async fn replace_member(
    ctx: &Context,
    name: &str,
    unchanged: impl Fn(&Member) -> Result<()> + Sync,
    request: &MemberPut,
) -> Result<()> {
    change(ctx, name, &unchanged, &|_| request.clone()).await
}

/// Changes a part of a member. `unchanged` refuses if it is not the one that the client has seen.
pub async fn patch_member(
    ctx: &Context,
    name: &str,
    unchanged: impl Fn(&Member) -> Result<()> + Sync,
    request: &MemberPatch,
) -> Result<()> {
    let patched = |now: &Member| {
        let request = request.clone();
        let mut config = now.config.clone();
        config.extend(request.config);
        MemberPut {
            roles: request.roles.unwrap_or_else(|| now.roles.clone()),
            failure_domain: request.failure_domain.unwrap_or_else(|| now.failure_domain.clone()),
            description: request.description.unwrap_or_else(|| now.description.clone()),
            config,
            groups: request.groups.unwrap_or_else(|| now.groups.clone()),
        }
    };
    change(ctx, name, &unchanged, &patched).await
}

/// Refuses what is no name of a failure domain.
pub(super) fn check_failure_domain(name: &str) -> Result<()> {
    if name.len() > limits::NAME_BYTES_MAX || name.chars().any(char::is_control) {
        return Err(Error::invalid("Invalid failure domain"));
    }
    Ok(())
}

async fn change(
    ctx: &Context,
    name: &str,
    unchanged: &(dyn Fn(&Member) -> Result<()> + Sync),
    change: &(dyn Fn(&Member) -> MemberPut + Sync),
) -> Result<()> {
    super::require_clustered(ctx)?;
    let (status, now, domain_id) = (ctx.db.replica().status(), clock::now(), new_id());
    let write = ctx.db.write(|tx| {
        let status = &status;
        async move {
            let members = members::list(&mut *tx).await?;
            let found = members
                .into_iter()
                .find(|member| member.name == name && member.state != State::Joining);
            let row = found.ok_or_else(|| Error::not_found("Cluster member not found"))?;
            let id = row.id;
            let shown = listing::show(row, status, now);
            unchanged(&shown)?;
            let mut wanted = change(&shown);
            wanted.config.retain(|_, value| !value.is_empty());
            check(&shown.roles, &wanted)?;
            store(tx, id, domain_id, &wanted).await
        }
        .boxed()
    });
    write.await
}

/// Refuses what LXD refuses, in its order.
fn check(roles: &[String], wanted: &MemberPut) -> Result<()> {
    let voter = "database".to_owned();
    if roles.contains(&voter) && !wanted.roles.contains(&voter) {
        let text = "The \"database\" role cannot be dropped at this time";
        return Err(Error::invalid(text));
    }
    member::validate(&wanted.config).map_err(Error::internal)?;
    if wanted.groups.is_empty() {
        let text = "Cluster members need to belong to at least one group";
        return Err(Error::invalid(text));
    }
    if let Some(role) = wanted.roles.iter().find(|role| !DATABASE_ROLES.contains(&role.as_str())) {
        let text = format!("Update roles: Invalid cluster role \"{role}\"");
        return Err(Error::internal(text));
    }
    if wanted.failure_domain.is_empty() {
        let text = "Update failure domain: Failure domain name can't be empty";
        return Err(Error::internal(text));
    }
    check_failure_domain(&wanted.failure_domain)
}

async fn store(tx: &mut Tx<'_>, id: u64, domain_id: i64, wanted: &MemberPut) -> Result<()> {
    let domain = (wanted.failure_domain.as_str(), domain_id);
    members::describe(&mut *tx, id, &wanted.description).await?;
    members::set_config(&mut *tx, id, &wanted.config).await?;
    members::set_failure_domain(&mut *tx, id, domain).await?;
    let groups = groups::ids(&mut *tx, &wanted.groups).await.map_err(|error| match error.kind {
        Kind::NotFound => error.prefix(NO_GROUP),
        _ => error,
    })?;
    set_groups(tx, id, &groups).await
}
