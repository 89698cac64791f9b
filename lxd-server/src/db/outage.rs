//! What users are told when the cluster's database cannot be used: the one place that makes these texts.

use super::tables::members;
use crate::clock;
use crate::error::{Error, Kind};
use futures::FutureExt;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use replicated_sqlite::{Db, NodeId, Status, Why};
use std::collections::BTreeMap;
use std::error::Error as _;

/// What was to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// To know what is true now.
    Read,
    /// To change something.
    Write,
}

/// Whether an error is the database's own, not that of a closure.
pub(super) fn is_outage(error: &Error) -> bool {
    error.kind == Kind::Unavailable && cause(error).is_some()
}

/// The same error with a text for users, if it is the database's own.
pub(super) async fn explain(db: &Db, error: Error, action: Action) -> Error {
    use replicated_sqlite::Error as Cause;
    let status = db.status();
    let text = match cause(&error) {
        Some(Cause::Unavailable { .. }) if status.is_removed() => removed(status),
        Some(Cause::Unavailable { why, may_take_effect }) => {
            let (why, unconfirmed) = (*why, *may_take_effect);
            let text = unavailable(db, why, action).await;
            if unconfirmed && action == Action::Write {
                format!("{text} {UNCONFIRMED}")
            } else {
                text
            }
        }
        Some(Cause::NotLeader { .. }) => MOVED.to_owned(),
        Some(Cause::Contended) => CONTENDED.to_owned(),
        Some(Cause::Stopped) => stopped(&status),
        Some(Cause::Refused(why)) => format!("The database cannot take this change: {why}"),
        Some(Cause::Lost(_) | Cause::Sql(_) | Cause::Io(_)) | None => return error,
    };
    Error::new(error.kind, text)
}

/// The same for what needs no majority: a replica that only stands in for a lost one has nothing to read.
pub(super) fn explain_local(db: &Db, error: Error) -> Error {
    let status = db.status();
    match status.trouble.filter(|_| error.kind == Kind::Internal && status.voters.is_empty()) {
        Some(trouble) => Error::unavailable(waiting(trouble)),
        None => error,
    }
}

fn removed(status: Status) -> String {
    status.trouble.map_or_else(|| REMOVED.to_owned(), waiting)
}

fn waiting(trouble: String) -> String {
    format!("This server cannot do this now: {trouble}. Other members may still serve.")
}

const REMOVED: &str = "This server has been removed from its cluster.";
const UNCONFIRMED: &str = "The change was not confirmed and may still take effect.";
const MOVED: &str = "Another member has just become the database leader: try again.";
const CONTENDED: &str = "Other requests changed the same at the same time: try again.";
const LEADERLESS: &str = "The members of the cluster answer, but none of them became the database leader in time: try again, and see the log of lxd if it stays so.";
const BEHIND: &str = "This member lags behind the cluster: ask another member, or try again later.";
const LATE: &str = "The cluster did not get it done in time: try again.";
const HUNG: &str = "The change took too long and was given up: try again.";
const ALONE: &str = "This server is not a member of its cluster yet.";

async fn unavailable(db: &Db, why: Why, action: Action) -> String {
    let text = match why {
        Why::NoMajority => return no_majority(db, action).await,
        Why::NoLeader => LEADERLESS,
        Why::NoGroup => return db.status().trouble.map_or(ALONE.to_owned(), waiting),
        Why::Behind => BEHIND,
        Why::Late => LATE,
        Why::Hung => HUNG,
        Why::Stopped => return stopped(&db.status()),
    };
    text.to_owned()
}

fn stopped(status: &Status) -> String {
    match &status.trouble {
        Some(trouble) => format!(
            "The database on this member has stopped: {trouble}. Other members may still serve."
        ),
        None => "The database on this member has stopped, its log says why. Restart lxd here (systemctl restart lxd), or ask another member.".to_owned(),
    }
}

async fn no_majority(db: &Db, action: Action) -> String {
    // Whatever this member has of the members' names is better than none.
    let members = db.read_local(|tx| members::list(tx).boxed()).await.unwrap_or_default();
    let names = members.into_iter().map(|member| (member.id, member.name)).collect();
    tell(&db.status(), &names, action, clock::now())
}

