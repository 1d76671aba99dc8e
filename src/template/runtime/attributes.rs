//! `a.b`, `a['b']` and `a[1:2]`.

use super::context::Context;
use super::object::{Callable, Object, blank_message};
use super::print::type_name;
use crate::template::error::{ErrorKind, Result, TemplateError};
use crate::template::methods;
use crate::value::{Key, Value};
use std::rc::Rc;
use std::sync::Arc;

impl Context<'_> {
    /// `object.name`: Python's attributes and methods first, then the entry of that name.
    pub fn attribute(&self, object: &Object, name: &str) -> Result<Object> {
        if methods::has(object, name) {
            return Ok(Object::Callable(Rc::new(Callable::Method(object.clone(), Arc::from(name)))));
        }
        let found = match object {
            Object::Undefined(_) => return Ok(object.clone()),
            Object::Blank(line) => return Ok(self.undefined(name, blank_message(*line))),
            Object::Loop(state) => state.attribute(self, name)?,
            Object::Module(module) => module.get(name),
            Object::Namespace(entries) => entries.borrow().get(name).cloned(),
            Object::Time(time) => time.attribute(name).map(Object::int),
            Object::Delta(delta) => delta.attribute(name).map(Object::int),
            // What `groupby` gives.
            Object::Tuple(items) if items.len() == 2 => match name {
                "grouper" => items.first().cloned(),
                "list" => items.get(1).cloned(),
                _ => None,
            },
            Object::Cycler(state) if name == "current" => state.0.get(state.1.get()).cloned(),
            Object::Callable(callable) => match (&**callable, name) {
                (Callable::Macro(called), "name") => Some(Object::str(&called.text.name)),
                (Callable::Macro(called), "arguments") => {
                    Some(Object::tuple(called.text.signature.names.iter().map(Object::str).collect()))
                }
                _ => None,
            },
            _ => self.entry(object, &Key::from(name)),
        };
        Ok(found.unwrap_or_else(|| self.missing(object, &Object::str(name))))
    }

    /// `object[key]`: the entry first, then the attribute of that name.
    pub fn item(&self, object: &Object, key: &Object) -> Result<Object> {
        if let Object::Undefined(_) = object {
            return Ok(object.clone());
        }
        if let Object::Undefined(error) = key {
            return Err(error.raised());
        }
        let found = if object.is_mapping() {
            match self.key(key) {
                Ok(key) => self.entry(object, &key),
                Err(_) => None,
            }
        } else if let Some(index) = key.as_int() {
            self.at(object, index)
        } else {
            None
        };
        if let Some(found) = found {
            return Ok(found);
        }
        match key.as_str() {
            Some(name) if !object.is_mapping() || methods::has(object, name) => self.attribute(object, name),
            _ => Ok(self.missing(object, key)),
        }
    }

    fn missing(&self, object: &Object, name: &Object) -> Object {
        let shown = self.repr(name).unwrap_or_default();
        let message = format!("object of type '{}' has no attribute {shown}", type_name(object));
        let name = name.as_str().map_or(shown, str::to_owned);
        Object::failed(TemplateError::new(ErrorKind::Undefined { name }, message).at(self.span))
    }

    /// The entry of a mapping.
    pub fn entry(&self, object: &Object, key: &Key) -> Option<Object> {
        match object {
            Object::Value(Value::Map(map)) => map.get(key).map(|value| Object::Value(value.clone())),
            Object::Lazy(Value::Map(map), scope) => map.get(key).map(|value| self.lift(value, scope)),
            Object::Dict(entries) | Object::Namespace(entries) => entries.borrow().get(key).cloned(),
            Object::Map(map, scope) => map.get(key.as_str()?).map(|lazy| self.lift_lazy(lazy, scope)),
            _ => None,
        }
    }

    /// The item at an index; negative ones count from the end.
    pub fn at(&self, object: &Object, index: i64) -> Option<Object> {
        let place = |length: usize| {
            let index = if index < 0 { index.checked_add(length as i64)? } else { index };
            usize::try_from(index).ok().filter(|index| *index < length)
        };
        match object {
            Object::Value(Value::List(items)) => Some(Object::Value(items[place(items.len())?].clone())),
            Object::Lazy(Value::List(items), scope) => Some(self.lift(&items[place(items.len())?], scope)),
            Object::List(items) => {
                let items = items.borrow();
                Some(items[place(items.len())?].clone())
            }
            Object::Tuple(items) => Some(items[place(items.len())?].clone()),
            Object::Value(Value::Str(text)) => {
                let length = text.chars().count();
                text.chars().nth(place(length)?).map(|c| Object::str(c.to_string()))
            }
            Object::Range(start, _, step) => {
                let length = self.length(object)?;
                Some(Object::int(start + place(length)? as i64 * step))
            }
            Object::Bytes(bytes) => Some(Object::int(i64::from(bytes[place(bytes.len())?]))),
            _ => None,
        }
    }

    /// An object as a key of a mapping.
    pub fn key(&self, object: &Object) -> Result<Key> {
        match object {
            Object::Value(value) => Key::from_value(value),
            Object::Undefined(error) => return Err(error.raised()),
            _ => None,
        }
        .ok_or_else(|| TemplateError::runtime(format!("unhashable type: '{}'", type_name(object))))
    }

    pub(super) fn slice_bound(&self, object: &Object) -> Result<Option<i64>> {
        match object {
            Object::Value(Value::Null) => Ok(None),
            Object::Undefined(error) => Err(error.raised()),
            other => other.as_int().map(Some).ok_or_else(|| {
                TemplateError::runtime("slice indices must be integers or None or have an __index__ method")
            }),
        }
    }

    /// `object[start:stop:step]`.
    pub fn slice(&self, object: &Object, [start, stop, step]: [Option<i64>; 3]) -> Result<Object> {
        let step = step.unwrap_or(1);
        if step == 0 {
            return Err(TemplateError::runtime("slice step cannot be zero"));
        }
        let indices = |length: usize| -> Vec<usize> {
            let length = length as i64;
            let clamp = |bound: i64, low: i64, high: i64| {
                let bound = if bound < 0 { bound.saturating_add(length) } else { bound };
                bound.clamp(low, high)
            };
            let (first, last) = if step > 0 {
                (start.map_or(0, |b| clamp(b, 0, length)), stop.map_or(length, |b| clamp(b, 0, length)))
            } else {
                (start.map_or(length - 1, |b| clamp(b, -1, length - 1)), stop.map_or(-1, |b| clamp(b, -1, length - 1)))
            };
            let mut out = Vec::new();
            let mut index = first;
            while if step > 0 { index < last } else { index > last } {
                out.push(index as usize);
                index = index.saturating_add(step);
            }
            out
        };
        match object {
            Object::Undefined(_) => Ok(object.clone()),
            Object::Value(Value::Str(text)) => {
                let chars: Vec<char> = text.chars().collect();
                Ok(Object::str(indices(chars.len()).into_iter().map(|index| chars[index]).collect::<String>()))
            }
            Object::Value(Value::List(items)) => {
                let picked = indices(items.len()).into_iter().map(|index| items[index].clone()).collect();
                Ok(Object::Value(Value::list(picked)))
            }
            Object::Lazy(Value::List(items), scope) => {
                let picked = indices(items.len()).into_iter().map(|index| items[index].clone()).collect();
                Ok(Object::Lazy(Value::list(picked), scope.clone()))
            }
            Object::Tuple(items) => {
                Ok(Object::tuple(indices(items.len()).into_iter().map(|index| items[index].clone()).collect()))
            }
            Object::List(_) | Object::Range(..) => {
                let items = self.iterate(object)?;
                Ok(Object::list(indices(items.len()).into_iter().map(|index| items[index].clone()).collect()))
            }
            Object::Bytes(bytes) => {
                Ok(Object::Bytes(Rc::new(indices(bytes.len()).into_iter().map(|index| bytes[index]).collect())))
            }
            other => Err(TemplateError::runtime(format!("'{}' object is not subscriptable", type_name(other)))),
        }
    }
}
