//! What is measured: names, units, and what ours should reach.

use serde::Serialize;

use self::When::{Always, Busy, Long};

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
    JoinPassword,
    Remove,
    List,
    GetLeader,
    GetOther,
    TlsLeader,
    TlsOther,
    Tls,
    Create1,
    Create16,
    Update1,
    Update16,
    Failover,
    FailoverErrors,
    Cut,
    CutErrors,
    Stop,
    StopErrors,
    MemoryIdle,
    IdleCpu,
    IdleNetwork,
    SizeLxd,
    SizeLxc,
    WrittenMemory,
    WrittenDisk,
    ProfilesCreate,
    ProfilesList,
    ProfilesMembers,
    ProfilesJoin,
    DaemonsJoin,
    DaemonsList,
    DaemonsCreate,
    DaemonsIdleCpu,
    DaemonsFailover,
    CoreForm,
    Core1,
    Core16,
    CoreFailover,
    BusyLeaders,
    BusyP50,
    BusyP99,
}

impl Row {
    /// As in the JSON, and for choosing rows.
    pub(crate) fn id(self) -> String {
        let id = serde_json::to_value(self).ok();
        id.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
    }
}

/// When a row is measured, if no rows are named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    Always,
    /// Takes seconds in each round.
    Long,
    /// Takes minutes: once, after the rounds.
    Growth,
    Busy,
}

/// A row, or one for each size of what grows.
pub(crate) struct Line {
    pub(crate) row: Row,
    pub(crate) when: When,
    pub(crate) unit: &'static str,
    pub(crate) name: &'static str,
    sizes: Sizes,
}

