//! What members say to each other, in our own encoding.

use crate::codec::{Ballot, Position, Record};
use crate::types::{LogId, NodeId, Submission, Types, Verdict, Vote};
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, StreamAppendError, StreamAppendResult,
    TransferLeaderRequest, VoteRequest, VoteResponse,
};
use serde::{Deserialize, Serialize};
use std::io::Result;

/// The first frame of a stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hello {
    pub(crate) cluster: String,
    pub(crate) incarnation: u64,
    pub(crate) from: NodeId,
    pub(crate) to: NodeId,
    pub(crate) purpose: Purpose,
}

/// What a stream is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Purpose {
    Calls,
    Snapshot,
}

/// The answer to a hello.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Welcome {
    Come,
    Refused(String),
    /// The sender has been removed from the group.
    Removed,
    /// The replica has stopped; what its member says about that.
    Stopped(Option<String>),
}

/// A call. Answers carry the number of theirs.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Request {
    Ping,
    Append(Append),
    /// One of a stream of appends, which share a number and are answered in order.
    Stream(Append),
    StreamEnd,
    Vote(Campaign),
    PreVote(Campaign),
    Transfer {
        from: Ballot,
        to: NodeId,
        last: Option<Position>,
    },
    /// Transactions that ran one on top of the other, in this order.
    Submit(Vec<Submission>),
    ReadIndex,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Response {
    Pong,
    Appended(Appended),
    Voted {
        vote: Ballot,
        granted: bool,
        last: Option<Position>,
    },
    Transferred,
    Verdicts(Vec<Verdict>),
    Index(Option<u64>),
    /// The end of a stream of appends.
    Done,
    /// The other end could not do it, e.g. because it has stopped.
    Failed(String),
    /// Nobody asked: what the other end is in trouble with from now on, or that it is over. Sent to all at once
    /// when it changes, so that no ping has to be waited for.
    Trouble(Option<String>),
}

/// The head of a snapshot stream; the file follows, then its digest.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SnapshotHead {
    pub(crate) vote: Ballot,
    pub(crate) size: u64,
}

/// What became of the snapshot.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum SnapshotAnswer {
    Installed(Ballot),
    Failed(String),
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Append {
    vote: Ballot,
    previous: Option<Position>,
    entries: Vec<Record>,
    commit: Option<Position>,
}

impl Append {
    /// Who sent it in which term, and up to which index all was committed by then.
    pub(crate) fn word(&self) -> (NodeId, u64, u64) {
        let committed = self.commit.map_or(0, |position| position.index);
        (self.vote.node, self.vote.term, committed)
    }
}

impl TryFrom<AppendEntriesRequest<Types>> for Append {
    type Error = std::io::Error;

    fn try_from(request: AppendEntriesRequest<Types>) -> Result<Self> {
        Ok(Self {
            vote: request.vote.into(),
            previous: request.prev_log_id.map(Position::from),
            entries: request.entries.iter().map(Record::of).collect::<Result<_>>()?,
            commit: request.leader_commit.map(Position::from),
        })
    }
}

impl TryFrom<Append> for AppendEntriesRequest<Types> {
    type Error = std::io::Error;

    fn try_from(append: Append) -> Result<Self> {
        Ok(Self {
            vote: append.vote.into(),
            prev_log_id: append.previous.map(LogId::from),
            entries: append.entries.into_iter().map(Record::entry).collect::<Result<_>>()?,
            leader_commit: append.commit.map(LogId::from),
        })
    }
}

/// What became of an append, of one sort or the other.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Appended {
    /// All of it, or all up to here.
    Upto(Option<Position>),
    All,
    /// The follower has another entry here; streams say where.
    Conflict(Option<Position>),
    HigherVote(Ballot),
}

impl From<AppendEntriesResponse<Types>> for Appended {
    fn from(response: AppendEntriesResponse<Types>) -> Self {
        match response {
            AppendEntriesResponse::Success => Self::All,
            AppendEntriesResponse::PartialSuccess(upto) => Self::Upto(upto.map(Position::from)),
            AppendEntriesResponse::Conflict => Self::Conflict(None),
            AppendEntriesResponse::HigherVote(vote) => Self::HigherVote(vote.into()),
        }
    }
}

impl From<Appended> for AppendEntriesResponse<Types> {
    fn from(appended: Appended) -> Self {
        match appended {
            Appended::All => Self::Success,
            Appended::Upto(upto) => Self::PartialSuccess(upto.map(LogId::from)),
            Appended::Conflict(_) => Self::Conflict,
            Appended::HigherVote(vote) => Self::HigherVote(vote.into()),
        }
    }
}

impl From<StreamAppendResult<Types>> for Appended {
    fn from(result: StreamAppendResult<Types>) -> Self {
        match result {
            Ok(upto) => Self::Upto(upto.map(Position::from)),
            Err(StreamAppendError::Conflict(at)) => Self::Conflict(Some(at.into())),
            Err(StreamAppendError::HigherVote(vote)) => Self::HigherVote(vote.into()),
        }
    }
}

impl Appended {
    /// As the answer to one of a stream; `None` if it cannot be one.
    pub(crate) fn streamed(self) -> Option<StreamAppendResult<Types>> {
        match self {
            Self::Upto(upto) => Some(Ok(upto.map(LogId::from))),
            Self::Conflict(Some(at)) => Some(Err(StreamAppendError::Conflict(at.into()))),
            Self::HigherVote(vote) => Some(Err(StreamAppendError::HigherVote(vote.into()))),
            Self::All | Self::Conflict(None) => None,
        }
    }
}

/// A candidate's request.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Campaign {
    vote: Ballot,
    last: Option<Position>,
    transfer: bool,
}

impl From<VoteRequest<Types>> for Campaign {
    fn from(request: VoteRequest<Types>) -> Self {
        let last = request.last_log_id.map(Position::from);
        Self { vote: request.vote.into(), last, transfer: request.leadership_transfer }
    }
}

impl From<Campaign> for VoteRequest<Types> {
    fn from(campaign: Campaign) -> Self {
        let last_log_id = campaign.last.map(LogId::from);
        Self { vote: campaign.vote.into(), last_log_id, leadership_transfer: campaign.transfer }
    }
}

impl From<VoteResponse<Types>> for Response {
    fn from(response: VoteResponse<Types>) -> Self {
        let last = response.last_log_id.map(Position::from);
        Self::Voted { vote: response.vote.into(), granted: response.vote_granted, last }
    }
}

impl Response {
    /// As the answer to a candidate.
    pub(crate) fn voted(self) -> Option<VoteResponse<Types>> {
        match self {
            Self::Voted { vote, granted, last } => {
                Some(VoteResponse::new(Vote::from(vote), last.map(LogId::from), granted))
            }
            _ => None,
        }
    }
}

impl From<TransferLeaderRequest<Types>> for Request {
    fn from(request: TransferLeaderRequest<Types>) -> Self {
        let last = request.last_log_id().copied().map(Position::from);
        Self::Transfer { from: (*request.from_leader()).into(), to: *request.to_node_id(), last }
    }
}
