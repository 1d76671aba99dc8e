//! Filters: Jinja's, ansible-core's and a few of the common collections', one file per family.

mod basic;
mod community;
mod convert;
mod dict;
mod hash;
mod html;
mod json;
mod math;
mod path;
mod random;
mod regex;
mod select;
mod sequence;
mod sets;
mod text;
mod time;
mod url;
mod vault;
mod wrap;
mod yaml;

pub use hash::{hash_password, random_salt};
pub use json::sort as sort_entries;
pub use path::{expand_user, normalize as normalize_path};
pub use random::Source;
pub use regex::flags as regex_flags;
pub use sets::Set;
pub use url::split as url_split;

use super::check::unknown;
use super::error::{ErrorKind, Result};
use super::runtime::{Args, Context, Object};
use super::syntax::Place;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

/// A filter: what it is applied to, and its arguments.
pub type Filter = fn(&Context<'_>, Object, Args) -> Result<Object>;

const FAMILIES: &[&[(&str, Filter)]] = &[
    basic::FILTERS,
    community::FILTERS,
    convert::FILTERS,
    dict::FILTERS,
    hash::FILTERS,
    html::FILTERS,
    json::FILTERS,
    math::FILTERS,
    path::FILTERS,
    random::FILTERS,
    regex::FILTERS,
    select::FILTERS,
    sequence::FILTERS,
    sets::FILTERS,
    text::FILTERS,
    time::FILTERS,
    url::FILTERS,
    vault::FILTERS,
    wrap::FILTERS,
    yaml::FILTERS,
];

/// Filters that are given something undefined as it is.
const UNDEFINED_WELCOME: &[&str] = &["default", "d", "mandatory", "ternary", "type_debug", "unvault"];

fn table() -> &'static HashMap<&'static str, (&'static str, Filter)> {
    static TABLE: OnceLock<HashMap<&'static str, (&'static str, Filter)>> = OnceLock::new();
    TABLE.get_or_init(|| FAMILIES.iter().copied().flatten().map(|(name, filter)| (*name, (*name, *filter))).collect())
}

/// Finds a filter by its short name or its full one.
fn find(name: &str) -> Option<(&'static str, Filter)> {
    let short = ["ansible.builtin.", "ansible.legacy."].iter().find_map(|prefix| name.strip_prefix(prefix));
    table().get(short.unwrap_or(name)).copied()
}

/// Whether there is a filter of that name.
pub fn exists(name: &str) -> bool {
    find(name).is_some()
}

/// The names of all filters.
pub fn names() -> impl Iterator<Item = &'static str> {
    table().keys().copied()
}

/// Applies a filter. An error is raised only when the result is used.
///
/// # Errors
/// Only when there is no such filter.
pub fn apply(context: &Context<'_>, name: &Arc<str>, value: Object, args: Args, place: Place) -> Result<Object> {
    let Some((short, filter)) = find(name) else {
        return Err(unknown("filter", name, place, names()).at(context.span));
    };
    if !UNDEFINED_WELCOME.contains(&short) {
        if let Object::Undefined(_) = value {
            return Ok(value);
        }
        if let Some(undefined) = args.undefined() {
            return Ok(undefined);
        }
    }
    Ok(filter(context, value, args).unwrap_or_else(|mut error| {
        if error.kind == ErrorKind::Runtime {
            error.kind = ErrorKind::Plugin;
            let full = if short.contains('.') { short.to_owned() } else { format!("ansible.builtin.{short}") };
            error.message = format!("The filter plugin '{full}' failed: {}", error.message);
        }
        Object::failed(error.at(context.span))
    }))
}
