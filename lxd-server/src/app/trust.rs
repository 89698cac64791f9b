//! What strangers show to be trusted: the trust password, stored as a salted argon2id hash and checked off the
//! runtime, one at a time; and tokens. Whoever is wrong waits ever longer before the next try from that address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use argon2::password_hash::{self, PasswordHash, SaltString};
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use crate::error::{Context, Error, Kind, Result};

/// Checks that may wait for their turn.
const QUEUE_MAX: usize = 32;
/// Addresses whose failures are remembered.
const ADDRESSES_MAX: usize = 1024;
/// The wait after a first failure; it doubles with each further one.
const BACK_OFF: Duration = Duration::from_millis(500);
/// The longest wait.
const BACK_OFF_MAX: Duration = Duration::from_secs(60);

/// Who failed lately, and whose turn it is.
pub struct Attempts {
    queue: Semaphore,
    turn: Semaphore,
    failures: Mutex<HashMap<IpAddr, Failures>>,
}

#[derive(Clone, Copy)]
struct Failures {
    count: u32,
    last: Instant,
}

impl Default for Attempts {
    fn default() -> Self {
        Self {
            queue: Semaphore::new(QUEUE_MAX),
            turn: Semaphore::new(1),
            failures: Mutex::default(),
        }
    }
}

impl Attempts {
    /// Whether `password` is the one of `hash`.
    ///
    /// `source` is counted for its failures; none for those who may change the password anyway.
    ///
    /// # Errors
    /// Busy: too many wait already, or this address was wrong a moment ago.
    pub async fn verify(&self, hash: &str, password: &str, source: Option<IpAddr>) -> Result<bool> {
        let busy = |text| Error::new(Kind::Busy, text);
        let _queued = self.queue.try_acquire().map_err(|_| busy("Too many password checks"))?;
        let _turn = self.turn.acquire().await.expect("the semaphore is never closed");
        self.admit(source)?;
        let (hash, password) = (hash.to_owned(), password.to_owned());
        let right = spawn_blocking(move || matches(&hash, &password)).await;
        let right = right.context("check the trust password")??;
        match right {
            true => self.right(source),
            false => self.wrong(source, "trust password"),
        }
        Ok(right)
    }

    /// Refuses an address that was wrong a moment ago; `None` is none.
    ///
    /// # Errors
    /// Busy.
    pub fn admit(&self, source: Option<IpAddr>) -> Result<()> {
        if source.is_some_and(|source| self.waits(network(source))) {
            let text = "Too many wrong passwords or tokens, try again later";
            return Err(Error::new(Kind::Busy, text));
        }
        Ok(())
    }

    /// Forgets what was wrong from an address that was right now.
    pub fn right(&self, source: Option<IpAddr>) {
        if let Some(source) = source {
            self.failures().remove(&network(source));
        }
    }

    /// Has an address wait before its next try, and tells the log what of it was wrong, such as `join token`.
    pub fn wrong(&self, source: Option<IpAddr>, what: &str) {
        if let Some(source) = source {
            self.note_failure(network(source));
            tracing::warn!(address = %source, "Wrong {what}");
        }
    }

    fn waits(&self, source: IpAddr) -> bool {
        let failures = self.failures().get(&source).copied();
        failures.is_some_and(|failures| failures.last.elapsed() < failures.back_off())
    }

    fn note_failure(&self, source: IpAddr) {
        let mut all = self.failures();
        if all.len() >= ADDRESSES_MAX && !all.contains_key(&source) {
            let oldest = all.iter().min_by_key(|(_, failures)| failures.last);
            let oldest = oldest.map(|(address, _)| *address);
            oldest.map(|address| all.remove(&address));
        }
        let failures = all.entry(source).or_insert(Failures { count: 0, last: Instant::now() });
        *failures = Failures { count: failures.count.saturating_add(1), last: Instant::now() };
    }

    fn failures(&self) -> MutexGuard<'_, HashMap<IpAddr, Failures>> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Failures {
    fn back_off(self) -> Duration {
        let doubled = 2_u32.saturating_pow(self.count.saturating_sub(1));
        BACK_OFF.saturating_mul(doubled).min(BACK_OFF_MAX)
    }
}

/// The text to store for a password: salt, cost and hash in the PHC format.
pub async fn hash(password: &str) -> Result<String> {
    let password = password.to_owned();
    let hashed = spawn_blocking(move || {
        let salt = SaltString::encode_b64(&rand::random::<[u8; 16]>());
        let hash = |salt: SaltString| {
            let hash = Argon2::default().hash_password(password.as_bytes(), &salt);
            hash.map(|hash| hash.to_string())
        };
        salt.and_then(hash).map_err(|error| error.to_string())
    });
    hashed.await.context("hash the trust password")?.context("hash the trust password")
}

fn matches(hash: &str, password: &str) -> Result<bool> {
    let stored = PasswordHash::new(hash).map_err(|error| error.to_string());
    let stored = stored.context("read the trust password's hash")?;
    match Argon2::default().verify_password(password.as_bytes(), &stored) {
        Ok(()) => Ok(true),
        Err(password_hash::Error::Password) => Ok(false),
        Err(error) => Err(error.to_string()).context("check the trust password"),
    }
}

/// What counts as one source: an IPv4 address, an IPv6 network of 64 bits.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let bits = address.to_bits() >> 64 << 64;
            IpAddr::V6(bits.into())
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_wrong_password_makes_its_address_wait() {
        let (attempts, hash) = (Attempts::default(), hash("sekret").await.unwrap());
        assert!(hash.starts_with("$argon2id$"), "{hash}");
        let here: IpAddr = "2001:db8::1".parse().unwrap();
        let beside: IpAddr = "2001:db8::2".parse().unwrap();
        let there: IpAddr = "10.0.0.1".parse().unwrap();
        assert!(attempts.verify(&hash, "sekret", Some(here)).await.unwrap());
        assert!(!attempts.verify(&hash, "wrong", Some(here)).await.unwrap());
        let refused = attempts.verify(&hash, "sekret", Some(beside)).await.unwrap_err();
        assert_eq!(refused.kind, Kind::Busy);
        assert!(attempts.verify(&hash, "sekret", Some(there)).await.unwrap());
        assert!(attempts.verify(&hash, "sekret", None).await.unwrap());
    }

    #[test]
    fn the_wait_grows_to_a_limit() {
        let wait = |count| Failures { count, last: Instant::now() }.back_off();
        assert_eq!(wait(1), BACK_OFF);
        assert_eq!(wait(3), 4 * BACK_OFF);
        assert_eq!(wait(1000), BACK_OFF_MAX);
    }

    #[test]
    fn addresses_are_forgotten_when_there_are_too_many() {
        let attempts = Attempts::default();
        for number in 0..=u32::try_from(ADDRESSES_MAX).unwrap() {
            attempts.note_failure(std::net::Ipv4Addr::from_bits(number).into());
        }
        assert_eq!(attempts.failures().len(), ADDRESSES_MAX);
    }
}
