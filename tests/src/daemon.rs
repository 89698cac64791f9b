//! A running daemon on a host: start, stop, kill, pause, log.

use std::{
    fs::{self, File},
    process::{Child, ExitStatus},
    time::Duration,
};

use anyhow::{Context, Result};
use nix::sys::signal::{Signal, kill};

use crate::{api::Api, host::Host, namespace::pid, wait::wait_until};

/// A daemon answers, or ends, within this, even on a busy machine.
pub const LIMIT: Duration = Duration::from_secs(60);

/// Dropping it leaves the process alone: the host ends it.
#[derive(Debug)]
pub struct Daemon {
    child: Child,
}

impl Daemon {
    /// Starts the host's `lxd`; its output is added to `lxd.log` in the host's folder.
    pub fn start(host: &Host) -> Result<Self> {
        Self::start_with(host, None)
    }

    /// Starts one that dies where `name` stands in its code, and waits until it is ready.
    pub fn start_failing(host: &Host, name: &str) -> Result<Self> {
        let mut daemon = Self::start_with(host, Some(name))?;
        daemon.wait_ready(host)?;
        Ok(daemon)
    }

    /// Starts it and waits until it is ready.
    pub fn start_ready(host: &Host) -> Result<Self> {
        let mut daemon = Self::start(host)?;
        daemon.wait_ready(host)?;
        Ok(daemon)
    }

    /// Waits until the API answers on the socket and `waitready` returns.
    pub fn wait_ready(&mut self, host: &Host) -> Result<()> {
        let api = Api::of(host);
        wait_until(&format!("lxd answers on {}", host.name), LIMIT, || {
            match self.child.try_wait() {
                Ok(None) => api.get("/1.0").ok().map(|_| Ok(())),
                ended => Some(Err(anyhow::anyhow!("lxd ended on {}: {ended:?}", host.name))),
            }
        })??;
        host.lxd(&["waitready", "--timeout", "60"], "").map(drop)
    }

    /// The process id, as this process sees it.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL, and waits until it is gone.
    pub fn kill(mut self) -> Result<()> {
        self.child.kill().context("kill lxd")?;
        self.child.wait().context("wait for the killed lxd").map(drop)
    }

    /// SIGTERM, and waits for its end.
    pub fn stop(mut self) -> Result<ExitStatus> {
        kill(pid(self.id()), Signal::SIGTERM).context("stop lxd")?;
        self.wait_end()
    }

    /// Waits until it has ended by itself or by another's order.
    pub fn wait_end(&mut self) -> Result<ExitStatus> {
        wait_until("lxd ends", LIMIT, || self.child.try_wait().transpose())?.context("wait for lxd")
    }

    /// SIGSTOP: the process stands still, its connections stay open.
    pub fn pause(&self) -> Result<()> {
        kill(pid(self.id()), Signal::SIGSTOP).context("pause lxd")
    }

    /// SIGCONT after [`Daemon::pause`].
    pub fn resume(&self) -> Result<()> {
        kill(pid(self.id()), Signal::SIGCONT).context("resume lxd")
    }

    fn start_with(host: &Host, fail_at: Option<&str>) -> Result<Self> {
        let path = host.folder.join("lxd.log");
        let log = File::options().create(true).append(true).open(&path);
        let log = log.with_context(|| format!("open {}", path.display()))?;
        let mut command = host.command(host.flavour.program("lxd")?)?;
        command.envs(host.environment.clone());
        command.envs(fail_at.map(|name| ("LXD_FAIL_AT", name)));
        command.arg("--verbose").stdout(log.try_clone()?).stderr(log);
        // A terminal's Ctrl-C is not meant for it.
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        Ok(Self { child: host.spawn(&mut command)? })
    }
}

/// All that the host's daemons have logged so far.
#[must_use]
pub fn log(host: &Host) -> String {
    fs::read_to_string(host.folder.join("lxd.log")).unwrap_or_default()
}
