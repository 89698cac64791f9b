//! openraft's view of a link.

use crate::connection::blocking;
use crate::network::links::{Link, Links, Ticket};
use crate::network::wire::{Append, Purpose, Request, Response, SnapshotAnswer, SnapshotHead};
use crate::network::{Lost, frame};
use crate::snapshot::{self, SnapshotFile};
use crate::types::{NodeId, Snapshot, Types, Vote};
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, Stream, StreamExt};
use openraft::OptionalSend;
use openraft::error::{NetworkError, RPCError, ReplicationClosed, StreamingError, Unreachable};
use openraft::network::{
    RPCOption, RaftNetworkFactory, stream_append_sequential, v2::RaftNetworkV2,
};
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, SnapshotResponse, StreamAppendResult,
    TransferLeaderRequest, TransferLeaderResponse, VoteRequest, VoteResponse,
};
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

/// How long a snapshot may take to arrive and be installed.
const SNAPSHOT: Duration = Duration::from_secs(300);

/// Makes peers for openraft.
pub(crate) struct Peers(pub(crate) Links);

impl RaftNetworkFactory<Types> for Peers {
    type Network = Peer;

    async fn new_client(&mut self, target: NodeId, address: &String) -> Peer {
        Peer { link: self.0.link(target, address), links: self.0.clone(), appends: Appends::Stream }
    }

    async fn new_heartbeat_client(&mut self, target: NodeId, address: &String) -> Peer {
        Peer { appends: Appends::Calls, ..self.new_client(target, address).await }
    }
}

/// Another member.
pub(crate) struct Peer {
    link: Arc<Link>,
    links: Links,
    appends: Appends,
}

/// How appends are sent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Appends {
    /// Many, one after the other without waiting for answers.
    Stream,
    /// Each is a call: heartbeats, of which openraft makes streams of one.
    Calls,
}

type Refused = RPCError<Types>;
type Answers = BoxStream<'static, Result<StreamAppendResult<Types>, Refused>>;

impl Peer {
    /// Waits as long as openraft does: its soft limit would make votes fail at round trips of 200 ms.
    async fn call(&self, request: Request, option: &RPCOption) -> Result<Response, Refused> {
        self.link.call(request, option.hard_ttl()).await.map_err(failed)
    }

    /// One long-lived, pipelined stream, instead of a request for each append.
    async fn stream<S>(&self, mut input: S, option: RPCOption) -> Result<Answers, Refused>
    where
        S: Stream<Item = AppendEntriesRequest<Types>> + OptionalSend + Unpin + 'static,
    {
        let connection = timeout(option.hard_ttl(), self.link.up()).await;
        let ticket = match connection.unwrap_or(Err(Lost::Silent)) {
            Ok(connection) => connection.ticket(),
            Err(lost) => {
                // The pause after a failure is in the input: without it, openraft would try again at once,
                // for ever.
                input.next().await;
                return Err(failed(lost));
            }
        };
        let feeder = AbortOnDropHandle::new(tokio::spawn(feed(input, ticket.sender())));
        let answers = (ticket, feeder, self.link.clone());
        let output = stream::unfold(Some(answers), |answers| async move {
            let (mut ticket, feeder, link) = answers?;
            match answer(&mut ticket, &link).await {
                Ok(Some(appended)) => Some((Ok(appended), Some((ticket, feeder, link)))),
                Ok(None) => None,
                Err(error) => Some((Err(error), None)),
            }
        });
        Ok(output.boxed())
    }

    async fn send(&self, vote: Vote, snapshot: Snapshot) -> io::Result<Vote> {
        let path = snapshot.snapshot.0;
        let (file, size) = blocking(|| {
            let file = std::fs::File::open(path)?;
            let size = file.metadata()?.len();
            Ok((file, size))
        })
        .await?;
        let mut stream = self.links.open(self.link.target(), Purpose::Snapshot).await?;
        frame::write(&mut stream, &SnapshotHead { vote: vote.into(), size }).await?;
        snapshot::send(file, size, &mut stream).await?;
        match frame::read(&mut stream).await? {
            SnapshotAnswer::Installed(vote) => Ok(vote.into()),
            SnapshotAnswer::Failed(why) => Err(io::Error::other(why)),
        }
    }
}

async fn feed<S>(mut input: S, sender: crate::network::links::TicketSender)
where
    S: Stream<Item = AppendEntriesRequest<Types>> + Unpin,
{
    while let Some(request) = input.next().await {
        // An entry that cannot be encoded ends the stream; openraft tries again and reports it.
        let Ok(append) = Append::try_from(request) else { return };
        if sender.send(Request::Stream(append)).await.is_err() {
            return;
        }
    }
    // If the connection is lost, the other end knows.
    let _ = sender.send(Request::StreamEnd).await;
}

