//! Clusters that grow, lose members and see them leave: each settles, and no step costs the majority.

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
    let mut cluster = view(&[1, 2, 3], &[9], (1..=3).map(seen).collect());
    assert_eq!(plan(&cluster), Some(Step::Remove(9)));
    settle(&mut cluster);
    cluster.members.remove(0);
    assert_eq!(plan(&cluster), Some(Step::Transfer(2)));
    settle(&mut cluster);
    assert_eq!((cluster.leader, &cluster.voters), (2, &BTreeSet::from([2])));
    assert_eq!(cluster.learners, BTreeSet::from([3]));
}

#[test]
fn the_only_voter_leaves_once_another_votes() {
    let mut cluster = view(&[1], &[2], vec![seen(2)]);
    assert_eq!(plan(&cluster), Some(Step::SetVoters(BTreeSet::from([1, 2]))));
    settle(&mut cluster);
    assert_eq!((cluster.leader, &cluster.voters), (2, &BTreeSet::from([2])));
    assert!(cluster.learners.is_empty());
}

#[test]
fn a_voter_that_leaves_takes_no_majority_along() {
    // The third is lost: with it as the other of two voters, nothing could be written any more.
    let mut cluster = view(&[1, 2, 3], &[4], [1, 3, 4].map(seen).to_vec());
    find(&mut cluster, 3).online = false;
    find(&mut cluster, 4).online = false;
    assert_eq!(plan(&cluster), Some(Step::SetVoters(BTreeSet::from([1]))));
    settle(&mut cluster);
    find(&mut cluster, 3).online = true;
    find(&mut cluster, 4).online = true;
    settle(&mut cluster);
    assert_eq!(cluster.voters, BTreeSet::from([1, 3, 4]));
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

/// A view, and the ids of those who answer, members or not.
fn any_view() -> impl Strategy<Value = (View, BTreeSet<u64>)> {
    let member = (any::<[bool; 5]>(), 0..3u8, 0..3u8);
    (proptest::collection::vec(member, 1..9), 1..3usize, 0..4usize).prop_map(
        |(drawn, half, standbys_max)| {
            let (mut view, mut live) = (view(&[1], &[], vec![]), BTreeSet::new());
            view.voters_max = 2 * half + 1;
            view.standbys_max = standbys_max;
            for (id, ([joining, online, standby, caught_up, removed], part, domain)) in
                (1..).zip(drawn)
            {
                let leads = id == 1;
                let joining = joining && !leads && !removed;
                match if joining { part % 2 } else { part } {
                    0 => {}
                    1 => drop(view.learners.insert(id)),
                    _ => drop(view.voters.insert(id)),
                }
                if online || leads {
                    live.insert(id);
                }
                if removed {
                    continue;
                }
                view.members.push(Seen {
                    joining,
                    online: online || leads,
                    standby: standby && !joining,
                    caught_up,
                    failure_domain: domain.to_string(),
                    ..seen(id)
                });
            }
            view.learners.remove(&1);
            (view, live)
        },
    )
}

fn majority(live: &BTreeSet<u64>, voters: &BTreeSet<u64>) -> bool {
    2 * voters.intersection(live).count() > voters.len()
}

/// Whether somebody could lead instead of a leader that is to leave.
fn has_heir(view: &View) -> bool {
    let able = |member: &Seen| view.voters.contains(&member.id) || member.caught_up;
    view.members.iter().any(|member| !member.joining && member.online && able(member))
}

proptest! {
    #[test]
    fn every_view_settles_and_no_step_costs_the_majority((mut view, live) in any_view()) {
        for _ in 0..100 {
            let Some(step) = plan(&view) else {
                let stranger = |id: &u64| is_stranger(&view, *id);
                prop_assert!(!view.learners.iter().any(stranger), "{view:?}");
                let stuck = is_stranger(&view, view.leader) && !has_heir(&view);
                prop_assert!(stuck || !view.voters.iter().any(stranger), "{view:?}");
                return Ok(());
            };
            if let Step::SetVoters(voters) = &step {
                prop_assert!(voters.contains(&view.leader));
                let new = voters.difference(&view.voters);
                for id in new {
                    let member = find(&mut view.clone(), *id).clone();
                    prop_assert!(member.online && member.caught_up && !member.joining);
                }
                if majority(&live, &view.voters) {
                    prop_assert!(majority(&live, voters), "{voters:?} of {view:?}");
                }
            }
            apply(&mut view, step);
            prop_assert!(!view.voters.is_empty());
        }
        prop_assert!(false, "never settles: {view:?}");
    }
}
