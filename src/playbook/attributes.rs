//! The keywords that something carries, and what it inherits from what is around it.

use super::keyword::{Inherit, Keyword};
use crate::source::Span;
use crate::value::Value;
use std::collections::BTreeMap;

/// A keyword's value and where the keyword is written.
#[derive(Debug, Clone, PartialEq)]
pub struct Attribute {
    /// The value, unrendered.
    pub value: Value,
    /// The place of the value.
    pub span: Option<Span>,
}

/// Keywords with their values.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Attributes(BTreeMap<Keyword, Attribute>);

impl Attributes {
    /// Sets a keyword.
    pub fn set(&mut self, keyword: Keyword, value: Value, span: Option<Span>) {
        self.0.insert(keyword, Attribute { value, span });
    }

    /// Takes a keyword out.
    pub fn remove(&mut self, keyword: Keyword) -> Option<Attribute> {
        self.0.remove(&keyword)
    }

    /// The value of a keyword.
    pub fn get(&self, keyword: Keyword) -> Option<&Value> {
        self.0.get(&keyword).map(|attribute| &attribute.value)
    }

    /// The value of a keyword and its place.
    pub fn attribute(&self, keyword: Keyword) -> Option<&Attribute> {
        self.0.get(&keyword)
    }

    /// Where a keyword's value is written.
    pub fn span(&self, keyword: Keyword) -> Option<Span> {
        self.0.get(&keyword).and_then(|attribute| attribute.span)
    }

    /// Every keyword that is set.
    pub fn iter(&self) -> impl Iterator<Item = (Keyword, &Attribute)> {
        self.0.iter().map(|(keyword, attribute)| (*keyword, attribute))
    }

    /// The items of a keyword that takes one or several: a list's items, or the value itself.
    pub fn items(&self, keyword: Keyword) -> Vec<Value> {
        self.get(keyword).map(as_items).unwrap_or_default()
    }

    /// These keywords below `parent`: what they do not say themselves comes from there.
    pub fn below(&self, parent: &Attributes) -> Attributes {
        let mut merged = self.clone();
        for (keyword, above) in &parent.0 {
            match keyword.inherit() {
                Inherit::No => {}
                Inherit::Nearest => {
                    merged.0.entry(*keyword).or_insert_with(|| above.clone());
                }
                Inherit::Append => merged.append(*keyword, above),
            }
        }
        merged
    }

    fn append(&mut self, keyword: Keyword, above: &Attribute) {
        let mut items = as_items(&above.value);
        let span = self.span(keyword).or(above.span);
        if let Some(own) = self.get(keyword) {
            items.extend(as_items(own));
        }
        self.set(keyword, Value::list(items), span);
    }
}

fn as_items(value: &Value) -> Vec<Value> {
    match value {
        Value::List(items) => items.as_ref().clone(),
        Value::Null => Vec::new(),
        single => vec![single.clone()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_wins_and_lists_grow() {
        let mut parent = Attributes::default();
        parent.set(Keyword::Become, Value::Bool(true), None);
        parent.set(Keyword::When, Value::str("a"), None);
        parent.set(Keyword::Name, Value::str("parent"), None);
        let mut child = Attributes::default();
        child.set(Keyword::When, Value::from(vec!["b"]), None);
        child.set(Keyword::Become, Value::Bool(false), None);
        let merged = child.below(&parent);
        assert_eq!(merged.get(Keyword::Become), Some(&Value::Bool(false)));
        assert_eq!(merged.items(Keyword::When), [Value::str("a"), Value::str("b")]);
        assert_eq!(merged.get(Keyword::Name), None);
    }
}
