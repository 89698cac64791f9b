//! The networks at work on this host, each with what has to be watched for it.

use super::{Error, Network, Running};
use std::collections::BTreeMap;
use tokio::sync::Mutex;

/// All networks at work. One is changed at a time.
#[derive(Default)]
pub struct Networks(Mutex<BTreeMap<String, Running>>);

impl Networks {
    /// Makes a new network, all of it or nothing.
    pub async fn create(&self, network: &Network) -> Result<(), Error> {
        let mut running = self.0.lock().await;
        let made = super::create(network).await?;
        running.insert(network.name.to_string(), made);
        Ok(())
    }

    /// Brings a network up, or one that is up to its present keys.
    pub async fn start(&self, network: &Network) -> Result<(), Error> {
        let mut running = self.0.lock().await;
        if let Some(known) = running.get_mut(network.name.as_str()) {
            return super::update(known, network).await;
        }
        let started = super::start(network).await?;
        running.insert(network.name.to_string(), started);
        Ok(())
    }

    /// Removes a network and its files; what is gone already is no error.
    pub async fn delete(&self, network: &Network) -> Result<(), Error> {
        let mut running = self.0.lock().await;
        let known = running.remove(network.name.as_str());
        super::delete(network, known).await
    }

    /// Takes all networks down; the next start of the daemon brings them back.
    pub async fn stop(&self) {
        let running = std::mem::take(&mut *self.0.lock().await);
        for (name, network) in running {
            if let Err(error) = super::stop(network).await {
                tracing::warn!(%error, network = name, "A network could not be taken down");
            }
        }
    }
}
