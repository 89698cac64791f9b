//! Starting and stopping the daemon, top to bottom.

use crate::api;
use crate::api::listen::{Listeners, Services, bind_unix};
use crate::app::repeats::{self, Repeats};
use crate::app::trust::Attempts;
use crate::app::{cluster, config, network, storage};
use crate::args::{self, Global};
use crate::context::{Context, Parts};
use crate::db::{Database, Local, Replica as Pointer};
use crate::error::{Context as _, Error, Kind, Result};
use crate::events::Events;
#[cfg(debug_assertions)]
use crate::failpoint;
use crate::host;
use crate::limits;
use crate::logging;
use crate::network::Networks;
use crate::node::{self, Node, Replica};
use crate::operations::Operations;
use crate::requests::Requests;
use crate::tls;
use replicated_sqlite::Options;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Mutex, watch};
use tokio_util::sync::CancellationToken;

/// How long handing over the lead may take at the end.
const HANDOVER: Duration = Duration::from_secs(2);

/// Runs the daemon until it is told to stop.
pub fn run(global: &Global) -> Result<()> {
    let events = Events::default();
    logging::start(global, &events)?;
    #[cfg(debug_assertions)]
    args::fail_at().map_or(Ok(()), |name| failpoint::choose(&name))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.context("start the runtime")?.block_on(async {
        let ctx = start(&args::directory(), global.group.as_deref(), events).await?;
        let end = wait_for_end(&ctx).await?;
        stop(&ctx, end).await;
        Ok(())
    })
}

/// Opens all that the daemon has, serves the API, then brings storage and networks up.
pub async fn start(dir: &Path, group: Option<&str>, events: Events) -> Result<Context> {
    let ctx = open(dir, events).await?;
    let services = Services {
        router: api::router(ctx.clone()),
        acceptors: ctx.node.acceptors(),
        replica: ctx.node.clone(),
    };
    ctx.listeners.start(services);
    ctx.listeners.serve_unix(bind_unix(&dir.join("unix.socket"), group)?);
    config::listen(&ctx).await?;
    if !ctx.node.replica().is_stand_in() {
        cluster::resume(&ctx).await?;
    }
    tokio::spawn(cluster::heal(ctx.clone()));
    tokio::spawn(repeats::forget(ctx.clone()));
    tokio::spawn(cluster::revive(ctx.clone()));
    tokio::spawn(cluster::heed(ctx.clone()));
    tokio::spawn(cluster::follow_certificate(ctx.clone()));
    tokio::spawn(restore(ctx.clone()));
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
    tracing::info!(directory = %dir.display(), "The daemon is started");
    Ok(ctx)
}

/// The parts, before anything is served.
async fn open(dir: &Path, events: Events) -> Result<Context> {
    let (host, database) = (host::name(), dir.join("database"));
    make_directory(dir, 0o711)?;
    make_directory(&database, 0o700)?;
    for parts in ["networks", "storage-pools"] {
        make_directory(&dir.join(parts), 0o711)?;
    }
    let path = database.join("local.db");
    if !path.exists() {
        node::refuse_replicas(&database)?;
    }
    let (tls, local) = tokio::try_join!(open_tls(dir, &host), Local::open(&path))?;
    let options = Options { deadline: limits::WRITE_TIMEOUT, ..Options::default() };
    let replica = open_replica(&database, &local, &options).await?;
    match &replica.cluster {
        Some(cluster) => {
            cluster.save(dir, "cluster")?;
            tls.set_public(cluster.clone());
        }
        None => tls::Identity::remove(dir, "cluster"),
    }
    let node = Node::new(replica.clone(), &tls)?;
    Ok(Context::new(Parts {
        dir: dir.to_owned(),
        host,
        db: Database::new(replica.db.clone()),
        local,
        tls,
        node,
        operations: Operations::new(events.clone()),
        events,
        listeners: Listeners::default(),
        repeats: Repeats::default(),
        trust: Attempts::default(),
        networks: Networks::default(),
        requests: Requests::default(),
        started: Instant::now(),
        joining: Mutex::default(),
        options,
        ready: watch::Sender::new(false),
        stop: CancellationToken::new(),
    }))
}

