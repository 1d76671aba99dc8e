//! Variables as they were set, one after another.

use crate::source::Span;
use crate::value::Value;
use std::sync::Arc;

/// One setting of a variable.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    /// The variable.
    pub name: Arc<str>,
    /// What it was set to, not rendered.
    pub value: Value,
    /// Where.
    pub span: Option<Span>,
}

/// All settings of one host or group in the order in which they were made. A later one of the same
/// name wins (or is merged over, with `hash_behaviour=merge`).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Definitions(Vec<Definition>);

impl Definitions {
    /// Adds a setting.
    pub fn set(&mut self, name: &str, value: Value, span: Option<Span>) {
        self.0.push(Definition { name: Arc::from(name), value, span });
    }

    /// The value that wins.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().rev().find(|definition| &*definition.name == name).map(|definition| &definition.value)
    }

    /// All settings, the winning one of a name last.
    pub fn iter(&self) -> impl Iterator<Item = &Definition> {
        self.0.iter()
    }

    /// Whether nothing is set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
