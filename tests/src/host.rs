//! One host: namespaces with a network card on the switch, a data directory and a home.

use std::{
    fs,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::{Child, Command, Output},
};

use anyhow::{Context, Result};

use crate::{
    flavour::Flavour,
    namespace::{Life, Namespace},
    program,
};

/// LXD_DIR as the host sees it: every host has its own /run.
pub const DATA: &str = "/run/lxd";

/// Arguments: data directory, host name, address/length.
const SETUP: &str = r#"
mount -t tmpfs tmpfs /run
mkdir /run/lxd /run/cgroup
mount --bind "$1" /run/lxd
mount --rbind /sys/fs/cgroup /run/cgroup
mount -t sysfs sysfs /sys
mount --rbind /run/cgroup /sys/fs/cgroup
umount -l /run/cgroup
rmdir /run/cgroup
hostname "$2"
ip link set lo up
"#;

#[derive(Debug)]
pub struct Host {
    pub name: String,
    pub address: Ipv4Addr,
    pub flavour: Flavour,
    /// Holds `data`, `home` and the daemon's log, seen from outside.
    pub folder: PathBuf,
    /// Given to its daemons beside what every program gets.
    pub environment: Vec<(String, String)>,
    namespace: Namespace,
}

impl Host {
    /// Makes the namespaces; the rack plugs the network card in.
    pub fn create(
        name: &str,
        address: Ipv4Addr,
        flavour: Flavour,
        folder: PathBuf,
        life: Life,
    ) -> Result<Self> {
        for part in ["data", "home"] {
            let path = folder.join(part);
            fs::create_dir_all(&path).with_context(|| format!("make {}", path.display()))?;
        }
        let data = folder.join("data").display().to_string();
        let namespace = Namespace::create(life, SETUP, &[&data, name])?;
        let environment = Vec::new();
        Ok(Self { name: name.to_owned(), address, flavour, folder, environment, namespace })
    }

    /// A host that another process has made.
    #[must_use]
    pub fn existing(
        name: &str,
        address: Ipv4Addr,
        flavour: Flavour,
        folder: PathBuf,
        init: u32,
    ) -> Self {
        let namespace = Namespace::existing(init);
        let environment = Vec::new();
        Self { name: name.to_owned(), address, flavour, folder, environment, namespace }
    }

    /// The data directory as this process sees it.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// `address:8443`, as the daemon listens.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("{}:8443", self.address)
    }

    #[must_use]
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// Ends every process of the host, as a power cut does.
    pub fn end(&mut self) {
        self.namespace.end();
    }

    /// Leaves daemons that start from now on no storage driver but `dir`: others lead to other
    /// questions.
    pub fn hide_drivers(&self) -> Result<()> {
        let hide = "for tool in btrfs lvm zpool ceph; do path=$(command -v $tool) && mount --bind /dev/null $path; done; :";
        self.sh(hide).map(drop)
    }

    /// A program with the host's environment; it runs inside when given to one of the methods below.
    pub fn command(&self, program: impl AsRef<Path>) -> Result<Command> {
        let folder = self.flavour.folder()?;
        let path = format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", folder.display());
        let mut command = program::command(program.as_ref());
        command
            .current_dir("/")
            .env("PATH", path)
            .env("HOME", self.folder.join("home"))
            .env("LXD_DIR", DATA)
            .env("LANG", "C.UTF-8")
            .env("RUST_BACKTRACE", "1");
        Ok(command)
    }

    /// The client of a flavour, talking to this host's daemon.
    pub fn client(&self, flavour: Flavour, arguments: &[&str]) -> Result<Command> {
        let mut command = self.command(flavour.program("lxc")?)?;
        command.args(arguments);
        Ok(command)
    }

    /// Runs to the end inside, with `input` on stdin.
    pub fn capture(&self, command: &mut Command, input: &str) -> Result<Output> {
        self.namespace.enter(|| program::capture(command, input))
    }

    /// Starts inside and does not wait.
    pub fn spawn(&self, command: &mut Command) -> Result<Child> {
        self.namespace.spawn(command)
    }

    /// Stdout of a program that succeeded inside.
    pub fn stdout(&self, command: &mut Command, input: &str) -> Result<String> {
        self.namespace
            .enter(|| program::stdout(command, input))
            .with_context(|| format!("on {}", self.name))
    }

    /// Stdout of this flavour's `lxc ARGUMENTS`.
    pub fn lxc(&self, arguments: &[&str]) -> Result<String> {
        self.stdout(&mut self.client(self.flavour, arguments)?, "")
    }

    /// Stdout of this flavour's `lxd ARGUMENTS`.
    pub fn lxd(&self, arguments: &[&str], input: &str) -> Result<String> {
        let mut command = self.command(self.flavour.program("lxd")?)?;
        self.stdout(command.args(arguments), input)
    }

    /// Stdout of a shell line inside.
    pub fn sh(&self, line: &str) -> Result<String> {
        self.stdout(self.command("/bin/sh")?.args(["-c", line]), "")
    }
}
