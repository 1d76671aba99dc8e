//! Filters on dicts.

use super::Filter;
use super::sequence::flatten_into;
use crate::template::error::{Result, TemplateError};
use crate::template::runtime::{Args, Context, Entries, Object, type_name};
use crate::value::Key;

pub const FILTERS: &[(&str, Filter)] = &[
    ("combine", combine),
    ("dict2items", dict2items),
    ("items2dict", items2dict),
    ("subelements", subelements),
    ("extract", extract),
    ("rekey_on_member", rekey_on_member),
];

fn combine(context: &Context<'_>, value: Object, mut args: Args) -> Result<Object> {
    let recursive = context.truth_or(&args.take("recursive"), false)?;
    let lists = context.text_or(&args.take("list_merge"), "replace")?;
    if !args.named.is_empty() {
        return Err(TemplateError::runtime("'recursive' and 'list_merge' are the only valid keyword arguments"));
    }
    if !matches!(lists.as_str(), "replace" | "keep" | "append" | "prepend" | "append_rp" | "prepend_rp") {
        return Err(TemplateError::runtime(
            "merge_hash: 'list_merge' argument can only be equal to 'replace', 'keep', 'append', 'prepend', 'append_rp' or 'prepend_rp'",
        ));
    }
    let mut all = vec![value];
    all.extend(args.positional);
    let mut dicts = Vec::new();
    flatten_into(context, &Object::list(all), Some(1), true, &mut dicts)?;
    // From the right: the last one wins, and the order of keys is the left one's.
    let Some(mut result) = dicts.pop() else { return Ok(Object::dict(Entries::new())) };
    while let Some(left) = dicts.pop() {
        result = merge(context, &left, &result, recursive, &lists)?;
    }
    Ok(result)
}

/// The entries of `right` over those of `left`.
fn merge(context: &Context<'_>, left: &Object, right: &Object, recursive: bool, lists: &str) -> Result<Object> {
    for side in [left, right] {
        if let Object::Undefined(error) = side {
            return Err(error.raised());
        }
        if !side.is_mapping() {
            return Err(TemplateError::runtime(format!(
                "failed to combine variables, expected dicts but got a '{}' and a '{}'",
                type_name(left),
                type_name(right)
            )));
        }
    }
    let mut out: Entries = context.entries(left)?.into_iter().collect();
    for (key, new) in context.entries(right)? {
        let merged = match out.get(&key) {
            Some(old) if old.is_mapping() && new.is_mapping() => match recursive {
                true => context.nested(|| merge(context, old, &new, recursive, lists))?,
                false => new,
            },
            Some(old) if old.is_list() && new.is_list() => merge_lists(context, old, &new, lists)?,
            _ => new,
        };
        out.insert(key, merged);
    }
    Ok(Object::dict(out))
}

fn merge_lists(context: &Context<'_>, old: &Object, new: &Object, how: &str) -> Result<Object> {
    let (left, right) = match how {
        "replace" => return Ok(new.clone()),
        "keep" => return Ok(old.clone()),
        _ => (context.iterate(old)?, context.iterate(new)?),
    };
    let left = match how {
        "append_rp" | "prepend_rp" => {
            let mut kept = Vec::new();
            for item in left {
                if !context.contains(new, &item)? {
                    kept.push(item);
                }
            }
            kept
        }
        _ => left,
    };
    let (mut first, second) = if how.starts_with("append") { (left, right) } else { (right, left) };
    first.extend(second);
    Ok(Object::list(first))
}

fn dict2items(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    let [key_name, value_name] = args.bind(["key_name", "value_name"])?;
    if !value.is_mapping() {
        return Err(TemplateError::runtime(format!(
            "dict2items requires a dictionary, got {} instead.",
            type_name(&value)
        )));
    }
    let key_name = Key::from(context.text_or(&key_name, "key")?);
    let value_name = Key::from(context.text_or(&value_name, "value")?);
    let pairs = context.entries(&value)?.into_iter().map(|(key, value)| {
        Object::dict(Entries::from_iter([(key_name.clone(), key.to_value().into()), (value_name.clone(), value)]))
    });
    Ok(Object::list(pairs.collect()))
}

