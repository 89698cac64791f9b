//! Every bound of the daemon, named and together.

use std::time::Duration;

/// The largest request body, in bytes.
pub const BODY_BYTES_MAX: usize = 4 << 20;
/// Connections served at once over HTTPS; more wait in the kernel's queue.
pub const TLS_CONNECTIONS_MAX: usize = 4096;
/// Connections served at once on the unix socket.
pub const UNIX_CONNECTIONS_MAX: usize = 1024;
/// Handshakes under way at once.
pub const HANDSHAKES_MAX: usize = 256;
/// How long a TLS handshake may take.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a request head may take, and how long a kept-alive connection may be idle.
pub const HEADER_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a request body may take.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// How long requests under way may go on once the daemon stops or a listener is dropped.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);
/// How often a websocket is pinged, and how long a frame may take to be sent.
pub const PING_INTERVAL: Duration = Duration::from_secs(10);
/// Operations held at once, finished ones included.
pub const OPERATIONS_MAX: usize = 10_000;
/// How long a finished operation stays visible, as in LXD.
pub const OPERATION_LINGER: Duration = Duration::from_secs(5);
/// Events a slow listener may lag behind before it is cut off.
pub const EVENT_BACKLOG: usize = 1024;
/// The longest name of a member, pool, profile or project, in bytes.
pub const NAME_BYTES_MAX: usize = 63;
/// How long one request between members may take.
pub const PEER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a joiner may be silent until its join is undone and its token is open again.
pub const JOIN_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a read or write of the database may take until it is answered.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a joiner waits for more of the cluster's database to arrive.
pub const JOIN_SILENCE: Duration = Duration::from_secs(60);
/// Requests with an Idempotency-Key that are kept for one caller.
pub const REQUESTS_MAX: i64 = 1000;
/// The longest answer that is kept for repeats, in bytes; a longer one is made again.
pub const ANSWER_BYTES_MAX: usize = 64 << 10;
/// How long a repeat waits for the run of its request that goes on.
pub const JOIN_REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
