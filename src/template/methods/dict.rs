//! Methods of dicts.

use crate::template::error::{Result, TemplateError};
use crate::template::runtime::{Args, Context, Object};
use crate::value::Key;

pub const NAMES: &[&str] =
    &["items", "keys", "values", "get", "pop", "popitem", "update", "setdefault", "copy", "clear", "fromkeys"];

pub fn call(context: &Context<'_>, object: &Object, name: &str, args: Args) -> Result<Object> {
    match name {
        "items" => {
            args.none()?;
            let pairs = context.entries(object)?.into_iter();
            Ok(Object::list(pairs.map(|(key, value)| Object::tuple(vec![key.to_value().into(), value])).collect()))
        }
        "keys" => {
            args.none()?;
            Ok(Object::list(context.iterate(object)?))
        }
        "values" => {
            args.none()?;
            Ok(Object::list(context.entries(object)?.into_iter().map(|(_, value)| value).collect()))
        }
        "get" => {
            let [key, default] = args.bind_required(["key", "default"], 1)?;
            let key = context.key(&key.unwrap_or(Object::NONE))?;
            Ok(context.entry(object, &key).or(default).unwrap_or(Object::NONE))
        }
        "copy" => {
            args.none()?;
            Ok(Object::dict(context.entries(object)?.into_iter().collect()))
        }
        "fromkeys" => {
            let [keys, value] = args.bind_required(["iterable", "value"], 1)?;
            let value = value.unwrap_or(Object::NONE);
            let keys = context.iterate(&keys.unwrap_or(Object::NONE))?;
            let entries = keys.iter().map(|key| Ok((context.key(key)?, value.clone()))).collect::<Result<_>>()?;
            Ok(Object::dict(entries))
        }
        _ => change(context, object, name, args),
    }
}

/// Methods that change the dict. Shared data was copied before.
fn change(context: &Context<'_>, object: &Object, name: &str, args: Args) -> Result<Object> {
    let Object::Dict(entries) = object else {
        return Err(TemplateError::runtime(format!("dict.{name}() cannot change this mapping")));
    };
    match name {
        "pop" => {
            let [key, default] = args.bind_required(["key", "default"], 1)?;
            let key = context.key(&key.unwrap_or(Object::NONE))?;
            let removed = entries.borrow_mut().shift_remove(&key);
            removed.or(default).ok_or_else(|| TemplateError::runtime(key.to_value().repr()))
        }
        "popitem" => {
            args.none()?;
            match entries.borrow_mut().pop() {
                Some((key, value)) => Ok(Object::tuple(vec![key.to_value().into(), value])),
                None => Err(TemplateError::runtime("'popitem(): dictionary is empty'")),
            }
        }
        "update" => {
            let Args { positional, named } = args;
            for other in positional {
                let new = if other.is_mapping() {
                    context.entries(&other)?
                } else {
                    let mut pairs = Vec::new();
                    for pair in context.iterate(&other)? {
                        let pair = context.iterate(&pair)?;
                        let [key, value] = &pair[..] else {
                            return Err(TemplateError::runtime(
                                "dictionary update sequence element has no length of 2",
                            ));
                        };
                        pairs.push((context.key(key)?, value.clone()));
                    }
                    pairs
                };
                entries.borrow_mut().extend(new);
            }
            entries.borrow_mut().extend(named.into_iter().map(|(name, value)| (Key::Str(name), value)));
            Ok(Object::NONE)
        }
        "setdefault" => {
            let [key, default] = args.bind_required(["key", "default"], 1)?;
            let key = context.key(&key.unwrap_or(Object::NONE))?;
            Ok(entries.borrow_mut().entry(key).or_insert(default.unwrap_or(Object::NONE)).clone())
        }
        _ => {
            args.none()?;
            entries.borrow_mut().clear();
            Ok(Object::NONE)
        }
    }
}