fn items2dict(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    let [key_name, value_name] = args.bind(["key_name", "value_name"])?;
    if !value.is_list() {
        return Err(TemplateError::runtime(format!("items2dict requires a list, got {} instead.", type_name(&value))));
    }
    let key_name = context.text_or(&key_name, "key")?;
    let value_name = context.text_or(&value_name, "value")?;
    let mut out = Entries::new();
    for item in context.iterate(&value)? {
        if !item.is_mapping() {
            return Err(TemplateError::runtime(format!(
                "items2dict requires a list of dictionaries, got {} instead.",
                context.repr(&value)?
            )));
        }
        let key = context.entry(&item, &Key::from(key_name.as_str()));
        let part = context.entry(&item, &Key::from(value_name.as_str()));
        let (Some(key), Some(part)) = (key, part) else {
            return Err(TemplateError::runtime(format!(
                "items2dict requires each dictionary in the list to contain the keys '{key_name}' and '{value_name}', got {} instead.",
                context.repr(&value)?
            )));
        };
        out.insert(context.key(&key)?, part);
    }
    Ok(Object::dict(out))
}

fn subelements(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    let [path, skip_missing] = args.bind_required(["subelements", "skip_missing"], 1)?;
    let skip_missing = context.truth_or(&skip_missing, false)?;
    let elements: Vec<Object> = if value.is_mapping() {
        context.entries(&value)?.into_iter().map(|(_, element)| element).collect()
    } else if value.is_list() {
        context.iterate(&value)?
    } else {
        return Err(TemplateError::runtime("obj must be a list of dicts or a nested dict"));
    };
    let path = path.unwrap_or(Object::NONE);
    let path: Vec<Key> = match path.as_str() {
        Some(path) => path.split('.').map(Key::from).collect(),
        None if path.is_list() => {
            context.iterate(&path)?.iter().map(|part| context.key(part)).collect::<Result<_>>()?
        }
        None => return Err(TemplateError::runtime("subelements must be a list or a string")),
    };
    let mut out = Vec::new();
    for element in elements {
        let mut values = element.clone();
        for part in &path {
            let shown = part.to_value().repr();
            if !values.is_mapping() {
                return Err(TemplateError::runtime(format!(
                    "the key {part} should point to a dictionary, got '{}'",
                    context.text(&values)?
                )));
            }
            values = match context.entry(&values, part) {
                Some(found) => found,
                None if skip_missing => {
                    values = Object::list(Vec::new());
                    break;
                }
                None => {
                    return Err(TemplateError::runtime(format!(
                        "could not find {shown} key in iterated item {}",
                        context.repr(&values)?
                    )));
                }
            };
        }
        if let Object::Undefined(error) = &values {
            return Err(error.raised());
        }
        if !values.is_list() {
            let shown = path.last().map(|part| part.to_value().repr()).unwrap_or_default();
            return Err(TemplateError::runtime(format!(
                "the key {shown} should point to a list, got {}",
                context.repr(&values)?
            )));
        }
        for part in context.iterate(&values)? {
            out.push(Object::tuple(vec![element.clone(), part]));
        }
    }
    Ok(Object::list(out))
}

fn extract(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    let [container, more] = args.bind_required(["container", "morekeys"], 1)?;
    let mut keys = vec![value];
    match more {
        Some(more) if more.is_none() => {}
        Some(more) if more.is_list() => keys.extend(context.iterate(&more)?),
        Some(more) => keys.push(more),
        None => {}
    }
    let mut object = container.unwrap_or(Object::NONE);
    for key in &keys {
        object = context.item(&object, key)?;
    }
    Ok(object)
}

fn rekey_on_member(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    let [key, duplicates] = args.bind_required(["key", "duplicates"], 1)?;
    let duplicates = context.text_or(&duplicates, "error")?;
    if !matches!(duplicates.as_str(), "error" | "overwrite") {
        return Err(TemplateError::runtime(format!(
            "duplicates parameter to rekey_on_member has unknown value '{duplicates}'"
        )));
    }
    let items: Vec<Object> = if value.is_mapping() {
        context.entries(&value)?.into_iter().map(|(_, item)| item).collect()
    } else if value.is_list() {
        context.iterate(&value)?
    } else {
        return Err(TemplateError::runtime("Type is not a valid list, set, or dict"));
    };
    let key = context.key(&key.unwrap_or(Object::NONE))?;
    let mut out = Entries::new();
    for item in items {
        if !item.is_mapping() {
            return Err(TemplateError::runtime("List item is not a valid dict"));
        }
        let Some(member) = context.entry(&item, &key) else {
            return Err(TemplateError::runtime(format!("Key {} was not found.", key.to_value().repr())));
        };
        let member = context.key(&member)?;
        if out.contains_key(&member) && duplicates == "error" {
            return Err(TemplateError::runtime(format!(
                "Key {} is not unique, cannot convert to dict.",
                member.to_value().repr()
            )));
        }
        out.insert(member, item);
    }
    Ok(Object::dict(out))
}
