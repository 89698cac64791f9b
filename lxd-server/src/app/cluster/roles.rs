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
    let known: BTreeSet<u64> = view.members.iter().map(|member| member.id).collect();
    let stranger = view.voters.union(&view.learners).find(|id| !known.contains(id));
    match stranger {
        Some(id) if *id == view.leader => return transfer(view, &known),
        Some(id) => return Some(Step::Remove(*id)),
        None => {}
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

fn voters(view: &View) -> Option<Step> {
    let wanted = wanted_voters(view);
    if (wanted == view.voters && !view.changing) || wanted.is_empty() {
        return None;
    }
    if !wanted.contains(&view.leader) {
        return transfer(view, &wanted);
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
    wanted
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
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn seen(id: u64) -> Seen {
        Seen {
            id,
            address: format!("10.0.0.{id}:8443"),
            joining: false,
            online: true,
            standby: false,
            caught_up: true,
            failure_domain: "default".to_owned(),
        }
    }

    fn view(voters: &[u64], learners: &[u64], members: Vec<Seen>) -> View {
        View {
            leader: 1,
            voters: voters.iter().copied().collect(),
            learners: learners.iter().copied().collect(),
            changing: false,
            addresses: BTreeMap::new(),
            members,
            voters_max: 3,
            standbys_max: 2,
        }
    }

    /// Does what a step says, as the group and the tables would.
    fn apply(view: &mut View, step: Step) {
        match step {
            Step::AddReplicas(addresses) => {
                view.learners.extend(addresses.keys().filter(|id| !view.voters.contains(id)));
                view.addresses.extend(addresses);
            }
            Step::Remove(id) => {
                view.voters.remove(&id);
                view.learners.remove(&id);
            }
            Step::SetVoters(voters) => {
                view.changing = false;
                let all: BTreeSet<u64> = view.voters.union(&view.learners).copied().collect();
                view.learners = all.difference(&voters).copied().collect();
                view.voters = voters;
            }
            Step::Transfer(to) => view.leader = to,
            Step::AddStandby(id) => find(view, id).standby = true,
            Step::DropStandby(id) => find(view, id).standby = false,
        }
    }

    fn find(view: &mut View, id: u64) -> &mut Seen {
        view.members.iter_mut().find(|member| member.id == id).unwrap()
    }

    fn settle(view: &mut View) -> usize {
        for steps in 0..100 {
            match plan(view) {
                Some(step) => apply(view, step),
                None => return steps,
            }
        }
        panic!("never settles: {view:?}");
    }

    #[test]
    fn a_growing_cluster_has_the_roles_of_lxd() {
        let mut cluster = view(&[1], &[], vec![seen(1)]);
        for (joiner, voters, standbys) in [
            (2, vec![1], vec![2]),
            (3, vec![1, 2, 3], vec![]),
            (4, vec![1, 2, 3], vec![4]),
            (5, vec![1, 2, 3], vec![4, 5]),
            (6, vec![1, 2, 3], vec![4, 5]),
        ] {
            cluster.members.push(Seen { joining: true, ..seen(joiner) });
            settle(&mut cluster);
            assert!(cluster.learners.contains(&joiner), "a joiner only gets a replica");
            find(&mut cluster, joiner).joining = false;
            settle(&mut cluster);
            assert_eq!(cluster.voters, voters.into_iter().collect(), "after {joiner} joined");
            let standing = cluster.members.iter().filter(|member| member.standby);
            assert_eq!(standing.map(|member| member.id).collect::<Vec<_>>(), standbys);
        }
    }

    #[test]
    fn all_who_join_get_replicas_at_once() {
        let joining = |id| Seen { joining: true, caught_up: false, ..seen(id) };
        let mut cluster =
            view(&[1], &[], [1].map(seen).into_iter().chain((2..=20).map(joining)).collect());
        let Some(Step::AddReplicas(added)) = plan(&cluster) else { panic!("{:?}", plan(&cluster)) };
        assert!(added.into_keys().eq(2..=20));
        assert_eq!(settle(&mut cluster), 1);
    }

    #[test]
    fn a_lost_voter_is_replaced_by_a_standby_and_by_nobody_else_keeps_its_vote() {
        let mut cluster = view(&[1, 2, 3], &[4, 5], (1..=5).map(seen).collect());
        find(&mut cluster, 5).standby = true;
        find(&mut cluster, 2).online = false;
        settle(&mut cluster);
        assert_eq!(cluster.voters, BTreeSet::from([1, 3, 5]));
        let mut small = view(&[1, 2, 3], &[], (1..=3).map(seen).collect());
        find(&mut small, 2).online = false;
        assert_eq!(plan(&small), None);
    }

    #[test]
    fn a_third_member_makes_three_voters_in_one_change() {
        let cluster = view(&[1], &[2, 3], (1..=3).map(seen).collect());
        assert_eq!(plan(&cluster), Some(Step::SetVoters(BTreeSet::from([1, 2, 3]))));
    }

    #[test]
    fn who_is_no_member_leaves_and_a_leader_hands_over_first() {
        let cluster = view(&[1, 2, 3], &[9], (1..=3).map(seen).collect());
        assert_eq!(plan(&cluster), Some(Step::Remove(9)));
        let cluster = view(&[1, 2, 3], &[], vec![seen(2), seen(3)]);
        assert_eq!(plan(&cluster), Some(Step::Transfer(2)));
    }

    #[test]
    fn a_change_that_was_left_half_way_is_finished() {
        let mut cluster = view(&[1, 2, 3], &[], (1..=3).map(seen).collect());
        cluster.changing = true;
        assert_eq!(plan(&cluster), Some(Step::SetVoters(BTreeSet::from([1, 2, 3]))));
        assert_eq!(settle(&mut cluster), 1);
    }

    #[test]
    fn a_member_that_moved_is_reached_where_it_is() {
        let mut cluster = view(&[1], &[], vec![seen(1)]);
        cluster.addresses.insert(1, String::new());
        let address = "10.0.0.1:8443".to_owned();
        assert_eq!(plan(&cluster), Some(Step::AddReplicas(BTreeMap::from([(1, address)]))));
        settle(&mut cluster);
        assert!(cluster.learners.is_empty());
    }

    #[test]
    fn voters_are_spread_over_failure_domains() {
        let mut cluster = view(&[1], &[2, 3, 4], (1..=4).map(seen).collect());
        find(&mut cluster, 4).failure_domain = "other".to_owned();
        settle(&mut cluster);
        assert_eq!(cluster.voters, BTreeSet::from([1, 2, 4]));
    }

    fn any_view() -> impl Strategy<Value = View> {
        let member = (any::<[bool; 4]>(), 0..3u8, 0..3u8);
        (proptest::collection::vec(member, 1..9), 1..3usize, 0..4usize).prop_map(
            |(drawn, half, standbys_max)| {
                let mut view = view(&[1], &[], vec![]);
                view.voters_max = 2 * half + 1;
                view.standbys_max = standbys_max;
                for (id, ([joining, online, standby, caught_up], part, domain)) in (1..).zip(drawn)
                {
                    let part = if joining { part % 2 } else { part };
                    match part {
                        0 => {}
                        1 => drop(view.learners.insert(id)),
                        _ => drop(view.voters.insert(id)),
                    }
                    view.learners.retain(|id| *id != 1);
                    let leads = id == 1;
                    view.members.push(Seen {
                        joining: joining && !leads,
                        online: online || leads,
                        standby: standby && !joining,
                        caught_up,
                        failure_domain: domain.to_string(),
                        ..seen(id)
                    });
                }
                view
            },
        )
    }

    proptest! {
        #[test]
        fn every_view_settles_and_no_step_costs_the_majority(mut view in any_view()) {
            for _ in 0..100 {
                let Some(step) = plan(&view) else { return Ok(()) };
                if let Step::SetVoters(voters) = &step {
                    prop_assert!(voters.contains(&view.leader));
                    let new = voters.difference(&view.voters);
                    for id in new {
                        let member = find(&mut view.clone(), *id).clone();
                        prop_assert!(member.online && member.caught_up && !member.joining);
                    }
                }
                apply(&mut view, step);
                prop_assert!(!view.voters.is_empty());
            }
            prop_assert!(false, "never settles: {view:?}");
        }
    }
}
