//! The stream of events: what the daemon tells whoever listens.
//! A listener that cannot keep up is cut off; nobody waits for it.

use std::sync::{Arc, PoisonError, RwLock};

use serde_json::{Map, Value};
use shared_api::events::{Event, Kind, Lifecycle, Logging};
use shared_api::operations::Operation;
use shared_api::projects::DEFAULT;
use tokio::sync::broadcast;
use tracing::field::{Field, Visit};
use tracing_subscriber::layer;

use crate::clock;
use crate::identity::Identity;
use crate::limits;

/// The events of this server. Clones are the same stream.
#[derive(Clone)]
pub struct Events(Arc<Inner>);

struct Inner {
    sender: broadcast::Sender<Arc<Event>>,
    location: RwLock<String>,
}

/// Which events a listener wants.
#[derive(Clone, Debug)]
pub struct Filter {
    pub kinds: Vec<Kind>,
    /// Only of this project, and those of no project; nothing means of all.
    pub project: Option<String>,
}

/// A listener's end of the stream.
pub struct Subscription {
    receiver: broadcast::Receiver<Arc<Event>>,
    filter: Filter,
}

impl Default for Events {
    fn default() -> Self {
        let (sender, _) = broadcast::channel(limits::EVENT_BACKLOG);
        Self(Arc::new(Inner { sender, location: RwLock::new("none".to_owned()) }))
    }
}

impl Events {
    /// The name of this member in its events from now on; `none` outside a cluster.
    pub fn set_location(&self, name: &str) {
        name.clone_into(&mut self.0.location.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// The name of this member in its events and operations.
    pub fn location(&self) -> String {
        self.0.location.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Listens from now on.
    pub fn subscribe(&self, filter: Filter) -> Subscription {
        Subscription { receiver: self.0.sender.subscribe(), filter }
    }

    /// Tells that `who` did `action` (such as `network-created`) to the object at `source`, its URL.
    pub fn lifecycle(
        &self,
        action: &str,
        source: impl Into<String>,
        who: &Identity,
        context: Option<Map<String, Value>>,
    ) {
        self.lifecycle_in(DEFAULT, action, source, who, context);
    }

    /// The same in a project.
    pub fn lifecycle_in(
        &self,
        project: &str,
        action: &str,
        source: impl Into<String>,
        who: &Identity,
        context: Option<Map<String, Value>>,
    ) {
        if self.0.sender.receiver_count() == 0 {
            return;
        }
        let (action, source) = (action.to_owned(), source.into());
        let event = Lifecycle { action, source, context, requestor: Some(who.requestor()) };
        self.publish(Kind::Lifecycle, event, project.to_owned());
    }

    /// Tells the state of an operation. One of no project goes to every listener.
    pub fn operation(&self, operation: &Operation, project: Option<&str>) {
        if self.0.sender.receiver_count() > 0 {
            self.publish(Kind::Operation, operation, project.unwrap_or_default().to_owned());
        }
    }

    /// Passes on an event of another member, as it came.
    pub fn relay(&self, event: Event) {
        // Without listeners there is nobody to tell.
        let _ = self.0.sender.send(Arc::new(event));
    }

    fn publish(&self, kind: Kind, metadata: impl serde::Serialize, project: String) {
        let metadata = serde_json::to_value(metadata).expect("events have string keys");
        let location = self.location();
        self.relay(Event { kind, timestamp: clock::now(), metadata, location, project });
    }
}

impl Subscription {
    /// The next event that the filter lets through; nothing when this listener has fallen behind
    /// by [`limits::EVENT_BACKLOG`] and is cut off.
    pub async fn next(&mut self) -> Option<Arc<Event>> {
        loop {
            let event = self.receiver.recv().await.ok()?;
            if self.filter.admits(&event) {
                return Some(event);
            }
        }
    }
}

impl Filter {
    fn admits(&self, event: &Event) -> bool {
        self.kinds.contains(&event.kind)
            && match &self.project {
                Some(project) => event.project.is_empty() || event.project == *project,
                None => true,
            }
    }
}

/// A tracing layer that makes log lines events of type `logging`.
impl<S: tracing::Subscriber> layer::Layer<S> for Events {
    fn on_event(&self, event: &tracing::Event<'_>, _: layer::Context<'_, S>) {
        if self.0.sender.receiver_count() == 0 {
            return;
        }
        let mut line = Line(Logging::default());
        event.record(&mut line);
        line.0.level = match *event.metadata().level() {
            tracing::Level::WARN => "warning".to_owned(),
            level => level.as_str().to_lowercase(),
        };
        self.publish(Kind::Logging, line.0, String::new());
    }
}

struct Line(Logging);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let value = format!("{value:?}");
        match field.name() {
            "message" => self.0.message = value,
            name => drop(self.0.context.insert(name.to_owned(), value)),
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    fn all(project: Option<&str>) -> Filter {
        let kinds = vec![Kind::Operation, Kind::Lifecycle, Kind::Logging];
        Filter { kinds, project: project.map(str::to_owned) }
    }

    #[tokio::test]
    async fn listeners_get_what_they_asked_for() {
        let events = Events::default();
        events.set_location("n1");
        let mut blue = events.subscribe(all(Some("blue")));
        let mut logs = events.subscribe(Filter { kinds: vec![Kind::Logging], project: None });
        let root = Identity::Socket { uid: 0 };
        events.lifecycle("profile-created", "/1.0/profiles/a", &root, None);
        let url = "/1.0/profiles/b?project=blue";
        events.lifecycle_in("blue", "profile-created", url, &root, None);
        let logger = tracing_subscriber::registry().with(events.clone());
        tracing::subscriber::with_default(logger, || tracing::warn!(port = 8443, "Slow"));

        let event = blue.next().await.unwrap();
        assert_eq!(
            serde_json::to_value(&event.metadata).unwrap(),
            serde_json::json!({
                "action": "profile-created", "source": "/1.0/profiles/b?project=blue",
                "requestor": {"username": "root", "protocol": "unix", "address": "@"},
            })
        );
        assert_eq!((&*event.location, &*event.project), ("n1", "blue"));
        let line = logs.next().await.unwrap();
        let expected = r#"{"context":{"port":"8443"},"level":"warning","message":"Slow"}"#;
        assert_eq!(line.metadata, serde_json::from_str::<Value>(expected).unwrap());
    }

    #[tokio::test]
    async fn a_slow_listener_is_cut_off() {
        let events = Events::default();
        let (mut slow, root) = (events.subscribe(all(None)), Identity::Socket { uid: 0 });
        for _ in 0..=limits::EVENT_BACKLOG {
            events.lifecycle("config-updated", "/1.0", &root, None);
        }
        assert!(slow.next().await.is_none());
    }
}
