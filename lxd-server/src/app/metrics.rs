//! What this member counts and times, as a text for Prometheus and its like. Needs no quorum.

use crate::app::cluster;
use crate::context::Context;
use crate::db::tables::config;
use crate::db::tables::members::{self, Member, State};
use crate::error::{Error, Result};
use crate::identity::Identity;
use crate::openmetrics::Text;
use crate::process;
use futures::FutureExt;
use replicated_sqlite::{Figures, Status};
use shared_api::config::server::{METRICS_AUTHENTICATION, default, truth};

/// Refuses who may not read metrics: all but administrators and certificates for just this, unless
/// `core.metrics_authentication` is off.
pub async fn check_reader(ctx: &Context, who: &Identity) -> Result<()> {
    if who.is_admin() || matches!(who, Identity::Metrics { .. }) {
        return Ok(());
    }
    let key = METRICS_AUTHENTICATION;
    let value = ctx.db.read_local(|tx| config::get(tx, key).boxed()).await?;
    match truth(value.as_deref().unwrap_or(default(key))) {
        Some(false) => Ok(()),
        _ => Err(Error::forbidden("not authorized")),
    }
}

/// All metrics of this member.
pub async fn text(ctx: &Context) -> Result<String> {
    let members = ctx.db.read_local(|tx| members::list(tx).boxed()).await?;
    let (replica, mut text) = (ctx.db.replica(), Text::default());
    server(ctx, &mut text);
    requests(ctx, &mut text);
    raft(&mut text, &replica.status(), &members);
    database(&mut text, &replica.figures());
    if cluster::is_clustered(ctx) {
        online(&mut text, &members);
    }
    usage(&mut text)?;
    Ok(text.end())
}

fn server(ctx: &Context, text: &mut Text) {
    let uptime = ctx.started.elapsed().as_secs_f64();
    text.gauge("lxd_uptime_seconds", "The daemon uptime in seconds.").sample(&[], uptime);
    let operations = ctx.operations.running();
    text.gauge("lxd_operations_total", "The number of running operations.").sample(&[], operations);
}

fn requests(ctx: &Context, text: &mut Text) {
    let answered = ctx.requests.answered();
    let help = "API requests that were answered, by class of status.";
    let mut family = text.counter("lxd_api_requests_completed", help);
    for one in &answered {
        for (class, count) in &one.classes {
            let labels = [("method", one.method), ("route", &*one.route), ("status", *class)];
            family.sample(&labels, count);
        }
    }
    let help = "From the arrival of a request's head to the head of its answer.";
    let mut family = text.histogram("lxd_api_request_duration_seconds", help);
    for one in &answered {
        family.times(&[("method", one.method), ("route", &*one.route)], &one.times);
    }
}

/// Where this member and, on the leader, the others are.
fn raft(text: &mut Text, status: &Status, members: &[Member]) {
    let of_all = |status: &Status| status.applied.max(status.committed);
    for (name, help, value) in [
        ("lxd_database_term", "The Raft term.", status.term),
        ("lxd_database_leader", "Whether this member leads.", u64::from(status.leads())),
        ("lxd_database_quorum", "Whether a majority answers.", u64::from(status.quorum)),
        ("lxd_database_commit_index", "Last entry that is known to be committed.", of_all(status)),
        ("lxd_database_applied_index", "Last entry that is applied here.", status.applied),
    ] {
        text.gauge(name, help).sample(&[], value);
    }
    let name = |id: &u64| {
        let member = members.iter().find(|member| member.id == *id);
        member.map_or_else(|| id.to_string(), |member| member.name.clone())
    };
    let mut family = text.gauge("lxd_database_peer_connected", "Whether a stream to it is open.");
    for (id, peer) in &status.peers {
        family.sample(&[("member", &name(id))], u8::from(peer.connected));
    }
    let help = "Committed entries that a member is not known to hold; on the leader alone.";
    let mut family = text.gauge("lxd_database_peer_lag_entries", help);
    for (id, peer) in status.peers.iter().filter(|_| status.leads()) {
        let lag = of_all(status).saturating_sub(peer.matched.unwrap_or_default());
        family.sample(&[("member", &name(id))], lag);
    }
}

fn database(text: &mut Text, figures: &Figures) {
    for (name, help, value) in [
        ("lxd_database_leaders", "Leaders seen; one elected again counts again.", figures.leaders),
        ("lxd_database_transactions", "Transactions of this member.", figures.transactions),
        ("lxd_database_conflicts", "Runs of those on data that was no more.", figures.conflicts),
        ("lxd_database_replays", "Others' transactions run as the leader.", figures.replays),
        ("lxd_database_reads", "Linearizable reads of this member.", figures.reads),
        ("lxd_database_read_indexes", "Questions for a read index.", figures.read_indexes),
    ] {
        text.counter(name, help).sample(&[], value);
    }
    for (name, help, value) in [
        ("lxd_database_log_index", "Last entry that is durable here.", figures.log_index),
        ("lxd_database_log_bytes", "Bytes of all entries in the log.", figures.log_bytes),
        ("lxd_database_snapshot_bytes", "Size of the last snapshot.", figures.snapshot_bytes),
    ] {
        text.gauge(name, help).sample(&[], value);
    }
    for (name, help, times) in [
        (
            "lxd_database_commit_duration_seconds",
            "From proposing an entry until it is applied, as the leader.",
            &figures.commits,
        ),
        (
            "lxd_database_log_write_duration_seconds",
            "Writes to the log, each with its fdatasync.",
            &figures.log_writes,
        ),
        ("lxd_database_snapshot_duration_seconds", "Making snapshots.", &figures.snapshots),
    ] {
        text.histogram(name, help).times(&[], times);
    }
}

/// As the leader has last written it down.
fn online(text: &mut Text, members: &[Member]) {
    let mut family = text.gauge("lxd_cluster_member_online", "Whether the leader hears of it.");
    for member in members.iter().filter(|member| member.state != State::Joining) {
        family.sample(&[("member", &member.name)], u8::from(member.online));
    }
}

fn usage(text: &mut Text) -> Result<()> {
    let usage = process::usage()?;
    let memory = "Resident memory in bytes.";
    text.gauge("process_resident_memory_bytes", memory).sample(&[], usage.memory);
    text.gauge("process_open_fds", "Open files and sockets.").sample(&[], usage.files);
    let cpu = usage.cpu.as_secs_f64();
    text.counter("process_cpu_seconds", "Time on processors.").sample(&[], cpu);
    Ok(())
}
