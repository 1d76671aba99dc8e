//! Tests of a task's result.

use super::Test;
use super::compare::mapping_needed;
use crate::template::error::Result;
use crate::template::runtime::{Context, Object};
use crate::value::Key;

pub const TESTS: &[(&str, Test)] = &[
    ("failed", |c, v, a| a.none().and_then(|()| flag(c, v, "failed"))),
    ("failure", |c, v, a| a.none().and_then(|()| flag(c, v, "failed"))),
    ("succeeded", |c, v, a| a.none().and_then(|()| flag(c, v, "failed")).map(|failed| !failed)),
    ("success", |c, v, a| a.none().and_then(|()| flag(c, v, "failed")).map(|failed| !failed)),
    ("successful", |c, v, a| a.none().and_then(|()| flag(c, v, "failed")).map(|failed| !failed)),
    ("unreachable", |c, v, a| a.none().and_then(|()| flag(c, v, "unreachable"))),
    ("reachable", |c, v, a| a.none().and_then(|()| flag(c, v, "unreachable")).map(|unreachable| !unreachable)),
    ("skipped", |c, v, a| a.none().and_then(|()| flag(c, v, "skipped"))),
    ("skip", |c, v, a| a.none().and_then(|()| flag(c, v, "skipped"))),
    ("changed", |c, v, a| a.none().and_then(|()| changed(c, v))),
    ("change", |c, v, a| a.none().and_then(|()| changed(c, v))),
    ("started", |c, v, a| a.none().and_then(|()| asynchronous(c, v, "started"))),
    ("finished", |c, v, a| a.none().and_then(|()| asynchronous(c, v, "finished"))),
    ("timedout", |c, v, a| {
        a.none()?;
        if !v.is_mapping() {
            return Err(mapping_needed("timedout"));
        }
        match c.entry(v, &Key::from("timedout")) {
            Some(timedout) if timedout.is_mapping() => flag(c, &timedout, "period"),
            _ => Ok(false),
        }
    }),
];

/// Whether an entry of the result is true.
fn flag(context: &Context<'_>, result: &Object, name: &str) -> Result<bool> {
    if !result.is_mapping() {
        return Err(mapping_needed(name));
    }
    context.entry(result, &Key::from(name)).map_or(Ok(false), |flag| context.truth(&flag))
}

fn changed(context: &Context<'_>, result: &Object) -> Result<bool> {
    if !result.is_mapping() {
        return Err(mapping_needed("changed"));
    }
    if context.entry(result, &Key::from("changed")).is_some() {
        return flag(context, result, "changed");
    }
    // A loop's result without a flag of its own: one of its items' will do.
    match context.entry(result, &Key::from("results")) {
        Some(results) if results.is_list() => {
            let items = context.iterate(&results)?;
            if !items.first().is_some_and(Object::is_mapping) {
                return Ok(false);
            }
            for item in &items {
                if flag(context, item, "changed")? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        _ => Ok(false),
    }
}

fn asynchronous(context: &Context<'_>, result: &Object, name: &str) -> Result<bool> {
    if !result.is_mapping() {
        return Err(mapping_needed(name));
    }
    if context.entry(result, &Key::from(name)).is_some() {
        return flag(context, result, name);
    }
    context.controller().warn(&format!("The '{name}' test expects an async task, but a non-async task was tested"));
    Ok(true)
}
