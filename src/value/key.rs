//! Keys of maps: strings nearly always, but numbers, booleans and None are legal too.

use super::Value;
use indexmap::{Equivalent, IndexMap};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// A map that keeps the order of insertion. `map.get("name")` looks a string key up.
pub type Map = IndexMap<Key, Value>;

/// A key of a map.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// None.
    Null,
    /// True or False.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A floating point number, by its bits.
    Float(u64),
    /// Text.
    Str(Arc<str>),
}

impl Key {
    /// The text of a string key.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Key::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The key as a value.
    pub fn to_value(&self) -> Value {
        match self {
            Key::Null => Value::Null,
            Key::Bool(truth) => Value::Bool(*truth),
            Key::Int(number) => Value::Int(*number),
            Key::Float(bits) => Value::Float(f64::from_bits(*bits)),
            Key::Str(text) => Value::Str(text.clone()),
        }
    }

    /// A value as a key; None for lists, maps and what is not rendered yet.
    pub fn from_value(value: &Value) -> Option<Key> {
        match value {
            Value::Null => Some(Key::Null),
            Value::Bool(truth) => Some(Key::Bool(*truth)),
            Value::Int(number) => Some(Key::Int(*number)),
            Value::Float(number) => Some(Key::Float(number.to_bits())),
            Value::Str(text) => Some(Key::Str(text.clone())),
            Value::List(_) | Value::Map(_) | Value::Template(_) | Value::Vault(_) => None,
        }
    }
}

// A string key hashes as its text alone, so that a `&str` finds it.
impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Key::Str(text) => text.as_ref().hash(state),
            Key::Null => 0u8.hash(state),
            Key::Bool(truth) => (1u8, truth).hash(state),
            Key::Int(number) => (2u8, number).hash(state),
            Key::Float(bits) => (3u8, bits).hash(state),
        }
    }
}

impl Equivalent<Key> for str {
    fn equivalent(&self, key: &Key) -> bool {
        key.as_str() == Some(self)
    }
}

impl From<&str> for Key {
    fn from(text: &str) -> Key {
        Key::Str(Arc::from(text))
    }
}

impl From<String> for Key {
    fn from(text: String) -> Key {
        Key::Str(Arc::from(text))
    }
}

impl From<Arc<str>> for Key {
    fn from(text: Arc<str>) -> Key {
        Key::Str(text)
    }
}

impl fmt::Display for Key {
    /// The text of a string key, and Python's spelling of any other.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Key::Str(text) => f.write_str(text),
            other => write!(f, "{}", other.to_value()),
        }
    }
}
