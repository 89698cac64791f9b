//! `lxd init`: brings a server to what a preseed says, which is read, or chosen by itself, or asked
//! for. A client of the API like any other.

mod apply;
mod automatic;
mod dialog;
mod diff;
mod dump;
mod mode;
mod plan;
mod preseed;
mod reach;
mod read;

use crate::args;
use crate::client::{self, Client};
use crate::error::Result;
use dialog::{Console, Here};
use mode::Mode;
use shared_api::init::Preseed;
use std::process::ExitCode;
use std::time::Duration;

/// How `lxd init --dry-run` ends when something would change.
const WOULD_CHANGE: u8 = 2;

/// What is told of a preseed that says more than how to join.
const REPLACED: &str = "A server that joins gets the cluster's storage pools, networks, projects and profiles: \
    what the preseed says of them beside it is lost";

/// Does what the arguments say.
///
/// # Errors
/// Arguments that contradict each other; the first thing that could not be done: what was done
/// before it is taken back.
pub fn run(arguments: &args::Init) -> Result<ExitCode> {
    let mode = Mode::of(arguments)?;
    client::run(async |client| {
        let preseed = match mode {
            Mode::Dump => {
                client::print(&dump::dump(&client).await?)?;
                return Ok(ExitCode::SUCCESS);
            }
            Mode::Preseed => preseed::parse(&client::standard_input()?)?,
            Mode::Dialog => {
                let here = Here::new(&client).await?;
                dialog::hold(&mut Console::open(), &here, here.facts().await?).await?
            }
            Mode::Automatic(choices) => automatic::preseed(&client, &choices).await?,
        };
        settle(&client, &preseed, arguments).await
    })
}

async fn settle(client: &Client, preseed: &Preseed, arguments: &args::Init) -> Result<ExitCode> {
    let plan = read::plan(client, preseed).await?;
    if arguments.dry_run {
        client::print(&diff::of(&plan))?;
        let code = if plan.is_empty() { 0 } else { WOULD_CHANGE };
        return Ok(ExitCode::from(code));
    }
    if preseed.is_join() && plan.steps.iter().any(|step| step.object != plan::CONFIG) {
        client::note(REPLACED);
    }
    if let Some(membership) = &plan.cluster {
        reach::wait(client, &membership.wanted, Duration::from_secs(arguments.wait)).await?;
    }
    if let Err(error) = apply::apply(client, &plan).await {
        // The same may have been asked for twice at once: then it is so, whoever did it.
        let now = read::plan(client, preseed).await;
        if !now.is_ok_and(|plan| plan.is_empty()) {
            return Err(error);
        }
    }
    Ok(ExitCode::SUCCESS)
}
