//! Walking over objects, their length and their truth.

use super::context::Context;
use super::object::{Callable, Object};
use super::print::type_name;
use crate::template::error::{Result, TemplateError};
use crate::value::{Key, Value};

impl Context<'_> {
    /// What a loop over the object yields: items, keys, characters.
    pub fn iterate(&self, object: &Object) -> Result<Vec<Object>> {
        Ok(match object {
            Object::Value(Value::List(items)) => items.iter().cloned().map(Object::Value).collect(),
            Object::Lazy(Value::List(items), scope) => items.iter().map(|item| self.lift(item, scope)).collect(),
            Object::List(items) => items.borrow().clone(),
            Object::Tuple(items) => (**items).clone(),
            Object::Value(Value::Str(text)) => text.chars().map(|c| Object::str(c.to_string())).collect(),
            Object::Value(Value::Map(map)) | Object::Lazy(Value::Map(map), _) => {
                map.keys().map(|key| Object::Value(key.to_value())).collect()
            }
            Object::Dict(entries) => entries.borrow().keys().map(|key| Object::Value(key.to_value())).collect(),
            Object::Map(map, _) => map.keys().into_iter().map(|key| Object::Value(Value::Str(key))).collect(),
            Object::Range(start, _, step) => {
                let length = self.length(object).unwrap_or(0);
                if length > 50_000_000 {
                    return Err(TemplateError::runtime("range is too long"));
                }
                (0..length as i64).map(|index| Object::int(start + index * step)).collect()
            }
            Object::Blank(_) => Vec::new(),
            Object::Bytes(bytes) => bytes.iter().map(|byte| Object::int(i64::from(*byte))).collect(),
            Object::Undefined(error) => return Err(error.raised()),
            other => return Err(TemplateError::runtime(format!("'{}' object is not iterable", type_name(other)))),
        })
    }

    /// The entries of a mapping.
    pub fn entries(&self, object: &Object) -> Result<Vec<(Key, Object)>> {
        Ok(match object {
            Object::Value(Value::Map(map)) => {
                map.iter().map(|(key, value)| (key.clone(), Object::Value(value.clone()))).collect()
            }
            Object::Lazy(Value::Map(map), scope) => {
                map.iter().map(|(key, value)| (key.clone(), self.lift(value, scope))).collect()
            }
            Object::Dict(entries) | Object::Namespace(entries) => {
                entries.borrow().iter().map(|(key, object)| (key.clone(), object.clone())).collect()
            }
            Object::Map(map, scope) => map
                .keys()
                .into_iter()
                .filter_map(|key| {
                    let lazy = map.get(&key)?;
                    Some((Key::Str(key), self.lift_lazy(lazy, scope)))
                })
                .collect(),
            Object::Undefined(error) => return Err(error.raised()),
            other => return Err(TemplateError::runtime(format!("'{}' object is not a mapping", type_name(other)))),
        })
    }

    /// Whether `iterate` would do.
    pub fn is_iterable(&self, object: &Object) -> bool {
        !matches!(
            object,
            Object::Value(Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_))
                | Object::Undefined(_)
                | Object::Omit
                | Object::Callable(_)
                | Object::Namespace(_)
                | Object::Module(_)
                | Object::Cycler(_)
                | Object::Time(_)
                | Object::Delta(_)
        )
    }

    /// How many items, entries or characters; None for what has no length.
    pub fn length(&self, object: &Object) -> Option<usize> {
        Some(match object {
            Object::Value(Value::List(items)) | Object::Lazy(Value::List(items), _) => items.len(),
            Object::Value(Value::Map(map)) | Object::Lazy(Value::Map(map), _) => map.len(),
            Object::Value(Value::Str(text)) => text.chars().count(),
            Object::List(items) => items.borrow().len(),
            Object::Tuple(items) => items.len(),
            Object::Dict(entries) => entries.borrow().len(),
            Object::Map(map, _) => map.keys().len(),
            Object::Range(start, stop, step) => {
                let distance = if *step > 0 { stop.saturating_sub(*start) } else { start.saturating_sub(*stop) };
                let step = step.unsigned_abs();
                if distance <= 0 { 0 } else { (distance as u64).div_ceil(step) as usize }
            }
            Object::Blank(_) => 0,
            Object::Bytes(bytes) => bytes.len(),
            Object::Loop(state) => state.items.len(),
            _ => return None,
        })
    }

    /// Python's truth; something undefined is an error.
    pub fn truth(&self, object: &Object) -> Result<bool> {
        Ok(match object {
            Object::Value(value) | Object::Lazy(value, _) => value.truthy(),
            Object::Undefined(error) => return Err(error.raised()),
            Object::Delta(delta) => !delta.is_zero(),
            Object::Callable(callable) => !matches!(&**callable, Callable::Method(Object::Undefined(_), _)),
            other => self.length(other).is_none_or(|length| length > 0),
        })
    }
}
