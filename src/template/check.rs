//! What can be known to be wrong without rendering: unknown filters, tests and lookups.

use super::error::{ErrorKind, Result, TemplateError};
use super::runtime::Compiled;
use super::syntax::{Expr, Place};
use super::{filters, lookups, names, tests};
use crate::source::nearest;
use crate::value::Value;
use std::sync::Arc;

/// The first mistake in a text that has been read.
pub(super) fn check(compiled: &Compiled) -> Result<()> {
    let mut found = Ok(());
    let mut visit = |expr: &Expr| {
        if found.is_ok() {
            found = check_one(expr);
        }
    };
    match compiled {
        Compiled::Single(expr) => names::walk(expr, &mut visit),
        Compiled::Body(body) => names::for_each_expr(body, &mut visit),
    }
    found
}

/// Whether an expression calls lookups.
pub(super) fn calls_lookup(compiled: &Compiled) -> bool {
    let mut found = false;
    if let Compiled::Single(expr) = compiled {
        names::walk(expr, &mut |expr| {
            found |= matches!(expr, Expr::Name(name) if matches!(&**name, "lookup" | "query" | "q"));
        });
    }
    found
}

fn check_one(expr: &Expr) -> Result<()> {
    match expr {
        Expr::Filter(_, name, _, place) if !filters::exists(name) => {
            Err(unknown("filter", name, *place, filters::names()))
        }
        Expr::Test(_, name, _, place) if !tests::exists(name) => Err(unknown("test", name, *place, tests::names())),
        Expr::Call(callee, arguments) => match (&**callee, arguments.positional.first()) {
            (Expr::Name(function), Some(Expr::Const(Value::Str(name))))
                if matches!(&**function, "lookup" | "query" | "q") && !lookups::exists(name) =>
            {
                Err(unknown("lookup", name, Place::default(), lookups::names()))
            }
            _ => Ok(()),
        },
        // The name of a filter or test that `map`, `select` and the like are given.
        Expr::Filter(_, filter, arguments, place) => {
            let Some(Expr::Const(Value::Str(name))) = arguments.positional.first() else { return Ok(()) };
            match &**filter {
                "map" if !filters::exists(name) => Err(unknown("filter", name, *place, filters::names())),
                "select" | "reject" if !tests::exists(name) => Err(unknown("test", name, *place, tests::names())),
                _ => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

/// An error about a name that does not exist, with the nearest that does.
pub(super) fn unknown(
    what: &'static str,
    name: &Arc<str>,
    place: Place,
    known: impl IntoIterator<Item = &'static str>,
) -> Box<TemplateError> {
    let mut message = match what {
        "lookup" => format!("The lookup plugin '{name}' was not found."),
        _ => format!("Syntax error in template: No {what} named '{name}'."),
    };
    if let Some(near) = nearest(name, known) {
        message.push_str(&format!(" Did you mean '{near}'?"));
    }
    TemplateError::new(
        ErrorKind::Unknown { what, name: name.to_string(), line: place.line, column: place.column },
        message,
    )
}
