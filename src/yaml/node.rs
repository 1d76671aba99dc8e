//! A node: what stands at one place of a YAML text.

use crate::source::Span;
use crate::value::{Key, Map, TemplateText, Value, VaultText, is_template};
use std::sync::Arc;

/// A scalar, list or map and where it is written. An alias gives a copy of the anchor's node, with
/// the anchor's place.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Where it starts; the length is known for scalars on one line.
    pub span: Span,
    /// What it is.
    pub kind: Kind,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// `~`, `null` or nothing.
    Null,
    /// A boolean.
    Bool(bool),
    /// A whole number. A decimal one that does not fit is text, so that no digit is lost.
    Int(i64),
    /// A floating point number.
    Float(f64),
    /// Text.
    Str {
        /// What it says, without quotes.
        text: Arc<str>,
        /// Written without quotes and not as a block.
        plain: bool,
    },
    /// Several nodes in order.
    List(Vec<Node>),
    /// Keys and values in order; no key twice, merge keys are resolved.
    Map(Vec<Entry>),
    /// The envelope of a `!vault` scalar.
    Vault(Arc<str>),
    /// What is tagged `!unsafe`: nothing in it is a template.
    Unsafe(Box<Node>),
}

/// A key and its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// A scalar.
    pub key: Node,
    /// Anything.
    pub value: Node,
}

impl Entry {
    /// The text of a string key.
    pub fn name(&self) -> Option<&str> {
        self.key.as_str()
    }
}

/// How text is taken.
#[derive(Clone, Copy)]
enum Reading {
    /// With a marker it is a template.
    Authored,
    /// Below `!unsafe`.
    Unsafe,
    /// As plain data.
    Data,
}

impl Node {
    /// The value as an author means it: text with a marker is a template, except below `!unsafe`.
    pub fn to_value(&self) -> Value {
        self.convert(Reading::Authored)
    }

    /// The value as data: no text is a template.
    pub fn to_data(&self) -> Value {
        self.convert(Reading::Data)
    }

    fn convert(&self, reading: Reading) -> Value {
        match &self.kind {
            Kind::Null => Value::Null,
            Kind::Bool(truth) => Value::Bool(*truth),
            Kind::Int(number) => Value::Int(*number),
            Kind::Float(number) => Value::Float(*number),
            Kind::Str { text, .. } => match reading {
                Reading::Authored if is_template(text) => Value::Template(Arc::new(TemplateText {
                    text: text.clone(),
                    span: Some(self.span),
                    verbatim: false,
                })),
                Reading::Unsafe => Value::verbatim(text.clone(), Some(self.span)),
                Reading::Authored | Reading::Data => Value::Str(text.clone()),
            },
            Kind::List(items) => Value::list(items.iter().map(|item| item.convert(reading)).collect()),
            Kind::Map(entries) => {
                let mut map = Map::with_capacity(entries.len());
                for entry in entries {
                    if let Some(key) = entry.key.to_key() {
                        map.insert(key, entry.value.convert(reading));
                    }
                }
                Value::map(map)
            }
            Kind::Vault(envelope) => {
                Value::Vault(Arc::new(VaultText { envelope: envelope.clone(), span: Some(self.span) }))
            }
            Kind::Unsafe(inner) => match reading {
                Reading::Data => inner.convert(Reading::Data),
                Reading::Authored | Reading::Unsafe => inner.convert(Reading::Unsafe),
            },
        }
    }

    /// The node as the key of a map; None for lists, maps and vault text.
    pub fn to_key(&self) -> Option<Key> {
        Key::from_value(&self.convert(Reading::Data))
    }

    /// The value of key `key` of a map.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The entry with key `key` of a map.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.as_map()?.iter().find(|entry| entry.name() == Some(key))
    }

    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match &self.content().kind {
            Kind::Str { text, .. } => Some(text),
            _ => None,
        }
    }

    /// The items of a list.
    pub fn as_list(&self) -> Option<&[Node]> {
        match &self.content().kind {
            Kind::List(items) => Some(items),
            _ => None,
        }
    }

    /// The entries of a map.
    pub fn as_map(&self) -> Option<&[Entry]> {
        match &self.content().kind {
            Kind::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The truth value, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self.content().kind {
            Kind::Bool(truth) => Some(truth),
            _ => None,
        }
    }

    /// The number, if it is a whole one.
    pub fn as_int(&self) -> Option<i64> {
        match self.content().kind {
            Kind::Int(number) => Some(number),
            _ => None,
        }
    }

    /// Whether it is null or nothing.
    pub fn is_null(&self) -> bool {
        matches!(self.content().kind, Kind::Null)
    }

    /// Whether it is tagged `!unsafe`.
    pub fn is_unsafe(&self) -> bool {
        matches!(self.kind, Kind::Unsafe(_))
    }

    /// The node itself, or what is below `!unsafe`.
    pub fn content(&self) -> &Node {
        match &self.kind {
            Kind::Unsafe(inner) => inner.content(),
            _ => self,
        }
    }

    /// The text of a scalar as Ansible would print it (`True`, `1.5`); None for null, lists, maps
    /// and vault text. For places that take a number or a word, such as `tags: 1`.
    pub fn scalar_text(&self) -> Option<String> {
        match &self.content().kind {
            Kind::Bool(_) | Kind::Int(_) | Kind::Float(_) | Kind::Str { .. } => Some(self.to_data().to_string()),
            _ => None,
        }
    }

    /// What it is, for messages: `a string`, `a list`.
    pub fn describe_kind(&self) -> &'static str {
        match &self.kind {
            Kind::Null => "nothing",
            Kind::Bool(_) => "a boolean",
            Kind::Int(_) => "an integer",
            Kind::Float(_) => "a float",
            Kind::Str { .. } => "a string",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a mapping",
            Kind::Vault(_) => "an encrypted string",
            Kind::Unsafe(inner) => inner.describe_kind(),
        }
    }
}
