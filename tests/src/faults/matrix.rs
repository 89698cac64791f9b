//! The cells.

use super::{Cell, Fault, Who};

/// Every cell of the matrix, in the order of the table.
#[must_use]
pub fn matrix() -> Vec<Cell> {
    use Fault::{Alone, Bridge, Kill, Loss, OneWay, Pair, Pause, RestartAll};
    use Who::{Follower, Leader, Other};
    let cell = |name, faults: &[Fault]| Cell { name, faults: faults.to_vec() };
    vec![
        cell("none", &[]),
        cell("leader killed", &[Kill(Leader)]),
        cell("follower killed", &[Kill(Follower)]),
        cell("leader paused", &[Pause(Leader)]),
        cell("follower paused", &[Pause(Follower)]),
        cell("leader alone", &[Alone(Leader)]),
        cell("follower alone", &[Alone(Follower)]),
        cell("leader and follower cut", &[Pair(Leader, Follower)]),
        cell("leader and other cut", &[Pair(Leader, Other)]),
        cell("followers cut", &[Pair(Follower, Other)]),
        cell("leader unheard by follower", &[OneWay(Leader, Follower)]),
        cell("follower unheard by leader", &[OneWay(Follower, Leader)]),
        cell("follower unheard by follower", &[OneWay(Follower, Other)]),
        cell("leader is the bridge", &[Bridge(Leader)]),
        cell("follower is the bridge", &[Bridge(Follower)]),
        cell("30 % loss", &[Loss(30)]),
        cell("all restarted at once", &[RestartAll]),
    ]
}
