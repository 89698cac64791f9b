//! Places at which a daemon made for tests can be killed.

#[cfg(debug_assertions)]
use crate::error::Result;

/// The steps of founding a cluster, of ending one and of a join, in order: at the joiner, then at the member
/// that it asks; then of a removal, of replacing the certificate, of leaving, and of making a pool.
pub const NAMES: [&str; 27] = [
    "found: listening",
    "found: certificate written",
    "disabled: unnamed",
    "join: begun",
    "join: listening",
    "join: let in",
    "join: checked",
    "join: pools made",
    "join: networks made",
    "join: accepted",
    "join: directory made",
    "join: replica open",
    "join: replica filled",
    "join: active",
    "join: pointed",
    "member: let in",
    "member: looked",
    "member: accepted",
    "member: activated",
    "member: forgot",
    "member: removed",
    "certificate: replaced",
    "leave: emptied",
    "leave: pointed",
    "pool: planned",
    "pool: formatted",
    "pool: made",
];

/// The daemon that is to die at one of [`NAMES`] says so once, at its start.
#[cfg(debug_assertions)]
mod chosen {
    use super::NAMES;
    use crate::error::{Error, Result};
    use std::sync::OnceLock;

    static CHOSEN: OnceLock<String> = OnceLock::new();

    pub(super) fn choose(name: &str) -> Result<()> {
        if !NAMES.contains(&name) {
            return Err(Error::invalid(format_args!("There is no failpoint {name:?}")));
        }
        CHOSEN.get_or_init(|| name.to_owned());
        Ok(())
    }

    pub(super) fn reached(name: &str) {
        debug_assert!(NAMES.contains(&name), "{name} is no failpoint");
        if CHOSEN.get().is_some_and(|chosen| chosen == name) {
            let own = rustix::process::getpid();
            let _ = rustix::process::kill_process(own, rustix::process::Signal::KILL);
        }
    }
}

/// Has this process killed where [`reached`] is called with this name.
#[cfg(debug_assertions)]
pub fn choose(name: &str) -> Result<()> {
    chosen::choose(name)
}

/// Ends the process as `kill -9` does if this is the place that was chosen; nothing in a release build.
#[cfg_attr(
    not(debug_assertions),
    allow(clippy::missing_const_for_fn, reason = "it is none in others")
)]
pub fn reached(name: &str) {
    #[cfg(debug_assertions)]
    chosen::reached(name);
    #[cfg(not(debug_assertions))]
    let _ = name;
}
