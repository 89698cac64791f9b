//! What makes a member reproducible: on a thread that simulates, nothing waits for another thread.

use std::cell::Cell;
use std::time::Duration;

thread_local! {
    static ACTIVE: Cell<bool> = const { Cell::new(false) };
    static PAUSE: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// Whether this thread simulates.
pub(crate) fn active() -> bool {
    ACTIVE.get()
}

/// What the disk takes of the simulated time.
pub(crate) async fn pause() {
    let pause = PAUSE.get();
    if !pause.is_zero() {
        tokio::time::sleep(pause).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::Connection;
    use crate::connection::OpenOptions;
    use futures::FutureExt;

    #[test]
    fn sqlite_has_answered_before_the_first_poll_returns() {
        ACTIVE.set(true);
        let all = async {
            let mut connection = Connection::open(&OpenOptions::new(":memory:").create()).await?;
            sqlx::query_scalar::<_, i64>("SELECT 1 UNION SELECT 2").fetch_all(&mut connection).await
        };
        assert_eq!(all.now_or_never().unwrap().unwrap(), [1, 2]);
        ACTIVE.set(false);
    }
}
