//! What the flags of `lxd init` ask for, and which of them exclude each other, in LXD's words.

use crate::args;
use crate::error::{Error, Result};

use shared_api::address::{Address, PORT};
use shared_api::config::pool::DRIVERS;
use shared_api::init;

/// What `lxd init` does.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Mode {
    /// Prints the configuration.
    Dump,
    /// Asks.
    Dialog,
    /// Reads a preseed.
    Preseed,
    /// Makes what is missing of a pool, a bridge and a profile that uses both.
    Automatic(Choices),
}

/// What may be chosen without a dialog.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Choices {
    /// Where the API is to listen.
    pub(super) address: Option<Address>,
    /// Empty for none.
    pub(super) trust_password: String,
    /// The pool to make, if there is none.
    pub(super) pool: init::Pool,
}

impl Mode {
    /// What the flags ask for.
    ///
    /// # Errors
    /// Flags that exclude each other, or that need something which this server does not have.
    pub(super) fn of(arguments: &args::Init) -> Result<Self> {
        let args::Init { auto, minimal, preseed, dump, .. } = *arguments;
        let flags = has_flags(arguments);
        for (wrong, text) in [
            (auto && preseed, "Can't use --auto and --preseed together"),
            (minimal && preseed, "Can't use --minimal and --preseed together"),
            (minimal && auto, "Can't use --minimal and --auto together"),
            (!auto && flags, "Configuration flags require --auto"),
            (
                dump && (auto || minimal || preseed || flags || arguments.dry_run),
                "Can't use --dump with other flags",
            ),
        ] {
            if wrong {
                return Err(Error::invalid(text));
            }
        }
        match (dump, preseed, auto, minimal) {
            (true, ..) => Ok(Self::Dump),
            (_, true, ..) => Ok(Self::Preseed),
            (_, _, true, _) => choices(arguments).map(Self::Automatic),
            (.., true) => {
                Ok(Self::Automatic(Choices { pool: pool(arguments, "dir"), ..Choices::default() }))
            }
            _ => Ok(Self::Dialog),
        }
    }
}

fn has_flags(arguments: &args::Init) -> bool {
    arguments.network_address.is_some()
        || arguments.network_port.is_some()
        || arguments.trust_password.is_some()
        || arguments.storage_backend.is_some()
        || has_flags_of_drivers(arguments)
}

fn has_flags_of_drivers(arguments: &args::Init) -> bool {
    arguments.storage_create_device.is_some()
        || arguments.storage_create_loop.is_some()
        || arguments.storage_pool.is_some()
}

fn choices(arguments: &args::Init) -> Result<Choices> {
    let driver = arguments.storage_backend.as_deref().unwrap_or("dir");
    let supported = DRIVERS.contains(&driver);
    let network = arguments.network_address.is_some();
    for (wrong, text) in [
        (!supported, format!("The requested backend '{driver}' isn't supported by lxd init")),
        (
            driver == "dir" && has_flags_of_drivers(arguments),
            format!(
                "None of --storage-pool, --storage-create-device or --storage-create-loop may be used with the '{driver}' backend"
            ),
        ),
        (
            arguments.storage_create_device.is_some() && arguments.storage_create_loop.is_some(),
            "Only one of --storage-create-device or --storage-create-loop can be specified"
                .to_owned(),
        ),
        (
            !network && arguments.network_port.is_some(),
            "--network-port can't be used without --network-address".to_owned(),
        ),
        (
            !network && arguments.trust_password.is_some(),
            "--trust-password can't be used without --network-address".to_owned(),
        ),
    ] {
        if wrong {
            return Err(Error::invalid(text));
        }
    }
    let port = arguments.network_port.unwrap_or(PORT);
    let address = arguments.network_address.clone().map(|host| {
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Address { host, port }
    });
    let trust_password = arguments.trust_password.clone().unwrap_or_default();
    Ok(Choices { address, trust_password, pool: pool(arguments, driver) })
}

