//! `lxd sql`.

use super::{Client, print, standard_input};
use crate::args::{self, Sql};
use crate::error::{Error, Result};
use comfy_table::{ContentLineStyle, LineStyle, Table, TableStyle};
use serde_json::Value;
use shared_api::paths;
use shared_api::sql::{Batch, Dump, Kind, Outcome, Query};
use std::fmt::Write;

/// Frames with a rule around the header and one at the end.
const FRAMED: TableStyle = TableStyle::new()
    .top_border(RULE)
    .header_lines(ContentLineStyle::new('|', '|', '|'))
    .header_separator(RULE)
    .content_lines(ContentLineStyle::new('|', '|', '|'))
    .bottom_border(RULE);
const RULE: LineStyle = LineStyle::new('+', '-', '+', '+');

/// Runs an operator's statements and prints what they return.
pub fn sql(arguments: &Sql) -> Result<()> {
    let Sql { database, query } = arguments;
    if !args::DATABASES.contains(&&**database) {
        let mut command = args::command();
        command.build();
        let help = command.find_subcommand_mut("sql").map(|sql| sql.render_long_help());
        print(&help.map(|help| help.to_string()).unwrap_or_default())?;
        return Err(Error::invalid("Invalid database type"));
    }
    let query = if query == "-" { standard_input()? } else { query.clone() };
    let text = super::run(async |client: Client| match &*query {
        ".dump" => dump(&client, database, "0").await,
        ".schema" => dump(&client, database, "1").await,
        _ => {
            let query = Query { database: database.clone(), query: query.clone() };
            let batch: Batch = client.post(paths::INTERNAL_SQL, &query).await?;
            Ok(render(&batch))
        }
    });
    print(&text?)
}

async fn dump(client: &Client, database: &str, schema: &str) -> Result<String> {
    let pairs = [("database", database), ("schema", schema)];
    let dump: Dump = client.get(&paths::with_query(paths::INTERNAL_SQL, &pairs)).await?;
    Ok(dump.text)
}

/// What the statements came to; each under its number if there are several.
fn render(batch: &Batch) -> String {
    if let [outcome] = &*batch.results {
        return block(outcome);
    }
    let blocks = batch.results.iter().enumerate();
    blocks.fold(String::new(), |mut text, (number, outcome)| {
        let _ = write!(text, "=> Query {number}:\n\n{}\n", block(outcome));
        text
    })
}

fn block(outcome: &Outcome) -> String {
    let Outcome { kind, columns, rows, rows_affected } = outcome;
    match kind {
        Kind::Select => {
            table(columns.as_deref().unwrap_or_default(), rows.as_deref().unwrap_or_default())
        }
        Kind::Exec => format!("Rows affected: {rows_affected}\n"),
    }
}

fn table(columns: &[String], rows: &[Vec<Value>]) -> String {
    let mut table = Table::new();
    table.load_style(FRAMED).set_header(columns);
    table.add_rows(rows.iter().map(|row| row.iter().map(cell)));
    // Centred with the odd blank on the right, where the crate has it on the left.
    let widths = table.column_max_content_widths();
    let centred = columns.iter().zip(widths).map(|(name, width)| {
        let missing = usize::from(width).saturating_sub(name.chars().count());
        format!("{}{name}", " ".repeat(missing / 2))
    });
    let centred: Vec<_> = centred.collect();
    table.set_header(centred);
    format!("{table}\n")
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::String(text) => text.clone(),
        number => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn select(columns: &[&str], rows: Value) -> Outcome {
        Outcome {
            kind: Kind::Select,
            columns: Some(columns.iter().map(|&column| column.to_owned()).collect()),
            rows: Some(serde_json::from_value(rows).unwrap()),
            rows_affected: 0,
        }
    }

    fn exec(rows_affected: u64) -> Outcome {
        Outcome { kind: Kind::Exec, columns: None, rows: None, rows_affected }
    }

    fn check(results: Vec<Outcome>, expected: &str) {
        assert_eq!(render(&Batch { results }), expected);
    }

    #[test]
    fn one_table_is_framed_as_lxd_does() {
        let columns = ["a", "bb", "c", "blob", "f", "g"];
        let rows = json!([[1, null, "x|y", "AB", 1.5, 1]]);
        let expected = "\
+---+-------+-----+------+-----+---+
| a |  bb   |  c  | blob |  f  | g |
+---+-------+-----+------+-----+---+
| 1 | <nil> | x|y | AB   | 1.5 | 1 |
+---+-------+-----+------+-----+---+
";
        check(vec![select(&columns, rows)], expected);
    }

    #[test]
    fn lines_of_a_cell_stay_lines() {
        let rows = json!([["ä€", "line\ntwo", "", i64::MAX], ["", "", "", 1]]);
        let expected = "\
+-----+------+-------+---------------------+
| uml |  nl  | empty |         big         |
+-----+------+-------+---------------------+
| ä€  | line |       | 9223372036854775807 |
|     | two  |       |                     |
|     |      |       | 1                   |
+-----+------+-------+---------------------+
";
        check(vec![select(&["uml", "nl", "empty", "big"], rows)], expected);
    }

    #[test]
    fn a_table_without_rows_shows_its_columns() {
        let expected = "\
+----+------+
| id | name |
+----+------+
+----+------+
";
        check(vec![select(&["id", "name"], json!([]))], expected);
    }

    #[test]
    fn several_statements_are_numbered() {
        check(vec![], "");
        check(vec![exec(3)], "Rows affected: 3\n");
        let expected = "\
=> Query 0:

Rows affected: 1

=> Query 1:

+---+
| 1 |
+---+
| 1 |
+---+

";
        check(vec![exec(1), select(&["1"], json!([[1]]))], expected);
    }
}
