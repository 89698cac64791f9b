//! This member's streams to the others: kept open, found again when lost, and the calls that go over them.

mod heard;
mod said;

use crate::identity::Identity;
use crate::network::frame;
use crate::network::wire::{Hello, Purpose, Request, Response, Welcome};
use crate::network::{Duplex, Lost, Transport};
use crate::options::Options;
use crate::types::{NodeId, Submission, Verdict, Vote};
use said::{Refusal, Said};
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::task::AbortOnDropHandle;

/// Calls that wait to be written.
const QUEUE: usize = 1024;
/// The pause before a lost member is looked for again, the first time; then twice as long each time.
const PAUSE_MIN: Duration = Duration::from_millis(10);
const PAUSE_MAX: Duration = Duration::from_secs(1);
/// A stream is given up after so many silences.
const STALLED: u32 = 3;

/// All links of a member; clones share them.
#[derive(Clone)]
pub(crate) struct Links(Arc<Inner>);

struct Inner {
    identity: Identity,
    transport: Transport,
    options: Options,
    links: Mutex<BTreeMap<NodeId, Kept>>,
    /// Counts what [`Links::changes`] tells of.
    changes: watch::Sender<u64>,
    /// Members whose connection was reset or refused.
    resets: mpsc::Sender<NodeId>,
    /// What this member is in trouble with.
    trouble: watch::Sender<Option<String>>,
}

/// A link and the task that keeps it.
type Kept = (Arc<Link>, AbortOnDropHandle<()>);

impl Links {
    /// The receiver hears of members whose process seems to be gone.
    pub(crate) fn new(
        identity: Identity,
        transport: Transport,
        options: Options,
    ) -> (Self, mpsc::Receiver<NodeId>) {
        let (resets, lost) = mpsc::channel(64);
        let (links, changes) = (Mutex::default(), watch::Sender::new(0));
        let trouble = watch::Sender::new(None);
        let inner = Inner { identity, transport, options, links, changes, resets, trouble };
        (Self(Arc::new(inner)), lost)
    }

    /// The link to a member, which is being sought from now on.
    pub(crate) fn link(&self, target: NodeId, address: &str) -> Arc<Link> {
        let mut links = lock(&self.0.links);
        if let Some((link, _)) = links.get(&target) {
            address.clone_into(&mut lock(&link.address));
            return link.clone();
        }
        let link = Arc::new(Link::new(target, address, self.0.changes.clone()));
        // Weak: the links end with the member, not the member with its links.
        let keeper = keep(link.clone(), Arc::downgrade(&self.0));
        links.insert(target, (link.clone(), AbortOnDropHandle::new(tokio::spawn(keeper))));
        link
    }

    /// The group has changed: seeks who is new, drops who is gone. A link to somebody that neither knows
    /// stays: openraft has seen a later change already, and holds it.
    pub(crate) fn regroup(
        &self,
        former: &BTreeMap<NodeId, String>,
        members: &BTreeMap<NodeId, String>,
    ) {
        let gone = |target: &NodeId| former.contains_key(target) && !members.contains_key(target);
        lock(&self.0.links).retain(|target, _| !gone(target));
        for (target, address) in members.iter().filter(|(id, _)| **id != self.0.identity.node) {
            self.link(*target, address);
        }
    }

    /// Tells all other members what this one is in trouble with, or that it is over.
    pub(crate) fn set_trouble(&self, trouble: Option<String>) {
        let changes = |now: &mut Option<String>| {
            *now != trouble && {
                now.clone_from(&trouble);
                true
            }
        };
        if self.0.trouble.send_if_modified(changes) {
            self.0.changed();
        }
    }

    /// What this member is in trouble with, as it changes.
    pub(crate) fn trouble(&self) -> watch::Receiver<Option<String>> {
        self.0.trouble.subscribe()
    }

    /// Changes when a link is found or lost, or some member's trouble is another.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }

    /// Ends all of them.
    pub(crate) fn close(&self) {
        lock(&self.0.links).clear();
    }