/// The pool that the flags ask for. With a device or a size, `--storage-pool` is its name.
fn pool(arguments: &args::Init, driver: &str) -> init::Pool {
    let args::Init { storage_create_device, storage_create_loop, storage_pool, .. } = arguments;
    let size = storage_create_loop.map(|size| ("size", format!("{size}GB")));
    let new = storage_create_device.clone().map(|device| ("source", device)).or(size);
    let (name, key) = match (new, storage_pool) {
        (None, Some(existing)) => (None, Some(("source", existing.clone()))),
        (new, name) => (name.as_deref(), new),
    };
    init::Pool {
        name: name.unwrap_or("default").to_owned(),
        driver: driver.to_owned(),
        config: key.map(|(key, value)| (key.to_owned(), value)).into_iter().collect(),
        ..init::Pool::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Arguments, Command};
    use clap::Parser;

    fn mode(flags: &str) -> Result<Mode, String> {
        let line = ["lxd", "init"].into_iter().chain(flags.split_whitespace());
        let Some(Command::Init(init)) = Arguments::parse_from(line).command else {
            panic!("no init");
        };
        Mode::of(&init).map_err(|error| error.message)
    }

    #[test]
    fn flags_that_exclude_each_other_are_refused_in_the_words_of_lxd() {
        let of_drivers = "None of --storage-pool, --storage-create-device or --storage-create-loop may be used with the 'dir' backend";
        for (flags, expected) in [
            ("--auto --preseed", "Can't use --auto and --preseed together"),
            ("--minimal --preseed", "Can't use --minimal and --preseed together"),
            ("--minimal --auto", "Can't use --minimal and --auto together"),
            ("--auto --dump", "Can't use --dump with other flags"),
            ("--dump --minimal", "Can't use --dump with other flags"),
            ("--dump --dry-run", "Can't use --dump with other flags"),
            ("--network-address 10.0.0.1", "Configuration flags require --auto"),
            ("--minimal --network-port 8443", "Configuration flags require --auto"),
            ("--preseed --storage-backend dir", "Configuration flags require --auto"),
            ("--auto --storage-create-loop 5", of_drivers),
            ("--auto --storage-pool x", of_drivers),
            ("--auto --storage-backend dir --storage-create-device /dev/sdb", of_drivers),
            (
                "--auto --storage-backend btrfs --storage-create-loop 5 --storage-create-device x",
                "Only one of --storage-create-device or --storage-create-loop can be specified",
            ),
            (
                "--auto --storage-backend bogus",
                "The requested backend 'bogus' isn't supported by lxd init",
            ),
            ("--auto --network-port 99", "--network-port can't be used without --network-address"),
            (
                "--auto --trust-password x",
                "--trust-password can't be used without --network-address",
            ),
        ] {
            assert_eq!(mode(flags), Err(expected.to_owned()), "{flags}");
        }
    }

    #[test]
    fn flags_say_what_to_do() {
        let pool = |name: &str, driver: &str, key: Option<(&str, &str)>| init::Pool {
            name: name.to_owned(),
            driver: driver.to_owned(),
            config: key.map(|(key, value)| (key.into(), value.into())).into_iter().collect(),
            ..init::Pool::default()
        };
        let dir = pool("default", "dir", None);
        let plain = Choices { pool: dir.clone(), ..Choices::default() };
        let btrfs = |name, key| {
            Mode::Automatic(Choices { pool: pool(name, "btrfs", key), ..Choices::default() })
        };
        let address = Some(Address { host: "::1".to_owned(), port: 444 });
        let trust_password = "x".to_owned();
        for (flags, expected) in [
            ("", Mode::Dialog),
            ("--dump", Mode::Dump),
            ("--preseed --dry-run --wait 3", Mode::Preseed),
            ("--minimal", Mode::Automatic(plain.clone())),
            ("--auto", Mode::Automatic(plain)),
            ("--auto --storage-backend btrfs", btrfs("default", None)),
            (
                "--auto --storage-backend btrfs --storage-create-loop 5",
                btrfs("default", Some(("size", "5GB"))),
            ),
            (
                "--auto --storage-backend btrfs --storage-create-device /dev/sdb --storage-pool p",
                btrfs("p", Some(("source", "/dev/sdb"))),
            ),
            (
                "--auto --storage-backend btrfs --storage-pool /srv/p",
                btrfs("default", Some(("source", "/srv/p"))),
            ),
            (
                "--auto --network-address [::1] --network-port 444 --trust-password x --storage-backend dir",
                Mode::Automatic(Choices { address, trust_password, pool: dir }),
            ),
        ] {
            assert_eq!(mode(flags), Ok(expected), "{flags}");
        }
    }
}
