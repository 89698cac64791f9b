//! A joiner's three calls at a member: its place, its activation, or its undoing.
//!
//! Between them the joiner is a row in state "joining" that gets a replica and nothing else. What a
//! joiner that died leaves is undone by the leader when its time is over (see `heal`).

use super::{Accept, Accepted};
use crate::app::{network, storage};
use crate::clock;
use crate::context::Context;
use crate::db::tables::members::Member;
use crate::db::tables::tokens::{Bearer, Join};
use crate::db::tables::{certificates, groups, members, tokens};
use crate::db::{self, SCHEMA_VERSION, Tx};
use crate::error::{Context as _, Error, Result};
use crate::failpoint::reached;
use crate::limits;
use crate::tls::Membership;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::FutureExt;
use jiff::Timestamp;
use shared_api::name::MemberName;
use std::collections::BTreeMap;

/// Gives the joiner with this certificate a node id, its replica's certificate and what it has to
/// hold of the cluster. Asked again it starts anew, with another id.
pub async fn accept(ctx: &Context, fingerprint: &str, request: &Accept) -> Result<Accepted> {
    let name: MemberName = request.name.parse().map_err(Error::invalid)?;
    check_versions(request.schema, request.api)?;
    let key = STANDARD.decode(&request.public_key).context("read the joiner's key")?;
    let now = clock::now();
    let (until, id) = (expiry(now)?, db::new_id());
    let write = ctx.db.write_again(|tx| {
        let name = name.as_str();
        async move {
            let join = current(&mut *tx, fingerprint, now).await?;
            if !join.name.is_empty() && join.name != name {
                return Err(Error::forbidden("No matching cluster join operation found"));
            }
            if let Some(former) = join.node {
                members::remove(&mut *tx, former).await?;
            }
            let given = match join.token {
                Some(token) => tokens::config(&mut *tx, token).await?,
                None => BTreeMap::new(),
            };
            let domain = given.get(tokens::FAILURE_DOMAIN).map(|domain| (domain.as_str(), id));
            let node = place(&mut *tx, request, name, domain).await?;
            groups::place(&mut *tx, node, &tokens::groups(&given)).await?;
            tokens::set_node(&mut *tx, fingerprint, node).await?;
            tokens::renew(&mut *tx, fingerprint, until).await?;
            Ok((node, members::list(tx).await?))
        }
        .boxed()
    });
    let (node, members) = write.await?;
    reached("member: accepted");
    accepted(ctx, node, &key, members)
}

/// What the replica with this id and public key needs.
pub(super) fn accepted(
    ctx: &Context,
    node: u64,
    key: &[u8],
    members: Vec<members::Member>,
) -> Result<Accepted> {
    let replica = ctx.node.replica();
    let membership = Membership { node, ..replica.membership.clone() };
    let cluster = replica.cluster.as_ref().context("find the cluster's certificate")?;
    let others = members.into_iter().filter(|member| member.state == members::State::Member);
    Ok(Accepted {
        node,
        certificate: replica.authority.sign(key, &membership)?,
        authority_certificate: replica.authority.identity().certificate.clone(),
        authority_key: replica.authority.identity().secret_key().to_owned(),
        cluster_certificate: cluster.certificate.clone(),
        cluster_key: cluster.secret_key().to_owned(),
        members: others
            .map(|member| super::Member { name: member.name, address: member.address })
            .collect(),
    })
}

async fn place(
    tx: &mut Tx<'_>,
    request: &Accept,
    name: &str,
    domain: Option<(&str, i64)>,
) -> Result<u64> {
    let joiner = members::Joiner {
        name: name.to_owned(),
        address: request.address.clone(),
        architecture: request.architecture,
    };
    let node = members::accept(&mut *tx, &joiner).await?;
    if let Some(domain) = domain {
        members::set_failure_domain(&mut *tx, node, domain).await?;
    }
    storage::add_member(&mut *tx, node, &request.storage_pools).await?;
    network::add_member(tx, node, &request.networks).await?;
    Ok(node)
}

/// The joiner's replica runs: it becomes a member, its certificate is trusted, its token is used up.
/// Asked again once it is a member, it says yes again.
pub async fn activate(ctx: &Context, fingerprint: &str, node: u64) -> Result<()> {
    let (now, id) = (clock::now(), db::new_id());
    let write = ctx.db.write(|tx| {
        async move {
            let Some(member) = members::get(&mut *tx, node).await? else {
                return Err(Error::not_found("Cluster member not found"));
            };
            if member.state == members::State::Member {
                let own = certificates::get(tx, fingerprint).await?;
                let same = own.is_some_and(|own| own.name == member.name);
                return if same { Ok(()) } else { Err(Error::forbidden("not authorized")) };
            }
            let join = current(&mut *tx, fingerprint, now).await?;
            if join.node != Some(node) {
                return Err(Error::forbidden("not authorized"));
            }
            members::activate(&mut *tx, node).await?;
            let trusted = certificates::Certificate::joined(&join, &member.name);
            certificates::insert(&mut *tx, id, &trusted).await?;
            if let Some(token) = join.token {
                let Member { name, address, .. } = member;
                let bearer = Bearer { name, address, used_at: now };
                tokens::used(&mut *tx, token, &bearer).await?;
            }
            tokens::end(tx, fingerprint).await
        }
        .boxed()
    });
    write.await?;
    reached("member: activated");
    Ok(())
}

/// The joiner with this certificate is at work: its time begins anew.
pub async fn renew(ctx: &Context, fingerprint: &str) -> Result<()> {
    let now = clock::now();
    let until = expiry(now)?;
    let write = ctx.db.write_again(|tx| {
        async move {
            current(&mut *tx, fingerprint, now).await?;
            tokens::renew(tx, fingerprint, until).await
        }
        .boxed()
    });
    write.await
}

/// When a joiner that was heard of `now` counts as gone.
pub(super) fn expiry(now: Timestamp) -> Result<Timestamp> {
    now.saturating_add(limits::JOIN_TIMEOUT).map_err(Error::internal)
}

/// Undoes the join of this certificate, if it has not become a member; the token is good again.
pub async fn abandon(ctx: &Context, fingerprint: &str) -> Result<()> {
    let write = ctx.db.write(|tx| {
        async move {
            match tokens::join_of(&mut *tx, fingerprint).await? {
                Some(join) => undo(tx, &join).await,
                None => Ok(()),
            }
        }
        .boxed()
    });
    write.await?;
    reached("member: forgot");
    Ok(())
}

/// Takes back what accepting a joiner wrote.
pub(super) async fn undo(tx: &mut Tx<'_>, join: &Join) -> Result<()> {
    if let Some(node) = join.node {
        members::remove(&mut *tx, node).await?;
    }
    tokens::end(tx, &join.fingerprint).await
}

pub(super) async fn current(tx: &mut Tx<'_>, fingerprint: &str, now: Timestamp) -> Result<Join> {
    let join = tokens::join_of(tx, fingerprint).await?;
    let current = join.filter(|join| join.expires_at > now);
    current.ok_or_else(|| Error::forbidden("No matching cluster join operation found"))
}

/// Refuses a server of another version, by its schema and its number of API extensions.
pub(super) fn check_versions(schema: u64, api: usize) -> Result<()> {
    let same = schema == SCHEMA_VERSION && api == shared_api::extensions::ALL.len();
    if same {
        return Ok(());
    }
    Err(Error::internal(
        "The joining server version doesn't match (expected a server of the same version)",
    ))
}