    /// Opens a stream of its own to a member.
    pub(crate) async fn open(
        &self,
        target: NodeId,
        purpose: Purpose,
    ) -> io::Result<Box<dyn Duplex>> {
        let address = match lock(&self.0.links).get(&target) {
            Some((link, _)) => lock(&link.address).clone(),
            None => return Err(io::ErrorKind::NotConnected.into()),
        };
        self.0.open(target, address, purpose).await
    }

    /// Hands transactions that ran here one on top of the other, in this order, to the leader.
    pub(crate) async fn submit(
        &self,
        leader: NodeId,
        batch: Vec<Submission>,
        ttl: Duration,
    ) -> Result<Vec<Verdict>, Lost> {
        match self.call(leader, Request::Submit(batch), ttl).await? {
            Response::Verdicts(verdicts) => Ok(verdicts),
            _ => Err(Lost::Silent),
        }
    }

    /// Asks a voter to campaign as if the leader that gave this vote had handed over to it; tells whether it will.
    pub(crate) async fn ask_to_lead(&self, voter: NodeId, leader: Vote) -> bool {
        let request = Request::Transfer { from: leader.into(), to: voter, last: None };
        let answer = self.call(voter, request, self.0.options.silence()).await;
        matches!(answer, Ok(Response::Transferred))
    }

    /// Asks the leader up to where a read must see; `None` if it does not lead.
    pub(crate) async fn read_index(
        &self,
        leader: NodeId,
        ttl: Duration,
    ) -> Result<Option<u64>, Lost> {
        match self.call(leader, Request::ReadIndex, ttl).await? {
            Response::Index(index) => Ok(index),
            _ => Err(Lost::Silent),
        }
    }

    async fn call(
        &self,
        target: NodeId,
        request: Request,
        ttl: Duration,
    ) -> Result<Response, Lost> {
        let link = lock(&self.0.links).get(&target).map(|(link, _)| link.clone());
        link.ok_or(Lost::Silent)?.call(request, ttl).await
    }
}

impl Inner {
    async fn open(
        &self,
        target: NodeId,
        address: String,
        purpose: Purpose,
    ) -> io::Result<Box<dyn Duplex>> {
        let greeting = async {
            let mut stream = self.transport.connect(target, address).await?;
            let Identity { cluster, incarnation, node } = self.identity.clone();
            let hello = Hello { cluster, incarnation, from: node, to: target, purpose };
            frame::write(&mut stream, &hello).await?;
            let refusal = match frame::read(&mut stream).await? {
                Welcome::Come => return Ok(stream),
                Welcome::Refused(why) => Refusal::Mistake(why),
                Welcome::Removed => Refusal::Removed,
                Welcome::Stopped(trouble) => Refusal::Stopped(trouble),
            };
            Err(io::Error::new(io::ErrorKind::PermissionDenied, refusal))
        };
        timeout(self.options.silence(), greeting).await?
    }

    fn changed(&self) {
        self.changes.send_modify(|count| *count += 1);
    }
}

/// The stream to one member.
pub(crate) struct Link {
    target: NodeId,
    address: Mutex<String>,
    state: watch::Sender<State>,
    /// When it last answered.
    heard: Mutex<Option<Instant>>,
    /// When it last sent a request of its own.
    called: Mutex<Option<Instant>>,
    sought: Instant,
    kick: Notify,
    said: Mutex<Said>,
    /// See [`Links::changes`].
    changes: watch::Sender<u64>,
}

#[derive(Clone)]
enum State {
    /// Not found yet, or silent.
    Sought,
    /// Reset or refused, and not found since.
    Gone,
    Up(Connection),
}

impl Link {
    fn new(target: NodeId, address: &str, changes: watch::Sender<u64>) -> Self {
        Self {
            target,
            address: Mutex::new(address.to_owned()),
            state: watch::Sender::new(State::Sought),
            heard: Mutex::new(None),
            called: Mutex::new(None),
            sought: Instant::now(),
            kick: Notify::new(),
            said: Mutex::default(),
            changes,
        }
    }

