//! How commands fail: the text, the hint, the exit code.

use std::io;
use std::process::ExitCode;

use crate::client::Unreachable;
use crate::ui::Ui;

/// A wrong command line.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub(crate) struct Usage {
    pub(crate) text: String,
    pub(crate) hint: Option<String>,
}

impl Usage {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), hint: None }
    }
}

/// Ctrl-C.
#[derive(Debug, thiserror::Error)]
#[error("interrupted")]
pub(crate) struct Interrupted;

/// Tells of an error, with its hint; its causes too when messages for debugging are wanted.
pub(crate) fn exit_code(result: anyhow::Result<()>, ui: &Ui) -> ExitCode {
    let Err(error) = result else { return ExitCode::SUCCESS };
    if error.is::<Interrupted>() {
        return ExitCode::from(130);
    }
    if is_broken_pipe(&error) {
        return ExitCode::SUCCESS;
    }
    // There is nobody left to tell when stderr is gone too.
    let _ = ui.diagnose(format_args!("Error: {error}\n"));
    for cause in error.chain().skip(1) {
        ui.debug(format_args!("Caused by: {cause}"));
    }
    if let Some(hint) = hint(&error) {
        let _ = ui.diagnose(format_args!("Hint: {hint}\n"));
    }
    ExitCode::FAILURE
}

fn hint(error: &anyhow::Error) -> Option<String> {
    if let Some(usage) = error.downcast_ref::<Usage>() {
        return usage.hint.clone();
    }
    error.downcast_ref::<Unreachable>()?.hint().map(str::to_owned)
}

/// Whether the reader of the output went away: it has what it wanted.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let cause = error.downcast_ref::<io::Error>();
    cause.is_some_and(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}
