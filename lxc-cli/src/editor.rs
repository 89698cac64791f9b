//! The user's editor, and text that comes by a pipe instead.

use std::fs::{self, OpenOptions};
use std::io::{self, IsTerminal, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use uuid::Uuid;

use crate::context::Context;

/// Tried when the user has chosen none.
const EDITORS: &[&str] = &["editor", "vi", "emacs", "nano"];

/// All of standard input, unless it is a terminal.
pub(crate) fn piped() -> io::Result<Option<String>> {
    if io::stdin().is_terminal() {
        return Ok(None);
    }
    let mut text = String::new();
    io::stdin().read_to_string(&mut text)?;
    Ok(Some(text))
}

/// Lets the user change a text, and returns what it is then.
pub(crate) async fn edit(ctx: &Context, text: &str) -> anyhow::Result<String> {
    let file = Draft::new(text).context("Failed to write the text to edit")?;
    let chosen = ctx.environment.editor.as_deref();
    let editors = chosen.map_or(EDITORS.to_vec(), |chosen| vec![chosen]);
    for editor in editors {
        // As every program does it: the choice may hold arguments.
        #[expect(clippy::disallowed_methods, reason = "the one place that starts an editor")]
        let mut command = tokio::process::Command::new("sh");
        command.args(["-c", &format!("exec {editor} \"$1\""), "sh"]).arg(&file.0);
        match command.status().await.context("Failed to start the editor")?.code() {
            Some(0) => {
                return fs::read_to_string(&file.0).context("Failed to read the edited text");
            }
            // The shell found none.
            Some(127) => {}
            _ => bail!("The editor \"{editor}\" failed"),
        }
    }
    bail!("No text editor found, please set the EDITOR environment variable")
}

/// A file of this user alone, gone when dropped.
struct Draft(PathBuf);

impl Draft {
    fn new(text: &str) -> io::Result<Self> {
        let path = std::env::temp_dir().join(format!("lxc_editor_{}.yaml", Uuid::new_v4()));
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        let draft = Self(path);
        file.write_all(text.as_bytes())?;
        Ok(draft)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
