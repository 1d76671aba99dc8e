//! Tests: what stands after `is`. Jinja's and ansible-core's, one file per family.

mod basic;
mod compare;
mod path;
mod regex;
mod result;
mod version;

use super::check::unknown;
use super::error::{ErrorKind, Result};
use super::runtime::{Args, Context, Object};
use super::syntax::Place;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

/// A test: what is tested, and its arguments.
pub type Test = fn(&Context<'_>, &Object, Args) -> Result<bool>;

const FAMILIES: &[&[(&str, Test)]] =
    &[basic::TESTS, compare::TESTS, path::TESTS, regex::TESTS, result::TESTS, version::TESTS];

fn table() -> &'static HashMap<&'static str, (&'static str, Test)> {
    static TABLE: OnceLock<HashMap<&'static str, (&'static str, Test)>> = OnceLock::new();
    TABLE.get_or_init(|| FAMILIES.iter().copied().flatten().map(|(name, test)| (*name, (*name, *test))).collect())
}

/// Finds a test by its short name or its full one.
fn find(name: &str) -> Option<(&'static str, Test)> {
    let short = ["ansible.builtin.", "ansible.legacy."].iter().find_map(|prefix| name.strip_prefix(prefix));
    table().get(short.unwrap_or(name)).copied()
}

/// Whether there is a test of that name.
pub fn exists(name: &str) -> bool {
    find(name).is_some()
}

/// The names of all tests.
pub fn names() -> impl Iterator<Item = &'static str> {
    table().keys().copied()
}

/// Applies a test. An error is raised only when the result is used.
///
/// # Errors
/// Only when there is no such test.
pub fn apply(context: &Context<'_>, name: &Arc<str>, value: Object, args: Args, place: Place) -> Result<Object> {
    let Some((short, test)) = find(name) else { return Err(unknown("test", name, place, names()).at(context.span)) };
    if let Object::Undefined(error) = &value {
        let welcome = error.is_undefined() && matches!(short, "defined" | "undefined") || short == "vault_encrypted";
        if !welcome {
            return Ok(value);
        }
    }
    if let Some(undefined) = args.undefined() {
        return Ok(undefined);
    }
    Ok(match test(context, &value, args) {
        Ok(truth) => Object::bool(truth),
        Err(mut error) => {
            if error.kind == ErrorKind::Runtime {
                error.kind = ErrorKind::Plugin;
                error.message = format!("The test plugin 'ansible.builtin.{short}' failed: {}", error.message);
            }
            Object::failed(error.at(context.span))
        }
    })
}
