//! Doing what was planned step by step, and taking it back when a step fails.

use super::plan::{Membership, Plan, Step};
use crate::client::{self, Client};
use crate::error::{Error, Result};
use std::io;
use tokio::signal;
use tokio::task::JoinHandle;

/// Takes all steps: configuration, storage pools, networks, projects, profiles, at last the cluster.
///
/// A kill between two steps leaves the earlier ones done; the same preseed does the rest.
///
/// # Errors
/// The first step that failed, or Ctrl-C between two: the earlier ones are taken back.
pub(super) async fn apply(client: &Client, plan: &Plan) -> Result<()> {
    let mut taken = Vec::new();
    let result = steps(client, plan, &mut taken).await;
    if result.is_err() {
        for step in taken.into_iter().rev() {
            take_back(client, step).await;
        }
    }
    result
}

/// `taken` gets the steps that were taken.
async fn steps<'a>(client: &Client, plan: &'a Plan, taken: &mut Vec<&'a Step>) -> Result<()> {
    let mut interrupted = tokio::spawn(signal::ctrl_c());
    for step in &plan.steps {
        refuse_if(&interrupted)?;
        let sent = client.send(&step.request).await;
        sent.map_err(|error| error.prefix(format_args!("Failed to {}", step.action)))?;
        taken.push(step);
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

async fn take_back(client: &Client, step: &Step) {
    if let Err(error) = client.send(&step.undo).await {
        let action = &step.action;
        client::note(format_args!("Failed to undo \"{action}\": {}", error.chain()));
    }
}

fn refuse_if(interrupted: &JoinHandle<io::Result<()>>) -> Result<()> {
    if interrupted.is_finished() { Err(Error::invalid("Interrupted")) } else { Ok(()) }
}

async fn enter(client: &Client, membership: &Membership) -> Result<()> {
    let done = client.complete(&membership.request()).await;
    done.map_err(|error| {
        // A join says so itself.
        let failure = membership.failure;
        if error.message.starts_with(failure) { error } else { error.prefix(failure) }
    })
}
