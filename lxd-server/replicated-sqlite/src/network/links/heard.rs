//! Signs of life of the other members.

use super::{Links, Said, State, lock};
use crate::types::NodeId;
use std::collections::BTreeMap;
use tokio::time::Instant;

/// What is known of a member.
#[derive(Clone)]
pub(crate) struct Heard {
    /// When it last answered or called, if it ever did.
    pub(crate) last: Option<Instant>,
    /// Since when it is being called.
    pub(crate) sought: Instant,
    /// There is a stream to it.
    pub(crate) connected: bool,
    /// What it says it is in trouble with.
    pub(crate) trouble: Option<String>,
    /// It says that this member has been removed from the group.
    pub(crate) removed: bool,
}

impl Links {
    /// The member is there: it has just called.
    pub(crate) fn appeared(&self, member: NodeId) {
        if let Some((link, _)) = lock(&self.0.links).get(&member) {
            // Whoever calls it from now on waits for the stream instead of failing at once.
            link.state.send_if_modified(|state| match state {
                State::Gone => {
                    *state = State::Sought;
                    true
                }
                State::Sought | State::Up(_) => false,
            });
            link.kick.notify_one();
        }
    }

    /// The member has sent a request: a sign of life as good as an answer, on a stream of its own.
    pub(crate) fn called(&self, member: NodeId) {
        if let Some((link, _)) = lock(&self.0.links).get(&member) {
            *lock(&link.called) = Some(Instant::now());
        }
    }

    /// What is known of each member.
    pub(crate) fn heard(&self) -> BTreeMap<NodeId, Heard> {
        let links = lock(&self.0.links);
        let heard = links.iter().map(|(target, (link, _))| {
            let connected = matches!(*link.state.borrow(), State::Up(_));
            let last = (*lock(&link.heard)).max(*lock(&link.called));
            let Said { trouble, removed } = lock(&link.said).clone();
            (*target, Heard { last, sought: link.sought, connected, trouble, removed })
        });
        heard.collect()
    }
}
