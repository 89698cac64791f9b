//! The text format OpenMetrics 1.0: families of samples, each said once, in the order they are added.

use std::fmt::{Display, Write};

use replicated_sqlite::Times;

/// A name and a value.
pub type Label<'a> = (&'a str, &'a str);

/// A text that grows by families.
#[derive(Debug, Default)]
pub struct Text(String);

/// The samples of one family; it is announced with its first sample, so an empty one is not there.
#[derive(Debug)]
pub struct Family<'a> {
    text: &'a mut String,
    kind: &'static str,
    name: &'a str,
    help: &'a str,
    begun: bool,
}

impl Text {
    /// What only grows; `name` without `_total`, which its samples have.
    pub fn counter<'a>(&'a mut self, name: &'a str, help: &'a str) -> Family<'a> {
        self.family("counter", name, help)
    }

    /// What goes up and down.
    pub fn gauge<'a>(&'a mut self, name: &'a str, help: &'a str) -> Family<'a> {
        self.family("gauge", name, help)
    }

    /// Times in seconds, by bounds; `name` ends in `_seconds`.
    pub fn histogram<'a>(&'a mut self, name: &'a str, help: &'a str) -> Family<'a> {
        self.family("histogram", name, help)
    }

    /// The whole text.
    pub fn end(mut self) -> String {
        self.0.push_str("# EOF\n");
        self.0
    }

    fn family<'a>(&'a mut self, kind: &'static str, name: &'a str, help: &'a str) -> Family<'a> {
        Family { text: &mut self.0, kind, name, help, begun: false }
    }
}

impl Family<'_> {
    /// A sample of a counter or a gauge.
    pub fn sample(&mut self, labels: &[Label<'_>], value: impl Display) -> &mut Self {
        let suffix = if self.kind == "counter" { "_total" } else { "" };
        self.line(suffix, labels, None, value);
        self
    }

    /// The samples of a histogram.
    pub fn times(&mut self, labels: &[Label<'_>], times: &Times) -> &mut Self {
        let mut count = 0;
        let bounds = Times::BOUNDS.map(|micros| seconds(micros).to_string());
        for (bound, more) in bounds.iter().map(String::as_str).chain(["+Inf"]).zip(times.counts) {
            count += more;
            self.line("_bucket", labels, Some(bound), count);
        }
        self.line("_sum", labels, None, times.total.as_secs_f64());
        self.line("_count", labels, None, count);
        self
    }

    fn line(
        &mut self,
        suffix: &str,
        labels: &[Label<'_>],
        bound: Option<&str>,
        value: impl Display,
    ) {
        let Self { text, kind, name, help, begun } = self;
        if !std::mem::replace(begun, true) {
            let _ = write!(text, "# TYPE {name} {kind}\n# HELP {name} {}\n", escaped(help));
        }
        let labels = labels.iter().copied().chain(bound.map(|bound| ("le", bound)));
        let labels: Vec<_> =
            labels.map(|(label, value)| format!("{label}=\"{}\"", escaped(value))).collect();
        let labels = match labels.is_empty() {
            true => String::new(),
            false => format!("{{{}}}", labels.join(",")),
        };
        let _ = writeln!(text, "{name}{suffix}{labels} {value}");
    }
}

/// 1.0, not 1: bounds are written as floats, so that every server writes the same.
fn seconds(micros: u64) -> impl Display {
    let (whole, rest) = (micros / 1_000_000, format!("{:06}", micros % 1_000_000));
    let rest = rest.trim_end_matches('0');
    format!("{whole}.{}", if rest.is_empty() { "0" } else { rest })
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn families_are_written_as_the_format_wants_them() {
        let mut text = Text::default();
        text.gauge("a_nobody", "Not there.");
        text.counter("a_things", "Things,\n\"all\".").sample(&[("kind", "a\\b")], 3);
        text.gauge("a_level", "Level.").sample(&[], 0.5).sample(&[("of", "x")], 1);
        let mut counts = [0; Times::BOUNDS.len() + 1];
        (counts[0], counts[13], counts[16]) = (2, 1, 1);
        let times = Times { counts, total: Duration::from_millis(11_500) };
        text.histogram("a_wait_seconds", "Waits.").times(&[("at", "y")], &times);
        let text = text.end();
        let (plain, buckets) = text.split_once("# TYPE a_wait_seconds histogram\n").unwrap();
        let expected = "# TYPE a_things counter\n# HELP a_things Things,\\n\\\"all\\\".\n\
            a_things_total{kind=\"a\\\\b\"} 3\n\
            # TYPE a_level gauge\n# HELP a_level Level.\na_level 0.5\na_level{of=\"x\"} 1\n";
        assert_eq!(plain, expected);
        for line in [
            "# HELP a_wait_seconds Waits.\n",
            "\na_wait_seconds_bucket{at=\"y\",le=\"0.00005\"} 2\n",
            "\na_wait_seconds_bucket{at=\"y\",le=\"0.5\"} 2\n",
            "\na_wait_seconds_bucket{at=\"y\",le=\"1.0\"} 3\n",
            "\na_wait_seconds_bucket{at=\"y\",le=\"10.0\"} 3\n",
            "\na_wait_seconds_bucket{at=\"y\",le=\"+Inf\"} 4\n",
            "\na_wait_seconds_sum{at=\"y\"} 11.5\na_wait_seconds_count{at=\"y\"} 4\n# EOF\n",
        ] {
            assert!(buckets.contains(line), "{line:?} in {buckets}");
        }
    }
}
