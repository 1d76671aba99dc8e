//! `map`, `select` and their kin.

use super::Filter;
use super::sequence::Getter;
use crate::template::error::{Result, TemplateError};
use crate::template::methods;
use crate::template::runtime::{Args, Context, Object};
use crate::template::syntax::Place;
use crate::template::tests;
use std::sync::Arc;

pub const FILTERS: &[(&str, Filter)] = &[
    ("map", map),
    ("select", |context, value, args| select(context, &value, args, true, false)),
    ("reject", |context, value, args| select(context, &value, args, false, false)),
    ("selectattr", |context, value, args| select(context, &value, args, true, true)),
    ("rejectattr", |context, value, args| select(context, &value, args, false, true)),
    ("attr", attr),
];

fn map(context: &Context<'_>, value: Object, mut args: Args) -> Result<Object> {
    if !context.truth(&value)? {
        return Ok(Object::list(Vec::new()));
    }
    let items = context.iterate(&value)?;
    if args.positional.is_empty() && args.named.iter().any(|(name, _)| &**name == "attribute") {
        let [attribute, default] = args.bind(["attribute", "default"])?;
        let getter = Getter::new(attribute.as_ref(), false).with_default(default);
        return Ok(Object::list(items.iter().map(|item| getter.get(context, item)).collect::<Result<_>>()?));
    }
    if args.positional.is_empty() {
        return Err(TemplateError::runtime("map requires a filter argument"));
    }
    let name: Arc<str> = Arc::from(context.text(&args.positional.remove(0))?);
    let apply = |item| super::apply(context, &name, item, args.clone(), Place::default());
    Ok(Object::list(items.into_iter().map(apply).collect::<Result<_>>()?))
}

fn select(context: &Context<'_>, value: &Object, mut args: Args, wanted: bool, attribute: bool) -> Result<Object> {
    if !context.truth(value)? {
        return Ok(Object::list(Vec::new()));
    }
    let getter = if attribute {
        if args.positional.is_empty() {
            return Err(TemplateError::runtime("Missing parameter for attribute name"));
        }
        Getter::new(Some(&args.positional.remove(0)), false)
    } else {
        Getter::new(None, false)
    };
    let test: Option<Arc<str>> = match args.positional.is_empty() {
        true => None,
        false => Some(Arc::from(context.text(&args.positional.remove(0))?)),
    };
    let mut out = Vec::new();
    for item in context.iterate(value)? {
        let part = getter.get(context, &item)?;
        let holds = match &test {
            Some(test) => context.truth(&tests::apply(context, test, part, args.clone(), Place::default())?)?,
            None => context.truth(&part)?,
        };
        if holds == wanted {
            out.push(item);
        }
    }
    Ok(Object::list(out))
}

/// An attribute in Python's sense only: methods, not entries.
fn attr(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    let [name] = args.bind_required(["name"], 1)?;
    let name = context.text(&name.unwrap_or(Object::NONE))?;
    if value.is_mapping() && !methods::has(&value, &name) {
        return context.attribute(&Object::dict(Default::default()), &name);
    }
    context.attribute(&value, &name)
}
