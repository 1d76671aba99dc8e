//! Python's methods of strings, lists, dicts and the other objects, one file per type.

mod dict;
pub mod list;
mod other;
pub mod text;

use super::error::{Result, TemplateError};
use super::runtime::{Args, Context, Object, type_name};
use crate::value::Value;

/// Whether the object has a method of that name.
pub fn has(object: &Object, name: &str) -> bool {
    table(object).contains(&name)
}

/// Whether methods of that name change their object.
pub fn changes(name: &str) -> bool {
    matches!(
        name,
        "append"
            | "extend"
            | "insert"
            | "remove"
            | "pop"
            | "popitem"
            | "clear"
            | "sort"
            | "reverse"
            | "update"
            | "setdefault"
    )
}

fn table(object: &Object) -> &'static [&'static str] {
    match object {
        Object::Value(Value::Str(_)) => text::NAMES,
        Object::Tuple(_) => &["count", "index"],
        Object::Bytes(_) => &["decode", "hex"],
        Object::Value(Value::Int(_) | Value::Bool(_)) => {
            &["bit_length", "conjugate", "__and__", "__or__", "__xor__", "__lshift__", "__rshift__"]
        }
        Object::Value(Value::Float(_)) => &["is_integer", "conjugate"],
        Object::Time(_) => other::TIME,
        Object::Delta(_) => &["total_seconds"],
        Object::Loop(_) => &["cycle", "changed"],
        Object::Cycler(_) => &["next", "reset"],
        _ if object.is_mapping() => dict::NAMES,
        _ if object.is_list() => list::NAMES,
        _ => &[],
    }
}

/// Calls a method.
///
/// # Errors
/// Python's, in its words.
pub fn call(context: &Context<'_>, object: &Object, name: &str, args: Args) -> Result<Object> {
    match object {
        Object::Value(Value::Str(string)) => text::call(context, string, name, args),
        Object::Bytes(_)
        | Object::Value(Value::Int(_) | Value::Bool(_) | Value::Float(_))
        | Object::Time(_)
        | Object::Delta(_)
        | Object::Loop(_)
        | Object::Cycler(_) => other::call(context, object, name, args),
        _ if object.is_mapping() => dict::call(context, object, name, args),
        _ if object.is_list() => list::call(context, object, name, args),
        _ => Err(TemplateError::runtime(format!("'{}' object has no attribute '{name}'", type_name(object)))),
    }
}
