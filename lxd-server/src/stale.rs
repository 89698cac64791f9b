//! Reads that need not be the latest: a request may allow it, and each read inside it then falls back to
//! this member's replica when the cluster cannot tell what is true now.

use crate::error::{Error, Result};
use std::sync::OnceLock;
use std::time::Duration;

tokio::task_local! { static ALLOWANCE: Allowance; }

/// How old data was that a request was answered with.
#[derive(Clone, Debug)]
pub struct Stale {
    /// It was the latest this long ago; `None`: not known, since this member was started without the others.
    pub age: Option<Duration>,
    /// Why nothing newer was to be had, for users.
    pub why: String,
}

struct Allowance {
    age_max: Duration,
    /// Filled by the first read that was stale: all later ones of the request are, too.
    taken: OnceLock<Stale>,
}

/// Runs a request whose reads may be up to `age_max` old; tells how old they were, if they were not the latest.
pub async fn allow<T>(age_max: Duration, work: impl Future<Output = T>) -> (T, Option<Stale>) {
    let allowance = Allowance { age_max, taken: OnceLock::new() };
    let work = async { (work.await, ALLOWANCE.with(|allowance| allowance.taken.get().cloned())) };
    ALLOWANCE.scope(allowance, work).await
}

/// Whether an earlier read of this request was stale.
pub fn is_taken() -> bool {
    ALLOWANCE.try_with(|allowance| allowance.taken.get().is_some()).unwrap_or(false)
}

/// Lets a request that could not be told what is true now go on with what this member has, if it allows that;
/// else returns the error. `age` is that of what this member has.
pub fn take(age: Option<Duration>, error: Error) -> Result<()> {
    match ALLOWANCE.try_with(|allowance| allowance.admits(age)) {
        Ok(true) => {}
        Ok(false) => return Err(too_old(age, &error)),
        Err(_) => return Err(error),
    }
    let stale = Stale { age, why: error.message };
    // Two reads at the same time: the first tells for both.
    ALLOWANCE.try_with(|allowance| drop(allowance.taken.set(stale))).map_or(Ok(()), Ok)
}

impl Allowance {
    fn admits(&self, age: Option<Duration>) -> bool {
        self.age_max == Duration::MAX || age.is_some_and(|age| age <= self.age_max)
    }
}

fn too_old(age: Option<Duration>, error: &Error) -> Error {
    let age = match age {
        Some(age) => format!("is {} s old", age.as_secs()),
        None => "is of unknown age".to_owned(),
    };
    let text =
        format!("{} What this member knows {age}, which is more than allowed.", error.message);
    Error::new(error.kind, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outage() -> Error {
        Error::unavailable("The cluster has no majority.")
    }

    #[tokio::test]
    async fn only_what_is_allowed_is_taken() {
        let age = Some(Duration::from_secs(60));
        assert!(take(age, outage()).is_err() && !is_taken(), "no request allows it");
        for (age_max, age, text) in [
            (Duration::MAX, age, None),
            (Duration::MAX, None, None),
            (Duration::from_secs(60), age, None),
            (Duration::from_secs(59), age, Some("is 60 s old, which is more than allowed.")),
            (Duration::from_secs(59), None, Some("is of unknown age, which is more than allowed.")),
        ] {
            let work = async { (take(age, outage()).map_err(|error| error.message), is_taken()) };
            let ((taken, later), stale) = allow(age_max, work).await;
            assert_eq!(
                (later, stale.map(|stale| stale.age)),
                match text {
                    None => (true, Some(age)),
                    Some(_) => (false, None),
                }
            );
            match (taken, text) {
                (Ok(()), None) => {}
                (Err(told), Some(text)) => assert!(told.ends_with(text), "{told}"),
                other => panic!("{age_max:?} {age:?}: {other:?}"),
            }
        }
        let ((), stale) = allow(Duration::MAX, async {}).await;
        assert!(stale.is_none(), "nothing was stale");
    }
}
