//! The demo's hosts: they outlive the program that made them, a file says where they are.

use std::{
    fs,
    net::Ipv4Addr,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use crate::{
    cluster,
    daemon::Daemon,
    flavour::Flavour,
    host::Host,
    keep,
    namespace::{Life, Namespace},
    rack,
};

const MEMBERS: u8 = 3;

/// Namespaces by their first process; with its start time, because ids are used again.
#[derive(Debug, Serialize, Deserialize)]
struct Place {
    name: String,
    address: Ipv4Addr,
    init: u32,
    started: u64,
}

/// The switch first, then the hosts.
#[derive(Debug, Serialize, Deserialize)]
struct State {
    flavour: Flavour,
    places: Vec<Place>,
}

/// Makes the hosts and the cluster; whatever a failure leaves is removed, the log's end is told.
pub fn up(folder: &Path, flavour: Flavour) -> Result<()> {
    if let Ok(state) = State::load(folder) {
        ensure!(!state.places.iter().all(Place::lives), "the demo is up already");
    }
    down(folder)?;
    for name in ["lxd", "lxc"] {
        flavour.program(name)?;
    }
    let made = form(folder, flavour);
    if made.is_err() {
        let log = folder.with_extension("log");
        let _ = fs::copy(folder.join("node1/lxd.log"), &log);
        down(folder)?;
        return made.with_context(|| format!("the first member's log is {}", log.display()));
    }
    Ok(())
}

/// Ends the hosts and removes their files; none are fine.
pub fn down(folder: &Path) -> Result<()> {
    for place in State::load(folder).map(|state| state.places).unwrap_or_default() {
        if place.lives() {
            Namespace::existing(place.init).end();
            let gone = || (!place.lives()).then_some(());
            crate::wait::wait_until("the host ends", crate::daemon::LIMIT, gone)?;
        }
    }
    keep::remove(folder)
}

/// A running host by name.
pub fn host(folder: &Path, name: &str) -> Result<Host> {
    let state = State::load(folder).context("the demo is not up: ./tests/demo")?;
    let names: Vec<_> = state.places.iter().skip(1).map(|place| place.name.as_str()).collect();
    let Some(place) = state.places.iter().skip(1).find(|place| place.name == name) else {
        bail!("no host {name}: there are {}", names.join(", "));
    };
    ensure!(place.lives(), "{name} has ended: ./tests/demo down, then up");
    let folder = folder.join(name);
    Ok(Host::existing(name, place.address, state.flavour, folder, place.init))
}

/// Each step is written down before the next, so that `down` finds what an interrupted run made.
fn form(folder: &Path, flavour: Flavour) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
    let mut state = State { flavour, places: Vec::new() };
    let switch = Namespace::create(Life::Detached, rack::SWITCH, &[])?;
    state.add(folder, "switch", Ipv4Addr::UNSPECIFIED, &switch)?;
    let mut hosts: Vec<Host> = Vec::new();
    for number in 1..=MEMBERS {
        let (name, address) = (format!("node{number}"), Ipv4Addr::new(10, 0, 0, number));
        let place: PathBuf = folder.join(&name);
        let host = Host::create(&name, address, flavour, place, Life::Detached)?;
        state.add(folder, &name, address, host.namespace())?;
        rack::plug(&switch, number, &host)?;
        Daemon::start_ready(&host)?;
        match hosts.first() {
            None => cluster::bootstrap(&host)?,
            Some(first) => cluster::join(&host, &cluster::token(first, &name)?)?,
        }
        hosts.push(host);
    }
    cluster::wait_online(&hosts[0], hosts.len())
}

impl Place {
    fn lives(&self) -> bool {
        keep::started(self.init) == Some(self.started)
    }
}

impl State {
    fn load(folder: &Path) -> Result<Self> {
        let text = fs::read(folder.join("hosts.json")).context("read the demo's hosts")?;
        serde_json::from_slice(&text).context("understand the demo's hosts")
    }

    fn add(
        &mut self,
        folder: &Path,
        name: &str,
        address: Ipv4Addr,
        namespace: &Namespace,
    ) -> Result<()> {
        let init = namespace.init();
        let started = keep::started(init).context("the host ended at once")?;
        self.places.push(Place { name: name.to_owned(), address, init, started });
        let path = folder.join("hosts.json");
        fs::write(&path, serde_json::to_vec(&self)?).context("write down the demo's hosts")
    }
}