async fn answer(
    ticket: &mut Ticket,
    link: &Link,
) -> Result<Option<StreamAppendResult<Types>>, Refused> {
    match ticket.next().await {
        Some(Response::Appended(appended)) => match appended.streamed() {
            Some(appended) => Ok(Some(appended)),
            None => Err(gone("an answer that does not fit")),
        },
        Some(Response::Done) => Ok(None),
        Some(Response::Failed(why)) => Err(gone(&why)),
        Some(_) => Err(gone("an answer that does not fit")),
        None => Err(failed(link.why())),
    }
}

/// `Unreachable` makes openraft back off: only for an end that is really gone.
fn failed(lost: Lost) -> Refused {
    match lost {
        Lost::Gone => gone("connection refused"),
        Lost::Silent => RPCError::Network(NetworkError::from_string("no answer")),
    }
}

fn gone(why: &str) -> Refused {
    RPCError::Unreachable(Unreachable::from_string(why))
}

/// What became of a stream of its own.
fn broken(error: &io::Error) -> StreamingError<Types> {
    match Lost::from(error) {
        Lost::Gone => StreamingError::Unreachable(Unreachable::new(error)),
        Lost::Silent => StreamingError::Network(NetworkError::new(error)),
    }
}

fn unfit<T>(response: Response) -> Result<T, Refused> {
    match response {
        Response::Failed(why) => Err(gone(&why)),
        _ => Err(gone("an answer that does not fit")),
    }
}

impl RaftNetworkV2<Types> for Peer {
    type SnapshotData = SnapshotFile;

    async fn append_entries(
        &mut self,
        rpc: AppendEntriesRequest<Types>,
        option: RPCOption,
    ) -> Result<AppendEntriesResponse<Types>, Refused> {
        let append = Append::try_from(rpc).map_err(|error| gone(&error.to_string()))?;
        match self.call(Request::Append(append), &option).await? {
            Response::Appended(appended) => Ok(appended.into()),
            other => unfit(other),
        }
    }

    fn stream_append<'s, S>(
        &'s mut self,
        input: S,
        option: RPCOption,
    ) -> BoxFuture<'s, Result<BoxStream<'s, Result<StreamAppendResult<Types>, Refused>>, Refused>>
    where
        S: Stream<Item = AppendEntriesRequest<Types>> + OptionalSend + Unpin + 'static,
    {
        match self.appends {
            Appends::Calls => stream_append_sequential(self, input, option),
            Appends::Stream => {
                Box::pin(async move { Ok(self.stream(input, option).await? as BoxStream<'s, _>) })
            }
        }
    }

    async fn vote(
        &mut self,
        rpc: VoteRequest<Types>,
        option: RPCOption,
    ) -> Result<VoteResponse<Types>, Refused> {
        let response = self.call(Request::Vote(rpc.into()), &option).await?;
        response.voted().ok_or_else(|| gone("an answer that does not fit"))
    }

    /// The default grants everything, which would make pre-vote a no-op.
    async fn pre_vote(
        &mut self,
        rpc: VoteRequest<Types>,
        option: RPCOption,
    ) -> Result<VoteResponse<Types>, Refused> {
        let response = self.call(Request::PreVote(rpc.into()), &option).await?;
        response.voted().ok_or_else(|| gone("an answer that does not fit"))
    }

    /// The default is "unreachable": transfers would silently not happen.
    async fn transfer_leader(
        &mut self,
        request: TransferLeaderRequest<Types>,
        option: RPCOption,
    ) -> Result<TransferLeaderResponse<Types>, Refused> {
        match self.call(request.into(), &option).await? {
            Response::Transferred => Ok(Ok(())),
            other => unfit(other),
        }
    }

    async fn full_snapshot(
        &mut self,
        vote: Vote,
        snapshot: Snapshot,
        cancel: impl Future<Output = ReplicationClosed> + OptionalSend + 'static,
        _option: RPCOption,
    ) -> Result<SnapshotResponse<Types>, StreamingError<Types>> {
        let sent = async {
            // A stream that only waits for an answer does not notice that nobody is there any more. The link
            // does, if it was there first.
            let connection = self.link.up().await.map_err(failed)?;
            tokio::select! {
                sent = self.send(vote, snapshot) => sent.map_err(|error| broken(&error)),
                () = connection.lost() => Err(broken(&io::ErrorKind::TimedOut.into())),
            }
        };
        let sent = tokio::select! {
            sent = timeout(SNAPSHOT, sent) => sent,
            closed = cancel => return Err(closed.into()),
        };
        sent.unwrap_or_else(|_| Err(broken(&io::ErrorKind::TimedOut.into())))
            .map(SnapshotResponse::new)
    }
}
