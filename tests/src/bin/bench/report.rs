//! Measured values and the table made of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

use anyhow::{Result, ensure};
use serde::Serialize;
use tests::flavour::Flavour;

/// Name, unit, and what ours should reach; in the order of the table.
const ROWS: &[(Row, &str, &str, &str)] = &[
    (Row::ColdApi, "cold start until the API answers", "ms", "60"),
    (Row::ColdReady, "cold start until `waitready` returns", "ms", "80"),
    (Row::RestartApi, "restart of a member until the API answers", "ms", "100"),
    (Row::RestartReady, "restart of a member until `waitready` returns", "ms", "150"),
    (Row::RestartOnline, "restart of an OFFLINE member until it is listed ONLINE", "ms", "300"),
    (Row::Bootstrap, "`lxd init --preseed`, bootstrap with dir pool and bridge", "ms", "250"),
    (Row::Token, "`lxc cluster add`, whole process", "ms", "8"),
    (Row::JoinSecond, "join by token, second member", "ms", "300"),
    (Row::JoinThird, "join by token, third member", "ms", "350"),
    (Row::List, "`lxc cluster list`, whole process", "ms", "5"),
    (Row::GetLeader, "GET members?recursion=1 at the leader, unix socket, p50", "ms", "0.15"),
    (Row::GetOther, "the same at another member", "ms", "0.3"),
    (Row::Tls, "new TLS connection and GET /1.0", "ms", "1"),
    (Row::Create1, "profile create, 1 client at the leader", "per s", "800"),
    (Row::Create16, "profile create, 16 clients at the leader", "per s", "4,000"),
    (Row::Update1, "profile update, 1 client at the leader", "per s", "800"),
    (Row::Update16, "profile update, 16 clients at the leader", "per s", "4,000"),
    (Row::Failover, "kill -9 of the leader until the next write elsewhere", "ms", "200"),
    (Row::FailoverErrors, "errors seen by that writer", "", "0"),
    (Row::MemoryIdle, "memory of a member (PSS), after joining", "MiB", "15"),
    (Row::MemoryWritten, "memory of the leader (PSS), after the writes", "MiB", "30"),
    (Row::SizeLxd, "binary lxd", "MiB", "20"),
    (Row::SizeLxc, "binary lxc", "MiB", "6"),
];

/// What takes seconds each.
const LONG: &[Row] = &[
    Row::Create1,
    Row::Create16,
    Row::Update1,
    Row::Update16,
    Row::RestartOnline,
    Row::Failover,
    Row::FailoverErrors,
    Row::MemoryWritten,
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Row {
    ColdApi,
    ColdReady,
    RestartApi,
    RestartReady,
    RestartOnline,
    Bootstrap,
    Token,
    JoinSecond,
    JoinThird,
    List,
    GetLeader,
    GetOther,
    Tls,
    Create1,
    Create16,
    Update1,
    Update16,
    Failover,
    FailoverErrors,
    MemoryIdle,
    MemoryWritten,
    SizeLxd,
    SizeLxc,
}

/// Every value by flavour and row, in the row's unit; of the rows that are wanted.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(crate) struct Report {
    values: BTreeMap<&'static str, BTreeMap<Row, Vec<f64>>>,
    #[serde(skip)]
    wanted: BTreeSet<Row>,
}

impl Report {
    /// `only`: parts of names of rows, separated by commas; none means all.
    pub(crate) fn of(only: Option<&str>, quick: bool) -> Result<Self> {
        let chosen = |row: &Row, name: &str| match only {
            Some(parts) => {
                parts.split(',').any(|part| row.id().contains(part) || name.contains(part))
            }
            None => !(quick && LONG.contains(row)),
        };
        let wanted = ROWS.iter().filter(|(row, name, ..)| chosen(row, name)).map(|(row, ..)| *row);
        let wanted: BTreeSet<Row> = wanted.collect();
        let all: Vec<_> = ROWS.iter().map(|(row, ..)| row.id()).collect();
        ensure!(!wanted.is_empty(), "no such row; there are: {}", all.join(" "));
        Ok(Self { values: BTreeMap::new(), wanted })
    }

    /// Whether one of these rows is to be measured.
    pub(crate) fn wants(&self, rows: &[Row]) -> bool {
        rows.iter().any(|row| self.wanted.contains(row))
    }

    /// Notes a value, if its row is wanted.
    pub(crate) fn add(&mut self, flavour: Flavour, row: Row, value: f64) {
        if self.wanted.contains(&row) {
            self.values.entry(flavour.name()).or_default().entry(row).or_default().push(value);
        }
    }

    /// A table of medians with what ours should reach.
    pub(crate) fn markdown(&self) -> String {
        let mut text = String::from(
            "| figure | lxd 5.0.2 | ours | better by | target |\n| --- | --- | --- | --- | --- |\n",
        );
        for (row, name, unit, target) in ROWS {
            let (debian, ours) =
                (self.median(Flavour::Debian, *row), self.median(Flavour::Ours, *row));
            if debian.or(ours).is_none() {
                continue;
            }
            let cell = |value: Option<f64>| {
                value.map_or("–".to_owned(), |value| format!("{} {unit}", short(value)))
            };
            let gain = match debian.zip(ours) {
                Some((debian, ours)) if debian > 0.0 && ours > 0.0 => {
                    let rate = *unit == "per s";
                    format!("{}×", short(if rate { ours / debian } else { debian / ours }))
                }
                _ => "–".to_owned(),
            };
            let (debian, ours) = (cell(debian), cell(ours));
            let _ = writeln!(text, "| {name} | {debian} | {ours} | {gain} | {target} {unit} |");
        }
        text.replace("  |", " |")
    }

    fn median(&self, flavour: Flavour, row: Row) -> Option<f64> {
        let mut values = self.values.get(flavour.name())?.get(&row)?.clone();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    }
}

impl Row {
    /// As in the JSON, and for choosing rows.
    fn id(self) -> String {
        let id = serde_json::to_value(self).ok();
        id.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
    }
}

/// Three digits are more than a shared machine can promise.
fn short(value: f64) -> String {
    match value {
        _ if value == value.round() || value >= 100.0 => format!("{value:.0}"),
        _ if value >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}
