//! Filters on numbers and sizes.

use super::Filter;
use super::convert::{number, parse_float};
use crate::template::error::{Result, TemplateError};
use crate::template::python::round_half_even;
use crate::template::runtime::{Args, Context, Object, type_name};
use crate::value::Value;

pub const FILTERS: &[(&str, Filter)] = &[
    ("abs", abs),
    ("round", round),
    ("log", log),
    ("pow", pow),
    ("root", root),
    ("filesizeformat", filesizeformat),
    ("human_readable", human_readable),
    ("human_to_bytes", human_to_bytes),
];

fn abs(_: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    args.none()?;
    match &value {
        Object::Value(Value::Float(number)) => Ok(Object::float(number.abs())),
        other => match other.as_int() {
            Some(number) => Ok(Object::int(number.saturating_abs())),
            None => Err(TemplateError::runtime(format!("bad operand type for abs(): '{}'", type_name(other)))),
        },
    }
}

fn round(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    let [precision, method] = args.bind(["precision", "method"])?;
    let precision = context.int_or(&precision, 0)?;
    let method = context.text_or(&method, "common")?;
    let Some(float) = value.as_float() else {
        return Err(TemplateError::runtime(format!("type {} doesn't define __round__ method", type_name(&value))));
    };
    let unit = 10f64.powi(precision.clamp(-300, 300) as i32);
    let is_whole = value.as_int().is_some();
    Ok(match method.as_str() {
        "common" if is_whole && precision >= 0 => Object::int(value.as_int().unwrap_or(0)),
        "common" if is_whole => Object::int(round_half_even(float, precision) as i64),
        "common" => Object::float(round_half_even(float, precision)),
        "ceil" => Object::float((float * unit).ceil() / unit),
        "floor" => Object::float((float * unit).floor() / unit),
        _ => return Err(TemplateError::runtime("method must be common, ceil or floor")),
    })
}

fn log(_: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    let [base] = args.bind(["base"])?;
    let x = number(&value, "log")?;
    if x <= 0.0 {
        return Err(TemplateError::runtime("math domain error"));
    }
    let Some(base) = base else { return Ok(Object::float(x.ln())) };
    let base = number(&base, "log")?;
    Ok(Object::float(if base == 10.0 { x.log10() } else { x.ln() / base.ln() }))
}

fn pow(_: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    let [y] = args.bind_required(["y"], 1)?;
    Ok(Object::float(number(&value, "pow")?.powf(number(&y.unwrap_or(Object::NONE), "pow")?)))
}

fn root(_: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    let [base] = args.bind(["base"])?;
    let x = number(&value, "root")?;
    let base = match base {
        Some(base) => number(&base, "root")?,
        None => 2.0,
    };
    if x < 0.0 || base == 0.0 {
        return Err(TemplateError::runtime("root() can only be used on numbers"));
    }
    Ok(Object::float(if base == 2.0 { x.sqrt() } else { x.powf(1.0 / base) }))
}

fn filesizeformat(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    let [binary] = args.bind(["binary"])?;
    let binary = context.truth_or(&binary, false)?;
    let bytes = match value.as_str() {
        Some(text) => parse_float(text),
        None => value.as_float(),
    };
    let bytes = bytes.ok_or_else(|| TemplateError::runtime("could not convert to float"))?;
    let base: f64 = if binary { 1024.0 } else { 1000.0 };
    if bytes == 1.0 {
        return Ok(Object::str("1 Byte"));
    }
    if bytes < base {
        return Ok(Object::str(format!("{} Bytes", bytes.trunc() as i64)));
    }
    let prefixes = ["k", "M", "G", "T", "P", "E", "Z", "Y"];
    let mut unit = base;
    let mut index = 0;
    while bytes >= unit * base && index + 1 < prefixes.len() {
        unit *= base;
        index += 1;
    }
    let prefix = if binary && index == 0 { "K" } else { prefixes[index] };
    Ok(Object::str(format!("{:.1} {prefix}{}", bytes / unit, if binary { "iB" } else { "B" })))
}

/// The letters of sizes, the largest first, with their powers of two.
const SIZES: [(char, i32); 9] =
    [('Y', 80), ('Z', 70), ('E', 60), ('P', 50), ('T', 40), ('G', 30), ('M', 20), ('K', 10), ('B', 0)];

fn human_readable(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    let [bits, unit] = args.bind(["isbits", "unit"])?;
    let bits = context.truth_or(&bits, false)?;
    let unit = context.text_or(&unit, "")?.to_uppercase();
    let Some(size) = value.as_float() else {
        return Err(TemplateError::runtime("human_readable() failed on bad input"));
    };
    let fits = |letter: char, power: i32| match unit.is_empty() {
        true => size >= 2f64.powi(power),
        false => unit == letter.to_string(),
    };
    let (letter, power) = SIZES.iter().copied().find(|(letter, power)| fits(*letter, *power)).unwrap_or(('B', 0));
    let base = if bits { "bits" } else { "Bytes" };
    let suffix = match power {
        0 => base.to_owned(),
        _ => format!("{letter}{}", &base[..1]),
    };
    Ok(Object::str(format!("{:.2} {suffix}", size / 2f64.powi(power))))
}

fn human_to_bytes(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    let [default_unit, bits] = args.bind(["default_unit", "isbits"])?;
    let bits = context.truth_or(&bits, false)?;
    let text = context.text(&value)?;
    let refused = || TemplateError::runtime("human_to_bytes() can't interpret the input");
    let trimmed = text.trim_end();
    let end = trimmed.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(trimmed.len());
    let (digits, unit) = trimmed.split_at(end);
    let unit = unit.trim_start();
    if !digits.ends_with(|c: char| c.is_ascii_digit()) || !unit.chars().all(|c| c.is_ascii_alphabetic()) {
        return Err(refused());
    }
    let number: f64 = digits.parse().map_err(|_| refused())?;
    let unit = match unit {
        "" => context.text_or(&default_unit, "")?,
        unit => unit.to_owned(),
    };
    let Some(first) = unit.chars().next() else { return Ok(Object::int(number.round_ties_even() as i64)) };
    let letter = first.to_ascii_uppercase();
    let power = SIZES.iter().find(|(known, _)| *known == letter).map(|(_, power)| *power).ok_or_else(refused)?;
    if unit.chars().count() > 1 {
        let names = ["", "kilo", "mega", "giga", "tera", "peta", "exa", "zeta", "yotta"];
        let word = format!("{}{}", names[(power / 10) as usize], if bits { "bit" } else { "byte" });
        let short = match (power, bits) {
            (0, false) => "B".to_owned(),
            (0, true) => "b".to_owned(),
            (_, false) => format!("{letter}B"),
            (_, true) => format!("{letter}b"),
        };
        if unit.to_lowercase() != word && unit != short {
            return Err(refused());
        }
    }
    Ok(Object::int((number * 2f64.powi(power)).round_ties_even() as i64))
}