    pub(crate) fn target(&self) -> NodeId {
        self.target
    }

    /// One request and its answer.
    pub(crate) async fn call(&self, request: Request, ttl: Duration) -> Result<Response, Lost> {
        let exchange = async {
            let mut ticket = self.up().await?.ticket();
            ticket.send(request).await.map_err(|()| self.why())?;
            ticket.next().await.ok_or_else(|| self.why())
        };
        timeout(ttl, exchange).await.unwrap_or(Err(Lost::Silent))
    }

    /// The connection, as soon as there is one; an error at once if the member is gone.
    pub(crate) async fn up(&self) -> Result<Connection, Lost> {
        let mut state = self.state.subscribe();
        let state = state.wait_for(|state| !matches!(state, State::Sought)).await;
        match state.as_deref() {
            Ok(State::Up(connection)) => Ok(connection.clone()),
            Ok(State::Gone) => Err(Lost::Gone),
            Ok(State::Sought) | Err(_) => Err(Lost::Silent),
        }
    }

    /// Why a connection that was there is not any more.
    pub(crate) fn why(&self) -> Lost {
        match *self.state.borrow() {
            State::Gone => Lost::Gone,
            State::Sought | State::Up(_) => Lost::Silent,
        }
    }

    fn answered(&self) {
        *lock(&self.heard) = Some(Instant::now());
    }

    fn says(&self, said: Said) {
        let before = std::mem::replace(&mut *lock(&self.said), said.clone());
        if before != said {
            self.changes.send_modify(|count| *count += 1);
        }
    }
}

/// One live stream; clones share it.
#[derive(Clone)]
pub(crate) struct Connection {
    frames: mpsc::Sender<(u64, Request)>,
    answers: Arc<Answers>,
}

struct Answers {
    last: AtomicU64,
    /// Who waits for an answer; `None` once the stream has ended.
    open: Mutex<Option<HashMap<u64, mpsc::Sender<Response>>>>,
}

impl Connection {
    /// A number to call under, once or (for a stream) many times.
    pub(crate) fn ticket(&self) -> Ticket {
        let number = self.answers.last.fetch_add(1, Ordering::Relaxed) + 1;
        let (sender, receiver) = mpsc::channel(QUEUE);
        if let Some(open) = &mut *lock(&self.answers.open) {
            open.insert(number, sender);
        }
        Ticket { number, connection: self.clone(), receiver }
    }

    /// Waits until it is lost.
    pub(crate) async fn lost(&self) {
        let mut ticket = self.ticket();
        // Nothing was asked under this number, so nothing is answered.
        let _ = ticket.next().await;
    }
}

/// A call under way. Dropped, its answers are ignored.
pub(crate) struct Ticket {
    number: u64,
    connection: Connection,
    receiver: mpsc::Receiver<Response>,
}

impl Ticket {
    pub(crate) async fn send(&self, request: Request) -> Result<(), ()> {
        self.sender().send(request).await
    }

    /// For sending from elsewhere.
    pub(crate) fn sender(&self) -> TicketSender {
        TicketSender(self.number, self.connection.frames.clone())
    }

    /// The next answer; `None` if the connection is lost.
    pub(crate) async fn next(&mut self) -> Option<Response> {
        self.receiver.recv().await
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(open) = &mut *lock(&self.connection.answers.open) {
            open.remove(&self.number);
        }
    }
}

pub(crate) struct TicketSender(u64, mpsc::Sender<(u64, Request)>);

impl TicketSender {
    pub(crate) async fn send(&self, request: Request) -> Result<(), ()> {
        self.1.send((self.0, request)).await.map_err(drop)
    }
}