enum Sizes {
    /// Nothing grows.
    Target(f64),
    /// The sizes of what grows, each with its target where it has one.
    Grown(&'static [(u32, Option<f64>)]),
}

impl Line {
    /// Sizes and targets; a size of 0 where nothing grows.
    pub(crate) fn sizes(&self) -> Vec<(u32, Option<f64>)> {
        match self.sizes {
            Sizes::Target(target) => vec![(0, Some(target))],
            Sizes::Grown(sizes) => sizes.to_vec(),
        }
    }
}

const fn at(row: Row, when: When, unit: &'static str, target: f64, name: &'static str) -> Line {
    Line { row, when, unit, name, sizes: Sizes::Target(target) }
}

const fn grown(
    row: Row,
    unit: &'static str,
    sizes: &'static [(u32, Option<f64>)],
    name: &'static str,
) -> Line {
    Line { row, when: When::Growth, unit, name, sizes: Sizes::Grown(sizes) }
}

/// The writes after which memory and disk are measured.
pub(crate) const WRITES: u32 = 8100;
/// The daemons of the large cluster.
pub(crate) const DAEMONS: u8 = 20;
/// The sizes that profiles grow to.
const PROFILES: &[(u32, Option<f64>)] = &[(1000, None), (5000, None), (20_000, None)];
/// The members that one process runs.
const CORE: &[(u32, Option<f64>)] = &[(3, None), (5, None), (20, None), (50, None)];
const OF_DAEMONS: &[(u32, Option<f64>)] = &[(DAEMONS as u32, None)];

/// All rows, in the order of the tables.
pub(crate) const LINES: &[Line] = &[
    at(Row::ColdApi, Always, "ms", 60.0, "cold start until the API answers"),
    at(Row::ColdReady, Always, "ms", 80.0, "cold start until `waitready` returns"),
    at(Row::RestartApi, Always, "ms", 100.0, "restart of a member until the API answers"),
    at(Row::RestartReady, Always, "ms", 150.0, "restart of a member until `waitready` returns"),
    at(Row::RestartOnline, Long, "ms", 300.0, "restart of an OFFLINE member until it is ONLINE"),
    at(Row::Bootstrap, Always, "ms", 250.0, "`lxd init --preseed`, bootstrap with pool and bridge"),
    at(Row::Token, Always, "ms", 8.0, "`lxc cluster add`, whole process"),
    at(Row::JoinSecond, Always, "ms", 300.0, "join by token, second member"),
    at(Row::JoinThird, Always, "ms", 350.0, "join by token, third member"),
    at(Row::JoinPassword, Always, "ms", 300.0, "join by trust password, second member"),
    at(
        Row::Remove,
        Always,
        "ms",
        300.0,
        "`lxc cluster remove` of the second member, whole process",
    ),
    at(Row::List, Always, "ms", 5.0, "`lxc cluster list`, whole process"),
    at(
        Row::GetLeader,
        Always,
        "ms",
        0.15,
        "GET members?recursion=1 at the leader, unix socket, p50",
    ),
    at(Row::GetOther, Always, "ms", 0.3, "the same at another member"),
    at(Row::TlsLeader, Long, "per s", 15_000.0, "the same by 64 HTTPS connections at the leader"),
    at(
        Row::TlsOther,
        Long,
        "per s",
        10_000.0,
        "the same by 64 HTTPS connections at another member",
    ),
    at(Row::Tls, Always, "ms", 1.0, "new TLS connection and GET /1.0"),
    at(Row::Create1, Long, "per s", 800.0, "profile create, 1 client at the leader"),
    at(Row::Create16, Long, "per s", 4000.0, "profile create, 16 clients at the leader"),
    at(Row::Update1, Long, "per s", 800.0, "profile update, 1 client at the leader"),
    at(Row::Update16, Long, "per s", 4000.0, "profile update, 16 clients at the leader"),
    at(Row::Failover, Long, "ms", 200.0, "kill -9 of the leader until the next write elsewhere"),
    at(Row::FailoverErrors, Long, "", 0.0, "errors seen by that writer"),
    at(Row::Cut, Long, "ms", 1500.0, "leader's link cut (no reset) until the next write elsewhere"),
    at(Row::CutErrors, Long, "", 0.0, "errors seen by that writer"),
    at(Row::Stop, Long, "ms", 100.0, "graceful stop of the leader: longest gap between writes"),
    at(Row::StopErrors, Long, "", 0.0, "errors seen by that writer"),
    at(Row::MemoryIdle, Always, "MiB", 15.0, "memory of a member (PSS), after joining"),
    at(
        Row::WrittenMemory,
        When::Growth,
        "MiB",
        30.0,
        "memory of the leader (PSS), after 8,100 writes",
    ),
    at(
        Row::WrittenDisk,
        When::Growth,
        "MiB",
        20.0,
        "database directory of the leader, after 8,100 writes",
    ),
    at(Row::IdleCpu, Long, "%", 0.4, "idle: CPU of the leader"),
    at(Row::IdleNetwork, Long, "kB/s", 10.0, "idle: network of the leader, both ways"),
    at(Row::SizeLxd, Always, "MiB", 20.0, "binary lxd"),
    at(Row::SizeLxc, Always, "MiB", 6.0, "binary lxc"),
    at(Row::BusyLeaders, Busy, "", 0.0, "both cores busy: changes of the leader"),
    at(Row::BusyP50, Busy, "ms", 50.0, "both cores busy: profile update, 1 client, p50"),
    at(Row::BusyP99, Busy, "ms", 500.0, "both cores busy: profile update, 1 client, p99"),
    grown(
        Row::ProfilesCreate,
        "per s",
        PROFILES,
        "profile create, 1 client, with so many profiles",
    ),
    grown(
        Row::ProfilesList,
        "ms",
        &[(1000, Some(5.0)), (5000, Some(25.0)), (20_000, Some(100.0))],
        "GET profiles?recursion=1 with so many profiles",
    ),
    grown(Row::ProfilesMembers, "ms", PROFILES, "GET members?recursion=1 with so many profiles"),
    grown(
        Row::ProfilesJoin,
        "ms",
        &[(1000, Some(400.0)), (5000, None), (20_000, Some(600.0))],
        "join with so many profiles",
    ),
    grown(Row::DaemonsJoin, "ms", OF_DAEMONS, "19 joins at once, until the last returns"),
    grown(Row::DaemonsList, "ms", OF_DAEMONS, "`lxc cluster list` with so many members"),
    grown(Row::DaemonsCreate, "per s", OF_DAEMONS, "profile create, 16 clients, so many members"),
    grown(Row::DaemonsIdleCpu, "%", OF_DAEMONS, "idle: CPU of the leader of so many members"),
    grown(Row::DaemonsFailover, "ms", OF_DAEMONS, "kill -9 of the leader of so many members"),
    grown(Row::CoreForm, "ms", CORE, "replicas in one process: forming a group of so many"),
    grown(Row::Core1, "per s", CORE, "replicas in one process: writes, 1 client at the leader"),
    grown(Row::Core16, "per s", CORE, "replicas in one process: writes, 16 clients at the leader"),
    grown(Row::CoreFailover, "ms", CORE, "replicas in one process: the leader ends, next write"),
];
