//! Our daemon and client beside Debian's, in turn in the same run, on hosts of namespaces.

mod load;
mod report;
mod round;

use std::{fs, path::PathBuf};

use anyhow::{Context, Result};
use clap::Parser;
use tests::flavour::Flavour;

use report::Report;

/// Measures our daemon and client, and Debian's where it is installed.
#[derive(Parser)]
struct Arguments {
    /// Clusters formed by each, the figures are medians
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// Leave out the rows that write for seconds and kill the leader
    #[arg(long)]
    quick: bool,
    /// Measure only the rows whose name has one of these parts, separated by commas
    #[arg(long)]
    only: Option<String>,
    /// Measure one only: ours or debian
    #[arg(long)]
    flavour: Option<String>,
    /// Write every measured value to this file, as JSON
    #[arg(long)]
    json: Option<PathBuf>,
}

#[allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the output is what this program is for"
)]
fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let chosen = |flavour: &Flavour| match &arguments.flavour {
        Some(name) => flavour.name() == name,
        None => flavour.program("lxd").is_ok(),
    };
    let flavours: Vec<_> = [Flavour::Debian, Flavour::Ours].into_iter().filter(chosen).collect();
    let mut report = Report::of(arguments.only.as_deref(), arguments.quick)?;
    for number in 1..=arguments.rounds {
        for flavour in &flavours {
            eprintln!("round {number} of {}, {}", arguments.rounds, flavour.name());
            round::run(*flavour, &mut report)
                .with_context(|| format!("measure {}", flavour.name()))?;
        }
    }
    for flavour in &flavours {
        round::sizes(*flavour, &mut report)?;
    }
    println!("{}", report.markdown());
    if let Some(path) = &arguments.json {
        let json = serde_json::to_vec_pretty(&report).context("write down the values")?;
        fs::write(path, json).with_context(|| format!("write {}", path.display()))?;
    }
    Ok(())
}
