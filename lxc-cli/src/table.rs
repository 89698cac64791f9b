//! Lists: as a table, CSV, JSON, YAML, or a table without frames.

use clap::ValueEnum;
use comfy_table::{ContentLineStyle, LineStyle, Table, TableStyle, presets};
use serde::Serialize;
use shared_api::yaml;

use crate::json;

/// Format of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Csv,
    Json,
    #[default]
    Table,
    Yaml,
    Compact,
}

/// The flag of every command that lists.
#[derive(clap::Args)]
pub(crate) struct FormatFlag {
    /// Format (csv|json|table|yaml|compact)
    #[arg(short, long, value_enum, value_name = "format", default_value = "table")]
    #[arg(hide_possible_values = true)]
    pub(crate) format: Format,
}

/// Rows under their columns.
pub(crate) struct Rows {
    pub(crate) columns: Vec<&'static str>,
    /// Cells; several lines of one are parted by `\n`.
    pub(crate) rows: Vec<Vec<String>>,
}

const FRAMED: TableStyle = TableStyle::new()
    .top_border(RULE)
    .header_lines(ContentLineStyle::new('|', '|', '|'))
    .header_separator(RULE)
    .content_lines(ContentLineStyle::new('|', '|', '|'))
    .row_separator(RULE)
    .bottom_border(RULE);
const RULE: LineStyle = LineStyle::new('+', '-', '+', '+');
const COMPACT: TableStyle = presets::NOTHING
    .header_lines(ContentLineStyle::none().left(' ').right(' '))
    .content_lines(ContentLineStyle::none().left(' ').right(' '));

/// A list for stdout: the rows sorted by name for tables and CSV, the items as the server sent them
/// for JSON and YAML.
pub(crate) fn render<T: Serialize>(
    format: Format,
    items: &[T],
    rows: impl FnOnce(&[T]) -> Rows,
) -> anyhow::Result<String> {
    Ok(match format {
        Format::Json => json::line(&items)?,
        Format::Yaml => yaml::to_string(&items),
        Format::Csv => rows(items).sorted().csv(),
        Format::Table => rows(items).sorted().drawn(FRAMED),
        Format::Compact => rows(items).sorted().drawn(COMPACT),
    })
}

impl Rows {
    fn sorted(mut self) -> Self {
        self.rows.sort_by_cached_key(|row| natural(row.first().map_or("", String::as_str)));
        self
    }

    fn drawn(self, style: TableStyle) -> String {
        let bare = style.header_separator(LineStyle::none());
        let style = if self.rows.is_empty() { bare } else { style };
        let mut table = Table::new();
        table.load_style(style).set_header(&self.columns).add_rows(&self.rows);
        let widths = table.column_max_content_widths();
        let centred = |(name, width): (&&str, &u16)| {
            let missing = usize::from(*width).saturating_sub(name.len());
            format!("{}{name}", " ".repeat(missing / 2))
        };
        table.set_header(self.columns.iter().zip(&widths).map(centred));
        format!("{table}\n")
    }

    fn csv(self) -> String {
        let mut csv = String::new();
        for row in self.rows {
            let cells: Vec<String> = row.iter().map(|cell| csv_cell(cell)).collect();
            csv.push_str(&cells.join(","));
            csv.push('\n');
        }
        csv
    }
}

/// Quotes a cell when a reader would need it. Lines of a cell stay lines.
fn csv_cell(cell: &str) -> String {
    let needs_quotes =
        cell.contains([',', '"', '\n', '\r']) || cell.starts_with(char::is_whitespace);
    if !needs_quotes {
        return cell.to_owned();
    }
    format!("\"{}\"", cell.replace('"', "\"\""))
}

/// A key that sorts `n2` before `n10`.
fn natural(name: &str) -> Vec<(bool, u128, String)> {
    let mut parts = Vec::new();
    let mut rest = name;
    while let Some(first) = rest.chars().next() {
        let is_digit = first.is_ascii_digit();
        let end = rest.find(|char: char| char.is_ascii_digit() != is_digit).unwrap_or(rest.len());
        let (part, after) = rest.split_at(end);
        let number = part.parse().unwrap_or(u128::MAX);
        parts.push((!is_digit, if is_digit { number } else { 0 }, part.to_owned()));
        rest = after;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_naturally() {
        let mut names = ["n10", "n2", "a", "10", "9", "n2b", "n", "é", "*"];
        names.sort_by_cached_key(|name| natural(name));
        assert_eq!(names, ["9", "10", "*", "a", "n", "n2", "n2b", "n10", "é"]);
    }

    #[test]
    fn csv_is_quoted_where_needed() {
        for (cell, expected) in [
            ("", ""),
            ("a b", "a b"),
            ("a,b", "\"a,b\""),
            ("say \"a\"", "\"say \"\"a\"\"\""),
            ("a\nb", "\"a\nb\""),
            (" a", "\" a\""),
        ] {
            assert_eq!(csv_cell(cell), expected);
        }
    }
}
