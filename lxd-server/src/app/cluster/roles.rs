//! Which member should play which part in the database: a pure function from what the leader sees to
//! the next single step, so that a new leader goes on where a dead one stopped.

use std::collections::{BTreeMap, BTreeSet};

/// What the leader sees.
#[derive(Clone, Debug)]
pub struct View {
    /// The leader's node id.
    pub leader: u64,
    /// Those whose votes count.
    pub voters: BTreeSet<u64>,
    /// A change of voters was begun and not finished; `voters` are the old and the new ones.
    pub changing: bool,
    /// Those that hold a replica without a vote.
    pub learners: BTreeSet<u64>,
    /// Where the group's members reach each.
    pub addresses: BTreeMap<u64, String>,
    /// The members, joining ones too.
    pub members: Vec<Seen>,
    /// `cluster.max_voters`: odd, at least 3.
    pub voters_max: usize,
    /// `cluster.max_standby`.
    pub standbys_max: usize,
}

/// One member as the leader sees it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The node id.
    pub id: u64,
    /// `host:port`.
    pub address: String,
    /// Not a member yet: it gets a replica and nothing else.
    pub joining: bool,
    /// It can be heard of.
    pub online: bool,
    /// It is promoted first.
    pub standby: bool,
    /// Its replica has all but the latest entries.
    pub caught_up: bool,
    /// Members of one failure domain are likely to fail together.
    pub failure_domain: String,
}

/// The next step; each is complete in itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Give members replicas, or have the group reach them at other addresses.
    AddReplicas(BTreeMap<u64, String>),
    /// Take the replica of somebody who is no member out of the group.
    Remove(u64),
    /// Have just these vote, by one joint change.
    SetVoters(BTreeSet<u64>),
    /// Hand the lead to this voter, so that the present leader can stop voting.
    Transfer(u64),
    /// Make a member a stand-by.
    AddStandby(u64),
    /// A member is a stand-by no more.
    DropStandby(u64),
}

/// The next step towards LXD's roles, or `None` when all is as it should be.
///
/// One voter below three members, so that the second can fail without harm; then the largest odd
/// number up to `voters_max`. A voter that is lost is replaced when somebody can take its place, the
/// stand-bys first; otherwise it keeps its vote.
pub fn plan(view: &View) -> Option<Step> {
    membership(view).or_else(|| voters(view)).or_else(|| standbys(view))
}

fn membership(view: &View) -> Option<Step> {
    // One that votes stops voting first: whoever is left may have to vote in its place.
    if let Some(stranger) = view.learners.iter().find(|id| is_stranger(view, **id)) {
        return Some(Step::Remove(*stranger));
    }
    let replica = |id| view.voters.contains(id) || view.learners.contains(id);
    let moved = |member: &Seen| {
        view.addresses.get(&member.id).is_some_and(|known| *known != member.address)
    };
    // All of them, so that many joiners do not wait for each other.
    let new = view
        .members
        .iter()
        .filter(|member| moved(member) || (member.online && !replica(&member.id)));
    let new: BTreeMap<u64, String> =
        new.map(|member| (member.id, member.address.clone())).collect();
    (!new.is_empty()).then_some(Step::AddReplicas(new))
}

/// A replica of somebody who is no member.
fn is_stranger(view: &View, id: u64) -> bool {
    view.members.iter().all(|member| member.id != id)
}

fn voters(view: &View) -> Option<Step> {
    let mut wanted = wanted_voters(view);
    if (wanted == view.voters && !view.changing) || wanted.is_empty() {
        return None;
    }
    if !wanted.contains(&view.leader) {
        if let Some(step) = transfer(view, &wanted) {
            return Some(step);
        }
        // Nobody who is to stay votes yet.
        wanted.insert(view.leader);
        if wanted == view.voters && !view.changing {
            return None;
        }
    }
    Some(Step::SetVoters(wanted))
}

fn wanted_voters(view: &View) -> BTreeSet<u64> {
    let members: Vec<&Seen> = view.members.iter().filter(|member| !member.joining).collect();
    let count = match members.len() {
        0..3 => 1,
        more => view.voters_max.min(more - (more + 1) % 2),
    };
    let mut ranked = members.clone();
    ranked.retain(|member| fit(view, member));
    ranked.sort_by_key(|member| rank(view, member));
    let mut chosen: Vec<&Seen> = Vec::new();
    while chosen.len() < count && !ranked.is_empty() {
        // Among equals, whoever is alone in its failure domain.
        let best = rank(view, ranked[0]).0;
        let equals = ranked.iter().take_while(|member| rank(view, member).0 == best);
        let apart =
            |seen: &&&Seen| chosen.iter().all(|one| one.failure_domain != seen.failure_domain);
        let pick = equals.clone().position(|seen| apart(&seen)).unwrap_or(0);
        chosen.push(ranked.remove(pick));
    }
    let mut wanted: BTreeSet<u64> = chosen.iter().map(|member| member.id).collect();
    let lost = members.iter().filter(|member| view.voters.contains(&member.id));
    for member in lost {
        if wanted.len() < count {
            wanted.insert(member.id);
        }
    }
    if view.voters.iter().any(|id| is_stranger(view, *id)) {
        drop_lost(view, &mut wanted);
    }
    wanted
}

/// Lost voters may keep their votes as long as the others are a majority without the one that leaves.
fn drop_lost(view: &View, wanted: &mut BTreeSet<u64>) {
    let lost = view.members.iter().filter(|member| !fit(view, member)).map(|member| member.id);
    let mut lost: Vec<u64> = lost.filter(|id| wanted.contains(id)).collect();
    while 2 * lost.len() >= wanted.len() {
        let Some(last) = lost.pop() else { return };
        wanted.remove(&last);
    }
}

/// Who can vote from now on: whoever votes and is heard of, or has all the entries.
fn fit(view: &View, member: &Seen) -> bool {
    member.id == view.leader
        || member.online
            && (view.voters.contains(&member.id)
                || view.learners.contains(&member.id) && member.caught_up)
}

fn rank(view: &View, member: &Seen) -> (u8, u64) {
    let class = match () {
        () if member.id == view.leader => 0,
        () if view.voters.contains(&member.id) => 1,
        () if member.standby => 2,
        () => 3,
    };
    (class, member.id)
}

fn transfer(view: &View, to: &BTreeSet<u64>) -> Option<Step> {
    let mut online = view.members.iter().filter(|member| member.online && member.id != view.leader);
    let heir = online.find(|member| to.contains(&member.id) && view.voters.contains(&member.id))?;
    Some(Step::Transfer(heir.id))
}

fn standbys(view: &View) -> Option<Step> {
    let voter = |member: &&Seen| view.voters.contains(&member.id);
    let members: Vec<&Seen> = view.members.iter().filter(|member| !member.joining).collect();
    if let Some(promoted) = members.iter().copied().find(|member| member.standby && voter(member)) {
        return Some(Step::DropStandby(promoted.id));
    }
    let standing: Vec<&Seen> = members.iter().copied().filter(|member| member.standby).collect();
    let mut spares = members.iter().copied().filter(|member| {
        !member.standby && !voter(member) && member.online && view.learners.contains(&member.id)
    });
    let spare = spares.next();
    if standing.len() < view.standbys_max {
        return spare.map(|member| Step::AddStandby(member.id));
    }
    let lost = standing.iter().find(|member| !member.online).filter(|_| spare.is_some());
    let surplus = standing.last().filter(|_| standing.len() > view.standbys_max);
    lost.or(surplus).map(|member| Step::DropStandby(member.id))
}

#[cfg(test)]
mod tests;
