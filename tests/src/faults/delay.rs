//! Delays what a host sends: the kernel queues its packets (NFQUEUE) and a thread lets each go later.
//! The messages are those of linux/netfilter/nfnetlink_queue.h.

use std::{
    collections::VecDeque,
    os::fd::{AsRawFd, OwnedFd},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use nix::{
    errno::Errno,
    sys::{
        socket::{
            AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv,
            send, setsockopt, socket, sockopt,
        },
        time::TimeVal,
    },
};

use crate::host::Host;

/// How exact the delay is.
const TICK_US: i64 = 2000;
/// Packets under way from one host.
const PACKETS_MAX: u32 = 20_000;
const RECEIVE_BYTES: usize = 4 << 20;

const SUBSYSTEM: u16 = 3;
const VERDICT_BATCH: u16 = 3;
const CONFIGURE: u16 = 2;
const PACKET: u16 = 0;
const REQUEST: u16 = 1;
const ACCEPT: u32 = 1;

/// Packets of a host are late as long as this lives.
#[derive(Debug)]
pub(super) struct Delay {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Delay {
    pub(super) fn begin(host: &Host, delay: Duration) -> Result<Self> {
        let queue = host.namespace().enter_network(open)?;
        host.sh("iptables -A OUTPUT -o eth0 -j NFQUEUE --queue-num 0")?;
        let stop = Arc::new(AtomicBool::new(false));
        let seen = stop.clone();
        let thread = thread::spawn(move || pass_on(&queue, delay, &seen));
        Ok(Self { stop, thread: Some(thread) })
    }

    /// New packets are not queued any more; those under way still arrive.
    pub(super) fn end(mut self, host: &Host) -> Result<()> {
        host.sh("iptables -F OUTPUT")?;
        self.stop.store(true, Ordering::Relaxed);
        let thread = self.thread.take().context("it has ended already")?;
        ensure!(thread.join().is_ok(), "the delaying thread panicked");
        Ok(())
    }
}

impl Drop for Delay {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// A socket that is told of the packets of queue 0: their numbers only.
fn open() -> Result<OwnedFd> {
    let flags = SockFlag::SOCK_CLOEXEC;
    let kind = SockProtocol::NetlinkNetFilter;
    let queue =
        socket(AddressFamily::Netlink, SockType::Raw, flags, kind).context("open a queue")?;
    bind(queue.as_raw_fd(), &NetlinkAddr::new(0, 0)).context("bind a queue")?;
    setsockopt(&queue, sockopt::RcvBufForce, &RECEIVE_BYTES).context("enlarge a queue")?;
    let tick = TimeVal::new(0, TICK_US);
    setsockopt(&queue, sockopt::ReceiveTimeout, &tick).context("set a queue's tick")?;
    let bind_queue = [1, 0, 0, 0];
    let numbers_only = [0, 0, 0, 0, 1];
    for (attribute, value) in
        [(1, &bind_queue[..]), (2, &numbers_only[..]), (3, &PACKETS_MAX.to_be_bytes()[..])]
    {
        tell(&queue, &message(CONFIGURE, attribute, value))?;
    }
    Ok(queue)
}

/// Lets every packet go when its time has come; after the end, all that are left.
fn pass_on(queue: &OwnedFd, delay: Duration, stop: &AtomicBool) {
    let (mut waiting, mut buffer) = (VecDeque::new(), vec![0; 64 << 10]);
    loop {
        match recv(queue.as_raw_fd(), &mut buffer, MsgFlags::empty()) {
            Ok(length) => {
                let due = Instant::now() + delay;
                waiting.extend(packets(&buffer[..length]).map(|packet| (packet, due)));
            }
            Err(Errno::EAGAIN | Errno::EINTR | Errno::ENOBUFS) => {}
            Err(_) => return,
        }
        let now = Instant::now();
        let due = waiting.iter().take_while(|(_, due)| *due <= now).count();
        if let Some((last, _)) = waiting.drain(..due).next_back() {
            // One verdict for it and all before it.
            let verdict = [ACCEPT.to_be_bytes(), u32::to_be_bytes(last)].concat();
            if tell(queue, &message(VERDICT_BATCH, 2, &verdict)).is_err() {
                return;
            }
        }
        if waiting.is_empty() && stop.load(Ordering::Relaxed) {
            return;
        }
    }
}

fn tell(queue: &OwnedFd, message: &[u8]) -> Result<()> {
    send(queue.as_raw_fd(), message, MsgFlags::empty()).context("talk to a queue").map(drop)
}

/// A message to queue 0 with one attribute: two headers, then length, kind and value.
fn message(kind: u16, attribute: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(4 + value.len()).expect("values are short");
    let mut body = vec![0, 0, 0, 0];
    body.extend(length.to_ne_bytes());
    body.extend(attribute.to_ne_bytes());
    body.extend(value);
    body.resize(body.len().next_multiple_of(4), 0);
    let total = u32::try_from(16 + body.len()).expect("messages are short");
    let mut message = Vec::from(total.to_ne_bytes());
    message.extend((SUBSYSTEM << 8 | kind).to_ne_bytes());
    message.extend(REQUEST.to_ne_bytes());
    message.extend([0; 8]);
    message.extend(body);
    message
}

/// The numbers of the packets told of: the first attribute of each message holds it.
fn packets(mut bytes: &[u8]) -> impl Iterator<Item = u32> {
    std::iter::from_fn(move || {
        loop {
            let length = u32::from_ne_bytes(bytes.get(..4)?.try_into().ok()?);
            let kind = u16::from_ne_bytes(bytes.get(4..6)?.try_into().ok()?);
            let number = bytes.get(24..28).and_then(|bytes| bytes.try_into().ok());
            let next = usize::try_from(length).ok()?.next_multiple_of(4).max(16);
            bytes = bytes.get(next..).unwrap_or_default();
            if kind == SUBSYSTEM << 8 | PACKET {
                return number.map(u32::from_be_bytes);
            }
        }
    })
}
