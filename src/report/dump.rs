//! Values as JSON in Python's spelling, keys sorted: how Ansible prints results.

use super::visible::is_harmful;
use crate::value::{Key, Map, Value, python_float};
use std::fmt::Write;

/// The JSON text of a value: on one line, or indented by four columns.
pub fn dump(value: &Value, indented: bool) -> String {
    let mut out = String::new();
    write_value(&mut out, value, indented.then_some(0));
    out
}

/// As [`dump`], for a map.
pub fn dump_map(map: &Map, indented: bool) -> String {
    let mut out = String::new();
    write_map(&mut out, map, indented.then_some(0));
    out
}

fn write_value(out: &mut String, value: &Value, depth: Option<usize>) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Value::Int(number) => write_number(out, number),
        Value::Float(number) => out.push_str(&json_float(*number)),
        Value::Str(text) => write_text(out, text),
        Value::Template(template) => write_text(out, &template.text),
        Value::Vault(_) => write_text(out, "<vault value, not decrypted>"),
        Value::List(items) => write_list(out, items, depth),
        Value::Map(map) => write_map(out, map, depth),
    }
}

fn write_number(out: &mut String, number: &i64) {
    // Writing to a String cannot fail.
    let _ = write!(out, "{number}");
}

fn json_float(number: f64) -> String {
    match number {
        number if number.is_nan() => "NaN".into(),
        number if number.is_infinite() && number > 0.0 => "Infinity".into(),
        number if number.is_infinite() => "-Infinity".into(),
        number => python_float(number),
    }
}

/// Starts an item: what separates it from the one before, and its indentation.
fn next(out: &mut String, first: bool, depth: Option<usize>) {
    match depth {
        None if first => {}
        None => out.push_str(", "),
        Some(depth) => {
            out.push_str(if first { "\n" } else { ",\n" });
            out.push_str(&"    ".repeat(depth + 1));
        }
    }
}

fn end(out: &mut String, depth: Option<usize>) {
    if let Some(depth) = depth {
        out.push('\n');
        out.push_str(&"    ".repeat(depth));
    }
}

fn write_list(out: &mut String, items: &[Value], depth: Option<usize>) {
    if items.is_empty() {
        return out.push_str("[]");
    }
    out.push('[');
    for (index, item) in items.iter().enumerate() {
        next(out, index == 0, depth);
        write_value(out, item, depth.map(|depth| depth + 1));
    }
    end(out, depth);
    out.push(']');
}

fn write_map(out: &mut String, map: &Map, depth: Option<usize>) {
    if map.is_empty() {
        return out.push_str("{}");
    }
    let mut entries: Vec<(String, &Value)> = map.iter().map(|(key, value)| (key_text(key), value)).collect();
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    out.push('{');
    for (index, (key, value)) in entries.into_iter().enumerate() {
        next(out, index == 0, depth);
        write_text(out, &key);
        out.push_str(": ");
        write_value(out, value, depth.map(|depth| depth + 1));
    }
    end(out, depth);
    out.push('}');
}

fn key_text(key: &Key) -> String {
    match key {
        Key::Str(text) => text.to_string(),
        Key::Null => "null".into(),
        Key::Bool(truth) => truth.to_string(),
        Key::Int(number) => number.to_string(),
        Key::Float(bits) => json_float(f64::from_bits(*bits)),
    }
}

/// A JSON string. Beyond what JSON asks for, whatever could drive a terminal is escaped too.
fn write_text(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c if is_harmful(c) => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_as_pythons_json_does() {
        let value = Value::from([
            ("b", Value::from(vec![Value::Int(1), Value::Float(2.0), Value::Null])),
            ("a", Value::str("x\n\"é\x1b")),
            ("c", Value::list(Vec::new())),
        ]);
        assert_eq!(dump(&value, false), r#"{"a": "x\n\"é\u001b", "b": [1, 2.0, null], "c": []}"#);
        assert_eq!(
            dump(&value, true),
            "{\n    \"a\": \"x\\n\\\"é\\u001b\",\n    \"b\": [\n        1,\n        2.0,\n        null\n    ],\n    \"c\": []\n}"
        );
    }
}
