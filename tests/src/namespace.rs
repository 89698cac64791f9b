//! A set of namespaces (network, mounts, processes, host name) and the way into it.
//!
//! Nothing has a name on the real host, so nothing collides; when the first process of a namespace
//! ends, the kernel ends all others and frees links, mounts and addresses.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    process::{Child, ChildStdin, Command, Stdio},
    sync::Mutex,
    thread,
};

use anyhow::{Context, Result, bail};
use nix::{
    sched::{CloneFlags, setns, unshare},
    sys::{
        signal::{Signal, kill},
        wait::waitpid,
    },
    unistd::Pid,
};

use crate::program;

/// How long the namespaces live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// As long as the process that made them, however that ends.
    Creator,
    /// Until somebody ends their first process.
    Detached,
}

/// Living namespaces, held by their first process.
#[derive(Debug)]
pub struct Namespace {
    init: u32,
    held: Option<(Child, ChildStdin)>,
    started: Mutex<Vec<u32>>,
}

impl Namespace {
    /// Makes namespaces and runs `setup`, a bash script with `arguments`, as their first process.
    pub fn create(life: Life, setup: &str, arguments: &[&str]) -> Result<Self> {
        let stay = match life {
            // The pipe closes when the creator is gone, even after SIGKILL.
            Life::Creator => "read -r _ || :",
            Life::Detached => "exec >&- 2>&-; sleep infinity & wait",
        };
        let script = format!(
            "set -e\nmount --make-rprivate /\nmount -t proc proc /proc\n{setup}\necho ready\n{stay}"
        );
        let mut command = program::command("/bin/bash");
        command.args(["-c", &script, "init"]).args(arguments);
        command.stdin(if life == Life::Creator { Stdio::piped() } else { Stdio::null() });
        command.stdout(Stdio::piped());
        let mut child = in_thread(move || {
            unshare(
                CloneFlags::CLONE_NEWNET
                    | CloneFlags::CLONE_NEWNS
                    | CloneFlags::CLONE_NEWUTS
                    | CloneFlags::CLONE_NEWPID,
            )
            .context("make namespaces (this needs root)")?;
            command.spawn().context("start the first process of a namespace")
        })?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().expect("stdout is piped");
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).context("read from the first process")?;
        if line.trim() != "ready" {
            bail!("the setup of a namespace failed: {}", child.wait()?);
        }
        let init = child.id();
        let held = stdin.map(|stdin| (child, stdin));
        Ok(Self { init, held, started: Mutex::default() })
    }

    /// Namespaces that another process has made and left [`Life::Detached`].
    #[must_use]
    pub fn existing(init: u32) -> Self {
        Self { init, held: None, started: Mutex::default() }
    }

    /// The first process, as this process sees it.
    #[must_use]
    pub fn init(&self) -> u32 {
        self.init
    }

    /// Runs `work` on a thread that is inside. Programs it starts are inside, sockets too.
    /// It must not start threads: they would be in another process namespace, which Linux refuses.
    pub fn enter<T: Send>(&self, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        in_thread(|| {
            self.join(&["uts", "net", "pid", "mnt"])?;
            work()
        })
    }

    /// Runs `work` on a thread that shares the network only; it may start threads.
    pub fn enter_network<T: Send>(&self, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        in_thread(|| {
            self.join(&["net"])?;
            work()
        })
    }

    /// Starts a program inside and does not wait for it.
    pub fn spawn(&self, command: &mut Command) -> Result<Child> {
        let child = self.enter(|| command.spawn().with_context(|| format!("start {command:?}")))?;
        self.started.lock().expect("no panic while held").push(child.id());
        Ok(child)
    }

    /// Ends every process inside, and with them the namespaces.
    pub fn end(&mut self) {
        let _ = kill(pid(self.init), Signal::SIGKILL);
        // The first process lasts until nobody is left, not even a child that we have to bury.
        for id in self.started.lock().expect("no panic while held").drain(..) {
            let _ = waitpid(pid(id), None);
        }
        if let Some((mut child, _)) = self.held.take() {
            let _ = child.wait();
        }
    }

    fn join(&self, kinds: &[&str]) -> Result<()> {
        unshare(CloneFlags::CLONE_FS).context("stop sharing the working directory")?;
        let open = |kind: &&str| File::open(format!("/proc/{}/ns/{kind}", self.init));
        // All are opened first: after entering the mounts /proc is another one.
        let files = kinds.iter().map(open).collect::<Result<Vec<_>, _>>();
        for file in files.context("the host is gone")? {
            setns(file, CloneFlags::empty()).context("enter a namespace")?;
        }
        Ok(())
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        if self.held.is_some() {
            self.end();
        }
    }
}

/// A process id for signals.
#[must_use]
pub fn pid(id: u32) -> Pid {
    Pid::from_raw(i32::try_from(id).expect("process ids fit into 31 bits"))
}

fn in_thread<T: Send>(work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    thread::scope(|scope| scope.spawn(work).join())
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
