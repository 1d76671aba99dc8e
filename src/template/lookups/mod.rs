//! Lookups, one file per family.

mod commands;
mod files;
mod keyvalue;
mod lists;
mod password;
mod sequence;
mod tables;
mod variables;

use super::check::unknown;
use super::error::{ErrorKind, Result, TemplateError};
use super::runtime::{Args, Context, Object};
use super::syntax::Place;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

/// A call of a lookup.
pub struct Call {
    /// What is looked up.
    pub terms: Vec<Object>,
    /// The lookup's options.
    pub options: Args,
    /// Whether it is a `with_<name>` loop's.
    pub with: bool,
}

/// A lookup gives a list.
pub type Lookup = fn(&Context<'_>, Call) -> Result<Vec<Object>>;

const FAMILIES: &[&[(&str, Lookup)]] = &[
    commands::LOOKUPS,
    files::LOOKUPS,
    lists::LOOKUPS,
    password::LOOKUPS,
    sequence::LOOKUPS,
    tables::LOOKUPS,
    variables::LOOKUPS,
];

/// Lookups that are given undefined terms as they are.
const UNDEFINED_WELCOME: &[&str] = &["env", "first_found"];

fn table() -> &'static HashMap<&'static str, (&'static str, Lookup)> {
    static TABLE: OnceLock<HashMap<&'static str, (&'static str, Lookup)>> = OnceLock::new();
    TABLE.get_or_init(|| FAMILIES.iter().copied().flatten().map(|(name, lookup)| (*name, (*name, *lookup))).collect())
}

/// The name without ansible-core's namespace.
pub fn short_name(name: &str) -> &str {
    ["ansible.builtin.", "ansible.legacy."].iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name)
}

fn find(name: &str) -> Option<(&'static str, Lookup)> {
    table().get(short_name(name)).copied()
}

/// Whether there is a lookup of that name.
pub fn exists(name: &str) -> bool {
    find(name).is_some()
}

/// The names of all lookups.
pub fn names() -> impl Iterator<Item = &'static str> {
    table().keys().copied()
}

/// Calls a lookup with terms and options; `wantlist` and `errors` are everyone's.
///
/// # Errors
/// Whatever the lookup refuses, unless `errors` says otherwise.
pub fn run(context: &Context<'_>, name: &str, mut args: Args, with: bool) -> Result<Object> {
    let Some((short, lookup)) = find(name) else {
        return Err(unknown("lookup", &Arc::from(name), Place::default(), names()).at(context.span));
    };
    if !UNDEFINED_WELCOME.contains(&short)
        && let Some(undefined) = args.undefined()
    {
        return Ok(undefined);
    }
    let list = match args.take("wantlist") {
        Some(list) => context.truth(&list)?,
        None => false,
    };
    let errors = args.take("errors");
    let terms = std::mem::take(&mut args.positional);
    let found = match context.nested(|| lookup(context, Call { terms, options: args, with })) {
        Ok(found) => found,
        Err(mut error) => {
            if error.kind == ErrorKind::Runtime {
                error.kind = ErrorKind::Plugin;
                error.message = format!("The lookup plugin '{name}' failed: {}", error.message);
            }
            match errors.as_ref().and_then(Object::as_str) {
                Some("ignore") => {}
                Some("warn") => context.controller().warn(&error.message),
                Some("strict") | None => return Err(error),
                Some(other) => {
                    return Err(TemplateError::runtime(format!(
                        "the option 'errors' must be 'strict', 'warn' or 'ignore', not '{other}'"
                    )));
                }
            }
            return Ok(if list { Object::list(Vec::new()) } else { Object::NONE });
        }
    };
    if list || found.is_empty() {
        return Ok(Object::list(found));
    }
    if found.len() == 1 {
        return Ok(found.into_iter().next().unwrap_or(Object::NONE));
    }
    let texts: Option<Vec<&str>> = found.iter().map(Object::as_str).collect();
    match texts {
        Some(texts) => Ok(Object::str(texts.join(","))),
        None => Ok(Object::list(found)),
    }
}
