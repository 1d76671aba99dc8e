//! Equality, order and membership, as Python has them.

use super::context::Context;
use super::object::Object;
use super::print::type_name;
use crate::template::error::{Result, TemplateError};
use crate::template::syntax::CompareOp;
use crate::value::Value;
use std::cmp::Ordering;
use std::rc::Rc;

impl Context<'_> {
    /// One comparison.
    pub fn compare(&self, op: CompareOp, left: &Object, right: &Object) -> Result<bool> {
        match op {
            CompareOp::Eq => self.equal(left, right),
            CompareOp::Ne => Ok(!self.equal(left, right)?),
            CompareOp::In => self.contains(right, left),
            CompareOp::NotIn => Ok(!self.contains(right, left)?),
            CompareOp::Lt => self.ordered(left, right, "<", Ordering::is_lt),
            CompareOp::Le => self.ordered(left, right, "<=", Ordering::is_le),
            CompareOp::Gt => self.ordered(left, right, ">", Ordering::is_gt),
            CompareOp::Ge => self.ordered(left, right, ">=", Ordering::is_ge),
        }
    }

    /// `left == right`; something undefined is an error.
    pub fn equal(&self, left: &Object, right: &Object) -> Result<bool> {
        for side in [left, right] {
            if let Object::Undefined(error) = side {
                return Err(error.raised());
            }
        }
        Ok(match (left, right) {
            (Object::Value(left), Object::Value(right)) => left == right,
            (Object::Tuple(_), Object::Tuple(_)) => self.plain(left)? == self.plain(right)?,
            (Object::Tuple(_), _) | (_, Object::Tuple(_)) => false,
            (Object::Range(..), Object::Range(..)) => {
                self.plain(&Object::list(self.iterate(left)?))? == self.plain(&Object::list(self.iterate(right)?))?
            }
            (Object::Time(left), Object::Time(right)) => left == right,
            (Object::Delta(left), Object::Delta(right)) => left == right,
            (Object::Bytes(left), Object::Bytes(right)) => left == right,
            (Object::Omit, Object::Omit) => true,
            (Object::Callable(left), Object::Callable(right)) => Rc::ptr_eq(left, right),
            (Object::Namespace(left), Object::Namespace(right)) => Rc::ptr_eq(left, right),
            _ if is_data(left) && is_data(right) => self.plain(left)? == self.plain(right)?,
            _ => false,
        })
    }

    fn ordered(&self, left: &Object, right: &Object, op: &str, holds: fn(Ordering) -> bool) -> Result<bool> {
        for side in [left, right] {
            if let Object::Undefined(error) = side {
                return Err(error.raised());
            }
        }
        match self.order(left, right) {
            Ok(Some(ordering)) => Ok(holds(ordering)),
            // NaN is neither less nor greater.
            Ok(None) => Ok(false),
            Err(Some(error)) => Err(error),
            Err(None) => Err(TemplateError::runtime(format!(
                "'{op}' not supported between instances of '{}' and '{}'",
                type_name(left),
                type_name(right)
            ))),
        }
    }

    /// The order of two objects, for sorting.
    pub fn sort_order(&self, left: &Object, right: &Object) -> Result<Ordering> {
        match self.order(left, right) {
            Ok(ordering) => Ok(ordering.unwrap_or(Ordering::Equal)),
            Err(Some(error)) => Err(error),
            Err(None) => Err(TemplateError::runtime(format!(
                "'<' not supported between instances of '{}' and '{}'",
                type_name(left),
                type_name(right)
            ))),
        }
    }

    /// None for NaN; `Err(None)` for what has no order.
    fn order(&self, left: &Object, right: &Object) -> Result<Option<Ordering>, Option<Box<TemplateError>>> {
        match (left, right) {
            (Object::Value(left), Object::Value(right)) => order_values(left, right).ok_or(None),
            (Object::Time(left), Object::Time(right)) => Ok(Some(left.cmp(right))),
            (Object::Delta(left), Object::Delta(right)) => Ok(Some(left.cmp(right))),
            (Object::Tuple(a), Object::Tuple(b)) => self.order_items(a, b),
            (Object::Tuple(_), _) | (_, Object::Tuple(_)) => Err(None),
            _ if left.is_list() && right.is_list() => {
                let (a, b) = (self.iterate(left).map_err(Some)?, self.iterate(right).map_err(Some)?);
                self.order_items(&a, &b)
            }
            (Object::Undefined(error), _) | (_, Object::Undefined(error)) => Err(Some(error.raised())),
            _ => Err(None),
        }
    }

    fn order_items(&self, a: &[Object], b: &[Object]) -> Result<Option<Ordering>, Option<Box<TemplateError>>> {
        for (left, right) in a.iter().zip(b) {
            if !self.equal(left, right).map_err(Some)? {
                return match self.order(left, right) {
                    Err(None) => Err(Some(TemplateError::runtime(format!(
                        "'<' not supported between instances of '{}' and '{}'",
                        type_name(left),
                        type_name(right)
                    )))),
                    other => other,
                };
            }
        }
        Ok(Some(a.len().cmp(&b.len())))
    }

    /// `needle in haystack`.
    pub fn contains(&self, haystack: &Object, needle: &Object) -> Result<bool> {
        if let Object::Undefined(error) = needle {
            return Err(error.raised());
        }
        match haystack {
            Object::Value(Value::Str(text)) => match needle.as_str() {
                Some(part) => Ok(text.contains(part)),
                None => Err(TemplateError::runtime(format!(
                    "'in <string>' requires string as left operand, not {}",
                    type_name(needle)
                ))),
            },
            _ if haystack.is_mapping() => match haystack {
                Object::Map(map, _) => Ok(needle.as_str().is_some_and(|name| map.get(name).is_some())),
                Object::Value(Value::Map(map)) | Object::Lazy(Value::Map(map), _) => {
                    Ok(map.contains_key(&self.key(needle)?))
                }
                Object::Dict(entries) => Ok(entries.borrow().contains_key(&self.key(needle)?)),
                _ => Ok(false),
            },
            Object::Undefined(error) => Err(error.raised()),
            _ if self.is_iterable(haystack) => {
                for item in self.iterate(haystack)? {
                    if self.equal(&item, needle)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            other => Err(TemplateError::runtime(format!("argument of type '{}' is not iterable", type_name(other)))),
        }
    }
}

fn is_data(object: &Object) -> bool {
    matches!(object, Object::Value(_) | Object::Lazy(..) | Object::List(_) | Object::Dict(_) | Object::Map(..))
}

/// The order of data; the outer None: there is none, the inner one: NaN.
fn order_values(left: &Value, right: &Value) -> Option<Option<Ordering>> {
    let number = |value: &Value| match value {
        Value::Int(number) => Some(*number as f64),
        Value::Bool(truth) => Some(f64::from(u8::from(*truth))),
        Value::Float(number) => Some(*number),
        _ => None,
    };
    match (left, right) {
        (Value::Int(a), Value::Int(b)) => Some(Some(a.cmp(b))),
        (Value::Str(a), Value::Str(b)) => Some(Some(a.cmp(b))),
        (Value::List(a), Value::List(b)) => {
            for (left, right) in a.iter().zip(b.iter()) {
                if left != right {
                    return order_values(left, right);
                }
            }
            Some(Some(a.len().cmp(&b.len())))
        }
        _ => Some(number(left)?.partial_cmp(&number(right)?)),
    }
}
