//! The leader's loop: brings schema, replicas and roles to what they should be, notes who can be heard of,
//! and undoes the joins of joiners that are gone. Each round does one step from what is stored, so a
//! new leader goes on where the last one stopped.

use super::accept;
use super::roles::{self, Seen, Step, View};
use super::upgrade;
use crate::clock;
use crate::context::Context;
use crate::db::Tx;
use crate::db::tables::members::{self, Member, State};
use crate::db::tables::{config, tokens};
use crate::error::Result;
use futures::FutureExt;
use jiff::Timestamp;
use replicated_sqlite::{Db, Status};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// At least this often the silence of members is looked at.
const ROUND: Duration = Duration::from_millis(500);
/// Changes that come within this time are looked at together.
const GATHER: Duration = Duration::from_millis(20);
/// How long one step may take before the others are looked at again.
const STEP_TIMEOUT: Duration = Duration::from_secs(5);
/// A replica that lacks at most this many entries has caught up.
const LAG_MAX: u64 = 1000;
/// A member heard of within this time is online.
const RECENT: Duration = Duration::from_secs(3);

/// What the database says about the cluster.
struct Stored {
    members: Vec<Member>,
    joins: Vec<tokens::Join>,
    settings: BTreeMap<String, String>,
}

/// Runs until the daemon stops; does something only while this member leads.
pub async fn heal(ctx: Context) {
    let mut led_since = None;
    loop {
        let replica = ctx.db.replica();
        let mut changes = replica.watch();
        let status = replica.status();
        if let Err(error) = upgrade::advance(&ctx.db).await {
            tracing::debug!("Upgrading the database waits: {}", error.chain());
        }
        let leads = status.leads() && super::is_clustered(&ctx);
        if leads {
            let since = *led_since.get_or_insert_with(Instant::now);
            match round(&ctx, &replica, since).await {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => tracing::debug!("Healing the cluster waits: {}", error.chain()),
            }
        } else {
            led_since = None;
        }
        tokio::select! {
            () = ctx.stop.cancelled() => return,
            () = tokio::time::sleep(ROUND) => {}
            _ = changes.changed() => tokio::time::sleep(GATHER).await,
            _ = replica.applied_after(status.applied), if leads => tokio::time::sleep(GATHER).await,
        }
    }
}

/// One look and one step; tells whether there was one to take.
async fn round(ctx: &Context, db: &Db, led_since: Instant) -> Result<bool> {
    // A new leader may not have applied yet what it will find that it knows.
    let stored = ctx.db.read(|tx| stored(tx).boxed()).await?;
    let (status, now) = (db.status(), clock::now());
    if undo_expired(ctx, &stored, now).await?
        || note_presence(ctx, &stored, &status, led_since, now).await?
    {
        return Ok(true);
    }
    let Some(step) = roles::plan(&view(&stored, &status)) else { return Ok(false) };
    tracing::info!(?step, "Healing the cluster");
    if matches!(step, Step::SetVoters(_)) {
        // Left half-way it would need both the old and the new majority.
        return apply(ctx, db, step).await.map(|()| true);
    }
    let applied = tokio::time::timeout(STEP_TIMEOUT, apply(ctx, db, step)).await;
    // A replica that does not answer is seen as such in the next round.
    applied.map_or(Ok(false), |applied| applied.map(|()| true))
}

async fn stored(tx: &mut Tx<'_>) -> Result<Stored> {
    Ok(Stored {
        members: members::list(&mut *tx).await?,
        joins: tokens::joins(&mut *tx).await?,
        settings: config::all(tx).await?,
    })
}

/// What is planned from: the tables and what the leader knows of the replicas.
fn view(stored: &Stored, status: &Status) -> View {
    let number = |key: &str, default| {
        stored.settings.get(key).and_then(|value| value.parse().ok()).unwrap_or(default)
    };
    let seen = |member: &Member| Seen {
        id: member.id,
        address: member.address.clone(),
        joining: member.state == State::Joining,
        online: member.online,
        standby: member.standby,
        caught_up: status.peers.get(&member.id).is_some_and(|peer| {
            peer.matched.is_some_and(|matched| matched + LAG_MAX >= status.committed)
        }),
        failure_domain: member.failure_domain.clone(),
    };
    View {
        leader: status.node,
        voters: status.voters.clone(),
        learners: status.learners.clone(),
        addresses: status.addresses.clone(),
        changing: status.changing,
        members: stored.members.iter().map(seen).collect(),
        voters_max: number("cluster.max_voters", 3),
        standbys_max: number("cluster.max_standby", 2),
    }
}