/// Finds a member, talks to it until it is lost, finds it again.
async fn keep(link: Arc<Link>, shared: std::sync::Weak<Inner>) {
    let mut pause = PAUSE_MIN;
    let mut refusal = None;
    loop {
        let Some(inner) = shared.upgrade() else { return };
        let address = lock(&link.address).clone();
        let opened = inner.open(link.target, address, Purpose::Calls).await;
        let silence = inner.options.silence();
        let mut said = Said::default();
        let lost = match opened {
            Ok(stream) => {
                (pause, refusal) = (PAUSE_MIN, None);
                let (frames, queue) = mpsc::channel(QUEUE);
                let open = Mutex::new(Some(HashMap::new()));
                let answers = Arc::new(Answers { last: AtomicU64::new(0), open });
                let connection = Connection { frames, answers };
                link.answered();
                // What it said when it refused the last stream is over.
                link.says(Said::default());
                link.state.send_replace(State::Up(connection.clone()));
                inner.changed();
                drop(inner);
                converse(&link, &connection, stream, queue, silence).await
            }
            Err(error) => {
                let why =
                    (error.kind() == io::ErrorKind::PermissionDenied).then(|| error.to_string());
                if why.is_some() && why != refusal {
                    tracing::warn!(member = link.target, %error, "refused by a member");
                }
                refusal = why;
                match error.get_ref().and_then(|error| error.downcast_ref::<Refusal>()) {
                    Some(Refusal::Stopped(trouble)) => said.trouble.clone_from(trouble),
                    Some(Refusal::Removed) => said.removed = true,
                    Some(Refusal::Mistake(_)) | None => {}
                }
                Lost::from(&error)
            }
        };
        link.says(said);
        let Some(inner) = shared.upgrade() else { return };
        let state = if lost == Lost::Gone { State::Gone } else { State::Sought };
        let before = link.state.send_replace(state);
        if lost == Lost::Gone {
            // Full: then the watcher has plenty to think about already.
            let _ = inner.resets.try_send(link.target);
        }
        if let State::Up(connection) = before {
            *lock(&connection.answers.open) = None;
            inner.changed();
        }
        drop(inner);
        tokio::select! {
            () = sleep(pause) => {}
            () = link.kick.notified() => pause = PAUSE_MIN,
        }
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

/// Writes calls and hands out answers until the stream ends, or the other end falls silent.
async fn converse(
    link: &Link,
    connection: &Connection,
    stream: Box<dyn Duplex>,
    mut queue: mpsc::Receiver<(u64, Request)>,
    silence: Duration,
) -> Lost {
    let (reader, mut writer) = tokio::io::split(stream);
    let ended = tokio::select! {
        ended = frame::pump(&mut writer, &mut queue) => ended,
        ended = listen(link, &connection.answers, reader) => ended,
        () = probe(link, connection, silence) => return Lost::Silent,
    };
    ended.err().map_or(Lost::Silent, |error| Lost::from(&error))
}

async fn listen(
    link: &Link,
    answers: &Answers,
    reader: impl tokio::io::AsyncRead + Unpin,
) -> io::Result<()> {
    let mut reader = tokio::io::BufReader::with_capacity(64 << 10, reader);
    loop {
        let (number, response): (u64, Response) = frame::read(&mut reader).await?;
        link.answered();
        let response = match response {
            Response::Trouble(trouble) => {
                link.says(Said { trouble, removed: false });
                continue;
            }
            response => response,
        };
        let waiting = lock(&answers.open).as_ref().and_then(|open| open.get(&number).cloned());
        if let Some(waiting) = waiting {
            // Whoever gave up does not want it.
            let _ = waiting.send(response).await;
        }
    }
}

/// Asks for a sign of life when there was none for a while; ends when there is none for several silences: where
/// much is lost, a stream that stalls is sooner alive again than another is opened.
async fn probe(link: &Link, connection: &Connection, silence: Duration) {
    loop {
        let heard = lock(&link.heard).unwrap_or_else(Instant::now);
        if heard.elapsed() >= STALLED * silence {
            return;
        }
        if heard.elapsed() < silence / 3 {
            sleep_until(heard + silence / 3).await;
            continue;
        }
        // A full queue is a sign of life of sorts, and the silence is measured all the same.
        let _ = connection.frames.try_send((0, Request::Ping));
        sleep(silence / 3).await;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