/// Names who does not answer and what helps.
fn tell(
    status: &Status,
    names: &BTreeMap<NodeId, String>,
    action: Action,
    now: Timestamp,
) -> String {
    let silent = |id: &&NodeId| status.peers.get(id).is_some_and(|peer| !peer.connected);
    let silent: Vec<NodeId> = status.voters.iter().filter(silent).copied().collect();
    let what = match action {
        Action::Read => "so nobody can tell what is true now",
        Action::Write => "so nothing can be changed",
    };
    if silent.is_empty() {
        return format!("The cluster had no majority a moment ago, {what}: try again.");
    }
    let described: Vec<String> =
        silent.iter().map(|id| describe(status, names, *id, now)).collect();
    let verb = if silent.len() == 1 { "does" } else { "do" };
    let missing = (status.voters.len() / 2 + 1).saturating_sub(status.voters.len() - silent.len());
    let start = match (missing, silent.len()) {
        (_, 1) => "it".to_owned(),
        (missing, all) if missing >= all => "them".to_owned(),
        (0 | 1, _) => "one of them".to_owned(),
        (missing, _) => format!("{missing} of them"),
    };
    let cut_off = match silent.len() + 1 == status.voters.len() {
        true => " If they run, this member is cut off from them.",
        false => "",
    };
    format!(
        "The cluster has no majority, {what}: {} {verb} not answer. Start lxd on {start} (systemctl start lxd), or read what this member knows with \"lxc cluster list\".{cut_off}",
        list(&described),
    )
}

/// `node2 (10.0.0.2:8443, unreachable since 2026-11-22 14:03:11 UTC)`
fn describe(
    status: &Status,
    names: &BTreeMap<NodeId, String>,
    id: NodeId,
    now: Timestamp,
) -> String {
    let peer = status.peers.get(&id);
    let address = status.addresses.get(&id).map_or("", String::as_str);
    let state = match peer.and_then(|peer| peer.trouble.as_ref()) {
        Some(trouble) => trouble.clone(),
        None => match peer.and_then(|peer| peer.last_ack) {
            Some(last) => format!("unreachable since {}", date(now, last.elapsed())),
            None => "unreachable since lxd was started here".to_owned(),
        },
    };
    match names.get(&id) {
        Some(name) => format!("{name} ({address}, {state})"),
        None => format!("{address} ({state})"),
    }
}

fn date(now: Timestamp, ago: std::time::Duration) -> String {
    let ago = SignedDuration::try_from(ago).unwrap_or(SignedDuration::ZERO);
    let then = now.saturating_sub(ago).unwrap_or(now);
    then.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// `a`, `a and b`, `a, b and c`
fn list(names: &[String]) -> String {
    match names.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} and {last}", others.join(", ")),
        _ => names.concat(),
    }
}

/// The database's error that hangs from one of ours.
fn cause(error: &Error) -> Option<&replicated_sqlite::Error> {
    error.source()?.downcast_ref()
}

#[cfg(test)]
mod tests {
    use super::*;
    use replicated_sqlite::PeerStatus;

    fn status(voters: u64, silent: &[u64]) -> Status {
        let peer = |id: u64| {
            let peer = PeerStatus { connected: !silent.contains(&id), ..PeerStatus::default() };
            (id, peer)
        };
        Status {
            node: 1,
            voters: (1..=voters).collect(),
            peers: (2..=voters).map(peer).collect(),
            addresses: (1..=voters).map(|id| (id, format!("10.0.0.{id}:8443"))).collect(),
            ..Status::default()
        }
    }

    fn told(status: &Status, action: Action) -> String {
        let names = [(2, "node2".to_owned()), (3, "node3".to_owned())].into();
        tell(status, &names, action, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn the_members_that_are_missing_are_named() {
        let mut three = status(3, &[2, 3]);
        let heard = std::time::Instant::now();
        three.peers.get_mut(&2).unwrap().last_ack = Some(heard);
        let text = told(&three, Action::Write);
        let expected = "The cluster has no majority, so nothing can be changed: \
            node2 (10.0.0.2:8443, unreachable since 19";
        assert!(text.starts_with(expected), "{text}");
        let expected = " UTC) and node3 (10.0.0.3:8443, unreachable since lxd was started here) \
            do not answer. Start lxd on one of them (systemctl start lxd), or read what this \
            member knows with \"lxc cluster list\". If they run, this member is cut off from them.";
        assert!(text.ends_with(expected), "{text}");
    }

    #[test]
    fn as_many_are_to_be_started_as_are_missing() {
        for (voters, silent, who) in [
            (2, &[2][..], "it ("),
            (3, &[2, 3], "one of them ("),
            (4, &[2, 3], "one of them ("),
            (4, &[2, 3, 4], "2 of them ("),
            (5, &[2, 3, 4], "one of them ("),
        ] {
            let text = told(&status(voters, silent), Action::Read);
            assert!(text.contains(&format!("Start lxd on {who}")), "{voters} {silent:?}: {text}");
        }
        let text = told(&status(3, &[]), Action::Read);
        assert_eq!(
            text,
            "The cluster had no majority a moment ago, so nobody can tell what is true now: try again."
        );
    }

    #[test]
    fn one_whose_disk_is_full_says_so_itself() {
        let mut two = status(2, &[2]);
        two.peers.get_mut(&2).unwrap().trouble = Some("no space left on device".to_owned());
        let text = told(&two, Action::Write);
        assert!(text.contains(": node2 (10.0.0.2:8443, no space left on device) does not answer."));
    }
}
