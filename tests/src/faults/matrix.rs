//! The cells.

use super::{Cell, Fault, Who};

/// Every cell of the matrix, in the order of the table.
#[must_use]
pub fn matrix() -> Vec<Cell> {
    use Fault::{
        Alone, Bridge, Clock, Delay, FullDisk, Kill, LongAlone, Loss, OneWay, Pair, Pause,
        ReadOnlyDisk, RestartAll, SlowDisk,
    };
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
        cell("leader alone for 40 s", &[LongAlone(Leader)]),
        cell("leader and follower cut", &[Pair(Leader, Follower)]),
        cell("leader and other cut", &[Pair(Leader, Other)]),
        cell("followers cut", &[Pair(Follower, Other)]),
        cell("leader unheard by follower", &[OneWay(Leader, Follower)]),
        cell("follower unheard by leader", &[OneWay(Follower, Leader)]),
        cell("follower unheard by follower", &[OneWay(Follower, Other)]),
        cell("leader is the bridge", &[Bridge(Leader)]),
        cell("follower is the bridge", &[Bridge(Follower)]),
        cell("30 % loss", &[Loss(30)]),
        cell("100 ms delay", &[Delay(100)]),
        cell("leader's disk full", &[FullDisk(Leader)]),
        cell("follower's disk full", &[FullDisk(Follower)]),
        cell("leader's disk read-only", &[ReadOnlyDisk(Leader)]),
        cell("follower's disk read-only", &[ReadOnlyDisk(Follower)]),
        cell("leader's fsync takes 500 ms", &[SlowDisk(Leader, 500)]),
        cell("follower's fsync takes 500 ms", &[SlowDisk(Follower, 500)]),
        cell("leader's clock an hour ahead and back", &[Clock(Leader)]),
        cell("follower's clock an hour ahead and back", &[Clock(Follower)]),
        cell("all restarted at once", &[RestartAll]),
        // Ten pairs.
        cell("leader killed, 30 % loss", &[Kill(Leader), Loss(30)]),
        cell("leader killed, 100 ms delay", &[Delay(100), Kill(Leader)]),
        cell("leader killed, follower's clock ahead", &[Clock(Follower), Kill(Leader)]),
        cell("leader killed, follower paused", &[Kill(Leader), Pause(Follower)]),
        cell(
            "leader killed, follower's fsync takes 500 ms",
            &[SlowDisk(Follower, 500), Kill(Leader)],
        ),
        cell("leader paused, 100 ms delay", &[Delay(100), Pause(Leader)]),
        cell("leader alone, its clock ahead", &[Clock(Leader), Alone(Leader)]),
        cell("leader alone, follower killed", &[Alone(Leader), Kill(Follower)]),
        cell("follower's disk full, leader alone", &[FullDisk(Follower), Alone(Leader)]),
        cell("all restarted at once, 30 % loss", &[Loss(30), RestartAll]),
    ]
}
