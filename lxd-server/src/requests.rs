//! What the API was asked: how often, with which outcome, how long it took. By route, not by path: the number of
//! series has a bound.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use replicated_sqlite::{Timer, Times};

/// All others count as one.
const METHODS: [&str; 6] = ["GET", "POST", "PUT", "PATCH", "DELETE", "other"];
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// The requests that were answered since the start.
#[derive(Debug, Default)]
pub struct Requests(RwLock<HashMap<String, [Series; METHODS.len()]>>);

#[derive(Debug, Default)]
struct Series {
    times: Timer,
    classes: [AtomicU64; CLASSES.len()],
}

/// What is known of one method of one route.
#[derive(Clone, Debug)]
pub struct Answered {
    pub method: &'static str,
    /// The template of its path; empty for all that is no path of ours.
    pub route: String,
    pub times: Times,
    /// By class of status, `2xx` and so on; those that there were.
    pub classes: Vec<(&'static str, u64)>,
}

impl Requests {
    /// Counts an answer, begun `took` ago.
    pub fn note(&self, method: &str, route: &str, status: u16, took: Duration) {
        {
            let routes = self.0.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(methods) = routes.get(route) {
                return series(methods, method).note(status, took);
            }
        }
        let mut routes = self.0.write().unwrap_or_else(PoisonError::into_inner);
        series(routes.entry(route.to_owned()).or_default(), method).note(status, took);
    }

    /// All that was counted, by route and method.
    pub fn answered(&self) -> Vec<Answered> {
        let routes = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut all = Vec::new();
        for (route, methods) in &*routes {
            for (series, method) in methods.iter().zip(METHODS) {
                let classes = series.classes.iter().zip(CLASSES);
                let classes = classes.map(|(count, class)| (class, count.load(Ordering::Relaxed)));
                let classes: Vec<_> = classes.filter(|(_, count)| *count > 0).collect();
                if !classes.is_empty() {
                    let (route, times) = (route.clone(), series.times.times());
                    all.push(Answered { method, route, times, classes });
                }
            }
        }
        all.sort_by(|a, b| (&a.route, a.method).cmp(&(&b.route, b.method)));
        all
    }
}

impl Series {
    fn note(&self, status: u16, took: Duration) {
        let class = usize::from(status / 100).clamp(1, CLASSES.len()) - 1;
        self.classes[class].fetch_add(1, Ordering::Relaxed);
        self.times.note(took);
    }
}

fn series<'a>(methods: &'a [Series; METHODS.len()], method: &str) -> &'a Series {
    let place = METHODS.iter().position(|known| *known == method);
    &methods[place.unwrap_or(METHODS.len() - 1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_counted_by_route_method_and_class() {
        let requests = Requests::default();
        for (method, route, status) in [
            ("GET", "/1.0/profiles/{name}", 200),
            ("GET", "/1.0/profiles/{name}", 404),
            ("GET", "/1.0/profiles/{name}", 200),
            ("PURGE", "", 404),
            ("HEAD", "", 999),
        ] {
            requests.note(method, route, status, Duration::from_millis(3));
        }
        let answered = requests.answered();
        let seen: Vec<_> =
            answered.iter().map(|a| (a.method, &*a.route, a.classes.clone())).collect();
        let expected = vec![
            ("other", "", vec![("4xx", 1), ("5xx", 1)]),
            ("GET", "/1.0/profiles/{name}", vec![("2xx", 2), ("4xx", 1)]),
        ];
        assert_eq!(seen, expected);
        assert_eq!(answered[1].times.total, Duration::from_millis(9));
    }
}
