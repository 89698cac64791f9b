//! Our own encodings, on disk and between members: one version byte, then postcard of the structs below.
//!
//! openraft's types never reach a file or a socket as they are: its next release may change them.

use crate::error::io;
use crate::types::{Command, Entry, LogId, Membership, NodeId, TableHash, Term, Vote};
use openraft::EntryPayload;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Error, Result};

/// The version of everything encoded here. Readers refuse any other.
pub(crate) const VERSION: u8 = 1;

/// A value as bytes, with the version in front.
pub(crate) fn encode(value: &impl Serialize) -> Result<Vec<u8>> {
    postcard::to_extend(value, vec![VERSION]).map_err(io)
}

/// The value that [`encode`] made these bytes of.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    match bytes.split_first() {
        Some((&VERSION, body)) => postcard::from_bytes(body).map_err(io),
        Some((version, _)) => Err(Error::other(format!("encoding version {version} is unknown"))),
        None => Err(Error::other("an encoded value is empty")),
    }
}

/// As [`encode`], with a checksum at the end. `what` is part of it, so that nothing is taken for something else.
pub(crate) fn seal(what: &str, value: &impl Serialize) -> Result<Vec<u8>> {
    let mut bytes = encode(value)?;
    bytes.extend_from_slice(&checksum(what, &bytes));
    Ok(bytes)
}

/// The value that [`seal`] made these bytes of.
///
/// # Errors
/// If they are not what was sealed.
pub(crate) fn unseal<T: DeserializeOwned>(what: &str, bytes: &[u8]) -> Result<T> {
    match bytes.split_last_chunk() {
        Some((body, sum)) if checksum(what, body) == *sum => decode(body),
        _ => Err(Error::other(format!("the {what} has a wrong checksum"))),
    }
}

fn checksum(what: &str, bytes: &[u8]) -> [u8; 8] {
    let digest = blake3::Hasher::new().update(what.as_bytes()).update(bytes).finalize();
    let mut sum = [0; 8];
    sum.copy_from_slice(&digest.as_bytes()[..8]);
    sum
}

/// A log id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Position {
    pub(crate) term: u64,
    pub(crate) index: u64,
}

impl From<LogId> for Position {
    fn from(id: LogId) -> Self {
        Self { term: **id.committed_leader_id(), index: id.index }
    }
}

impl From<Position> for LogId {
    fn from(position: Position) -> Self {
        Self::new(Term::new(position.term), position.index)
    }
}

/// A vote: for whom, in which term, and whether that one won.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ballot {
    pub(crate) term: u64,
    pub(crate) node: NodeId,
    pub(crate) committed: bool,
}

impl From<Vote> for Ballot {
    fn from(vote: Vote) -> Self {
        let leader = vote.leader_id;
        Self { term: leader.term, node: leader.voted_for, committed: vote.committed }
    }
}

impl From<Ballot> for Vote {
    fn from(ballot: Ballot) -> Self {
        if ballot.committed {
            Self::new_committed(ballot.term, ballot.node)
        } else {
            Self::new(ballot.term, ballot.node)
        }
    }
}

/// Who votes (two sets while a change is under way), and where everybody is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Group {
    voters: Vec<BTreeSet<NodeId>>,
    addresses: BTreeMap<NodeId, String>,
}

type Plain = openraft::Membership<NodeId, String>;

impl From<&Plain> for Group {
    fn from(membership: &Plain) -> Self {
        Self {
            voters: membership.get_joint_config().clone(),
            addresses: membership.nodes().map(|(id, address)| (*id, address.clone())).collect(),
        }
    }
}

impl TryFrom<Group> for Plain {
    type Error = Error;

    fn try_from(group: Group) -> Result<Self> {
        Self::new(group.voters, group.addresses).map_err(io)
    }
}

/// A membership and the entry that made it so.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct StoredGroup {
    at: Option<Position>,
    group: Group,
}

impl From<&Membership> for StoredGroup {
    fn from(stored: &Membership) -> Self {
        Self { at: stored.log_id().map(Position::from), group: stored.membership().into() }
    }
}

impl TryFrom<StoredGroup> for Membership {
    type Error = Error;

    fn try_from(stored: StoredGroup) -> Result<Self> {
        // An empty group is what a member knows before it belongs to one; openraft refuses to build it.
        if stored.group.voters.is_empty() {
            return Ok(Self::default());
        }
        Ok(Self::new(stored.at.map(LogId::from), stored.group.try_into()?))
    }
}

/// A log entry. The kind is a number beside the body, so that a kind that this version does not know
/// can still be kept and passed on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) at: Position,
    kind: u8,
    body: Vec<u8>,
}

const BLANK: u8 = 0;
const GROUP: u8 = 1;
const CHANGE: u8 = 2;
const DDL: u8 = 3;
const CHECK: u8 = 4;

impl Record {
    /// As it is written.
    pub(crate) fn of(entry: &Entry) -> Result<Self> {
        let (kind, body) = match &entry.payload {
            EntryPayload::Blank => (BLANK, Vec::new()),
            EntryPayload::Membership(membership) => (GROUP, pack(&Group::from(membership))?),
            EntryPayload::Normal(Command::Change { base, schema, changeset }) => {
                let mut body = Vec::with_capacity(changeset.len() + 16);
                body.extend_from_slice(&base.to_le_bytes());
                body.extend_from_slice(&schema.to_le_bytes());
                body.extend_from_slice(changeset);
                (CHANGE, body)
            }
            EntryPayload::Normal(Command::Ddl { from, to, sql }) => (DDL, pack(&(from, to, sql))?),
            EntryPayload::Normal(Command::Check { base, hashes }) => {
                (CHECK, pack(&(base, hashes))?)
            }
            EntryPayload::Normal(Command::Unknown { kind, body }) => (*kind, body.clone()),
        };
        Ok(Self { at: entry.log_id.into(), kind, body })
    }

    /// As it is applied.
    pub(crate) fn entry(self) -> Result<Entry> {
        let Self { at, kind, body } = self;
        let payload = match kind {
            BLANK => EntryPayload::Blank,
            GROUP => EntryPayload::Membership(unpack::<Group>(&body)?.try_into()?),
            CHANGE => EntryPayload::Normal(change(&body)?),
            DDL => {
                let (from, to, sql) = unpack(&body)?;
                EntryPayload::Normal(Command::Ddl { from, to, sql })
            }
            CHECK => {
                let (base, hashes): (u64, Vec<TableHash>) = unpack(&body)?;
                EntryPayload::Normal(Command::Check { base, hashes })
            }
            kind => EntryPayload::Normal(Command::Unknown { kind, body }),
        };
        Ok(Entry { log_id: at.into(), payload })
    }
}

fn change(body: &[u8]) -> Result<Command> {
    let short = || Error::other("a change entry is too short");
    let (base, rest) = body.split_first_chunk().ok_or_else(short)?;
    let (schema, changeset) = rest.split_first_chunk().ok_or_else(short)?;
    Ok(Command::Change {
        base: u64::from_le_bytes(*base),
        schema: u64::from_le_bytes(*schema),
        changeset: changeset.to_vec(),
    })
}

fn pack(value: &impl Serialize) -> Result<Vec<u8>> {
    postcard::to_stdvec(value).map_err(io)
}

fn unpack<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    postcard::from_bytes(bytes).map_err(io)
}
