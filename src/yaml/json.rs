//! Texts that are JSON: Ansible tries JSON before YAML, and the two differ in numbers and escapes.

use super::{Entry, Kind, Node};
use crate::source::{FileId, Span};
use crate::value::{Key, Value};

/// Whether the whole text is one JSON list or object.
pub(super) fn is_json(text: &str) -> bool {
    text.trim_start().starts_with(['{', '[']) && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// The text as a node without places inside it; for JSON that cannot be read as YAML.
pub(super) fn document(file: FileId, text: &str) -> Option<Node> {
    let value: Value = serde_json::from_str(text).ok()?;
    Some(node(Span::at(file, 0, 0), &value))
}

fn node(span: Span, value: &Value) -> Node {
    let kind = match value {
        Value::Null | Value::Template(_) | Value::Vault(_) => Kind::Null,
        Value::Bool(truth) => Kind::Bool(*truth),
        Value::Int(number) => Kind::Int(*number),
        Value::Float(number) => Kind::Float(*number),
        Value::Str(text) => Kind::text(text.clone()),
        Value::List(items) => Kind::List(items.iter().map(|item| node(span, item)).collect()),
        Value::Map(map) => Kind::Map(map.iter().map(|(key, value)| entry(span, key, value)).collect()),
    };
    Node { span, kind }
}

fn entry(span: Span, key: &Key, value: &Value) -> Entry {
    Entry { key: node(span, &key.to_value()), value: node(span, value) }
}
