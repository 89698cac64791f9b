//! One cell of the matrix: a cluster under load, a fault, its end, and what came of it.

use std::{
    fmt::Write,
    fs, thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use serde::Serialize;

use super::{
    Fault, Stage, growth,
    verdict::{self, Expected},
};
use crate::{
    cluster,
    history::{Event, Outcome},
    load::{self, Load},
};

/// Answers at each member before the fault begins, and again after it is mended.
const ANSWERS: usize = 100;

/// Faults that come together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    pub name: &'static str,
    pub faults: Vec<Fault>,
}

/// What came of a cell.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    pub name: String,
    pub members: u8,
    /// Requests of the load.
    pub operations: usize,
    /// Requests of which nobody can say whether they happened.
    pub unknown: usize,
    /// Requests that were told to have had no effect for want of a majority, or of a daemon.
    pub refused: usize,
    /// Errors that clients of members saw who belong to a majority.
    pub errors: usize,
    /// The longest time in which such a member answered nobody; none if there is no such member.
    pub gap_ms: Option<u128>,
    /// From the mending until every member says that all are ONLINE.
    pub whole_ms: u128,
    /// What does not hold; empty if all does.
    pub complaints: Vec<String>,
}

impl Cell {
    /// Runs it with so many members. An error means that it could not be run, or never healed.
    pub fn run(&self, members: u8) -> Result<Row> {
        let name = format!("{}-{members}", self.name.replace([' ', ',', '%'], "-"));
        let mut stage = Stage::form(&name, members, &self.faults)?;
        let before = growth::look(&stage)?;
        let load = Load::start(&stage.rack);
        let everybody = (0..stage.count()).collect();
        load.wait_for(&everybody, ANSWERS, Duration::ZERO)?;
        stage.look()?;
        let impact = stage.impact(&self.faults);
        let majority = impact.majority(stage.count());
        let begun = load.time();
        self.trouble(&mut stage)?;
        let mended = load.time();
        stage.wait_whole()?;
        let whole = load.time();
        load.wait_for(&everybody, ANSWERS, whole)?;
        let after = growth::look(&stage)?;
        let end = load.time();
        let events = load.stop()?;
        let expected = Expected { majority, down: impact.down, begun, whole };
        let mut complaints = verdict::complaints(&events, &expected);
        complaints.extend(growth::complaints(&before, &after));
        if let Err(error) = cluster::check_tables(&stage.rack) {
            complaints.push(format!("{error:#}"));
        }
        let gaps = expected.majority.iter();
        let gap = gaps.map(|member| load::longest_gap(&events, *member, begun, end)).max();
        let row = Row {
            name: self.name.to_owned(),
            members,
            operations: events.len(),
            unknown: count(&events, |outcome| matches!(outcome, Outcome::Unknown(_))),
            refused: count(&events, |outcome| matches!(outcome, Outcome::Nothing(_))),
            errors: verdict::errors(&events, &expected).len(),
            gap_ms: gap.map(|gap| gap.as_millis()),
            whole_ms: (whole - mended).as_millis(),
            complaints,
        };
        finish(stage, row, &events)
    }

    /// The faults begin, last, and end in the order in which they began.
    fn trouble(&self, stage: &mut Stage) -> Result<()> {
        let begin = Instant::now();
        for fault in &self.faults {
            stage.begin(*fault).with_context(|| format!("begin {fault:?}"))?;
        }
        let lasts = self.faults.iter().map(|fault| fault.lasts()).max().unwrap_or_default();
        thread::sleep(lasts.saturating_sub(begin.elapsed()));
        for fault in &self.faults {
            stage.end(*fault).with_context(|| format!("end {fault:?}"))?;
        }
        Ok(())
    }
}

fn count(events: &[Event], kind: impl Fn(&Outcome) -> bool) -> usize {
    events.iter().filter(|event| kind(&event.outcome)).count()
}

/// The files of a cell that does not hold are kept, with its history.
fn finish(stage: Stage, mut row: Row, events: &[Event]) -> Result<Row> {
    if !row.complaints.is_empty() {
        let mut text = String::new();
        for event in events {
            let _ = writeln!(text, "{event}");
        }
        fs::write(stage.rack.folder.join("history"), text).context("write down the history")?;
        return Ok(row);
    }
    if let Err(error) = stage.rack.finish() {
        row.complaints.push(format!("{error:#}"));
    }
    Ok(row)
}
