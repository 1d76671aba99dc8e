//! JSON as Python's `json.dumps` writes it: blanks after `,` and `:`, nothing but ASCII.

use crate::value::{Value, python_float};
use std::fmt::Write;

/// The text of a value.
pub fn dumps(value: &Value) -> String {
    let mut out = String::new();
    write(&mut out, value);
    out
}

fn write(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Value::Int(number) => out.push_str(&number.to_string()),
        Value::Float(number) if number.is_nan() => out.push_str("NaN"),
        Value::Float(number) if number.is_infinite() => {
            out.push_str(if *number > 0.0 { "Infinity" } else { "-Infinity" });
        }
        Value::Float(number) => out.push_str(&python_float(*number)),
        Value::Str(text) => write_text(out, text),
        Value::Template(template) => write_text(out, &template.text),
        Value::Vault(vault) => write_text(out, &vault.envelope),
        Value::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                write(out, item);
            }
            out.push(']');
        }
        Value::Map(map) => {
            out.push('{');
            for (index, (key, value)) in map.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                match key.to_value() {
                    Value::Str(text) => write_text(out, &text),
                    // Other keys become text: 1 is "1", true is "true".
                    other => write_text(out, &dumps(&other)),
                }
                out.push_str(": ");
                write(out, value);
            }
            out.push('}');
        }
    }
}

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
            ' '..='~' => out.push(c),
            c => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    // Writing to a String cannot fail.
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_as_python_does() {
        let value = Value::from([
            ("a", Value::from(vec![Value::Float(1.0), Value::Null])),
            ("é", Value::str("\u{1f600}\"\u{7f}")),
        ]);
        assert_eq!(dumps(&value), r#"{"a": [1.0, null], "\u00e9": "\ud83d\ude00\"\u007f"}"#);
    }
}
