//! What a member does for the others.

use crate::freshness::Freshness;
use crate::identity::Identity;
use crate::job::{Job, Task, Work};
use crate::network::frame;
use crate::network::links::Links;
use crate::network::wire::{
    Append, Appended, Hello, Purpose, Request, Response, SnapshotAnswer, SnapshotHead, Welcome,
};
use crate::snapshot;
use crate::standing;
use crate::store::Store;
use crate::types::{LogId, NodeId, Raft, Snapshot, Submission, Types, Verdict, Vote};
use futures::StreamExt;
use futures::stream;
use openraft::ReadPolicy;
use openraft::async_runtime::watch::WatchReceiver;
use openraft::raft::{AppendEntriesRequest, TransferLeaderRequest};
use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

/// Calls of one stream that are being worked on.
const CALLS: usize = 64;
/// Answers that wait to be written, appends that wait for Raft.
const QUEUE: usize = 1024;
/// How long a stream may take to say what it is for.
const GREETING: Duration = Duration::from_secs(10);

#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) identity: Identity,
    pub(crate) raft: Raft,
    pub(crate) standing: standing::Watch,
    pub(crate) store: Store,
    pub(crate) links: Links,
    pub(crate) freshness: Freshness,
    pub(crate) jobs: mpsc::Sender<Work>,
}

type Answer = (u64, Response);

impl Server {
    /// Serves one accepted stream until it ends.
    pub(crate) async fn serve(
        &self,
        from: NodeId,
        mut stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    ) -> io::Result<()> {
        let hello: Hello = timeout(GREETING, frame::read(&mut stream)).await??;
        let objection = self.objection(from, &hello);
        if let Some(objection) = objection {
            tracing::debug!(from, ?objection, "refused a stream");
            return frame::write(&mut stream, &objection).await;
        }
        frame::write(&mut stream, &Welcome::Come).await?;
        // It is there, so it can be found: don't wait for the next try.
        self.links.appeared(from);
        let served = async {
            match hello.purpose {
                Purpose::Calls => self.calls(from, stream).await,
                Purpose::Snapshot => self.snapshot(stream).await,
            }
        };
        // A replica that has stopped is as good as gone: nobody shall count on it.
        tokio::select! {
            served = served => served,
            () = self.store.removed(from) => Ok(()),
            () = self.standing.stopped() => Ok(()),
        }
    }

    fn objection(&self, from: NodeId, hello: &Hello) -> Option<Welcome> {
        // Known to be removed, that is: one that is merely unknown may have joined before this member heard of it.
        if self.store.progress().removed.contains(&from) {
            return Some(Welcome::Removed);
        }
        if let Some(why) = self.mistake(from, hello) {
            return Some(Welcome::Refused(why.to_owned()));
        }
        let stopped = self.raft.metrics().borrow_watched().running_state.is_err();
        stopped.then(|| Welcome::Stopped(self.links.trouble().borrow().clone()))
    }

