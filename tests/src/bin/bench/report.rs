//! Measured values and the table made of them.

use std::{collections::BTreeMap, fmt::Write};

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

/// Every value by flavour and row, in the row's unit.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report(BTreeMap<&'static str, BTreeMap<Row, Vec<f64>>>);

impl Report {
    pub(crate) fn add(&mut self, flavour: Flavour, row: Row, value: f64) {
        self.0.entry(flavour.name()).or_default().entry(row).or_default().push(value);
    }

    /// A table of medians with what ours should reach.
    pub(crate) fn markdown(&self) -> String {
        let mut text =
            String::from("| figure | lxd 5.0.2 | ours | target |\n| --- | --- | --- | --- |\n");
        for (row, name, unit, target) in ROWS {
            let cell = |flavour: Flavour| match self.median(flavour, *row) {
                Some(value) => format!("{} {unit}", short(value)),
                None => "–".to_owned(),
            };
            let (debian, ours) = (cell(Flavour::Debian), cell(Flavour::Ours));
            if debian != "–" || ours != "–" {
                let _ = writeln!(text, "| {name} | {debian} | {ours} | {target} {unit} |");
            }
        }
        text.replace("  |", " |")
    }

    fn median(&self, flavour: Flavour, row: Row) -> Option<f64> {
        let mut values = self.0.get(flavour.name())?.get(&row)?.clone();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
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
