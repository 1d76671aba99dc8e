//! Methods of lists and tuples.

use crate::template::error::{Result, TemplateError};
use crate::template::runtime::{Args, Context, Object, type_name};
use std::cmp::Ordering;

pub const NAMES: &[&str] =
    &["append", "extend", "insert", "remove", "pop", "clear", "index", "count", "sort", "reverse", "copy"];

pub fn call(context: &Context<'_>, object: &Object, name: &str, args: Args) -> Result<Object> {
    match name {
        "index" => {
            let [wanted, start] = args.bind_required(["value", "start"], 1)?;
            let wanted = wanted.unwrap_or(Object::NONE);
            let start = start.and_then(|start| start.as_int()).unwrap_or(0).max(0) as usize;
            for (index, item) in context.iterate(object)?.iter().enumerate().skip(start) {
                if context.equal(item, &wanted)? {
                    return Ok(Object::int(index as i64));
                }
            }
            Err(TemplateError::runtime(format!("{} is not in {}", context.repr(&wanted)?, type_name(object))))
        }
        "count" => {
            let [wanted] = args.bind_required(["value"], 1)?;
            let wanted = wanted.unwrap_or(Object::NONE);
            let mut count = 0;
            for item in context.iterate(object)? {
                count += i64::from(context.equal(&item, &wanted)?);
            }
            Ok(Object::int(count))
        }
        "copy" => {
            args.none()?;
            Ok(Object::list(context.iterate(object)?))
        }
        _ => change(context, object, name, args),
    }
}

/// Methods that change the list. Shared data was copied before.
fn change(context: &Context<'_>, object: &Object, name: &str, args: Args) -> Result<Object> {
    let Object::List(items) = object else {
        return Err(TemplateError::runtime(format!("'{}' object has no attribute '{name}'", type_name(object))));
    };
    match name {
        "append" => {
            let [item] = args.bind_required(["object"], 1)?;
            items.borrow_mut().extend(item);
        }
        "extend" => {
            let [more] = args.bind_required(["iterable"], 1)?;
            let more = context.iterate(&more.unwrap_or(Object::NONE))?;
            items.borrow_mut().extend(more);
        }
        "insert" => {
            let [index, item] = args.bind_required(["index", "object"], 2)?;
            let (Some(index), Some(item)) = (index.and_then(|index| index.as_int()), item) else {
                return Err(TemplateError::runtime("insert() needs an index and an object"));
            };
            let mut items = items.borrow_mut();
            let length = items.len() as i64;
            let index = if index < 0 { (index + length).max(0) } else { index.min(length) };
            items.insert(index as usize, item);
        }
        "remove" => {
            let [wanted] = args.bind_required(["value"], 1)?;
            let wanted = wanted.unwrap_or(Object::NONE);
            let current = items.borrow().clone();
            for (index, item) in current.iter().enumerate() {
                if context.equal(item, &wanted)? {
                    items.borrow_mut().remove(index);
                    return Ok(Object::NONE);
                }
            }
            return Err(TemplateError::runtime("list.remove(x): x not in list"));
        }
        "pop" => {
            let [index] = args.bind(["index"])?;
            let index = index.and_then(|index| index.as_int()).unwrap_or(-1);
            let mut items = items.borrow_mut();
            if items.is_empty() {
                return Err(TemplateError::runtime("pop from empty list"));
            }
            let length = items.len() as i64;
            let place = if index < 0 { index + length } else { index };
            if !(0..length).contains(&place) {
                return Err(TemplateError::runtime("pop index out of range"));
            }
            return Ok(items.remove(place as usize));
        }
        "sort" => {
            let [_, reverse] = args.bind(["key", "reverse"])?;
            let mut sorted = items.borrow().clone();
            sort(context, &mut sorted, |item| Ok(item.clone()))?;
            if reverse.is_some_and(|reverse| context.truth(&reverse).unwrap_or(false)) {
                sorted.reverse();
            }
            *items.borrow_mut() = sorted;
        }
        "reverse" => {
            args.none()?;
            items.borrow_mut().reverse();
        }
        _ => {
            args.none()?;
            items.borrow_mut().clear();
        }
    }
    Ok(Object::NONE)
}

/// Sorts by a key; stable, and an error when two keys have no order.
pub fn sort(context: &Context<'_>, items: &mut Vec<Object>, key: impl Fn(&Object) -> Result<Object>) -> Result<()> {
    let mut keyed = items.drain(..).map(|item| Ok((key(&item)?, item))).collect::<Result<Vec<_>>>()?;
    let mut failed = None;
    keyed.sort_by(|(left, _), (right, _)| {
        if failed.is_some() {
            return Ordering::Equal;
        }
        context.sort_order(left, right).unwrap_or_else(|error| {
            failed = Some(error);
            Ordering::Equal
        })
    });
    items.extend(keyed.into_iter().map(|(_, item)| item));
    failed.map_or(Ok(()), Err)
}
