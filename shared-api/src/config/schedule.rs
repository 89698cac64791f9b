//! When snapshots are taken: cron expressions and their aliases.

use super::check::{hold, refuse};

const ALIASES: [&str; 9] = [
    "@annually",
    "@daily",
    "@hourly",
    "@midnight",
    "@monthly",
    "@never",
    "@startup",
    "@weekly",
    "@yearly",
];
const MONTHS: &[&str] =
    &["", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: &[&str] = &["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// The five fields: lowest and highest number, and names of numbers.
const FIELDS: [(u32, u32, &[&str]); 5] =
    [(0, 59, &[]), (0, 23, &[]), (1, 31, &[]), (1, 12, MONTHS), (0, 6, DAYS)];

/// Schedules separated by a comma and a blank: all of them aliases such as `@daily`, or all of five
/// fields.
pub(super) fn check(value: &str) -> Result<(), String> {
    if value.split(", ").all(|item| ALIASES.contains(&item)) {
        return Ok(());
    }
    value.split(", ").try_for_each(expression)
}

fn expression(value: &str) -> Result<(), String> {
    let fields: Vec<&str> = value.split(' ').collect();
    if fields.len() != FIELDS.len() {
        return refuse(
            "Schedule must be of the form: <minute> <hour> <day-of-month> <month> <day-of-week>",
        );
    }
    for (field, (lowest, highest, names)) in fields.into_iter().zip(FIELDS) {
        let part = |part: &str| range(part, lowest, highest, names);
        field
            .split(',')
            .try_for_each(part)
            .map_err(|why| format!("Error parsing schedule: {why}"))?;
    }
    Ok(())
}

/// `*`, `5`, `1-5`, `*/5` or `10-30/5`.
fn range(text: &str, lowest: u32, highest: u32, names: &[&str]) -> Result<(), String> {
    let (span, step) = text.split_once('/').map_or((text, None), |(span, step)| (span, Some(step)));
    let bad_step = || format!("step of range should be a positive number: {text}");
    hold(step.is_none_or(|step| step.parse::<u32>().is_ok_and(|step| step > 0)), bad_step)?;
    if span == "*" || span == "?" {
        return Ok(());
    }
    let number = |text: &str| {
        let named =
            names.iter().position(|name| !name.is_empty() && text.eq_ignore_ascii_case(name));
        let number =
            named.and_then(|place| u32::try_from(place).ok()).or_else(|| text.parse().ok());
        number.ok_or_else(|| format!("failed to parse int from {text}"))
    };
    let (start, end) = span.split_once('-').unwrap_or((span, span));
    let (start, end) = (number(start)?, number(end)?);
    hold(start >= lowest, || {
        format!("beginning of range ({start}) below minimum ({lowest}): {text}")
    })?;
    hold(end <= highest, || format!("end of range ({end}) above maximum ({highest}): {text}"))?;
    hold(start <= end, || {
        format!("beginning of range ({start}) beyond end of range ({end}): {text}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules() {
        let form =
            "Schedule must be of the form: <minute> <hour> <day-of-month> <month> <day-of-week>";
        for (value, problem) in [
            ("@daily", ""),
            ("@startup, @hourly", ""),
            ("* * * * *", ""),
            ("? 0-20/5 1,2 JAN sat", ""),
            ("0 6 * * *, 0 18 * * *", ""),
            ("@daily,@hourly", form),
            ("@daily, * * * * *", form),
            ("@reboot", form),
            ("* * * *", form),
            ("99 * * * *", "end of range (99) above maximum (59): 99"),
            ("0 0 0 * *", "beginning of range (0) below minimum (1): 0"),
            ("5-1 * * * *", "beginning of range (5) beyond end of range (1): 5-1"),
            ("*/0 * * * *", "step of range should be a positive number: */0"),
            ("a b c d e", "failed to parse int from a"),
        ] {
            let expected = match problem {
                "" => Ok(()),
                problem if problem == form => Err(form.to_owned()),
                problem => Err(format!("Error parsing schedule: {problem}")),
            };
            assert_eq!(check(value), expected, "{value}");
        }
    }
}
