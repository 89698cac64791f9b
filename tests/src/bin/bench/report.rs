//! Measured values and the tables made of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

use anyhow::{Result, ensure};
use serde::Serialize;
use tests::flavour::Flavour;

use crate::rows::{LINES, Line, Row, When};

/// Every value by flavour and name of its row, in the row's unit; `null` for what failed.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(crate) struct Report {
    values: BTreeMap<&'static str, BTreeMap<String, Vec<Option<f64>>>>,
    #[serde(skip)]
    wanted: BTreeSet<(Row, u32)>,
}

impl Report {
    /// For the rows that `chosen` picks; `only`, parts of names separated by commas, picks of them.
    pub(crate) fn of(only: Option<&str>, chosen: impl Fn(When) -> bool) -> Result<Self> {
        let named = |line: &Line, size: u32| match only {
            Some(parts) => {
                let id = key(line.row, size);
                // A row that is named is wanted, whatever it takes; only busy ones need their time.
                let may = line.when != When::Busy || chosen(When::Busy);
                may && parts.split(',').any(|part| id.contains(part) || line.name.contains(part))
            }
            None => chosen(line.when),
        };
        let all = || {
            LINES.iter().flat_map(|line| line.sizes().into_iter().map(move |size| (line, size.0)))
        };
        let wanted = all().filter(|(line, size)| named(line, *size));
        let wanted: BTreeSet<_> = wanted.map(|(line, size)| (line.row, size)).collect();
        let ids: Vec<_> = all().map(|(line, size)| key(line.row, size)).collect();
        ensure!(!wanted.is_empty(), "no such row; there are: {}", ids.join(" "));
        Ok(Self { values: BTreeMap::new(), wanted })
    }

    /// Whether one of these rows, of any size, is to be measured.
    pub(crate) fn wants(&self, rows: &[Row]) -> bool {
        self.wanted.iter().any(|(row, _)| rows.contains(row))
    }

    /// Whether a row is to be measured that is measured then.
    pub(crate) fn wants_any(&self, times: &[When]) -> bool {
        let mut lines = LINES.iter().filter(|line| times.contains(&line.when));
        lines.any(|line| self.wants(&[line.row]))
    }

    /// The sizes for which one of these rows is to be measured, the smallest first.
    pub(crate) fn sizes(&self, rows: &[Row]) -> Vec<u32> {
        let sizes = self.wanted.iter().filter(|(row, _)| rows.contains(row));
        let sizes: BTreeSet<_> = sizes.map(|(_, size)| *size).collect();
        sizes.into_iter().collect()
    }

    /// Notes a value, if its row is wanted.
    pub(crate) fn add(&mut self, flavour: Flavour, row: Row, value: f64) {
        self.add_at(flavour, row, 0, Some(value));
    }

    /// Notes a value for a size of what grows, none for a failure, if its row is wanted.
    pub(crate) fn add_at(&mut self, flavour: Flavour, row: Row, size: u32, value: Option<f64>) {
        if self.wanted.contains(&(row, size)) {
            let rows = self.values.entry(flavour.name()).or_default();
            rows.entry(key(row, size)).or_default().push(value);
        }
    }

    /// Notes that what has no value for a size has failed, and why on standard error.
    #[allow(clippy::print_stderr, reason = "the table has no room for causes")]
    pub(crate) fn fail(&mut self, flavour: Flavour, rows: &[Row], size: u32, why: &anyhow::Error) {
        eprintln!("{}, {size}: {why:#}", flavour.name());
        for row in rows {
            let rows = self.values.get(flavour.name());
            if rows.is_none_or(|rows| !rows.contains_key(&key(*row, size))) {
                self.add_at(flavour, *row, size, None);
            }
        }
    }

    /// Tables of medians, with what ours should reach, and what one of many costs.
    pub(crate) fn markdown(&self) -> String {
        let (mut single, mut grown) = (String::new(), String::new());
        for line in LINES {
            for (size, target) in line.sizes() {
                let text = if size == 0 { &mut single } else { &mut grown };
                self.row(line, size, target, text);
            }
        }
        let mut text = String::new();
        let heads = [
            ("figure | lxd 5.0.2 | ours | better by | target | met", single),
            ("figure | size | lxd 5.0.2 | ours | better by | target | met | each, ours", grown),
        ];
        for (head, rows) in heads.iter().filter(|(_, rows)| !rows.is_empty()) {
            let rule = vec!["---"; head.split('|').count()].join(" | ");
            let _ = writeln!(text, "| {head} |\n| {rule} |\n{rows}");
        }
        text.replace("  |", " |")
    }

    fn row(&self, line: &Line, size: u32, target: Option<f64>, text: &mut String) {
        let Line { row, name, unit, .. } = line;
        let (debian, ours) =
            (self.median(Flavour::Debian, *row, size), self.median(Flavour::Ours, *row, size));
        if debian.or(ours).is_none() {
            return;
        }
        let rate = *unit == "per s";
        let shown = |value: f64| format!("{} {unit}", short(value));
        let cell = |value: Option<Option<f64>>| match value {
            Some(Some(value)) => shown(value),
            Some(None) => "fails".to_owned(),
            None => "–".to_owned(),
        };
        let gain = match debian.flatten().zip(ours.flatten()) {
            Some((debian, ours)) if debian > 0.0 && ours > 0.0 => {
                format!("{}×", short(if rate { ours / debian } else { debian / ours }))
            }
            _ => "–".to_owned(),
        };
        let met = match ours.flatten().zip(target) {
            Some((ours, target)) if (rate && ours >= target) || (!rate && ours <= target) => "yes",
            Some(_) => "no",
            None => "–",
        };
        let target = target.map_or("–".to_owned(), shown);
        let grown = if size == 0 { String::new() } else { format!(" {size} |") };
        let each = match ours.flatten() {
            _ if size == 0 => String::new(),
            Some(ours) if EACH.contains(row) => {
                let each = ours / f64::from(size);
                match each < 1.0 {
                    true => format!(" {} µs |", short(each * 1000.0)),
                    false => format!(" {} ms |", short(each)),
                }
            }
            _ => " – |".to_owned(),
        };
        let (debian, ours) = (cell(debian), cell(ours));
        let _ = writeln!(
            text,
            "| {name} |{grown} {debian} | {ours} | {gain} | {target} | {met} |{each}"
        );
    }

    /// Failures count as longer than everything.
    fn median(&self, flavour: Flavour, row: Row, size: u32) -> Option<Option<f64>> {
        let mut values = self.values.get(flavour.name())?.get(&key(row, size))?.clone();
        let value = |value: &Option<f64>| value.unwrap_or(f64::INFINITY);
        values.sort_by(|one, other| value(one).total_cmp(&value(other)));
        values.get(values.len() / 2).copied()
    }
}

/// Rows in ms whose cost is one for each of what grows.
const EACH: &[Row] = &[Row::ProfilesList, Row::DaemonsJoin, Row::DaemonsList, Row::CoreForm];

fn key(row: Row, size: u32) -> String {
    let id = row.id();
    if size == 0 { id } else { format!("{id}_{size}") }
}

/// Three digits are more than a shared machine can promise.
fn short(value: f64) -> String {
    match value {
        _ if value == value.round() || value >= 100.0 => format!("{value:.0}"),
        _ if value >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}