async fn apply(ctx: &Context, db: &Db, step: Step) -> Result<()> {
    match step {
        Step::AddReplicas(addresses) => db.add_learners(&addresses).await?,
        Step::Remove(id) => db.remove(id).await?,
        Step::SetVoters(voters) => db.change_voters(voters).await?,
        Step::Transfer(to) => db.transfer_leader(to).await?,
        Step::AddStandby(id) => ctx.db.write(|tx| members::add_standby(tx, id).boxed()).await?,
        Step::DropStandby(id) => ctx.db.write(|tx| members::drop_standby(tx, id).boxed()).await?,
    }
    Ok(())
}

/// Undoes the joins whose time is over: their joiners are gone.
async fn undo_expired(ctx: &Context, stored: &Stored, now: Timestamp) -> Result<bool> {
    let mut expired = stored.joins.iter().filter(|join| join.expires_at <= now);
    let Some(join) = expired.next() else { return Ok(false) };
    tracing::info!(name = join.name, "Undoing a join whose time is over");
    let write = ctx.db.write(|tx| {
        async move {
            // It may have become a member, or been let in anew, since it was read.
            match tokens::join_of(&mut *tx, &join.fingerprint).await? {
                Some(now_stored) if now_stored.expires_at <= now => {
                    accept::undo(tx, &now_stored).await
                }
                _ => Ok(()),
            }
        }
        .boxed()
    });
    write.await?;
    Ok(true)
}

/// Writes who came back and who has not been heard of for `cluster.offline_threshold`. A new leader's
/// clock for each member starts at its election.
async fn note_presence(
    ctx: &Context,
    stored: &Stored,
    status: &Status,
    led_since: Instant,
    now: Timestamp,
) -> Result<bool> {
    let threshold = stored.settings.get("cluster.offline_threshold");
    let threshold = Duration::from_secs(threshold.and_then(|text| text.parse().ok()).unwrap_or(20));
    // A joiner has not been heard of yet; its join has a limit of its own. Nor has one that is to be given
    // another replica.
    let judged = |member: &&Member| {
        member.state != State::Joining && status.addresses.contains_key(&member.id)
    };
    for member in stored.members.iter().filter(judged) {
        let heard = status.peers.get(&member.id).and_then(|peer| peer.last_ack);
        let silence = heard.unwrap_or(led_since).max(led_since).elapsed();
        let online = match heard {
            _ if member.id == status.node => true,
            Some(heard) if heard.elapsed() < RECENT => true,
            _ => member.online && silence < threshold,
        };
        if online != member.online {
            let last = now.saturating_sub(silence).unwrap_or(now);
            tracing::info!(name = member.name, online, "A member's presence changed");
            ctx.db.write(|tx| members::set_online(tx, member.id, online, last).boxed()).await?;
            return Ok(true);
        }
    }
    Ok(false)
}

/// Waits until a removed member's replica is out of the group, as far as this member can see. It tells whether
/// that is so: a member that was removed itself meanwhile sees no more of it.
pub(super) async fn taken_out(ctx: &Context, node: u64) -> bool {
    let replica = ctx.db.replica();
    loop {
        let status = replica.status();
        if replica.has_removed(node) {
            return true;
        }
        let own = ctx.db.read_local(|tx| members::get(tx, status.node).boxed());
        if !own.await.is_ok_and(|own| own.is_some()) {
            return false;
        }
        replica.applied_after(status.applied).await;
    }
}

/// Waits until nothing is left to do as far as this member can see, or until the time is over.
pub(super) async fn settled(ctx: &Context, limit: Duration) {
    let replica = ctx.db.replica();
    let settled = async {
        loop {
            let status = replica.status();
            let Ok(stored) = ctx.db.read_local(|tx| stored(tx).boxed()).await else { return };
            if !stored.members.iter().any(|member| member.id == status.node) {
                // Whoever was removed sees no more of it.
                return;
            }
            let mut view = view(&stored, &status);
            view.leader = status.leader.unwrap_or(status.node);
            view.members.iter_mut().for_each(|member| member.caught_up = true);
            if roles::plan(&view).is_none() {
                return;
            }
            replica.applied_after(status.applied).await;
        }
    };
    let _ = tokio::time::timeout(limit, settled).await;
}

/// Hands the lead to another voter, if this member leads and there is one that keeps up.
pub async fn hand_over(ctx: &Context) {
    let replica = ctx.db.replica();
    let status = replica.status();
    if status.leader != Some(status.node) {
        return;
    }
    let mut others: Vec<_> = status.voters.iter().filter(|id| **id != status.node).collect();
    others.sort_by_key(|id| std::cmp::Reverse(status.peers.get(id).and_then(|peer| peer.matched)));
    for heir in others {
        match replica.transfer_leader(*heir).await {
            Ok(()) => return,
            Err(error) => tracing::info!(%error, heir, "Could not hand over the lead"),
        }
    }
}
