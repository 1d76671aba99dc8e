//! Filters that treat lists as sets. The result keeps the order of first appearance; whole numbers
//! come in the order that Python's sets have them in.

use super::Filter;
use super::sequence::{Getter, same, set_key};
use crate::template::error::{Result, TemplateError};
use crate::template::runtime::{Args, Context, Object};
use crate::value::{Key, Value};
use std::collections::HashSet;

pub const FILTERS: &[(&str, Filter)] = &[
    ("unique", unique),
    ("union", |context, value, args| {
        let (mut left, right) = both(context, &value, args)?;
        left.extend(right);
        Ok(Object::list(as_set(distinct(context, left)?)))
    }),
    ("intersect", |context, value, args| {
        let (left, right) = both(context, &value, args)?;
        Ok(Object::list(as_set(distinct(context, keep(context, left, &right, true)?)?)))
    }),
    ("difference", |context, value, args| {
        let (left, right) = both(context, &value, args)?;
        Ok(Object::list(as_set(distinct(context, keep(context, left, &right, false)?)?)))
    }),
    ("symmetric_difference", |context, value, args| {
        let (left, right) = both(context, &value, args)?;
        let mut out = keep(context, left.clone(), &right, false)?;
        out.extend(keep(context, right, &left, false)?);
        Ok(Object::list(as_set(distinct(context, out)?)))
    }),
];

fn both(context: &Context<'_>, value: &Object, args: Args) -> Result<(Vec<Object>, Vec<Object>)> {
    let [other] = args.bind_required(["b"], 1)?;
    Ok((context.iterate(value)?, context.iterate(&other.unwrap_or(Object::NONE))?))
}

/// A set of objects; those that are no keys are compared one by one.
#[derive(Default)]
pub struct Set {
    keys: HashSet<Key>,
    others: Vec<Object>,
}

impl Set {
    /// Adds an object; false when it was there.
    pub fn add(&mut self, context: &Context<'_>, object: &Object) -> Result<bool> {
        if self.has(context, object)? {
            return Ok(false);
        }
        match set_key(object) {
            Some(key) => {
                self.keys.insert(key);
            }
            None => self.others.push(object.clone()),
        }
        Ok(true)
    }

    /// Whether the object is there.
    pub fn has(&self, context: &Context<'_>, object: &Object) -> Result<bool> {
        if let Some(key) = set_key(object) {
            return Ok(self.keys.contains(&key));
        }
        for other in &self.others {
            if same(context, other, object)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn keep(context: &Context<'_>, items: Vec<Object>, others: &[Object], present: bool) -> Result<Vec<Object>> {
    let mut set = Set::default();
    for other in others {
        set.add(context, other)?;
    }
    let mut out = Vec::new();
    for item in items {
        if set.has(context, &item)? == present {
            out.push(item);
        }
    }
    Ok(out)
}

fn distinct(context: &Context<'_>, items: Vec<Object>) -> Result<Vec<Object>> {
    let mut set = Set::default();
    let mut out = Vec::new();
    for item in items {
        if set.add(context, &item)? {
            out.push(item);
        }
    }
    Ok(out)
}

/// Puts whole numbers in the order of Python's hash table: a number's slot is its lowest bits.
/// Other things have no order in Python's sets that anyone could rely on.
fn as_set(mut items: Vec<Object>) -> Vec<Object> {
    if !items.iter().all(|item| matches!(item, Object::Value(Value::Int(0..)))) {
        return items;
    }
    let mut slots = 8i64;
    for count in 1..=items.len() as i64 {
        if count * 5 >= (slots - 1) * 3 {
            while slots <= count * 4 {
                slots *= 2;
            }
        }
    }
    items.sort_by_key(|item| item.as_int().unwrap_or(0) & (slots - 1));
    items
}

/// Jinja2's `unique`; ansible-core's own when an item is no key of a set.
fn unique(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    let [case_sensitive, attribute] = args.bind(["case_sensitive", "attribute"])?;
    let items = context.iterate(&value)?;
    let fold_case = !context.truth_or(&case_sensitive, false)?;
    let getter = Getter::new(attribute.as_ref(), fold_case);
    let keys = items.iter().map(|item| getter.get(context, item)).collect::<Result<Vec<_>>>()?;
    let hashable = keys.iter().all(|key| set_key(key).is_some() || matches!(key, Object::Undefined(_)));
    if !hashable {
        if (case_sensitive.is_some() && fold_case) || attribute.is_some() {
            return Err(TemplateError::runtime(
                "Jinja2's unique filter failed and we cannot fall back to Ansible's version as it does not support the parameters supplied.",
            ));
        }
        return Ok(Object::list(distinct(context, items)?));
    }
    let mut set = Set::default();
    let mut out = Vec::new();
    for (item, key) in items.into_iter().zip(keys) {
        if set.add(context, &key)? {
            out.push(item);
        }
    }
    Ok(Object::list(out))
}
