//! Tests of kind and being defined.

use super::Test;
use crate::template::error::{Result, TemplateError};
use crate::template::runtime::{Args, Context, Object};
use crate::template::syntax::BinaryOp;
use crate::value::Value;

pub const TESTS: &[(&str, Test)] = &[
    ("defined", |_, value, args| args.none().map(|()| !matches!(value, Object::Undefined(_) | Object::Blank(_)))),
    ("undefined", |_, value, args| args.none().map(|()| matches!(value, Object::Undefined(_) | Object::Blank(_)))),
    ("none", |_, value, args| args.none().map(|()| value.is_none())),
    ("boolean", |_, value, _| Ok(matches!(value, Object::Value(Value::Bool(_))))),
    ("true", |_, value, _| Ok(matches!(value, Object::Value(Value::Bool(true))))),
    ("false", |_, value, _| Ok(matches!(value, Object::Value(Value::Bool(false))))),
    ("integer", |_, value, _| Ok(matches!(value, Object::Value(Value::Int(_))))),
    ("float", |_, value, _| Ok(matches!(value, Object::Value(Value::Float(_))))),
    ("number", |_, value, _| Ok(matches!(value, Object::Value(Value::Int(_) | Value::Float(_) | Value::Bool(_))))),
    ("string", |_, value, _| Ok(value.as_str().is_some())),
    ("mapping", |_, value, _| Ok(value.is_mapping())),
    ("iterable", |context, value, _| Ok(context.is_iterable(value))),
    ("sequence", |_, value, _| {
        let range = matches!(value, Object::Range(..) | Object::Bytes(_));
        Ok(range || value.as_str().is_some() || value.is_mapping() || value.is_list())
    }),
    ("callable", |_, value, _| Ok(matches!(value, Object::Callable(_) | Object::Cycler(_)))),
    ("escaped", |_, _, _| Ok(false)),
    // Whether a text is the authors' own, so that a condition may be made of it.
    ("ansible._protomatter.tagged_with", |context, value, args| {
        let [tag] = args.bind_required(["tag"], 1)?;
        match tag.as_ref().and_then(Object::as_str) {
            Some("TrustedAsTemplate") => {
                let value = context.plain(value)?;
                Ok(matches!(&value, Value::Str(text) if context.scope.trusts(text)))
            }
            _ => Err(TemplateError::runtime("the only tag that rplay keeps is TrustedAsTemplate")),
        }
    }),
    ("sameas", same_as),
    ("in", |context, value, args| {
        let [container] = args.bind_required(["seq"], 1)?;
        context.contains(&container.unwrap_or(Object::NONE), value)
    }),
    ("odd", |context, value, _| remainder(context, value, 2).map(|rest| rest == 1.0)),
    ("even", |context, value, _| remainder(context, value, 2).map(|rest| rest == 0.0)),
    ("divisibleby", |context, value, args| {
        let [number] = args.bind_required(["num"], 1)?;
        let number = number.and_then(|number| number.as_int()).filter(|number| *number != 0);
        let number = number.ok_or_else(|| TemplateError::runtime("integer modulo by zero"))?;
        remainder(context, value, number).map(|rest| rest == 0.0)
    }),
    ("lower", |context, value, _| {
        let text = context.text(value)?;
        Ok(text.chars().any(char::is_lowercase) && !text.chars().any(char::is_uppercase))
    }),
    ("upper", |context, value, _| {
        let text = context.text(value)?;
        Ok(text.chars().any(char::is_uppercase) && !text.chars().any(char::is_lowercase))
    }),
    ("filter", |context, value, _| Ok(crate::template::filters::exists(&context.text(value)?))),
    ("test", |context, value, _| Ok(super::exists(&context.text(value)?))),
];

/// What `%` gives; text is formatted by it and equals no number.
fn remainder(context: &Context<'_>, value: &Object, number: i64) -> Result<f64> {
    match context.binary(BinaryOp::Mod, value, &Object::int(number))?.as_float() {
        Some(rest) => Ok(rest),
        None => Ok(f64::NAN),
    }
}

/// Python's `is`: the same object, or an equal value of the same small type.
fn same_as(context: &Context<'_>, value: &Object, args: Args) -> Result<bool> {
    let [other] = args.bind_required(["other"], 1)?;
    let other = other.unwrap_or(Object::NONE);
    Ok(match (value, &other) {
        (Object::Value(Value::List(a)), Object::Value(Value::List(b))) => std::sync::Arc::ptr_eq(a, b),
        (Object::Value(Value::Map(a)), Object::Value(Value::Map(b))) => std::sync::Arc::ptr_eq(a, b),
        (Object::Value(a), Object::Value(b)) => std::mem::discriminant(a) == std::mem::discriminant(b) && a == b,
        (Object::Lazy(Value::List(a), _), Object::Lazy(Value::List(b), _)) => std::sync::Arc::ptr_eq(a, b),
        (Object::Lazy(Value::Map(a), _), Object::Lazy(Value::Map(b), _)) => std::sync::Arc::ptr_eq(a, b),
        (Object::List(a), Object::List(b)) => std::rc::Rc::ptr_eq(a, b),
        (Object::Dict(a), Object::Dict(b)) => std::rc::Rc::ptr_eq(a, b),
        (Object::Omit, Object::Omit) => true,
        _ => context.equal(value, &other)? && !value.is_list() && !value.is_mapping(),
    })
}
