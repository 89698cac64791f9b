//! Command lines that are help, or wrong: what LXD says to them.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::cli;
use crate::error::Usage;
use crate::ui::Ui;

/// Prints what was asked for, or tells what is wrong.
///
/// A command that lacks all its arguments prints its help and succeeds, as LXD's does.
pub(crate) fn explain(error: &clap::Error, args: &[OsString]) -> anyhow::Result<()> {
    let ui = Ui::default();
    match error.kind() {
        ErrorKind::DisplayHelp => Ok(ui.data(error.render())?),
        ErrorKind::DisplayVersion => Ok(ui.data(concat!(env!("CARGO_PKG_VERSION"), "\n"))?),
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let call = Call::find(args);
            let printed = if call.depth == 0 { ui.data(call.help) } else { ui.diagnose(call.help) };
            Ok(printed?)
        }
        ErrorKind::MissingRequiredArgument | ErrorKind::TooManyValues => wrong_number(&ui, args),
        ErrorKind::UnknownArgument if !detail(error, ContextKind::InvalidArg).starts_with('-') => {
            wrong_number(&ui, args)
        }
        ErrorKind::UnknownArgument => Err(unknown_flag(error).into()),
        ErrorKind::InvalidSubcommand => Err(unknown_command(error, args).into()),
        ErrorKind::InvalidValue => Err(invalid_value(error, args).into()),
        _ => {
            let text = error.render().to_string();
            let first = text.lines().next().unwrap_or_default();
            Err(Usage::new(first.trim_start_matches("error: ")).into())
        }
    }
}

fn unknown_command(error: &clap::Error, args: &[OsString]) -> Usage {
    let name = detail(error, ContextKind::InvalidSubcommand);
    let text = format!("unknown command \"{name}\" for \"{}\"", Call::find(args).path);
    Usage { text, hint: suggestion(error, ContextKind::SuggestedSubcommand) }
}

fn unknown_flag(error: &clap::Error) -> Usage {
    let flag = detail(error, ContextKind::InvalidArg);
    if flag.starts_with("--") {
        let hint = suggestion(error, ContextKind::SuggestedArg);
        return Usage { text: format!("unknown flag: {flag}"), hint };
    }
    let letter = flag.chars().nth(1).unwrap_or('-');
    Usage::new(format!("unknown shorthand flag: '{letter}' in {flag}"))
}

/// A flag without its value, or a format that does not exist: no other flag has fixed values.
fn invalid_value(error: &clap::Error, args: &[OsString]) -> Usage {
    let value = detail(error, ContextKind::InvalidValue);
    let last = args.last().map(|last| last.to_string_lossy()).unwrap_or_default();
    if !value.is_empty() || !last.starts_with('-') {
        return Usage::new(format!("Invalid format \"{value}\""));
    }
    let letter = last.trim_start_matches('-');
    Usage::new(match last.strip_prefix("--") {
        Some(_) => format!("flag needs an argument: {last}"),
        None => format!("flag needs an argument: '{letter}' in {last}"),
    })
}

fn suggestion(error: &clap::Error, kind: ContextKind) -> Option<String> {
    let best = match error.get(kind)? {
        ContextValue::String(text) => text,
        ContextValue::Strings(texts) => texts.last()?,
        _ => return None,
    };
    Some(format!("Did you mean \"{best}\"?"))
}

/// What clap knows of an error; empty when it knows nothing.
fn detail(error: &clap::Error, kind: ContextKind) -> String {
    match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        _ => String::new(),
    }
}

/// Help on stdout; an error too unless there was no argument at all.
fn wrong_number(ui: &Ui, args: &[OsString]) -> anyhow::Result<()> {
    let call = Call::find(args);
    ui.data(call.help)?;
    if call.positionals == 0 {
        return Ok(());
    }
    Err(Usage::new("Invalid number of arguments").into())
}

/// The innermost command that a command line names.
struct Call {
    path: String,
    depth: usize,
    /// How many arguments it was given, without flags.
    positionals: usize,
    help: String,
}

impl Call {
    fn find(args: &[OsString]) -> Self {
        let mut command = cli::command();
        command.build();
        let (mut depth, mut positionals) = (0, 0);
        let mut words = args.iter().skip(1).map(|word| word.to_string_lossy());
        while let Some(word) = words.next() {
            if word == "--" {
                positionals += words.count();
                break;
            }
            if word.starts_with('-') && word != "-" {
                if takes_next_word(&command, &word) {
                    words.next();
                }
                continue;
            }
            match command.find_subcommand(word.as_ref()) {
                Some(inner) => {
                    command = inner.clone();
                    depth += 1;
                }
                None => positionals += 1,
            }
        }
        let path = command.get_bin_name().unwrap_or_default().to_owned();
        Self { path, depth, positionals, help: command.render_help().to_string() }
    }
}

/// Whether the flag's value is the word after it.
fn takes_next_word(command: &clap::Command, flag: &str) -> bool {
    let mut arguments = command.get_arguments();
    let known = match flag.strip_prefix("--") {
        Some(long) => arguments.find(|argument| argument.get_long() == Some(long)),
        None => arguments.find(|argument| {
            argument
                .get_short()
                .is_some_and(|short| flag.strip_prefix('-') == Some(short.encode_utf8(&mut [0; 4])))
        }),
    };
    known.is_some_and(|argument| argument.get_action().takes_values())
}
