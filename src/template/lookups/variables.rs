//! Lookups of variables, hosts and the environment.

use super::{Call, Lookup};
use crate::template::error::{Result, TemplateError};
use crate::template::python::{Flags, Regex};
use crate::template::runtime::{Context, Object, type_name};
use crate::value::Value;
use std::sync::Arc;

pub const LOOKUPS: &[(&str, Lookup)] = &[
    ("vars", vars),
    ("varnames", varnames),
    ("env", env),
    ("inventory_hostnames", inventory_hostnames),
    ("config", config),
];

fn vars(context: &Context<'_>, call: Call) -> Result<Vec<Object>> {
    let [default] = call.options.bind(["default"])?;
    let default = default.filter(|default| !default.is_none());
    let mut out = Vec::new();
    for term in &call.terms {
        let Some(name) = term.as_str() else {
            return Err(TemplateError::runtime(format!("Variable name must be 'str' not '{}'.", type_name(term))));
        };
        out.push(match context.variable(&Arc::from(name)) {
            Some(object) => object,
            None => default.clone().unwrap_or_else(|| {
                context.undefined(name, format!("No variable named {} was found.", Value::str(name).repr()))
            }),
        });
    }
    Ok(out)
}

fn varnames(context: &Context<'_>, call: Call) -> Result<Vec<Object>> {
    call.options.none()?;
    let names = context.scope.names();
    let mut out = Vec::new();
    for term in &call.terms {
        let Some(pattern) = term.as_str() else {
            return Err(TemplateError::runtime(format!(
                "Invalid setting identifier, \"{}\" is not a string, it is a {}",
                context.text(term)?,
                type_name(term)
            )));
        };
        let regex = Regex::new(pattern, Flags::default()).map_err(|error| {
            let why = &error.message;
            TemplateError::runtime(format!("Unable to use \"{pattern}\" as a search parameter: {why}"))
        })?;
        for name in &names {
            if regex.search(name)?.is_some() {
                out.push(Object::str(name));
            }
        }
    }
    Ok(out)
}

fn env(context: &Context<'_>, call: Call) -> Result<Vec<Object>> {
    let [default] = call.options.bind(["default"])?;
    let default = default.unwrap_or_else(|| Object::str(""));
    let mut out = Vec::new();
    for term in &call.terms {
        let term = context.text(term)?;
        let name = term.split_whitespace().next().unwrap_or("");
        out.push(match (context.controller().env(name), &default) {
            (Some(value), _) => Object::str(value),
            (None, Object::Undefined(error)) if error.is_undefined() => {
                context.undefined(name, format!("The environment variable {} is not set.", Value::str(name).repr()))
            }
            (None, default) => default.clone(),
        });
    }
    Ok(out)
}

fn config(context: &Context<'_>, call: Call) -> Result<Vec<Object>> {
    let [missing, kind, name, origin] =
        call.options.bind(["on_missing", "plugin_type", "plugin_name", "show_origin"])?;
    if kind.is_some() || name.is_some() || context.truth_or(&origin, false)? {
        return Err(TemplateError::runtime("the config lookup knows no plugin settings and no origins"));
    }
    let missing = context.text_or(&missing, "error")?;
    let mut out = Vec::new();
    for term in &call.terms {
        let name = context.text(term)?;
        match (context.controller().setting(&name), missing.as_str()) {
            (Some(value), _) => out.push(Object::Value(value)),
            (None, "skip") => {}
            (None, "warn") => context.controller().warn(&format!("Skipping {name}.")),
            (None, "error") => {
                return Err(TemplateError::runtime(format!("No config definition exists for '{name}'.")));
            }
            (None, other) => {
                return Err(TemplateError::runtime(format!(
                    "Invalid option for error handling, missing must be error, warn or skip, got: {other}."
                )));
            }
        }
    }
    Ok(out)
}

/// The hosts that patterns mean, by the scope's `groups`.
fn inventory_hostnames(context: &Context<'_>, call: Call) -> Result<Vec<Object>> {
    call.options.none()?;
    let Some(groups) = context.variable(&Arc::from("groups")) else { return Ok(Vec::new()) };
    let mut known: Vec<(String, Vec<String>)> = Vec::new();
    for (name, hosts) in context.entries(&groups)? {
        let hosts = context.iterate(&hosts)?.iter().map(|host| context.text(host)).collect::<Result<_>>()?;
        known.push((name.to_string(), hosts));
    }
    let mut patterns = Vec::new();
    for term in &call.terms {
        let term = context.text(term)?;
        let separator = if term.contains(',') { ',' } else { ':' };
        patterns.extend(term.split(separator).map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()));
    }
    if patterns.first().is_some_and(|first| first.starts_with(['!', '&'])) {
        patterns.insert(0, "all".into());
    }
    // Plain patterns first, then intersections, then exclusions.
    patterns.sort_by_key(|pattern| match pattern.as_bytes()[0] {
        b'&' => 1,
        b'!' => 2,
        _ => 0,
    });
    let mut hosts: Vec<String> = Vec::new();
    for pattern in &patterns {
        let found = matching(pattern.trim_start_matches(['&', '!']), &known)?;
        match pattern.as_bytes()[0] {
            b'&' => hosts.retain(|host| found.contains(host)),
            b'!' => hosts.retain(|host| !found.contains(host)),
            _ => {
                for host in found {
                    if !hosts.contains(&host) {
                        hosts.push(host);
                    }
                }
            }
        }
    }
    Ok(hosts.into_iter().map(Object::str).collect())
}

/// The hosts of groups and the hosts whose names fit one pattern.
fn matching(pattern: &str, groups: &[(String, Vec<String>)]) -> Result<Vec<String>> {
    let regex = match pattern.strip_prefix('~') {
        Some(pattern) => format!(r"\A(?:{pattern})"),
        None => {
            let mut regex = String::from(r"\A");
            for c in pattern.chars() {
                match c {
                    '*' => regex.push_str(".*"),
                    '?' => regex.push('.'),
                    '[' | ']' => regex.push(c),
                    c => regex.push_str(&crate::template::python::regex_escape(&c.to_string())),
                }
            }
            regex + r"\Z"
        }
    };
    let fits = Regex::new(&regex, Flags::default())?;
    let mut out: Vec<String> = Vec::new();
    let mut add = |host: &String| {
        if !out.contains(host) {
            out.push(host.clone());
        }
    };
    for (name, hosts) in groups {
        if (pattern == "all" && name == "all") || fits.search(name)?.is_some() {
            hosts.iter().for_each(&mut add);
        }
    }
    for host in groups.iter().flat_map(|(_, hosts)| hosts) {
        if pattern == "all" || pattern == "*" || fits.search(host)?.is_some() {
            add(host);
        }
    }
    Ok(out)
}
