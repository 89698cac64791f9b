//! The log: to standard error or a file, and to whoever listens to logging events.

use crate::args::Global;
use crate::error::{Context, Result};
use crate::events::Events;
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Mutex;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Starts logging; once, before anything else.
pub fn start(global: &Global, events: &Events) -> Result<()> {
    let level = match (global.debug, global.verbose) {
        (true, _) => LevelFilter::DEBUG,
        (false, true) => LevelFilter::INFO,
        (false, false) => LevelFilter::WARN,
    };
    // Libraries tell of what they retry; that is for debugging.
    let libraries = if global.debug { LevelFilter::DEBUG } else { LevelFilter::OFF };
    let shown = Targets::new()
        .with_default(libraries)
        .with_target("lxd_server", level)
        .with_target("replicated_sqlite", level);
    let format = tracing_subscriber::fmt::layer().with_ansi(false).with_target(false);
    let output = match &global.logfile {
        None => format.with_writer(std::io::stderr).boxed(),
        Some(path) => {
            let file = OpenOptions::new().create(true).append(true).mode(0o640).open(path);
            let file = file.context(format_args!("open {}", path.display()))?;
            format.with_writer(Mutex::new(file)).boxed()
        }
    };
    let listeners =
        events.clone().with_filter(Targets::new().with_target("lxd_server", LevelFilter::DEBUG));
    let started = tracing_subscriber::registry().with(output.with_filter(shown)).with(listeners);
    started.try_init().context("start the log")
}
