//! Filters about being defined.

use super::Filter;
use crate::template::error::{Result, TemplateError};
use crate::template::runtime::{Args, Context, Object, type_name};

pub const FILTERS: &[(&str, Filter)] = &[
    ("default", default),
    ("d", default),
    ("mandatory", mandatory),
    ("ternary", ternary),
    ("type_debug", type_debug),
    ("ansible._protomatter.finalize", finalize),
];

/// Renders all that is inside; rplay does so anyway before a value leaves a template.
fn finalize(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    args.none()?;
    context.plain(&value).map(Object::Value)
}

/// Whether it is undefined, and not an error that waits to be raised.
pub fn is_undefined(object: &Object) -> bool {
    matches!(object, Object::Undefined(error) if error.is_undefined())
}

fn default(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    let [default, boolean] = args.bind(["default_value", "boolean"])?;
    let default = default.unwrap_or_else(|| Object::str(""));
    if is_undefined(&value) {
        return Ok(default);
    }
    match boolean {
        Some(boolean) if context.truth(&boolean)? && !context.truth(&value)? => Ok(default),
        _ => Ok(value),
    }
}

fn mandatory(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    let [message] = args.bind(["msg"])?;
    let Object::Undefined(error) = &value else { return Ok(value) };
    let crate::template::ErrorKind::Undefined { name } = &error.kind else { return Ok(value) };
    Err(TemplateError::runtime(match message {
        Some(message) if !message.is_none() => context.text(&message)?,
        _ if name.is_empty() => "Mandatory variable not defined.".into(),
        _ => format!("Mandatory variable '{name}' not defined."),
    }))
}

fn ternary(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    let [yes, no, none] = args.bind_required(["true_val", "false_val", "none_val"], 2)?;
    let (yes, no) = (yes.unwrap_or(Object::NONE), no.unwrap_or(Object::NONE));
    match none {
        Some(none) if value.is_none() && !none.is_none() => Ok(none),
        _ => Ok(if context.truth(&value)? { yes } else { no }),
    }
}

fn type_debug(_: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    args.none()?;
    Ok(Object::str(type_name(&value)))
}