    /// Why this stream is not for this member.
    fn mistake(&self, from: NodeId, hello: &Hello) -> Option<&'static str> {
        let own = &self.identity;
        if hello.from != from {
            return Some("the sender is not who it says");
        }
        if hello.cluster != own.cluster {
            return Some("this is a member of another cluster");
        }
        if hello.to != own.node {
            return Some("this is another member");
        }
        (hello.incarnation != own.incarnation).then_some("this cluster has been recovered since")
    }

    async fn calls(
        &self,
        from: NodeId,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    ) -> io::Result<()> {
        let (reader, mut writer) = tokio::io::split(stream);
        let (answers, mut queue) = mpsc::channel(QUEUE);
        tokio::select! {
            ended = frame::pump(&mut writer, &mut queue) => ended,
            ended = self.listen(from, reader, answers.clone()) => ended,
            () = tell_trouble(self.links.trouble(), answers) => Ok(()),
        }
    }

    async fn listen(
        &self,
        from: NodeId,
        reader: impl AsyncRead + Unpin,
        answers: mpsc::Sender<Answer>,
    ) -> io::Result<()> {
        let mut reader = tokio::io::BufReader::with_capacity(64 << 10, reader);
        let permits = Arc::new(Semaphore::new(CALLS));
        let mut streams: HashMap<u64, mpsc::Sender<AppendEntriesRequest<Types>>> = HashMap::new();
        // Dropped with this function, and its tasks with it.
        let mut tasks = JoinSet::new();
        loop {
            let (number, request): Call = frame::read(&mut reader).await?;
            self.links.called(from);
            while tasks.try_join_next().is_some() {}
            match request {
                Request::Ping => drop(answers.send((number, Response::Pong)).await),
                Request::Stream(append) => {
                    self.note(&append);
                    let feed = streams.entry(number).or_insert_with(|| {
                        let (feed, input) = mpsc::channel(QUEUE);
                        tasks.spawn(append_stream(
                            self.raft.clone(),
                            number,
                            input,
                            answers.clone(),
                        ));
                        feed
                    });
                    // If Raft has ended the stream, its answer is on the way.
                    let _ = feed.send(append.try_into()?).await;
                    streams.retain(|_, feed| !feed.is_closed());
                }
                Request::StreamEnd => drop(streams.remove(&number)),
                request => {
                    let Ok(permit) = permits.clone().acquire_owned().await else { return Ok(()) };
                    let (server, answers) = (self.clone(), answers.clone());
                    tasks.spawn(async move {
                        let response = server.answer(from, request).await;
                        let response =
                            response.unwrap_or_else(|error| Response::Failed(error.to_string()));
                        let _ = answers.send((number, response)).await;
                        drop(permit);
                    });
                }
            }
        }
    }

    async fn answer(&self, from: NodeId, request: Request) -> io::Result<Response> {
        use crate::error::io;
        let raft = &self.raft;
        Ok(match request {
            Request::Append(append) => {
                self.note(&append);
                let appended = raft.append_entries(append.try_into()?).await.map_err(io)?;
                Response::Appended(appended.into())
            }
            Request::Vote(campaign) => raft.vote(campaign.into()).await.map_err(io)?.into(),
            Request::PreVote(campaign) => raft.pre_vote(campaign.into()).await.map_err(io)?.into(),
            Request::Transfer { from, to, last } => {
                let request = TransferLeaderRequest::new(from.into(), to, last.map(LogId::from));
                raft.handle_transfer_leader(request).await.map_err(io)?.map_err(io)?;
                Response::Transferred
            }
            Request::Submit(batch) => Response::Verdicts(self.submit(from, batch).await),
            Request::ReadIndex => {
                let linearizer = raft.get_read_linearizer(ReadPolicy::ReadIndex).await;
                Response::Index(linearizer.ok().map(|linearizer| linearizer.read_log_id().index()))
            }
            Request::Ping | Request::Stream(_) | Request::StreamEnd => Response::Pong,
        })
    }

    /// The leader's word about what was committed when it sent this.
    fn note(&self, append: &Append) {
        let (leader, term, committed) = append.word();
        let metrics = self.raft.metrics();
        let metrics = metrics.borrow_watched();
        if metrics.current_leader == Some(leader) && metrics.current_term == term {
            self.freshness.promise(Instant::now(), committed, self.store.index());
        }
    }

    async fn submit(&self, from: NodeId, batch: Vec<Submission>) -> Vec<Verdict> {
        let count = batch.len();
        // Not into the queue of one who does not lead: two members that each take the other for the leader
        // would wait for each other.
        let own = batch.iter().all(|submission| submission.id.node == from);
        if !self.raft.is_leader() || !own {
            return vec![Verdict::Retry; count];
        }
        let (mut jobs, mut verdicts) = (Vec::with_capacity(count), Vec::with_capacity(count));
        for submission in batch {
            let (reply, verdict) = oneshot::channel();
            jobs.push(Job { task: Task::Replay(submission), reply });
            verdicts.push(verdict);
        }
        // A closed queue drops the replies, which says all.
        let _ = self.jobs.send(Work::Transactions(jobs)).await;
        let verdicts = futures::future::join_all(verdicts).await;
        verdicts.into_iter().map(|verdict| verdict.unwrap_or(Verdict::Retry)).collect()
    }

    async fn snapshot(&self, mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
        let head: SnapshotHead = frame::read(&mut stream).await?;
        let answer = match self.install(head, &mut stream).await {
            Ok(vote) => SnapshotAnswer::Installed(vote.into()),
            Err(error) => SnapshotAnswer::Failed(error.to_string()),
        };
        frame::write(&mut stream, &answer).await
    }

    async fn install(
        &self,
        head: SnapshotHead,
        body: &mut (impl AsyncRead + Unpin),
    ) -> io::Result<Vote> {
        let snapshot = snapshot::receive(self.store.dir(), body, head.size).await?;
        // The metadata comes from the file that was verified, not from the sender's word.
        let meta = snapshot::describe(&snapshot.0).await?;
        let installed =
            self.raft.install_full_snapshot(head.vote.into(), Snapshot { meta, snapshot });
        Ok(installed.await.map_err(crate::error::io)?.vote)
    }
}

type Call = (u64, Request);

/// Says what this member is in trouble with, whenever that changes. At the beginning of a stream: with nothing.
async fn tell_trouble(mut trouble: watch::Receiver<Option<String>>, answers: mpsc::Sender<Answer>) {
    let mut told = None;
    loop {
        let now = trouble.borrow_and_update().clone();
        if now != told && answers.send((0, Response::Trouble(now.clone()))).await.is_err() {
            return;
        }
        told = now;
        if trouble.changed().await.is_err() {
            return;
        }
    }
}

async fn append_stream(
    raft: Raft,
    number: u64,
    mut input: mpsc::Receiver<AppendEntriesRequest<Types>>,
    answers: mpsc::Sender<Answer>,
) {
    let input = stream::poll_fn(move |context| input.poll_recv(context));
    let mut output = Box::pin(raft.stream_append(input));
    while let Some(result) = output.next().await {
        let response = match result {
            Ok(result) => Response::Appended(Appended::from(result)),
            Err(error) => Response::Failed(error.to_string()),
        };
        if answers.send((number, response)).await.is_err() {
            return;
        }
    }
    let _ = answers.send((number, Response::Done)).await;
}
