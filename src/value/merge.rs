//! Merging maps, as `hash_behaviour=merge` and the `combine` filter do.

use super::{Map, Value};
use std::sync::Arc;

/// What happens when both maps hold a list under one key (`combine(list_merge=...)`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListMerge {
    /// The right one wins.
    Replace,
    /// The left one stays.
    Keep,
    /// Left, then right.
    Append,
    /// Right, then left.
    Prepend,
    /// Left without what right has, then right.
    AppendUnique,
    /// Right, then left without what right has.
    PrependUnique,
}

/// `left` overlaid with `right`. With `recursive`, maps under one key are merged in turn.
pub fn merge_maps(left: &Map, right: &Map, recursive: bool, lists: ListMerge) -> Map {
    let mut merged = left.clone();
    for (key, new) in right {
        let value = match (merged.get(key), new) {
            (Some(Value::Map(old)), Value::Map(new)) if recursive => Value::map(merge_maps(old, new, recursive, lists)),
            (Some(Value::List(old)), Value::List(new)) => Value::List(merge_lists(old, new, lists)),
            _ => new.clone(),
        };
        merged.insert(key.clone(), value);
    }
    merged
}

fn merge_lists(old: &Arc<Vec<Value>>, new: &Arc<Vec<Value>>, how: ListMerge) -> Arc<Vec<Value>> {
    let without_new = || old.iter().filter(|item| !new.contains(item)).cloned();
    match how {
        ListMerge::Replace => new.clone(),
        ListMerge::Keep => old.clone(),
        ListMerge::Append => Arc::new(old.iter().chain(new.iter()).cloned().collect()),
        ListMerge::Prepend => Arc::new(new.iter().chain(old.iter()).cloned().collect()),
        ListMerge::AppendUnique => Arc::new(without_new().chain(new.iter().cloned()).collect()),
        ListMerge::PrependUnique => Arc::new(new.iter().cloned().chain(without_new()).collect()),
    }
}
