//! Many seeds, each in a process of its own; one that fails says how to run it again.

use crate::simulation::entropy;
use crate::simulation::trace::Trace;
use crate::simulation::world::World;
use std::collections::BTreeMap;
use std::process::{Command, Stdio};

/// Seeds that every run of the tests has.
const SEEDS: u64 = 304;
/// Tests that share them.
const SHARES: u64 = 4;
/// The test that simulates when it is told a seed.
const ONE: &str = "simulation::tests::a_seed_replays_exactly";

#[test]
fn the_first_quarter_of_the_seeds() {
    share(0);
}

#[test]
fn the_second_quarter_of_the_seeds() {
    share(1);
}

#[test]
fn the_third_quarter_of_the_seeds() {
    share(2);
}

#[test]
fn the_fourth_quarter_of_the_seeds() {
    share(3);
}

#[test]
fn a_seed_replays_exactly() {
    if let Some(seed) = entropy::seed() {
        simulate(seed, World::run);
        return;
    }
    for seed in [1, 2, 3] {
        let (first, again) = (child(ONE, seed).unwrap(), child(ONE, seed).unwrap());
        assert_eq!(first, again, "seed {seed}");
    }
}

#[test]
fn a_snapshot_whose_stream_dies_silently_is_sent_again() {
    if let Some(seed) = entropy::seed() {
        simulate(seed, World::lose_a_snapshot);
        return;
    }
    child("simulation::tests::a_snapshot_whose_stream_dies_silently_is_sent_again", 1).unwrap();
}

#[test]
fn a_snapshot_whose_stream_is_the_first_and_dies_silently_is_sent_again() {
    if let Some(seed) = entropy::seed() {
        simulate(seed, World::lose_a_first_stream);
        return;
    }
    let this =
        "simulation::tests::a_snapshot_whose_stream_is_the_first_and_dies_silently_is_sent_again";
    // Which of the streams that are sought gets through first is by chance.
    for seed in 1..=12 {
        child(this, seed).unwrap();
    }
}

#[test]
fn members_far_apart_keep_their_leader_and_are_served() {
    if let Some(seed) = entropy::seed() {
        simulate(seed, World::rest_far_apart);
        return;
    }
    child("simulation::tests::members_far_apart_keep_their_leader_and_are_served", 1).unwrap();
}

fn variable(name: &str) -> Option<u64> {
    #[expect(clippy::disallowed_methods, reason = "tests have no arguments of their own")]
    std::env::var(name).ok()?.parse().ok()
}

/// This process's one simulation.
fn simulate(seed: u64, story: impl FnOnce(&mut World) -> Result<(), String>) {
    let trace = Trace::new(variable("SIMULATION_TRACE").unwrap_or(0));
    let dir = tempfile::Builder::new().prefix("simulation-").tempdir_in(base()).unwrap();
    // Members' directories are relative: no path depends on the process.
    std::env::set_current_dir(dir.path()).unwrap();
    let panics = trace.clone();
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        panics.broken(&panic.to_string());
        usual(panic);
    }));
    let _logged = tracing::subscriber::set_default(trace.clone());
    let mut world = World::new(seed, trace.clone());
    let verdict = story(&mut world).and_then(|()| trace.verdict());
    let report = world.report();
    println!("\nreport digest={} {report}", trace.digest());
    std::env::set_current_dir("/").unwrap();
    if let Err(why) = verdict {
        panic!("seed {seed}: {why}");
    }
}

/// Memory, where there is such a place: a simulated disk needs no real one.
fn base() -> std::path::PathBuf {
    let memory = std::path::PathBuf::from("/dev/shm");
    if memory.is_dir() { memory } else { std::env::temp_dir() }
}

/// A seed in a process of its own: what it reports.
fn child(test: &str, seed: u64) -> Result<String, String> {
    #[expect(clippy::disallowed_methods, reason = "this program itself, for another seed")]
    let mut command = Command::new(std::env::current_exe().map_err(|error| error.to_string())?);
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]);
    command.env("SIMULATION_SEED", seed.to_string()).stdin(Stdio::null());
    let output = command.output().map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let report = text.lines().find_map(|line| line.strip_prefix("report "));
    match report {
        Some(report) if output.status.success() => Ok(report.to_owned()),
        _ => Err(format!(
            "{}{}\nSeed {seed} failed. To run it again, told step by step:\n\
             SIMULATION_TRACE=1 SIMULATION_SEED={seed} cargo test -p replicated-sqlite --lib {test} -- --exact --nocapture\n",
            text,
            String::from_utf8_lossy(&output.stderr),
        )),
    }
}

/// A share of the seeds; SEEDS says how many there are, START where they begin.
fn share(number: u64) {
    let (start, count) = (variable("START").unwrap_or(0), variable("SEEDS").unwrap_or(SEEDS));
    let mut totals: BTreeMap<String, u64> = BTreeMap::new();
    let mut failures = Vec::new();
    for seed in (start..start + count).filter(|seed| seed % SHARES == number) {
        match child(ONE, seed) {
            Ok(report) => add(&mut totals, &report),
            Err(why) => {
                eprintln!("{why}");
                failures.push(seed);
            }
        }
        *totals.entry("seeds".to_owned()).or_default() += 1;
        if totals["seeds"].is_multiple_of(100) {
            eprintln!("share {number}: {} seeds, failed: {failures:?}", totals["seeds"]);
        }
    }
    eprintln!("share {number}: {totals:?}");
    assert!(failures.is_empty(), "seeds that failed: {failures:?}");
}

fn add(totals: &mut BTreeMap<String, u64>, report: &str) {
    for word in report.split(' ') {
        if let Some((what, count)) = word.split_once('=')
            && let Ok(count) = count.parse::<u64>()
        {
            *totals.entry(what.to_owned()).or_default() += count;
        }
    }
}
