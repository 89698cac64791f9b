//! What goes wrong in a cluster under load, and what must hold all the same: the fault matrix.

mod cell;
mod delay;
mod growth;
mod host;
mod matrix;
mod stage;
mod verdict;

use std::{collections::BTreeSet, time::Duration};

pub use cell::{Cell, Row};
pub use matrix::matrix;
pub use stage::Stage;

/// A member by its part when the fault begins: followers are counted from the leader's place on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    Leader,
    Follower,
    Other,
}

/// One thing that goes wrong, and is mended after some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// kill -9; mended by starting it again.
    Kill(Who),
    /// SIGSTOP, SIGCONT.
    Pause(Who),
    /// Cut off from all others.
    Alone(Who),
    /// The same for longer than requests live.
    LongAlone(Who),
    /// Two that cannot reach each other.
    Pair(Who, Who),
    /// What the first sends does not reach the second.
    OneWay(Who, Who),
    /// Two halves that only this member can reach.
    Bridge(Who),
    /// Of all frames between members these percents are lost.
    Loss(u8),
    /// Every frame between members is late by so many milliseconds.
    Delay(u64),
    /// Its databases' disk has no byte left.
    FullDisk(Who),
    /// Nothing can be written to its databases.
    ReadOnlyDisk(Who),
    /// Its fsyncs take so many milliseconds.
    SlowDisk(Who, u32),
    /// Its clock is an hour ahead, and then right again.
    Clock(Who),
    /// All are stopped at once and started again.
    RestartAll,
}

/// Whom faults keep from their work.
#[derive(Clone, Debug, Default)]
pub struct Impact {
    /// Members that do not run, or cannot work.
    pub down: BTreeSet<usize>,
    /// Pairs, the smaller first, that cannot talk to each other.
    pub cuts: BTreeSet<(usize, usize)>,
}

impl Fault {
    /// How long it lasts before it is mended.
    #[must_use]
    pub fn lasts(self) -> Duration {
        match self {
            Self::Pause(_) => Duration::from_secs(30),
            Self::LongAlone(_) => Duration::from_secs(40),
            Self::RestartAll => Duration::ZERO,
            _ => Duration::from_secs(10),
        }
    }

    /// Adds what it keeps from working; `count` members, of which `leader` leads.
    pub fn add_to(self, impact: &mut Impact, leader: usize, count: usize) {
        let index = |who: Who| who.index(leader, count);
        match self {
            Self::Kill(who) | Self::Pause(who) | Self::FullDisk(who) | Self::ReadOnlyDisk(who) => {
                impact.down.insert(index(who));
            }
            Self::Alone(who) | Self::LongAlone(who) => {
                let one = index(who);
                impact.cuts.extend((0..count).filter(|i| *i != one).map(|i| pair(i, one)));
            }
            Self::Pair(one, other) | Self::OneWay(one, other) => {
                impact.cuts.insert(pair(index(one), index(other)));
            }
            Self::Bridge(who) => impact.cuts.extend(halves(index(who), count)),
            Self::Loss(_) | Self::Delay(_) | Self::SlowDisk(..) | Self::Clock(_) => {}
            Self::RestartAll => impact.down.extend(0..count),
        }
    }
}

impl Who {
    /// The index among `count` members.
    #[must_use]
    pub fn index(self, leader: usize, count: usize) -> usize {
        let after = match self {
            Self::Leader => 0,
            Self::Follower => 1,
            Self::Other => 2,
        };
        (leader + after) % count
    }
}

impl Impact {
    /// Those who belong to a majority: they work, and so do others, all of them within each other's
    /// reach, so many that they are more than half.
    #[must_use]
    pub fn majority(&self, count: usize) -> BTreeSet<usize> {
        let groups = (0_u32..1 << count)
            .map(|bits| (0..count).filter(|i| bits >> i & 1 == 1).collect::<BTreeSet<_>>());
        let works = |group: &BTreeSet<usize>| {
            group.is_disjoint(&self.down)
                && !self.cuts.iter().any(|(a, b)| group.contains(a) && group.contains(b))
        };
        groups.filter(|group| 2 * group.len() > count && works(group)).flatten().collect()
    }
}

/// The pairs across the halves into which the members beside the bridge fall.
fn halves(bridge: usize, count: usize) -> Vec<(usize, usize)> {
    let rest: Vec<_> = (1..count).map(|after| (bridge + after) % count).collect();
    let (left, right) = rest.split_at(rest.len() / 2);
    left.iter().flat_map(|a| right.iter().map(|b| pair(*a, *b))).collect()
}

fn pair(a: usize, b: usize) -> (usize, usize) {
    (a.min(b), a.max(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who belongs to a majority when member 0 leads.
    fn check(faults: &[Fault], count: usize, expected: &[usize]) {
        let mut impact = Impact::default();
        faults.iter().for_each(|fault| fault.add_to(&mut impact, 0, count));
        assert_eq!(impact.majority(count), expected.iter().copied().collect(), "{faults:?}");
    }

    #[test]
    fn a_majority_is_who_can_work_together() {
        use Fault::*;
        use Who::*;
        check(&[Loss(30)], 3, &[0, 1, 2]);
        check(&[Kill(Leader)], 3, &[1, 2]);
        check(&[Alone(Follower)], 3, &[0, 2]);
        check(&[Pair(Leader, Follower)], 3, &[0, 1, 2]);
        check(&[Bridge(Leader)], 5, &[0, 1, 2, 3, 4]);
        check(&[Bridge(Leader), Kill(Follower)], 5, &[0, 3, 4]);
        check(&[Kill(Leader), Pause(Follower)], 3, &[]);
        check(&[Kill(Leader), OneWay(Follower, Other)], 3, &[]);
        check(&[Kill(Leader), Pause(Follower)], 5, &[2, 3, 4]);
        check(&[RestartAll], 3, &[]);
    }
}
