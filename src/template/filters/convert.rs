//! `int`, `float` and `bool`.

use super::Filter;
use crate::template::error::{Result, TemplateError};
use crate::template::runtime::{Args, Context, Object};
use crate::value::Value;

pub const FILTERS: &[(&str, Filter)] = &[("int", int), ("float", float), ("bool", bool)];

fn int(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    let [default, base] = args.bind(["default", "base"])?;
    let default = default.unwrap_or_else(|| Object::int(0));
    let base = context.int_or(&base, 10)?;
    let float = |number: f64| match number.is_finite() {
        true if number.abs() < 9.2e18 => Object::int(number.trunc() as i64),
        true => Object::float(number.trunc()),
        false => default.clone(),
    };
    Ok(match &value {
        Object::Value(Value::Float(number)) => float(*number),
        Object::Value(Value::Str(text)) => match parse_int(text, base) {
            Some(number) => Object::int(number),
            None => parse_float(text).map_or_else(|| default.clone(), float),
        },
        other => other.as_int().map_or_else(|| default.clone(), Object::int),
    })
}

/// Python's `int(text, base)`.
pub fn parse_int(text: &str, base: i64) -> Option<i64> {
    let text = text.trim();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, digits) = match base {
        0 | 2 if lower.starts_with("0b") => (2, &lower[2..]),
        0 | 8 if lower.starts_with("0o") => (8, &lower[2..]),
        0 | 16 if lower.starts_with("0x") => (16, &lower[2..]),
        0 => (10, lower.as_str()),
        2..=36 => (base as u32, lower.as_str()),
        _ => return None,
    };
    let clean = underscored(digits)?;
    let number = i64::from_str_radix(&clean, radix).ok().filter(|_| !clean.starts_with(['-', '+']))?;
    Some(if negative { -number } else { number })
}

/// Python's `float(text)`.
pub fn parse_float(text: &str) -> Option<f64> {
    let lower = text.trim().to_ascii_lowercase();
    let bare = lower.trim_start_matches(['+', '-']);
    match bare {
        "inf" | "infinity" => return Some(if lower.starts_with('-') { f64::NEG_INFINITY } else { f64::INFINITY }),
        "nan" => return Some(f64::NAN),
        _ => {}
    }
    if !bare.starts_with(|c: char| c.is_ascii_digit() || c == '.') || lower.len() - bare.len() > 1 {
        return None;
    }
    underscored(&lower)?.parse().ok()
}

/// Takes single underscores between digits out.
fn underscored(digits: &str) -> Option<String> {
    if digits.is_empty() || digits.starts_with('_') || digits.ends_with('_') || digits.contains("__") {
        return None;
    }
    Some(digits.replace('_', ""))
}

fn float(_: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    let [default] = args.bind(["default"])?;
    let number = match value.as_str() {
        Some(text) => parse_float(text),
        None => value.as_float(),
    };
    Ok(number.map_or_else(|| default.unwrap_or_else(|| Object::float(0.0)), Object::float))
}

fn bool(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    args.none()?;
    let text = match &value {
        Object::Value(Value::Str(text)) => Some(text.to_lowercase()),
        Object::Value(Value::Int(_) | Value::Bool(_)) => Some(context.text(&value)?.to_lowercase()),
        _ => None,
    };
    match text.as_deref() {
        Some("yes" | "on" | "true" | "1") => return Ok(Object::bool(true)),
        Some("no" | "off" | "false" | "0") => return Ok(Object::bool(false)),
        _ => {}
    }
    let result = matches!(&value, Object::Value(Value::Float(number)) if *number == 1.0);
    context.controller().warn(&format!(
        "The `bool` filter coerced invalid value {} ({}) to {}.",
        context.repr(&value)?,
        crate::template::runtime::type_name(&value),
        if result { "True" } else { "False" }
    ));
    Ok(Object::bool(result))
}

/// A number argument of a mathematical filter.
pub fn number(object: &Object, filter: &str) -> Result<f64> {
    object.as_float().ok_or_else(|| TemplateError::runtime(format!("{filter}() can only be used on numbers")))
}
