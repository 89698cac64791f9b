//! Doing what was planned step by step, and taking it back when a step fails.

use super::plan::{Membership, Plan, Step};
use crate::app::undo::Undo;
use crate::client::{self, Client};
use crate::error::{Error, Result};
use std::io;
use tokio::signal;
use tokio::task::JoinHandle;

/// Takes all steps: configuration, storage pools, networks, profiles, at last the cluster.
///
/// A kill between two steps leaves the earlier ones done; the same preseed does the rest.
///
/// # Errors
/// The first step that failed, or Ctrl-C between two: the earlier ones are taken back.
pub(super) async fn apply(client: &Client, plan: &Plan) -> Result<()> {
    let mut undo = Undo::new();
    match steps(client, plan, &mut undo).await {
        Ok(()) => {
            undo.disarm();
            Ok(())
        }
        Err(error) => {
            undo.run().await;
            Err(error)
        }
    }
}

async fn steps<'a>(client: &'a Client, plan: &Plan, undo: &mut Undo<'a>) -> Result<()> {
    let mut interrupted = tokio::spawn(signal::ctrl_c());
    for step in &plan.steps {
        refuse_if(&interrupted)?;
        take(client, step, undo).await?;
    }
    refuse_if(&interrupted)?;
    let Some(membership) = &plan.cluster else { return Ok(()) };
    let done = enter(client, membership);
    tokio::pin!(done);
    tokio::select! {
        done = &mut done => return done,
        _ = &mut interrupted => {}
    }
    client::note("The server is at it already: waiting for the end");
    done.await
}

fn refuse_if(interrupted: &JoinHandle<io::Result<()>>) -> Result<()> {
    if interrupted.is_finished() { Err(Error::invalid("Interrupted")) } else { Ok(()) }
}

async fn take<'a>(client: &'a Client, step: &Step, undo: &mut Undo<'a>) -> Result<()> {
    let Step { action, request, undo: back, .. } = step.clone();
    client
        .send(&request)
        .await
        .map_err(|error| error.prefix(format_args!("Failed to {action}")))?;
    undo.push("apply the preseed", async move {
        if let Err(error) = client.send(&back).await {
            client::note(format_args!("Failed to undo \"{action}\": {}", error.chain()));
        }
    });
    Ok(())
}

async fn enter(client: &Client, membership: &Membership) -> Result<()> {
    let done = client.complete(&membership.request()).await;
    done.map_err(|error| {
        // A join says so itself.
        let failure = membership.failure;
        if error.message.starts_with(failure) { error } else { error.prefix(failure) }
    })
}
