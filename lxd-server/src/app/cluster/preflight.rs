//! What stands in the way of a join: found out on both sides before anything is made, and told all at once.

use super::{accept, wire};
use crate::app::{network, remotes, storage};
use crate::clock;
use crate::context::Context;
use crate::db::SCHEMA_VERSION;
use crate::db::tables::members;
use crate::db::tables::tokens;
use crate::error::{Error, Result};
use crate::failpoint::reached;
use crate::host;
use crate::node::{Method, Remote, Remotes};
use futures::FutureExt;
use futures::future::join_all;
use jiff::Timestamp;
use shared_api::cluster::MemberConfigKey;
use shared_api::paths;
use std::time::Duration;
use tokio::time::timeout;
use wire::{Findings, Preflight, Reach};

/// How far a joiner's clock may be from the member's that it asks.
const SKEW_MAX: Duration = Duration::from_secs(30);
/// How long a member may try to reach a joiner.
const REACH: Duration = Duration::from_secs(5);

/// What this server wants to be.
pub(super) struct Joiner<'a> {
    /// Its name.
    pub(super) name: &'a str,
    /// `host:port`.
    pub(super) address: &'a str,
    /// The member-specific keys that were chosen for it.
    pub(super) own: &'a [MemberConfigKey],
}

/// Asks the cluster and this host. Returns the member-specific keys to join with: the joiner's own, and what
/// the token gives beside them. `listening`: whether this server could listen at its address.
///
/// # Errors
/// All that is in the way, in one text.
pub(super) async fn check(
    ctx: &Context,
    cluster: &Remotes,
    joiner: &Joiner<'_>,
    listening: Result<()>,
) -> Result<Vec<MemberConfigKey>> {
    let Joiner { name, address, own } = *joiner;
    let request = Preflight {
        name: name.to_owned(),
        address: address.to_owned(),
        schema: SCHEMA_VERSION,
        api: shared_api::extensions::ALL.len(),
        architecture: host::architecture_id(),
        now: clock::now(),
    };
    let found: Findings = cluster.post(paths::INTERNAL_CLUSTER_PREFLIGHT, &request).await?;
    let mut keys = found.member_config;
    keys.retain(|given| !own.iter().any(|own| is_same(own, given)));
    keys.extend_from_slice(own);
    let mut problems = Vec::from_iter(listening.err().map(|error| error.message));
    problems.extend(found.problems);
    problems.extend(storage::obstacles(ctx, cluster, &keys, own).await?);
    problems.extend(network::obstacles(ctx, cluster, &keys, own).await?);
    problems.extend(own.iter().filter_map(of_nothing));
    if problems.is_empty() { Ok(keys) } else { Err(Error::internal(problems.join("; "))) }
}

/// What is wrong with the key of something that members have nothing of.
fn of_nothing(key: &MemberConfigKey) -> Option<String> {
    let MemberConfigKey { entity, key, .. } = key;
    let is_known = ["storage-pool", "network"].contains(&entity.as_str());
    (!is_known).then(|| format!("Invalid entity \"{entity}\" of the member's key \"{key}\""))
}

fn is_same(one: &MemberConfigKey, other: &MemberConfigKey) -> bool {
    (&one.entity, &one.name, &one.key) == (&other.entity, &other.name, &other.key)
        && !one.value.is_empty()
}

/// What the cluster has against a joiner with this certificate, and what its token gives it.
pub async fn judge(ctx: &Context, fingerprint: &str, joiner: &Preflight) -> Result<Findings> {
    let now = clock::now();
    let read = ctx.db.read(|tx| {
        async move {
            let join = accept::current(&mut *tx, fingerprint, now).await?;
            let config = match join.token {
                Some(token) => tokens::config(&mut *tx, token).await?,
                None => Default::default(),
            };
            let mut members = members::list(tx).await?;
            // One that an earlier try of the same joiner left is replaced.
            members.retain(|member| Some(member.id) != join.node);
            Ok((members, config))
        }
        .boxed()
    });
    let (members, config) = read.await?;
    let mut problems = Vec::new();
    if members.iter().any(|member| member.name == joiner.name) {
        problems.push(format!("The cluster already has a member with name: {}", joiner.name));
    }
    if members.iter().any(|member| member.address == joiner.address) {
        problems.push(format!("The cluster already has a member with address: {}", joiner.address));
    }
    problems.extend(accept::check_versions(joiner.schema, joiner.api).err().map(|no| no.message));
    problems.extend(skew(joiner.now, now));
    if joiner.architecture == 0 {
        problems.push("The joiner's architecture is not known".to_owned());
    }
    let reach = Reach { address: joiner.address.clone(), fingerprint: fingerprint.to_owned() };
    problems.extend(unreached(ctx, &reach).await?);
    reached("member: looked");
    let keys = config.iter().filter_map(|(path, value)| MemberConfigKey::at(path, value));
    Ok(Findings { problems, member_config: keys.collect() })
}

/// Whether this member reaches a joiner: why not, if it does not.
pub async fn reach(ctx: &Context, joiner: &Reach) -> Result<Option<String>> {
    let remote = Remote::new(&joiner.address, &joiner.fingerprint, &ctx.tls.server())?;
    Ok(match timeout(REACH, remote.probe()).await {
        Ok(Ok(())) => None,
        Ok(Err(silence)) => Some(silence.to_string()),
        Err(_) => Some("it does not answer in time".to_owned()),
    })
}

/// Why which of the members that answer do not reach the joiner.
async fn unreached(ctx: &Context, joiner: &Reach) -> Result<Vec<String>> {
    let here = reach(ctx, joiner).await?;
    let own = super::own(ctx).await?.address;
    let body = serde_json::to_value(joiner).map_err(Error::internal)?;
    let others = remotes::answering(ctx).await?.into_iter().map(async |member| {
        let path = paths::INTERNAL_CLUSTER_REACH;
        let asked = member.notify(Method::POST, path, Some(body.clone()));
        // A member that does not say is no obstacle.
        let answer = timeout(REACH * 2, asked).await.ok()?.ok()?;
        let why: Option<String> = serde_json::from_value(answer).ok()?;
        why.map(|why| (member.address.clone(), why))
    });
    let others = join_all(others).await.into_iter().flatten();
    let told = here.map(|why| (own, why)).into_iter().chain(others);
    let address = &joiner.address;
    Ok(told.map(|(from, why)| format!("{address} cannot be reached from {from}: {why}")).collect())
}

fn skew(there: Timestamp, here: Timestamp) -> Option<String> {
    let ahead = there.duration_since(here);
    (ahead.unsigned_abs() > SKEW_MAX).then(|| {
        let way = if ahead.is_negative() { "behind" } else { "ahead of" };
        let seconds = ahead.unsigned_abs().as_secs();
        format!("The joiner's clock is {seconds} seconds {way} the cluster's")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_may_differ_by_half_a_minute() {
        let now: Timestamp = "2026-11-23T00:00:00Z".parse().unwrap();
        let after = |seconds| now + jiff::SignedDuration::from_secs(seconds);
        assert_eq!(skew(after(30), now), None);
        assert_eq!(skew(after(-30), now), None);
        let text = "The joiner's clock is 3600 seconds ahead of the cluster's";
        assert_eq!(skew(after(3600), now).as_deref(), Some(text));
        let text = "The joiner's clock is 31 seconds behind the cluster's";
        assert_eq!(skew(after(-31), now).as_deref(), Some(text));
    }
}
