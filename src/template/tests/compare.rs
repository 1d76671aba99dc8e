//! Tests that compare: Jinja's operators by name, sets, and truth.

use super::Test;
use crate::template::error::{Result, TemplateError};
use crate::template::filters::Set;
use crate::template::runtime::{Args, Context, Object};
use crate::template::syntax::CompareOp;
use crate::value::{Value, parse_bool};

pub const TESTS: &[(&str, Test)] = &[
    ("eq", |c, v, a| compare(c, CompareOp::Eq, v, a)),
    ("==", |c, v, a| compare(c, CompareOp::Eq, v, a)),
    ("equalto", |c, v, a| compare(c, CompareOp::Eq, v, a)),
    ("ne", |c, v, a| compare(c, CompareOp::Ne, v, a)),
    ("!=", |c, v, a| compare(c, CompareOp::Ne, v, a)),
    ("lt", |c, v, a| compare(c, CompareOp::Lt, v, a)),
    ("<", |c, v, a| compare(c, CompareOp::Lt, v, a)),
    ("lessthan", |c, v, a| compare(c, CompareOp::Lt, v, a)),
    ("le", |c, v, a| compare(c, CompareOp::Le, v, a)),
    ("<=", |c, v, a| compare(c, CompareOp::Le, v, a)),
    ("gt", |c, v, a| compare(c, CompareOp::Gt, v, a)),
    (">", |c, v, a| compare(c, CompareOp::Gt, v, a)),
    ("greaterthan", |c, v, a| compare(c, CompareOp::Gt, v, a)),
    ("ge", |c, v, a| compare(c, CompareOp::Ge, v, a)),
    (">=", |c, v, a| compare(c, CompareOp::Ge, v, a)),
    ("subset", |context, value, args| subset(context, value, &other(args)?)),
    ("issubset", |context, value, args| subset(context, value, &other(args)?)),
    ("superset", |context, value, args| subset(context, &other(args)?, value)),
    ("issuperset", |context, value, args| subset(context, &other(args)?, value)),
    ("contains", |context, value, args| context.contains(value, &other(args)?)),
    ("any", |context, value, args| {
        args.none()?;
        for item in context.iterate(value)? {
            if context.truth(&item)? {
                return Ok(true);
            }
        }
        Ok(false)
    }),
    ("all", |context, value, args| {
        args.none()?;
        for item in context.iterate(value)? {
            if !context.truth(&item)? {
                return Ok(false);
            }
        }
        Ok(true)
    }),
    ("truthy", truthy),
    ("falsy", |context, value, args| truthy(context, value, args).map(|truth| !truth)),
    ("nan", nan),
    ("isnan", nan),
];

fn other(args: Args) -> Result<Object> {
    let [other] = args.bind_required(["b"], 1)?;
    Ok(other.unwrap_or(Object::NONE))
}

fn compare(context: &Context<'_>, op: CompareOp, value: &Object, args: Args) -> Result<bool> {
    context.compare(op, value, &other(args)?)
}

fn subset(context: &Context<'_>, left: &Object, right: &Object) -> Result<bool> {
    let mut set = Set::default();
    for item in context.iterate(right)? {
        set.add(context, &item)?;
    }
    for item in context.iterate(left)? {
        if !set.has(context, &item)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn truthy(context: &Context<'_>, value: &Object, args: Args) -> Result<bool> {
    let [convert] = args.bind(["convert_bool"])?;
    if context.truth_or(&convert, false)?
        && let Object::Value(plain @ (Value::Str(_) | Value::Int(_) | Value::Float(_))) = value
        && let Some(truth) = parse_bool(plain)
    {
        return Ok(truth);
    }
    context.truth(value)
}

fn nan(_: &Context<'_>, value: &Object, args: Args) -> Result<bool> {
    args.none()?;
    Ok(matches!(value, Object::Value(Value::Float(number)) if number.is_nan()))
}

/// Refuses what is no mapping.
pub fn mapping_needed(test: &str) -> Box<TemplateError> {
    TemplateError::runtime(format!("The '{test}' test expects a dictionary"))
}
