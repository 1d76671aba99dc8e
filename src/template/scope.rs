//! Where a template's names come from.

use crate::value::{Map, Value};
use std::sync::Arc;

/// Where names come from. Values may be unrendered: the engine renders them when they are reached.
pub trait Scope: Send + Sync {
    /// The variable `name`.
    fn get(&self, name: &str) -> Option<Value>;

    /// The names of all variables.
    fn names(&self) -> Vec<Arc<str>>;

    /// Whether this very text (not an equal one) was written by the project's authors, so that a
    /// condition may be made of it. Text of results and facts was not, nor was what a template made.
    fn trusts(&self, _text: &Arc<str>) -> bool {
        true
    }

    /// A map whose entries are found on demand, such as `hostvars` and `vars`. Asked before `get`.
    fn object(&self, _name: &str) -> Option<Arc<dyn LazyMap>> {
        None
    }
}

/// A map whose entries are found on demand.
pub trait LazyMap: Send + Sync {
    /// The entry `key`.
    fn get(&self, key: &str) -> Option<Lazy>;

    /// The keys, in order.
    fn keys(&self) -> Vec<Arc<str>>;
}

/// An entry of a [`LazyMap`].
#[derive(Clone)]
pub enum Lazy {
    /// A value; the scope that its templates are rendered in, when it is not the reader's.
    Value(Value, Option<Arc<dyn Scope>>),
    /// A further map, such as one host's variables in `hostvars`.
    Map(Arc<dyn LazyMap>),
}

/// A scope over plain variables.
#[derive(Debug, Clone, Default)]
pub struct Variables(pub Map);

impl Scope for Variables {
    fn get(&self, name: &str) -> Option<Value> {
        self.0.get(name).cloned()
    }

    fn names(&self) -> Vec<Arc<str>> {
        self.0.keys().filter_map(|key| key.as_str().map(Arc::from)).collect()
    }
}

/// Further variables over another scope, such as a loop's `item`.
pub struct Overlay {
    /// The variables that win.
    pub over: Map,
    /// The scope below.
    pub under: Arc<dyn Scope>,
}

impl Scope for Overlay {
    fn get(&self, name: &str) -> Option<Value> {
        self.over.get(name).cloned().or_else(|| self.under.get(name))
    }

    fn names(&self) -> Vec<Arc<str>> {
        let mut names = self.under.names();
        for key in self.over.keys().filter_map(|key| key.as_str()) {
            if !names.iter().any(|name| &**name == key) {
                names.push(Arc::from(key));
            }
        }
        names
    }

    fn trusts(&self, text: &Arc<str>) -> bool {
        self.under.trusts(text)
    }

    fn object(&self, name: &str) -> Option<Arc<dyn LazyMap>> {
        if self.over.contains_key(name) { None } else { self.under.object(name) }
    }
}
