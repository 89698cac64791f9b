//! The fault matrix: clusters of real daemons under load, one fault after the other, and a table.

use std::{fmt::Write, fs, path::PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use tests::faults::{Cell, Row, matrix};

/// Lets everything go wrong in clusters under load, and checks what was promised.
#[derive(Parser)]
struct Arguments {
    /// Only clusters of so many members: 3 or 5
    #[arg(long)]
    members: Option<u8>,
    /// Only cells whose name holds this text
    #[arg(long)]
    only: Option<String>,
    /// Write the table to this file, too
    #[arg(long)]
    markdown: Option<PathBuf>,
    /// Write all figures to this file, as JSON
    #[arg(long)]
    json: Option<PathBuf>,
}

#[allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the output is what this program is for"
)]
fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let chosen = |cell: &Cell| match &arguments.only {
        Some(text) => cell.name.contains(text.as_str()),
        None => true,
    };
    let cells: Vec<_> = matrix().into_iter().filter(chosen).collect();
    ensure!(!cells.is_empty(), "no cell has such a name");
    let mut rows = Vec::new();
    for members in arguments.members.map_or_else(|| vec![3, 5], |members| vec![members]) {
        for cell in &cells {
            eprintln!("{}, {members} members", cell.name);
            let row = cell.run(members).unwrap_or_else(|error| failed(cell, members, &error));
            row.complaints.iter().for_each(|complaint| eprintln!("  {complaint}"));
            rows.push(row);
            save(&arguments, &rows)?;
        }
    }
    println!("{}", markdown(&rows));
    let bad = rows.iter().filter(|row| !row.complaints.is_empty()).count();
    println!("{} of {} cells hold", rows.len() - bad, rows.len());
    ensure!(bad == 0, "{bad} of {} cells do not hold", rows.len());
    Ok(())
}

/// A cell that came to no end.
fn failed(cell: &Cell, members: u8, error: &anyhow::Error) -> Row {
    Row {
        name: cell.name.to_owned(),
        members,
        operations: 0,
        unknown: 0,
        refused: 0,
        errors: 0,
        gap_ms: None,
        whole_ms: 0,
        complaints: vec![format!("{error:#}")],
    }
}

fn save(arguments: &Arguments, rows: &[Row]) -> Result<()> {
    if let Some(path) = &arguments.markdown {
        let write = fs::write(path, markdown(rows));
        write.with_context(|| format!("write {}", path.display()))?;
    }
    if let Some(path) = &arguments.json {
        let json = serde_json::to_vec_pretty(rows).context("write down the figures")?;
        fs::write(path, json).with_context(|| format!("write {}", path.display()))?;
    }
    Ok(())
}

fn markdown(rows: &[Row]) -> String {
    let mut text = String::from(
        "| fault | members | operations | unknown | refused | errors at majority members | \
         longest gap there | all ONLINE after | verdict |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    for row in rows {
        let gap = row.gap_ms.map_or("–".to_owned(), |gap| format!("{gap} ms"));
        let verdict = if row.complaints.is_empty() { "holds" } else { "**fails**" };
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {gap} | {} ms | {verdict} |",
            row.name,
            row.members,
            row.operations,
            row.unknown,
            row.refused,
            row.errors,
            row.whole_ms,
        );
    }
    text
}