/// At the first start this waits for the disk, and the local database does so at the same time.
async fn open_tls(dir: &Path, host: &str) -> Result<tls::Store> {
    let (dir, host) = (dir.to_owned(), host.to_owned());
    let opened = tokio::task::spawn_blocking(move || tls::Store::open(&dir, &host)).await;
    opened.context("open the certificates")?
}

/// The replica that the local database points to, or at the first start a new one.
async fn open_replica(database: &Path, local: &Local, options: &Options) -> Result<Arc<Replica>> {
    let replica = match local.replica().await? {
        Some(pointer) => match Replica::open(database, &pointer.directory, options).await {
            Err(error) if error.kind == Kind::Lost => {
                stand_in(database, local, &pointer, &error, options).await?
            }
            opened => opened?,
        },
        None => {
            // Whatever an earlier first start left behind was never pointed to.
            node::remove_others(database, &[])?;
            let replica = Replica::found(database, options).await?;
            let pointer = Pointer { directory: replica.directory.clone(), joining: None };
            local.set_replica(&pointer).await?;
            replica
        }
    };
    replica.check_named().await.map(Arc::new)
}

/// A member whose replica is lost asks the others for another; nobody else has a lone server's.
async fn stand_in(
    database: &Path,
    local: &Local,
    lost: &Pointer,
    error: &Error,
    options: &Options,
) -> Result<Replica> {
    let dir = database.parent().context("find the cluster's certificate")?;
    let cluster = tls::Identity::load(dir, "cluster")?;
    // This server's own address is among them.
    let others = local.members().await?.len() > 1;
    let cluster = cluster.filter(|_| others).ok_or_else(|| alone(database, error))?;
    tracing::error!("This server must be given a new place in its cluster: {}", error.chain());
    node::remove_others(database, &[&lost.directory])?;
    let why = "its database is lost, and it waits for another from the other members";
    Replica::stand_in(database, &lost.directory, cluster, why.to_owned(), options).await
}

fn alone(database: &Path, error: &Error) -> Error {
    Error::internal(format_args!(
        "{}. No other server has this database. Put back a copy of {1}, or give up what is in it and \
         start afresh after: mv {1} {1}.lost",
        error.chain(),
        database.display()
    ))
}

/// Brings this host's storage and networks to what the database says; then the daemon is ready.
async fn restore(ctx: Context) {
    if ctx.node.replica().is_stand_in() {
        let _joining = ctx.joining.lock().await;
        cluster::rejoin(&ctx).await;
    }
    if let Ok(own) = cluster::own(&ctx).await {
        ctx.events.set_location(&own.name);
    }
    storage::realise_all(&ctx).await;
    network::realise_all(&ctx).await;
    tokio::spawn(storage::follow(ctx.clone()));
    tokio::spawn(network::follow(ctx.clone()));
    ctx.ready.send_replace(true);
}

/// Why the daemon ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// A signal: another daemon takes over, what runs on the host goes on.
    Restart,
    /// `lxd shutdown`: the host is left without networks and mounts of ours.
    Shutdown,
}

async fn wait_for_end(ctx: &Context) -> Result<End> {
    let mut terminate = signal(SignalKind::terminate()).context("listen for signals")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listen for signals")?;
    Ok(tokio::select! {
        _ = terminate.recv() => End::Restart,
        _ = interrupt.recv() => End::Restart,
        () = ctx.stop.cancelled() => End::Shutdown,
    })
}

/// Hands the lead to another member, lets requests end, closes the databases.
pub async fn stop(ctx: &Context, end: End) {
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
    ctx.stop.cancel();
    let handed = tokio::time::timeout(HANDOVER, cluster::hand_over(ctx)).await;
    if handed.is_err() {
        tracing::info!("No other member took the lead in time");
    }
    ctx.listeners.shutdown().await;
    if end == End::Shutdown {
        ctx.networks.stop().await;
        storage::stop_all(ctx).await;
    }
    ctx.db.replica().close().await;
    ctx.local.close().await;
    tracing::info!("The daemon has stopped");
}

fn make_directory(path: &Path, mode: u32) -> Result<()> {
    let made = DirBuilder::new().recursive(true).mode(mode).create(path);
    made.context(format_args!("make {}", path.display()))
}
