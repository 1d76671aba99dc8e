//! `sequence`: numbered items.

use super::{Call, Lookup, keyvalue};
use crate::template::error::{Result, TemplateError};
use crate::template::python::percent_format;
use crate::template::runtime::{Context, Object};

pub const LOOKUPS: &[(&str, Lookup)] = &[("sequence", sequence)];

#[derive(Clone)]
struct Numbers {
    start: i64,
    end: Option<i64>,
    count: Option<i64>,
    stride: i64,
    format: String,
}

impl Numbers {
    fn set(&mut self, name: &str, value: &str) -> Result<()> {
        let number =
            || whole(value).ok_or_else(|| TemplateError::runtime(format!("can't parse {name}={value} as integer")));
        match name {
            "start" => self.start = number()?,
            "end" => self.end = Some(number()?),
            "count" => self.count = Some(number()?),
            "stride" => self.stride = number()?,
            "format" => self.format = value.to_owned(),
            other => {
                return Err(TemplateError::runtime(format!("unrecognized arguments to with_sequence: ['{other}']")));
            }
        }
        Ok(())
    }
}

/// A whole number, hexadecimal with `0x` and octal with a leading `0`.
fn whole(text: &str) -> Option<i64> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let number = if let Some(hex) = digits.strip_prefix("0x") {
        i64::from_str_radix(hex, 16).ok()
    } else if digits.len() > 1 && digits.starts_with('0') {
        i64::from_str_radix(digits.trim_start_matches("0o"), 8).ok()
    } else {
        digits.parse().ok()
    };
    number.map(|number| sign * number)
}

/// `[start-]end[/stride][:format]`
fn shortcut(term: &str, numbers: &mut Numbers) -> bool {
    let (range, format) = term.split_once(':').map_or((term, None), |(range, format)| (range, Some(format)));
    let (range, stride) = range.split_once('/').map_or((range, None), |(range, stride)| (range, Some(stride)));
    let (start, end) = range.split_once('-').map_or((None, range), |(start, end)| (Some(start), end));
    let fits = |part: &str| {
        let digits = part.strip_prefix('0').unwrap_or(part);
        let digits = digits.strip_prefix('x').unwrap_or(digits);
        let digits = if digits.is_empty() { part } else { digits };
        !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c))
    };
    if !fits(end) || !start.is_none_or(fits) || !stride.is_none_or(fits) || format == Some("") {
        return false;
    }
    let mut set = |name: &str, value: Option<&str>| value.is_none_or(|value| numbers.set(name, value).is_ok());
    set("start", start) && set("end", Some(end)) && set("stride", stride) && set("format", format)
}

fn sequence(context: &Context<'_>, call: Call) -> Result<Vec<Object>> {
    let mut defaults = Numbers { start: 1, end: None, count: None, stride: 1, format: "%d".into() };
    for (name, object) in &call.options.named {
        defaults.set(name, &context.text(object)?)?;
    }
    let mut terms = call.terms;
    if terms.is_empty() {
        terms.push(Object::str(""));
    }
    let mut out = Vec::new();
    for term in &terms {
        let term = context.text(term)?;
        let mut numbers = defaults.clone();
        if !shortcut(&term, &mut numbers) {
            numbers = defaults.clone();
            let (raw, pairs) = keyvalue::parse(&term);
            if !raw.is_empty() {
                return Err(TemplateError::runtime(format!("unrecognized arguments to with_sequence: ['{raw}']")));
            }
            for (name, value) in pairs {
                numbers.set(&name, &value)?;
            }
        }
        generate(context, &numbers, &mut out)?;
    }
    Ok(out)
}

fn generate(context: &Context<'_>, numbers: &Numbers, out: &mut Vec<Object>) -> Result<()> {
    let refuse = |message: &str| Err(TemplateError::runtime(message));
    let end = match (numbers.end, numbers.count) {
        (None, None) => return refuse("must specify count or end in with_sequence"),
        (Some(_), Some(_)) => return refuse("can't specify both count and end in with_sequence"),
        (Some(end), None) => end,
        (None, Some(0)) => return Ok(()),
        (None, Some(count)) => numbers.start + count * numbers.stride - 1,
    };
    if numbers.stride > 0 && end < numbers.start {
        return refuse("to count backwards make stride negative");
    }
    if numbers.stride < 0 && end > numbers.start {
        return refuse("to count forward don't make stride negative");
    }
    if numbers.stride == 0 {
        return Ok(());
    }
    if numbers.format.matches('%').count() != 1 {
        return Err(TemplateError::runtime(format!("bad formatting string: {}", numbers.format)));
    }
    let range = Object::Range(numbers.start, end + numbers.stride.signum(), numbers.stride);
    for number in context.iterate(&range)? {
        out.push(Object::str(percent_format(context, &numbers.format, &number)?));
    }
    Ok(())
}
