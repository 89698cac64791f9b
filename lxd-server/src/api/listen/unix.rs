//! The unix socket: whoever can open it is root to the API.

use std::io::ErrorKind;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::{fs, io};

use axum::Router;
use listenfd::ListenFd;
use nix::unistd::Group;
use tokio::net::UnixListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connection::{self, Protocol};
use super::{Peer, tls};
use crate::error::{Context, Error, Result};

/// The socket at `path`, for root and `group`: systemd's if it passed one, else a new one.
///
/// A socket that nobody listens on is replaced, in one step, when the new one has its rights.
///
/// # Errors
/// Another daemon listens there; there is no such group; the path cannot be written.
pub fn bind(path: &Path, group: Option<&str>) -> Result<UnixListener> {
    if let Some(passed) = ListenFd::from_env().take_unix_listener(0).context("take the socket")? {
        passed.set_nonblocking(true).context("take the socket")?;
        return UnixListener::from_std(passed).context("take the socket");
    }
    if UnixStream::connect(path).is_ok() {
        return Err(Error::conflict("LXD is already running"));
    }
    let part = path.with_extension("part");
    remove(&part).context("replace the socket")?;
    let socket = UnixListener::bind(&part).context(format_args!("listen on {}", part.display()))?;
    fs::set_permissions(&part, fs::Permissions::from_mode(0o660))
        .context("set the socket's mode")?;
    if let Some(name) = group {
        let group = Group::from_name(name).context(format_args!("look up the group {name}"))?;
        let group = group.context(format_args!("find the group {name}"))?;
        chown(&part, None, Some(group.gid.as_raw())).context("set the socket's group")?;
    }
    fs::rename(&part, path).context(format_args!("listen on {}", path.display()))?;
    Ok(socket)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Serves connections until `stop`. When all slots are taken the next wait in the kernel's queue.
pub(super) async fn accept(
    socket: UnixListener,
    router: Router,
    slots: Arc<Semaphore>,
    connections: TaskTracker,
    stop: CancellationToken,
) {
    loop {
        let accepted = async {
            let slot = slots.clone().acquire_owned().await;
            (slot.expect("the semaphore is never closed"), socket.accept().await)
        };
        let (slot, accepted) = tokio::select! {
            accepted = accepted => accepted,
            () = stop.cancelled() => return,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tls::pause_after(&error).await;
                continue;
            }
        };
        let Ok(credentials) = stream.peer_cred() else { continue };
        let peer = Peer::Unix { uid: credentials.uid() };
        let (router, stop) = (router.clone(), stop.clone());
        connections.spawn(async move {
            connection::serve(stream, Protocol::Http1, peer, router, stop).await;
            drop(slot);
        });
    }
}
