//! The functions that every template can call.

use super::error::{ErrorKind, Result, TemplateError};
use super::lookups;
use super::python::{DateTime, strftime};
use super::runtime::{Args, Callable, Context, Entries, Object};
use crate::value::{Key, Value};
use std::cell::{Cell, RefCell};
use std::rc::Rc;

const NAMES: [&str; 11] =
    ["range", "dict", "lookup", "query", "q", "now", "undef", "cycler", "joiner", "namespace", "lipsum"];

/// The function of that name.
pub fn name(name: &str) -> Option<&'static str> {
    NAMES.iter().find(|known| **known == name).copied()
}

/// Calls one.
pub fn call(context: &Context<'_>, name: &str, args: Args) -> Result<Object> {
    if !matches!(name, "lookup" | "query" | "q" | "namespace" | "joiner" | "cycler" | "dict")
        && let Some(undefined) = args.undefined()
    {
        return Ok(undefined);
    }
    match name {
        "range" => range(args),
        "dict" => dict(context, args),
        "lookup" => {
            let (name, args) = lookup_name(args)?;
            lookups::run(context, &name, args, false)
        }
        "query" | "q" => {
            let (name, mut args) = lookup_name(args)?;
            args.take("wantlist");
            args.named.push(("wantlist".into(), Object::bool(true)));
            lookups::run(context, &name, args, false)
        }
        "now" => now(context, args),
        "undef" => {
            let [hint] = args.bind(["hint"])?;
            let message = match hint.as_ref().and_then(Object::as_str).filter(|hint| !hint.is_empty()) {
                Some(hint) => hint.to_owned(),
                None => "Mandatory variable has not been overridden".into(),
            };
            Ok(context.undefined("", message))
        }
        "cycler" => {
            if args.positional.is_empty() {
                return Err(TemplateError::runtime("at least one item has to be provided"));
            }
            Ok(Object::Cycler(Rc::new((args.positional, Cell::new(0)))))
        }
        "joiner" => {
            let [separator] = args.bind(["sep"])?;
            let separator = separator.unwrap_or_else(|| Object::str(", "));
            Ok(Object::Callable(Rc::new(Callable::Joiner(separator, Cell::new(false)))))
        }
        "namespace" => Ok(Object::Namespace(Rc::new(RefCell::new(dict_entries(context, args)?)))),
        _ => Err(TemplateError::runtime(format!("the function {name}() is not supported"))),
    }
}

fn lookup_name(mut args: Args) -> Result<(String, Args)> {
    if args.positional.is_empty() {
        return Err(TemplateError::runtime("missing a required argument: 'plugin_name'"));
    }
    match args.positional.remove(0) {
        Object::Undefined(error) => Err(error.raised()),
        name => match name.as_str() {
            Some(name) => Ok((name.to_owned(), args)),
            None => Err(TemplateError::runtime("the name of a lookup must be a string")),
        },
    }
}

fn range(args: Args) -> Result<Object> {
    let numbers = args.bind(["start", "stop", "step"])?;
    let mut whole = [None; 3];
    for (slot, object) in whole.iter_mut().zip(&numbers) {
        if let Some(object) = object {
            let number = object.as_int().ok_or_else(|| {
                let name = super::runtime::type_name(object);
                TemplateError::runtime(format!("'{name}' object cannot be interpreted as an integer"))
            })?;
            *slot = Some(number);
        }
    }
    match whole {
        [Some(stop), None, None] => Ok(Object::Range(0, stop, 1)),
        [Some(_), Some(_), Some(0)] => Err(TemplateError::runtime("range() arg 3 must not be zero")),
        [Some(start), Some(stop), step] => Ok(Object::Range(start, stop, step.unwrap_or(1))),
        _ => Err(TemplateError::runtime("range expected at least 1 argument, got 0")),
    }
}

fn dict(context: &Context<'_>, args: Args) -> Result<Object> {
    Ok(Object::dict(dict_entries(context, args)?))
}

/// The entries that Python's `dict(...)` makes: of a mapping or pairs, then of named arguments.
fn dict_entries(context: &Context<'_>, args: Args) -> Result<Entries> {
    let mut entries = Entries::new();
    if args.positional.len() > 1 {
        return Err(TemplateError::runtime(format!("dict expected at most 1 argument, got {}", args.positional.len())));
    }
    if let Some(first) = args.positional.first() {
        if first.is_mapping() {
            entries.extend(context.entries(first)?);
        } else {
            for (index, pair) in context.iterate(first)?.iter().enumerate() {
                let pair = context.iterate(pair)?;
                let [key, value] = &pair[..] else {
                    return Err(TemplateError::runtime(format!(
                        "dictionary update sequence element #{index} has length {}; 2 is required",
                        pair.len()
                    )));
                };
                entries.insert(context.key(key)?, value.clone());
            }
        }
    }
    for (name, object) in args.named {
        entries.insert(Key::Str(name), object);
    }
    Ok(entries)
}

fn now(context: &Context<'_>, args: Args) -> Result<Object> {
    let [utc, format] = args.bind(["utc", "fmt"])?;
    let now = context.controller().now();
    let utc = match utc {
        Some(utc) => context.truth(&utc)?,
        None => false,
    };
    let offset = if utc { 0 } else { i64::from(now.offset) };
    let time = DateTime::naive(now.seconds + offset, now.nanoseconds / 1000);
    match format {
        Some(Object::Value(Value::Str(format))) if !format.is_empty() => {
            Ok(Object::str(strftime(&time, &format, now.seconds)))
        }
        Some(Object::Value(Value::Str(_) | Value::Null)) | None => Ok(Object::Time(Rc::new(time))),
        Some(_) => Err(TemplateError::new(ErrorKind::Runtime, "now(): fmt must be a string")),
    }
}
