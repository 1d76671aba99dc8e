//! Data as playbooks know it: Python's plain types, plus text that is still to be rendered.

pub mod base64;
mod coerce;
mod convert;
mod key;
mod merge;
mod serde;

pub use coerce::{parse_bool, type_name};
pub use convert::python_float;
pub use key::{Key, Map};
pub use merge::{ListMerge, merge_maps};

use crate::source::Span;
use std::sync::Arc;

/// A string written by the project's authors that holds `{{`, `{%` or `{#`: it is rendered when it
/// is used. Text that comes from hosts, lookups or earlier renderings is never a template.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct TemplateText {
    /// The text as written.
    pub text: Arc<str>,
    /// Where it starts, for messages.
    pub span: Option<Span>,
    /// Text below `!unsafe`, or from elsewhere than the project: it renders to itself whatever it
    /// holds, and no condition may be made of it.
    pub verbatim: bool,
}

/// A `!vault` scalar that has not been decrypted yet.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct VaultText {
    /// The whole envelope, header line included.
    pub envelope: Arc<str>,
    /// Where it starts, for messages.
    pub span: Option<Span>,
}

/// Any value of a playbook, a variable, an argument or a result. Cheap to clone.
///
/// Equality is Python's for plain data: `1 == 1.0` holds, and `True == 1` holds.
#[derive(Debug, Clone, Default)]
pub enum Value {
    /// None.
    #[default]
    Null,
    /// True or False.
    Bool(bool),
    /// A whole number. Larger ones than fit are read as floats.
    Int(i64),
    /// A floating point number.
    Float(f64),
    /// Text that is data.
    Str(Arc<str>),
    /// Several values in order.
    List(Arc<Vec<Value>>),
    /// Values by key, in the order of insertion.
    Map(Arc<Map>),
    /// Text that is rendered when used.
    Template(Arc<TemplateText>),
    /// Text that is decrypted when used.
    Vault(Arc<VaultText>),
}

impl Value {
    /// Text as data.
    pub fn str(text: impl AsRef<str>) -> Value {
        Value::Str(Arc::from(text.as_ref()))
    }

    /// A list.
    pub fn list(items: Vec<Value>) -> Value {
        Value::List(Arc::new(items))
    }

    /// A map.
    pub fn map(map: Map) -> Value {
        Value::Map(Arc::new(map))
    }

    /// Text written by an author: a template when it holds a marker, else data.
    pub fn authored(text: impl AsRef<str>, span: Option<Span>) -> Value {
        let text = text.as_ref();
        match is_template(text) {
            true => Value::Template(Arc::new(TemplateText { text: Arc::from(text), span, verbatim: false })),
            false => Value::str(text),
        }
    }

    /// Text that renders to itself and is never a condition.
    pub fn verbatim(text: Arc<str>, span: Option<Span>) -> Value {
        Value::Template(Arc::new(TemplateText { text, span, verbatim: true }))
    }

    /// The text of a string or of an unrendered template.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::Str(text) => Some(text),
            Value::Template(template) => Some(&template.text),
            _ => None,
        }
    }

    /// The items of a list.
    pub fn as_list(&self) -> Option<&[Value]> {
        match self {
            Value::List(items) => Some(items),
            _ => None,
        }
    }

    /// The entries of a map.
    pub fn as_map(&self) -> Option<&Map> {
        match self {
            Value::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The number, if it is a whole one (not a bool).
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Value::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// The truth value, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Value::Bool(truth) => Some(*truth),
            _ => None,
        }
    }

    /// Whether it is None.
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// The entry `key` of a map.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_map()?.get(key)
    }

    /// Python's truth: empty and zero values are false.
    pub fn truthy(&self) -> bool {
        match self {
            Value::Null => false,
            Value::Bool(truth) => *truth,
            Value::Int(number) => *number != 0,
            Value::Float(number) => *number != 0.0,
            Value::Str(text) => !text.is_empty(),
            Value::List(items) => !items.is_empty(),
            Value::Map(map) => !map.is_empty(),
            Value::Template(_) | Value::Vault(_) => true,
        }
    }

    /// Whether nothing in it is left to render or decrypt.
    pub fn is_plain(&self) -> bool {
        match self {
            Value::Template(_) | Value::Vault(_) => false,
            Value::List(items) => items.iter().all(Value::is_plain),
            Value::Map(map) => map.values().all(Value::is_plain),
            _ => true,
        }
    }
}

/// Whether the text holds one of Jinja's opening markers.
pub fn is_template(text: &str) -> bool {
    text.as_bytes().windows(2).any(|pair| pair[0] == b'{' && matches!(pair[1], b'{' | b'%' | b'#'))
}

impl PartialEq for Value {
    fn eq(&self, other: &Value) -> bool {
        use Value::{Bool, Float, Int, List, Map, Null, Str, Template, Vault};
        match (self, other) {
            (Null, Null) => true,
            (Bool(a), Bool(b)) => a == b,
            (Int(a), Int(b)) => a == b,
            (Float(a), Float(b)) => a == b,
            (Int(a), Float(b)) | (Float(b), Int(a)) => *a as f64 == *b,
            (Bool(a), Int(b)) | (Int(b), Bool(a)) => i64::from(*a) == *b,
            (Bool(a), Float(b)) | (Float(b), Bool(a)) => f64::from(u8::from(*a)) == *b,
            (Str(a), Str(b)) => a == b,
            (List(a), List(b)) => a == b,
            (Map(a), Map(b)) => a == b,
            (Template(a), Template(b)) => a.text == b.text,
            (Vault(a), Vault(b)) => a.envelope == b.envelope,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authored_text_is_a_template_only_with_a_marker() {
        assert!(matches!(Value::authored("a {{ b }}", None), Value::Template(_)));
        assert!(matches!(Value::authored("a } b {", None), Value::Str(_)));
    }

    #[test]
    fn equality_is_pythons() {
        assert_eq!(Value::Int(1), Value::Float(1.0));
        assert_eq!(Value::Bool(true), Value::Int(1));
        assert_ne!(Value::Null, Value::Bool(false));
    }
}
