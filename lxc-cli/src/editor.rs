//! The user's editor, and text that comes by a pipe instead.

use std::fs::{self, OpenOptions};
use std::io::{self, IsTerminal, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::client::{Client, Tagged};
use crate::context::Context;

/// Tried when the user has chosen none.
const EDITORS: &[&str] = &["editor", "vi", "emacs", "nano"];

/// Has the user change the thing at this path, `shown` as YAML, as often as it takes; or replaces it by the YAML
/// that comes by a pipe.
pub(crate) async fn change<Shown: DeserializeOwned, Put: DeserializeOwned + Serialize>(
    ctx: &Context,
    client: &Client,
    path: &str,
    shown: impl Fn(&Shown) -> String,
) -> anyhow::Result<()> {
    if let Some(text) = piped()? {
        let change: Put = serde_yaml::from_str(&text)?;
        return client.put(path, "", &change).await;
    }
    let Tagged { value, etag } = client.get_tagged::<Shown>(path).await?;
    let mut text = shown(&value);
    loop {
        text = edit(ctx, &text).await?;
        let change = serde_yaml::from_str::<Put>(&text).map_err(anyhow::Error::from);
        let done = match change {
            Ok(change) => client.put(path, &etag, &change).await,
            Err(error) => Err(error),
        };
        let Err(error) = done else { return Ok(()) };
        ctx.ui.diagnose(format_args!("Config parsing error: {error}\n"))?;
        ctx.ui.ask("Press enter to open the editor again or ctrl+c to abort change\n")?;
    }
}

/// All of standard input, unless it is a terminal.
fn piped() -> io::Result<Option<String>> {
    if io::stdin().is_terminal() {
        return Ok(None);
    }
    let mut text = String::new();
    io::stdin().read_to_string(&mut text)?;
    Ok(Some(text))
}

/// Lets the user change a text, and returns what it is then.
async fn edit(ctx: &Context, text: &str) -> anyhow::Result<String> {
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
