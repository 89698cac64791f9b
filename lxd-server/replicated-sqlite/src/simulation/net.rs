//! The simulated network: streams whose bytes take their time, and whatever befalls them.
//!
//! Inside a stream bytes keep their order and come once, as TCP has it; what is reordered is streams: those of
//! an older connection may arrive after a newer one's. What is doubled is calls (not appends), as a whole.

use crate::network::Network;
use crate::network::wire::{Hello, Purpose, Request};
use crate::simulation::pipe::{End, Piece, Pipe};
use crate::simulation::trace::Trace;
use crate::types::NodeId;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{ErrorKind, Result};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::oneshot;

/// The one network; clones share it.
#[derive(Clone)]
pub(super) struct Net(Arc<Mutex<State>>);

struct State {
    now: u64,
    rng: StdRng,
    trace: Trace,
    ways: BTreeMap<(NodeId, NodeId), Way>,
    /// The way between any two of whom nothing else is said.
    usual: Way,
    pipes: BTreeMap<u64, Pipe>,
    last: u64,
    agenda: BTreeMap<(u64, u64), Event>,
    /// Whose process listens.
    listening: BTreeSet<NodeId>,
    /// Whose machine is off: it answers nothing, not even "refused".
    off: BTreeSet<NodeId>,
    doubled: f64,
}

/// From one member to another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way {
    /// ms.
    pub(super) delay: u64,
    /// ms on top, at most.
    pub(super) jitter: u64,
    pub(super) cut: Option<Cut>,
}

/// What a cut does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// Bytes wait for its end, as TCP repeats them.
    Hold,
    /// Streams die of it, and nobody is told.
    Lose,
    /// Streams are reset, calls are refused.
    Reset,
}

enum Event {
    Arrive(u64),
    Dial { from: NodeId, to: NodeId, answer: oneshot::Sender<Result<Stream>> },
    Answer { answer: oneshot::Sender<Result<Stream>>, stream: Result<Stream> },
    Double { pipe: u64, bytes: Vec<u8> },
}

/// A stream that somebody opened to `to`.
pub(super) struct Incoming {
    pub(super) from: NodeId,
    pub(super) to: NodeId,
    pub(super) stream: Stream,
}

