//! Who is in the cluster, and what a joiner has to choose for itself.

use crate::app::{network, storage};
use crate::clock;
use crate::context::Context;
use crate::db::tables::members::{self, State};
use crate::error::{Error, Result};
use crate::host;
use futures::FutureExt;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use replicated_sqlite::Status;
use shared_api::cluster::{Cluster, Member};

/// The cluster as this member sees it; a server without one says so.
pub async fn overview(ctx: &Context) -> Result<Cluster> {
    if !super::is_clustered(ctx) {
        return Ok(Cluster::default());
    }
    let server_name = super::own(ctx).await?.name;
    let keys = ctx.db.read(|tx| {
        async {
            let mut keys = storage::member_config(&mut *tx).await?;
            keys.extend(network::member_config(tx).await?);
            Ok(keys)
        }
        .boxed()
    });
    Ok(Cluster { server_name, enabled: true, member_config: keys.await? })
}

/// All members, by name.
pub async fn members(ctx: &Context) -> Result<Vec<Member>> {
    super::require_clustered(ctx)?;
    let rows = ctx.db.read(|tx| members::list(tx).boxed()).await?;
    let (status, now) = (ctx.db.replica().status(), clock::now());
    let members = rows.into_iter().filter(|member| member.state != State::Joining);
    Ok(members.map(|member| show(member, &status, now)).collect())
}

/// One member.
pub async fn member(ctx: &Context, name: &str) -> Result<Member> {
    let found = members(ctx).await?.into_iter().find(|member| member.server_name == name);
    found.ok_or_else(|| Error::not_found("Cluster member not found"))
}

/// A member as clients see it.
pub(super) fn show(member: members::Member, status: &Status, now: Timestamp) -> Member {
    let voter = status.voters.contains(&member.id);
    let mut roles = Vec::new();
    // Without a majority nobody leads, whoever still takes himself for the leader.
    if status.quorum && status.leader == Some(member.id) {
        roles.push("database-leader".to_owned());
    }
    if voter {
        roles.push("database".to_owned());
    } else if member.standby {
        roles.push("database-standby".to_owned());
    }
    let (state, message) = state(&member, status, now);
    Member {
        database: !roles.is_empty(),
        roles,
        failure_domain: member.failure_domain,
        description: member.description,
        config: member.config,
        groups: member.groups,
        server_name: member.name,
        url: format!("https://{}", member.address),
        status: state.to_owned(),
        message,
        architecture: host::architecture_name(member.architecture).to_owned(),
    }
}

/// What is written about a member; what it says itself of its trouble, and what this member sees when nobody
/// can write, come before that.
fn state(member: &members::Member, status: &Status, now: Timestamp) -> (&'static str, String) {
    if member.state == State::Evacuated {
        return ("Evacuated", "Unavailable due to maintenance".to_owned());
    }
    let peer = status.peers.get(&member.id);
    let own = status.trouble.as_ref().filter(|_| member.id == status.node);
    if let Some(trouble) = own.or(peer.and_then(|peer| peer.trouble.as_ref())) {
        return ("Offline", trouble.clone());
    }
    if !status.quorum {
        return seen(member, status, now);
    }
    match member.heartbeat.filter(|_| !member.online) {
        Some(last) => ("Offline", silent_since(last, now)),
        None => ("Online", "Fully operational".to_owned()),
    }
}

/// Without a majority nobody writes who is there: then what this member sees itself.
fn seen(member: &members::Member, status: &Status, now: Timestamp) -> (&'static str, String) {
    let Some(peer) = status.peers.get(&member.id).filter(|peer| !peer.connected) else {
        return ("Online", "The cluster has no majority".to_owned());
    };
    let Some(last) = peer.last_ack else {
        return ("Offline", "No heartbeat since lxd was started on this member".to_owned());
    };
    let silence = SignedDuration::try_from(last.elapsed()).unwrap_or(SignedDuration::MAX);
    ("Offline", silent_since(now.saturating_sub(silence).unwrap_or(now), now))
}

/// LXD's words for a member that was last heard of at a time.
fn silent_since(last: Timestamp, now: Timestamp) -> String {
    let silence = now.duration_since(last).unsigned_abs();
    let date = last.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%S%.f %z UTC").to_string();
    let seconds = format!("{}.{:09}", silence.as_secs(), silence.subsec_nanos());
    let seconds = seconds.trim_end_matches('0').trim_end_matches('.');
    let minutes = silence.as_secs() / 60;
    let spoken = match minutes {
        0 => format!("{seconds}s"),
        _ => format!("{minutes}m{}s", silence.as_secs() % 60),
    };
    format!("No heartbeat for {spoken} ({date})")
}

#[cfg(test)]
mod tests {
    use super::*;
    use replicated_sqlite::PeerStatus;

    fn member(id: u64, online: bool) -> members::Member {
        members::Member {
            id,
            name: format!("node{id}"),
            description: String::new(),
            address: format!("10.0.0.{id}:8443"),
            state: State::Member,
            online,
            heartbeat: Some(Timestamp::UNIX_EPOCH),
            architecture: 2,
            failure_domain: "default".to_owned(),
            standby: false,
            groups: Vec::new(),
            config: std::collections::BTreeMap::new(),
        }
    }

    #[test]
    fn what_is_known_at_first_hand_is_shown_before_what_is_written() {
        let now = Timestamp::from_second(75).unwrap();
        let full = || Some("no space left on device".to_owned());
        let peer = PeerStatus { trouble: full(), ..PeerStatus::default() };
        let healthy = Status { node: 1, quorum: true, ..Status::default() };
        let told = Status { peers: [(2, peer)].into(), ..healthy.clone() };
        let cut_off = PeerStatus { connected: false, ..PeerStatus::default() };
        let there = PeerStatus { connected: true, ..PeerStatus::default() };
        let peers = [(2, cut_off), (3, there)].into();
        let alone = Status { quorum: false, peers, ..healthy.clone() };
        let own = Status { trouble: full(), ..healthy.clone() };
        for (id, online, status, state, message) in [
            (2, true, &healthy, "Online", "Fully operational"),
            (
                2,
                false,
                &healthy,
                "Offline",
                "No heartbeat for 1m15s (1970-01-01 00:00:00 +0000 UTC)",
            ),
            (2, true, &told, "Offline", "no space left on device"),
            (2, false, &told, "Offline", "no space left on device"),
            (1, true, &told, "Online", "Fully operational"),
            (1, true, &own, "Offline", "no space left on device"),
            (2, true, &own, "Online", "Fully operational"),
            (1, true, &alone, "Online", "The cluster has no majority"),
            (2, true, &alone, "Offline", "No heartbeat since lxd was started on this member"),
            (3, false, &alone, "Online", "The cluster has no majority"),
        ] {
            let shown = super::state(&member(id, online), status, now);
            assert_eq!(shown, (state, message.to_owned()), "{id} {online} {status:?}");
        }
    }
}
