//! The end of a join: activation, whose outcome must be known, and pointing to the new replica.
//! After a kill the next start goes on from here, as long as it takes.

use super::join::{database_dir, until};
use crate::app::undo_log;
use crate::context::Context;
use crate::db::Replica as Pointer;
use crate::db::tables::members::State;
use crate::error::{Context as _, Error, Kind, Result};
use crate::limits;
use crate::node::{self, Remote, Replica};
use crate::tls;
use shared_api::paths;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long to look for the outcome before members are asked again.
const AGAIN: Duration = Duration::from_secs(1);

/// How long the outcome of an activation is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    /// Until the join's time is over, and nobody can be made a member by it any more.
    OfJoin,
    /// As long as it takes.
    Endless,
}

/// Refuses to found or join while this server is a member, or may turn out to be one.
pub(super) async fn require_free(ctx: &Context) -> Result<()> {
    if super::is_clustered(ctx) {
        let trouble = ctx.db.replica().status();
        let trouble = trouble.trouble.clone().filter(|_| trouble.is_removed());
        let text = "This server is already clustered";
        return Err(Error::internal(
            trouble.map_or(text.to_owned(), |why| format!("{text}: {why}")),
        ));
    }
    let pointer = ctx.local.replica().await?;
    if pointer.is_some_and(|pointer| pointer.joining.is_some()) {
        return Err(Error::internal("An earlier join of this server is still being finished"));
    }
    Ok(())
}

/// Asks the members at these addresses, one after the other, to make this replica's server a member.
///
/// Only a refusal is an answer. Anything else may be a yes whose words were lost: then the replica
/// itself tells, or a member that is asked again.
pub(super) async fn activate(
    ctx: &Context,
    replica: &Replica,
    addresses: &[String],
    patience: Patience,
) -> Result<()> {
    replica.mark_activating(addresses)?;
    let cluster = replica.cluster.as_ref().context("find the cluster's certificate")?;
    let path = paths::internal_cluster_activate(replica.membership.node);
    // A member that was asked in time may take that long to do it.
    let end = Instant::now() + limits::JOIN_TIMEOUT + limits::WRITE_TIMEOUT + limits::PEER_TIMEOUT;
    for address in addresses.iter().cycle() {
        let remote = Remote::new(address, &cluster.fingerprint, &ctx.tls.server())?;
        let error = match remote.post::<serde_json::Value>(&path, &()).await {
            Ok(_) => return Ok(()),
            Err(error) if matches!(error.kind, Kind::Forbidden | Kind::NotFound) => {
                return Err(error);
            }
            Err(error) => error,
        };
        tracing::info!(address, "Activation was not answered: {}", error.chain());
        let told = until(replica, |state| state == Some(State::Member));
        if tokio::time::timeout(AGAIN, told).await.is_ok() {
            return Ok(());
        }
        if ctx.stop.is_cancelled() || patience == Patience::OfJoin && Instant::now() > end {
            return Err(error);
        }
    }
    Err(Error::internal("No member of the cluster is known"))
}

/// Finishes or takes back what an earlier run of the daemon left half done; removes what nothing left.
pub async fn resume(ctx: &Context) -> Result<()> {
    let _joining = ctx.joining.lock().await;
    let Some(pointer) = ctx.local.replica().await? else { return Ok(()) };
    match pointer.joining {
        None => node::remove_others(&database_dir(ctx), &[&pointer.directory])?,
        Some(directory) => match Replica::activating(&database_dir(ctx), &directory)? {
            addresses if addresses.is_empty() => forget(ctx, None).await?,
            addresses => return go_on(ctx, &directory, addresses).await,
        },
    }
    if super::is_clustered(ctx) {
        // It was founded: only this was not written any more.
        return ctx.local.clear_undo().await;
    }
    undo_log::run(ctx).await;
    Ok(())
}

/// The cluster was asked to make this server a member: it goes on asking until it knows.
async fn go_on(ctx: &Context, directory: &str, addresses: Vec<String>) -> Result<()> {
    let replica = Replica::open(&database_dir(ctx), directory, &ctx.options).await?;
    let (ctx, replica) = (ctx.clone(), Arc::new(replica));
    ctx.node.serve_streams(Some(replica.clone()));
    tokio::spawn(async move {
        let finished = match activate(&ctx, &replica, &addresses, Patience::Endless).await {
            Ok(()) => point_to(&ctx, replica).await,
            Err(_) if ctx.stop.is_cancelled() => Ok(()),
            Err(_) => {
                let forgotten = forget(&ctx, Some(&replica)).await;
                undo_log::run(&ctx).await;
                forgotten
            }
        };
        if let Err(error) = finished {
            tracing::error!("An earlier join could not be finished: {}", error.chain());
        }
    });
    Ok(())
}

/// Removes the replica that was prepared, running or not, and whatever else is not in use.
pub(super) async fn forget(ctx: &Context, replica: Option<&Replica>) -> Result<()> {
    if let Some(replica) = replica {
        ctx.node.serve_streams(None);
        replica.db.close().await;
    }
    let directory = ctx.node.replica().directory.clone();
    ctx.local.set_replica(&Pointer { directory: directory.clone(), joining: None }).await?;
    node::remove_others(&database_dir(ctx), &[&directory])
}

/// The last step: this server is the member from now on. What fails after that is logged.
pub(super) async fn point_to(ctx: &Context, replica: Arc<Replica>) -> Result<()> {
    let shown = Shown::of(&replica)?;
    let directory = replica.directory.clone();
    let members: Vec<String> = replica.db.status().addresses.into_values().collect();
    ctx.local.arrive(&directory, &members).await?;
    let former = adopt(ctx, replica, shown);
    if let Ok(own) = super::own(ctx).await {
        ctx.events.set_location(&own.name);
    }
    former.close().await;
    if let Err(error) = node::remove_others(&database_dir(ctx), &[&directory]) {
        tracing::warn!("The former replica is removed at the next start: {}", error.chain());
    }
    Ok(())
}

/// The cluster's certificate, ready to be shown.
pub(super) struct Shown {
    identity: Arc<tls::Identity>,
    settings: Arc<rustls::ServerConfig>,
}

impl Shown {
    /// That of a replica's cluster.
    pub(super) fn of(replica: &Replica) -> Result<Self> {
        let identity = replica.cluster.clone().context("find the cluster's certificate")?;
        Ok(Self { settings: tls::public_server(&identity)?, identity })
    }
}

/// Uses a clustered replica: shows the cluster's certificate and takes the members' streams. Returns
/// the database used before. Cannot fail: nothing could be taken back any more.
pub(super) fn adopt(ctx: &Context, replica: Arc<Replica>, shown: Shown) -> replicated_sqlite::Db {
    if let Err(error) = shown.identity.save(&ctx.dir, "cluster") {
        tracing::warn!("The next start writes the cluster's certificate: {}", error.chain());
    }
    ctx.node.show(shown.settings);
    ctx.tls.set_public(shown.identity);
    exchange(ctx, replica)
}

/// Uses another replica, and takes the members' streams for it if it is a cluster's. Returns the database
/// used before.
pub(super) fn exchange(ctx: &Context, replica: Arc<Replica>) -> replicated_sqlite::Db {
    let former = ctx.db.exchange(replica.db.clone());
    ctx.node.exchange(replica.clone());
    ctx.node.serve_streams(replica.cluster.is_some().then_some(replica));
    former
}
