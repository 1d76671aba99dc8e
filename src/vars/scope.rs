//! The variables that one task sees on one host.

use super::Precedence;
use crate::template::{LazyMap, Scope};
use crate::value::{Key, Map, Value};
use std::sync::Arc;

/// Maps of variables by precedence. Later layers win; within one precedence, later ones win.
#[derive(Debug, Clone, Default)]
pub struct Layers {
    /// Sorted by precedence; equal ones stay in the order of adding.
    layers: Vec<(Precedence, Arc<Map>)>,
    /// What the authors wrote elsewhere than in variables.
    written: Arc<Vec<Value>>,
}

impl Layers {
    /// Adds a layer; an empty one costs nothing.
    pub fn push(&mut self, precedence: Precedence, map: Arc<Map>) {
        if map.is_empty() {
            return;
        }
        let at = self.layers.partition_point(|(other, _)| *other <= precedence);
        self.layers.insert(at, (precedence, map));
    }

    /// Adds values that the authors wrote elsewhere, for [`Layers::trusts`].
    pub fn written(&mut self, values: Arc<Vec<Value>>) {
        self.written = values;
    }

    /// The winning definition of a name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.layers.iter().rev().find_map(|(_, map)| map.get(name))
    }

    /// Every definition of a name, the winner last.
    pub fn definitions(&self, name: &str) -> Vec<(Precedence, &Value)> {
        self.layers.iter().filter_map(|(precedence, map)| Some((*precedence, map.get(name)?))).collect()
    }

    /// Whether this very text stands in a layer that the project's authors wrote. What `set_fact` and
    /// loops pass on is theirs unless a result or a fact holds the same text.
    pub fn trusts(&self, text: &Arc<str>) -> bool {
        let holds = |source: Source| {
            let layers = self.layers.iter().filter(|(precedence, _)| Source::of(*precedence) == source);
            layers.flat_map(|(_, map)| map.values()).any(|value| self::holds(value, text))
        };
        let elsewhere = || self.written.iter().any(|value| self::holds(value, text));
        holds(Source::Authors) || elsewhere() || (!holds(Source::Hosts) && holds(Source::Passed))
    }

    /// Every name that has a definition.
    pub fn names(&self) -> Vec<Arc<str>> {
        let mut seen = indexmap::IndexSet::new();
        for key in self.layers.iter().flat_map(|(_, map)| map.keys()) {
            if let Key::Str(name) = key {
                seen.insert(name.clone());
            }
        }
        seen.into_iter().collect()
    }
}

/// Who wrote what a layer holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Authors,
    Hosts,
    Passed,
}

impl Source {
    fn of(precedence: Precedence) -> Source {
        match precedence {
            Precedence::Facts | Precedence::Registered | Precedence::Magic => Source::Hosts,
            Precedence::SetFacts | Precedence::LoopVars | Precedence::IncludeParams => Source::Passed,
            _ => Source::Authors,
        }
    }
}

/// Whether a value holds this very text as plain text.
fn holds(value: &Value, text: &Arc<str>) -> bool {
    match value {
        Value::Str(own) => Arc::ptr_eq(own, text),
        Value::List(items) => items.iter().any(|item| holds(item, text)),
        Value::Map(map) => map.values().any(|item| holds(item, text)),
        _ => false,
    }
}

/// [`Layers`] together with maps that are made on demand, such as `hostvars`.
pub struct TaskScope {
    /// The variables.
    pub layers: Layers,
    /// Maps made on demand, by name.
    pub objects: Vec<(&'static str, Arc<dyn LazyMap>)>,
}

impl Scope for TaskScope {
    fn get(&self, name: &str) -> Option<Value> {
        self.layers.get(name).cloned()
    }

    fn names(&self) -> Vec<Arc<str>> {
        let mut names = self.layers.names();
        names.extend(self.objects.iter().map(|(name, _)| Arc::from(*name)));
        names
    }

    fn trusts(&self, text: &Arc<str>) -> bool {
        self.layers.trusts(text)
    }

    fn object(&self, name: &str) -> Option<Arc<dyn LazyMap>> {
        self.objects.iter().find(|(known, _)| *known == name).map(|(_, object)| object.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(value: i64) -> Arc<Map> {
        Arc::new(Map::from([("x".into(), Value::Int(value))]))
    }

    #[test]
    fn the_highest_precedence_wins_whatever_the_order_of_adding() {
        let mut layers = Layers::default();
        layers.push(Precedence::ExtraVars, map(3));
        layers.push(Precedence::RoleDefaults, map(1));
        layers.push(Precedence::PlayVars, map(2));
        assert_eq!(layers.get("x"), Some(&Value::Int(3)));
        assert_eq!(layers.definitions("x").len(), 3);
        assert_eq!(layers.names().len(), 1);
    }

    #[test]
    fn texts_of_hosts_are_not_trusted() {
        let text = |name: &str| -> (Arc<str>, Arc<Map>) {
            let text: Arc<str> = Arc::from("1 == 1");
            (text.clone(), Arc::new(Map::from([(Key::from(name), Value::list(vec![Value::Str(text)]))])))
        };
        let [(author, authors), (host, hosts), (made, _)] = [text("a"), text("b"), text("c")];
        let mut layers = Layers::default();
        layers.push(Precedence::PlayVars, authors.clone());
        layers.push(Precedence::Registered, hosts.clone());
        layers.push(Precedence::SetFacts, hosts);
        layers.push(Precedence::LoopVars, authors);
        assert!(layers.trusts(&author));
        assert!(!layers.trusts(&host));
        assert!(!layers.trusts(&made));
    }

    #[test]
    fn a_later_layer_of_one_precedence_wins() {
        let mut layers = Layers::default();
        layers.push(Precedence::TaskVars, map(1));
        layers.push(Precedence::TaskVars, map(2));
        assert_eq!(layers.get("x"), Some(&Value::Int(2)));
    }
}
