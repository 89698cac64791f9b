//! A cluster seen from outside: requests to whichever of its members answers.

use super::{Remote, Silence};
use crate::error::{Context, Error, Kind, Result};
use crate::tls::Identity;
use reqwest::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Members of one cluster.
pub struct Remotes {
    all: Vec<Remote>,
    /// The one that answered last.
    current: AtomicUsize,
}

impl Remotes {
    /// The members at `addresses`, all of which show the certificate with this SHA-256.
    pub fn new(addresses: &[String], fingerprint: &str, own: &Identity) -> Result<Self> {
        let all = addresses.iter().map(|address| Remote::new(address, fingerprint, own));
        Ok(Self { all: all.collect::<Result<_>>()?, current: AtomicUsize::new(0) })
    }

    /// Finds one that answers and is a member of the cluster meant.
    ///
    /// # Errors
    /// Why none does; at once, with the address, if one shows another certificate.
    pub async fn probe(&self) -> Result<(), (String, Silence)> {
        let mut silence = (String::new(), Silence::Refused);
        for (place, remote) in self.all.iter().enumerate() {
            match remote.probe().await {
                Ok(()) => {
                    self.current.store(place, Ordering::Relaxed);
                    return Ok(());
                }
                Err(why) => silence = (remote.address.clone(), why),
            }
            if silence.1 == Silence::Stranger {
                break;
            }
        }
        Err(silence)
    }

    /// Where the one that answered last listens: `host:port`.
    pub fn address(&self) -> &str {
        self.all.get(self.place()).map_or("", |remote| &remote.address)
    }

    /// GETs an object.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let answer = self.ask(Method::GET, path, None).await?;
        serde_json::from_value(answer).context(format_args!("read {path} of {}", self.address()))
    }

    /// POSTs an object that may be sent more than once, and reads what comes back.
    pub async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T> {
        let body = serde_json::to_value(body).context("write a request to a member")?;
        let answer = self.ask(Method::POST, path, Some(body)).await?;
        serde_json::from_value(answer).context(format_args!("read {path} of {}", self.address()))
    }

    /// DELETEs an object.
    pub async fn delete(&self, path: &str) -> Result<()> {
        self.ask(Method::DELETE, path, None).await.map(drop)
    }

    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value> {
        let first = self.place();
        let mut last = Error::internal("No member of the cluster is known");
        for place in (first..self.all.len()).chain(0..first) {
            match self.all[place].send(method.clone(), path, body.clone(), "lxd").await {
                Err(error) if error.kind == Kind::Unreachable => last = error,
                answer => {
                    self.current.store(place, Ordering::Relaxed);
                    return answer;
                }
            }
        }
        Err(last)
    }

    fn place(&self) -> usize {
        self.current.load(Ordering::Relaxed)
    }
}
