//! One direction of a stream: bytes on their way, bytes that have arrived.

use crate::types::NodeId;
use std::collections::VecDeque;
use std::io::{Error, ErrorKind, Result};
use std::task::{Context, Poll, Waker};

/// Bytes that may be on their way before the writer has to wait.
const WINDOW: usize = 1 << 20;

/// How a direction ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum End {
    /// The other end has closed it.
    Closed,
    Reset,
}

/// What is on its way.
pub(super) enum Piece {
    Bytes(Vec<u8>),
    End(End),
}

pub(super) struct Pipe {
    pub(super) from: NodeId,
    pub(super) to: NodeId,
    /// The opposite direction of the same stream.
    pub(super) twin: u64,
    /// When each arrives at the earliest, in ms; in order.
    pub(super) flight: VecDeque<(u64, Piece)>,
    on_the_way: usize,
    arrived: VecDeque<u8>,
    ended: Option<End>,
    /// Silently dead: nothing arrives any more.
    pub(super) dead: bool,
    pub(super) reader_gone: bool,
    pub(super) writer_gone: bool,
    /// What writing comes to, once it is known to be in vain.
    pub(super) refused: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
    /// What this stream takes longer than others of its way, in ms.
    pub(super) lag: u64,
}

impl Pipe {
    pub(super) fn new(from: NodeId, to: NodeId, twin: u64, lag: u64) -> Self {
        Self {
            from,
            to,
            twin,
            flight: VecDeque::new(),
            on_the_way: 0,
            arrived: VecDeque::new(),
            ended: None,
            dead: false,
            reader_gone: false,
            writer_gone: false,
            refused: false,
            reader: None,
            writer: None,
            lag,
        }
    }

    /// Puts something on its way; it arrives after all that is there already.
    pub(super) fn send(&mut self, at: u64, piece: Piece) -> u64 {
        let at = self.flight.back().map_or(at, |(last, _)| at.max(*last));
        if let Piece::Bytes(bytes) = &piece {
            self.on_the_way += bytes.len();
        }
        self.flight.push_back((at, piece));
        at
    }

    /// Delivers what is due; says how much.
    pub(super) fn deliver(&mut self, now: u64) -> usize {
        let mut count = 0;
        while self.flight.front().is_some_and(|(at, _)| *at <= now) {
            match self.flight.pop_front() {
                Some((_, Piece::Bytes(bytes))) => {
                    self.on_the_way -= bytes.len();
                    count += bytes.len();
                    self.arrived.extend(bytes);
                }
                Some((_, Piece::End(end))) => self.end(end),
                None => {}
            }
        }
        self.wake();
        count
    }

    pub(super) fn end(&mut self, end: End) {
        if end == End::Reset {
            self.arrived.clear();
            self.refused = true;
        }
        self.ended = self.ended.or(Some(end));
        self.wake();
    }

    /// Whoever waits looks again.
    pub(super) fn wake(&mut self) {
        for waker in [self.reader.take(), self.writer.take()].into_iter().flatten() {
            waker.wake();
        }
    }

    pub(super) fn poll_read(
        &mut self,
        context: &Context<'_>,
        buffer: &mut tokio::io::ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        if self.arrived.is_empty() {
            return match self.ended {
                Some(End::Closed) => Poll::Ready(Ok(())),
                Some(End::Reset) => Poll::Ready(Err(ErrorKind::ConnectionReset.into())),
                None => {
                    self.reader = Some(context.waker().clone());
                    Poll::Pending
                }
            };
        }
        while buffer.remaining() > 0
            && let Some(byte) = self.arrived.pop_front()
        {
            buffer.put_slice(&[byte]);
        }
        Poll::Ready(Ok(()))
    }

    /// Whether there is room for more.
    pub(super) fn poll_room(&mut self, context: &Context<'_>) -> Poll<Result<()>> {
        if self.refused {
            return Poll::Ready(Err(Error::from(ErrorKind::BrokenPipe)));
        }
        if self.on_the_way > WINDOW {
            self.writer = Some(context.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }
}
