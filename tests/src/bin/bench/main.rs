//! Our daemon and client beside Debian's, in turn in the same run, on hosts of namespaces.

mod busy;
mod daemons;
mod growth;
mod load;
mod meter;
mod replicas;
mod report;
mod round;
mod rows;
mod tls;

use std::{fs, path::PathBuf, time::Instant};

use anyhow::{Context, Result};
use clap::Parser;
use tests::flavour::Flavour;

use report::Report;
use rows::{Row, When};

/// Measures our daemon and client, and Debian's where it is installed.
#[derive(Parser)]
struct Arguments {
    /// Clusters formed by each, the figures are medians
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// Leave out the rows that take seconds each: those that write, and those that hurt the leader
    #[arg(long)]
    quick: bool,
    /// Add what grows: profiles, members, replicas in one process, the database by writes
    #[arg(long)]
    growth: bool,
    /// Add a cluster of ours under processes that spin on all cores for that long
    #[arg(long, value_name = "SECONDS")]
    busy: Option<u64>,
    /// Measure only the rows whose name has one of these parts, separated by commas; a part that is
    /// in no name lists them
    #[arg(long, value_name = "PARTS")]
    only: Option<String>,
    /// Measure one only: ours or debian
    #[arg(long)]
    flavour: Option<String>,
    /// Write every measured value to this file, as JSON
    #[arg(long)]
    json: Option<PathBuf>,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let mut report = Report::of(arguments.only.as_deref(), |when| match when {
        When::Always => true,
        When::Long => !arguments.quick,
        When::Growth => arguments.growth,
        When::Busy => arguments.busy.is_some(),
    })?;
    let chosen = |flavour: &Flavour| match &arguments.flavour {
        Some(name) => flavour.name() == name,
        None => flavour.program("lxd").is_ok(),
    };
    let flavours: Vec<_> = [Flavour::Debian, Flavour::Ours].into_iter().filter(chosen).collect();
    let measured = measure(&arguments, &flavours, &mut report);
    // What was measured before a failure is worth its time, too.
    tell(&arguments, &report)?;
    measured
}

fn measure(arguments: &Arguments, flavours: &[Flavour], report: &mut Report) -> Result<()> {
    let rounds = if report.wants_any(&[When::Always, When::Long]) { arguments.rounds } else { 0 };
    for number in 1..=rounds {
        for flavour in flavours {
            part(&format!("round {number} of {rounds}"), *flavour, || {
                round::run(*flavour, report)?;
                round::by_password(*flavour, report)
            })?;
        }
    }
    for flavour in flavours {
        round::sizes(*flavour, report)?;
    }
    if report.wants_any(&[When::Growth]) {
        for flavour in flavours {
            part("8,100 writes", *flavour, || growth::written(*flavour, report))?;
            part("profiles", *flavour, || growth::profiles(*flavour, report))?;
            part("many daemons", *flavour, || daemons::run(*flavour, report))?;
        }
        if flavours.contains(&Flavour::Ours) {
            part("many replicas", Flavour::Ours, || replicas::run(report))?;
        }
    }
    match arguments.busy.filter(|_| report.wants(&[Row::BusyLeaders, Row::BusyP50, Row::BusyP99])) {
        Some(seconds) => part("busy cores", Flavour::Ours, || busy::run(seconds, report)),
        None => Ok(()),
    }
}

/// Says what is measured, and how long that took.
#[allow(clippy::print_stderr, reason = "a benchmark of minutes has to show that it goes on")]
fn part(name: &str, flavour: Flavour, work: impl FnOnce() -> Result<()>) -> Result<()> {
    let begin = Instant::now();
    work().with_context(|| format!("measure {}: {name}", flavour.name()))?;
    eprintln!("{name}, {}: {:.0} s", flavour.name(), begin.elapsed().as_secs_f64());
    Ok(())
}

#[allow(clippy::print_stdout, reason = "the output is what this program is for")]
fn tell(arguments: &Arguments, report: &Report) -> Result<()> {
    println!("{}", report.markdown());
    if let Some(path) = &arguments.json {
        let json = serde_json::to_vec_pretty(report).context("write down the values")?;
        fs::write(path, json).with_context(|| format!("write {}", path.display()))?;
    }
    Ok(())
}