impl Net {
    pub(super) fn new(seed: u64, trace: Trace, usual: Way, doubled: f64) -> Self {
        Self(Arc::new(Mutex::new(State {
            now: 0,
            rng: StdRng::seed_from_u64(seed),
            trace,
            ways: BTreeMap::new(),
            usual,
            pipes: BTreeMap::new(),
            last: 0,
            agenda: BTreeMap::new(),
            listening: BTreeSet::new(),
            off: BTreeSet::new(),
            doubled,
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What `node` brings to its database.
    pub(super) fn at(&self, node: NodeId) -> Port {
        Port { net: self.clone(), node }
    }

    /// Lets time pass; returns the streams that have come.
    pub(super) fn advance(&self, now: u64) -> Vec<Incoming> {
        self.state().now = now;
        let mut come = Vec::new();
        loop {
            // Not under the lock: whatever is dropped here may be a stream.
            let next = {
                let mut state = self.state();
                let due = state.agenda.first_entry().filter(|entry| entry.key().0 <= now);
                due.map(std::collections::btree_map::OccupiedEntry::remove)
            };
            match next {
                None => return come,
                Some(Event::Arrive(pipe)) => self.state().arrive(pipe),
                Some(Event::Double { pipe, bytes }) => self.state().send(pipe, Piece::Bytes(bytes)),
                // Whoever gave up does not want it.
                Some(Event::Answer { answer, stream }) => drop(answer.send(stream)),
                Some(Event::Dial { from, to, answer }) => come.extend(self.dial(from, to, answer)),
            }
        }
    }

    fn dial(
        &self,
        from: NodeId,
        to: NodeId,
        answer: oneshot::Sender<Result<Stream>>,
    ) -> Option<Incoming> {
        if answer.is_closed() {
            return None;
        }
        let mut state = self.state();
        let cuts = [state.way(from, to).cut, state.way(to, from).cut];
        let back = state.time(to, from);
        if cuts.contains(&Some(Cut::Reset)) || !state.listening.contains(&to) && !state.off(to) {
            let stream = Err(ErrorKind::ConnectionRefused.into());
            state.plan(back, Event::Answer { answer, stream });
            return None;
        }
        if cuts.iter().any(Option::is_some) || state.off(to) {
            let again = state.now + state.rng.random_range(50..=500);
            state.plan(again, Event::Dial { from, to, answer });
            return None;
        }
        let (there, hither) = state.pair(from, to);
        let end = |incoming, outgoing, caller| Stream {
            net: self.clone(),
            incoming,
            outgoing,
            calls: if caller { Calls::Unsaid } else { Calls::None },
        };
        let stream = Ok(end(hither, there, true));
        state.plan(back, Event::Answer { answer, stream });
        Some(Incoming { from, to, stream: end(there, hither, false) })
    }

    /// Changes the way from one member to another. What was held back by a cut comes a while later.
    pub(super) fn set(&self, from: NodeId, to: NodeId, change: impl FnOnce(&mut Way)) {
        let mut state = self.state();
        let mut way = state.way(from, to);
        change(&mut way);
        state.ways.insert((from, to), way);
        state.touch(from, to);
    }

    /// Everything as usual again.
    pub(super) fn heal(&self) {
        let mut state = self.state();
        let ways = std::mem::take(&mut state.ways);
        for (from, to) in ways.into_keys() {
            state.touch(from, to);
        }
    }

    /// Ends all streams between two members.
    pub(super) fn reset(&self, a: NodeId, b: NodeId) {
        let mut state = self.state();
        for pipe in state.pipes.values_mut() {
            if [(a, b), (b, a)].contains(&(pipe.from, pipe.to)) {
                pipe.end(End::Reset);
            }
        }
    }

    pub(super) fn listen(&self, node: NodeId) {
        let mut state = self.state();
        state.listening.insert(node);
        state.off.remove(&node);
    }

    /// The process is about to go; with its machine, nobody hears of it.
    pub(super) fn leave(&self, node: NodeId, machine: bool) {
        let mut state = self.state();
        state.listening.remove(&node);
        if machine {
            state.off.insert(node);
            for pipe in state.pipes.values_mut().filter(|pipe| pipe.from == node || pipe.to == node)
            {
                pipe.dead = true;
            }
        }
    }

    /// The machine runs again, or for the first time: it refuses what nobody listens for.
    pub(super) fn boot(&self, node: NodeId) {
        self.state().off.remove(&node);
    }
}

impl State {
    fn way(&self, from: NodeId, to: NodeId) -> Way {
        self.ways.get(&(from, to)).copied().unwrap_or(self.usual)
    }

    fn off(&self, node: NodeId) -> bool {
        self.off.contains(&node)
    }

    fn plan(&mut self, at: u64, event: Event) {
        self.last += 1;
        self.agenda.insert((at, self.last), event);
    }

    /// When something sent now arrives at the earliest.
    fn time(&mut self, from: NodeId, to: NodeId) -> u64 {
        let way = self.way(from, to);
        self.now + way.delay + self.rng.random_range(0..=way.jitter)
    }

    /// Two pipes, there and back.
    fn pair(&mut self, from: NodeId, to: NodeId) -> (u64, u64) {
        let (there, back) = (self.last + 1, self.last + 2);
        self.last += 2;
        let lag = if self.rng.random_bool(0.1) { self.rng.random_range(1..=200) } else { 0 };
        self.pipes.insert(there, Pipe::new(from, to, back, lag));
        self.pipes.insert(back, Pipe::new(to, from, there, 0));
        (there, back)
    }

    fn send(&mut self, id: u64, piece: Piece) {
        let Some((from, to, lag)) = self.pipes.get(&id).map(|pipe| (pipe.from, pipe.to, pipe.lag))
        else {
            return;
        };
        let at = self.time(from, to) + lag;
        if let Some(pipe) = self.pipes.get_mut(&id) {
            let at = pipe.send(at, piece);
            self.plan(at, Event::Arrive(id));
        }
    }

    fn arrive(&mut self, id: u64) {
        let Some(pipe) = self.pipes.get(&id) else { return };
        if pipe.dead {
            return;
        }
        match self.way(pipe.from, pipe.to).cut {
            Some(Cut::Hold) => return,
            Some(Cut::Lose) => return self.kill(id),
            Some(Cut::Reset) | None => {}
        }
        let (now, mut answer) = (self.now, None);
        if let Some(pipe) = self.pipes.get_mut(&id) {
            let count = pipe.deliver(now);
            if count > 0 {
                self.trace.say(&format!("{} -> {} {count} #{id}", pipe.from, pipe.to));
            }
            // Nobody reads any more: the other end hears of it, in a while.
            answer = (pipe.reader_gone && count > 0 && !pipe.refused).then_some(pipe.twin);
        }
        if let Some(twin) = answer {
            self.send(twin, Piece::End(End::Reset));
            if let Some(pipe) = self.pipes.get_mut(&id) {
                pipe.end(End::Reset);
            }
        }
        self.tidy(id);
    }

    /// Both directions, silently.
    fn kill(&mut self, id: u64) {
        let twin = self.pipes.get(&id).map(|pipe| pipe.twin);
        for id in [Some(id), twin].into_iter().flatten() {
            if let Some(pipe) = self.pipes.get_mut(&id) {
                pipe.dead = true;
            }
        }
    }

    /// Brings streams in line with what their way is now.
    fn touch(&mut self, from: NodeId, to: NodeId) {
        let cut = self.way(from, to).cut;
        let way = |pipe: &Pipe| (pipe.from, pipe.to) == (from, to);
        let ids = self.pipes.iter().filter(|(_, pipe)| way(pipe)).map(|(id, _)| *id);
        for id in ids.collect::<Vec<_>>() {
            match cut {
                Some(Cut::Hold) => {}
                Some(Cut::Lose) => self.kill(id),
                Some(Cut::Reset) => {
                    let twin = self.pipes.get(&id).map(|pipe| pipe.twin);
                    for id in [Some(id), twin].into_iter().flatten() {
                        if let Some(pipe) = self.pipes.get_mut(&id) {
                            pipe.end(End::Reset);
                        }
                    }
                }
                None => {
                    let at = self.now + self.rng.random_range(1..=300);
                    if let Some(pipe) = self.pipes.get_mut(&id) {
                        for (time, _) in &mut pipe.flight {
                            *time = at.max(*time);
                        }
                    }
                    self.plan(at, Event::Arrive(id));
                }
            }
        }
    }

    /// Forgets a stream that both ends have dropped.
    fn tidy(&mut self, id: u64) {
        let Some(pipe) = self.pipes.get(&id) else { return };
        let (twin, over) = (pipe.twin, |pipe: &Pipe| {
            pipe.reader_gone && pipe.writer_gone && (pipe.dead || pipe.flight.is_empty())
        });
        if over(pipe) && self.pipes.get(&twin).is_none_or(over) {
            self.pipes.remove(&id);
            self.pipes.remove(&twin);
        }
    }
}

/// One member's way into the network.
#[derive(Clone)]
pub(super) struct Port {
    net: Net,
    node: NodeId,
}

impl Network for Port {
    type Stream = Stream;

    async fn connect(&self, target: NodeId, _address: &str) -> Result<Stream> {
        let (answer, stream) = oneshot::channel();
        {
            let mut state = self.net.state();
            let at = state.time(self.node, target);
            state.plan(at, Event::Dial { from: self.node, to: target, answer });
        }
        stream.await.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()))
    }
}

/// One end of a stream.
pub(super) struct Stream {
    net: Net,
    incoming: u64,
    outgoing: u64,
    calls: Calls,
}

/// Whether what is written are calls.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Calls {
    /// The hello will tell.
    Unsaid,
    All,
    None,
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        match self.net.state().pipes.get_mut(&self.incoming) {
            Some(pipe) => pipe.poll_read(context, buffer),
            None => Poll::Ready(Ok(())),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize>> {
        let net = self.net.clone();
        let mut state = net.state();
        let Some(pipe) = state.pipes.get_mut(&self.outgoing) else {
            return Poll::Ready(Err(ErrorKind::BrokenPipe.into()));
        };
        std::task::ready!(pipe.poll_room(context))?;
        state.send(self.outgoing, Piece::Bytes(bytes.to_vec()));
        match self.calls {
            Calls::All => state.double(self.outgoing, bytes),
            Calls::Unsaid => self.calls = calls(bytes),
            Calls::None => {}
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let mut state = self.net.state();
        if let Some(pipe) = state.pipes.get_mut(&self.outgoing) {
            pipe.writer_gone = true;
        }
        if let Some(pipe) = state.pipes.get_mut(&self.incoming) {
            pipe.reader_gone = true;
        }
        state.send(self.outgoing, Piece::End(End::Closed));
        state.tidy(self.outgoing);
    }
}

fn calls(hello: &[u8]) -> Calls {
    match hello.get(4..).map(crate::codec::decode::<Hello>) {
        Some(Ok(Hello { purpose: Purpose::Calls, .. })) => Calls::All,
        _ => Calls::None,
    }
}

impl State {
    /// Some of the calls come twice, the second time a while later.
    fn double(&mut self, pipe: u64, bytes: &[u8]) {
        let mut rest = bytes;
        while self.doubled > 0.0
            && let Some((size, body)) = rest.split_first_chunk()
        {
            let size = u32::from_le_bytes(*size) as usize;
            let Some(frame) = body.get(..size) else { return };
            let call = crate::codec::decode::<(u64, Request)>(frame);
            let twice = match call {
                Ok((_, Request::Stream(_) | Request::StreamEnd)) | Err(_) => false,
                Ok(_) => self.rng.random_bool(self.doubled),
            };
            if twice {
                let at = self.now + self.rng.random_range(0..=200);
                self.plan(at, Event::Double { pipe, bytes: rest[..size + 4].to_vec() });
            }
            rest = &body[size..];
        }
    }
}
