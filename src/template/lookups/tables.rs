//! `csvfile` and `ini`: single values out of files.

use super::{Call, Lookup, files::read, keyvalue};
use crate::template::error::{Result, TemplateError};
use crate::template::python::{Flags, Regex};
use crate::template::runtime::{Context, Object};
use crate::value::{Value, parse_bool};

pub const LOOKUPS: &[(&str, Lookup)] = &[("csvfile", csvfile), ("ini", ini)];

/// Options of a lookup as text: the call's, then those that stand in the term.
struct Options(Vec<(String, String)>);

impl Options {
    fn new(context: &Context<'_>, call: &Call, known: &[&str]) -> Result<Options> {
        let mut options = Vec::new();
        for (name, object) in &call.options.named {
            if !known.contains(&&**name) {
                return Err(TemplateError::runtime(format!("got an unexpected keyword argument '{name}'")));
            }
            options.push((name.to_string(), context.text(object)?));
        }
        Ok(Options(options))
    }

    fn with(&self, pairs: Vec<(String, String)>, known: &[&str]) -> Result<Options> {
        let mut all = self.0.clone();
        for (name, value) in pairs {
            if !known.contains(&name.as_str()) {
                return Err(TemplateError::runtime(format!("'{name}' is not a valid option.")));
            }
            all.push((name, value));
        }
        Ok(Options(all))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn truth(&self, name: &str, default: bool) -> bool {
        self.get(name).and_then(|text| parse_bool(&Value::str(text))).unwrap_or(default)
    }
}

fn csvfile(context: &Context<'_>, call: Call) -> Result<Vec<Object>> {
    let known = ["col", "default", "delimiter", "file", "encoding", "keycol"];
    let options = Options::new(context, &call, &known)?;
    let mut out = Vec::new();
    for term in &call.terms {
        let (key, pairs) = keyvalue::parse(&context.text(term)?);
        if key.is_empty() {
            return Err(TemplateError::runtime("Search key is required but was not found."));
        }
        let options = options.with(pairs, &known)?;
        let column = |name: &str, default: usize| match options.get(name) {
            Some(text) => text.parse().map_err(|_| TemplateError::runtime(format!("{name} must be a number"))),
            None => Ok(default),
        };
        let (column, key_column): (usize, usize) = (column("col", 1)?, column("keycol", 0)?);
        let delimiter = match options.get("delimiter") {
            None | Some("TAB" | "\\t") => '\t',
            Some(text) => text.chars().next().unwrap_or('\t'),
        };
        let (_, text) = read(context, "files", options.get("file").unwrap_or("ansible.csv"))?;
        let rows = rows(&text, delimiter);
        let found = rows.iter().find(|row| row.get(key_column).is_some_and(|cell| *cell == key));
        match found {
            Some(row) => match row.get(column) {
                Some(cell) => out.push(Object::str(cell)),
                None => return Err(TemplateError::runtime("list index out of range")),
            },
            None => out.extend(options.get("default").map(Object::str)),
        }
    }
    Ok(out)
}

/// The rows of a CSV text; quotes hold delimiters and newlines, a doubled quote is one.
fn rows(text: &str, delimiter: char) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let mut row = Vec::new();
    let mut cell = String::new();
    let mut quoted = false;
    let mut started = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.next_if_eq(&'"').is_some() => cell.push('"'),
            '"' if quoted => quoted = false,
            '"' if cell.is_empty() && !started => {
                quoted = true;
                started = true;
            }
            c if quoted => cell.push(c),
            c if c == delimiter => {
                row.push(std::mem::take(&mut cell));
                started = false;
            }
            '\r' => {}
            '\n' => {
                if !row.is_empty() || !cell.is_empty() || started {
                    row.push(std::mem::take(&mut cell));
                    rows.push(std::mem::take(&mut row));
                }
                started = false;
            }
            c => cell.push(c),
        }
    }
    if !row.is_empty() || !cell.is_empty() {
        row.push(cell);
        rows.push(row);
    }
    rows
}

fn ini(context: &Context<'_>, call: Call) -> Result<Vec<Object>> {
    let known = [
        "type",
        "file",
        "section",
        "re",
        "encoding",
        "default",
        "case_sensitive",
        "allow_no_value",
        "allow_none",
        "interpolation",
    ];
    let options = Options::new(context, &call, &known)?;
    let mut out = Vec::new();
    for term in &call.terms {
        let term = context.text(term)?;
        let (key, options) = match term.contains('=') {
            true => {
                let (key, pairs) = keyvalue::parse(&term);
                if key.is_empty() {
                    return Err(TemplateError::runtime(format!(
                        "No key to look up was provided as first term within string inline options: {term}"
                    )));
                }
                (key, options.with(pairs, &known)?)
            }
            false => (term, Options(options.0.clone())),
        };
        let file = options.get("file").unwrap_or("ansible.ini");
        let (_, text) = read(context, "files", file)?;
        let properties = options.get("type") == Some("properties");
        let section = if properties { "" } else { options.get("section").unwrap_or("global") };
        let case = options.truth("case_sensitive", false);
        let allow_no_value = options.truth("allow_no_value", false) || options.truth("allow_none", false);
        let sections = sections(&text, case, properties, allow_no_value)?;
        let Some((_, entries)) = sections.iter().find(|(name, _)| name == section) else {
            return Err(TemplateError::runtime(format!(
                "No section {} in {}.",
                Value::str(section).repr(),
                Value::str(file).repr()
            )));
        };
        let defaults = sections.iter().find(|(name, _)| name == "DEFAULT").map_or(&[][..], |(_, entries)| entries);
        let all: Vec<&Entry> =
            defaults.iter().filter(|(name, _)| !entries.iter().any(|(own, _)| own == name)).chain(entries).collect();
        let interpolate = options.truth("interpolation", true);
        let value = |value: &Option<String>| match value {
            Some(value) if interpolate => interpolated(value, &all, 0).map(Object::str),
            Some(value) => Ok(Object::str(value)),
            None => Ok(Object::NONE),
        };
        if options.truth("re", false) {
            let regex = Regex::new(&format!(r"\A(?:{key})"), Flags::default())?;
            for (name, text) in &all {
                if regex.search(name)?.is_some() {
                    out.push(value(text)?);
                }
            }
            continue;
        }
        let key = if case { key } else { key.to_lowercase() };
        match all.iter().find(|(name, _)| *name == key) {
            Some((_, text)) => out.push(value(text)?),
            None => out.push(Object::str(options.get("default").unwrap_or(""))),
        }
    }
    Ok(out)
}

type Entry = (String, Option<String>);

/// The sections of an INI text as Python's `configparser` reads them.
fn sections(text: &str, case: bool, properties: bool, allow_no_value: bool) -> Result<Vec<(String, Vec<Entry>)>> {
    let mut sections: Vec<(String, Vec<Entry>)> = Vec::new();
    if properties {
        sections.push((String::new(), Vec::new()));
    }
    for line in text.lines() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            continue;
        }
        // A deeper line goes on with the value above.
        if line.starts_with(char::is_whitespace)
            && let Some((_, Some(value))) = sections.last_mut().and_then(|(_, entries)| entries.last_mut())
        {
            value.push('\n');
            value.push_str(trimmed);
            continue;
        }
        if let Some(name) = trimmed.strip_prefix('[').and_then(|rest| rest.split_once(']')).map(|(name, _)| name) {
            if !sections.iter().any(|(known, _)| known == name) {
                sections.push((name.to_owned(), Vec::new()));
            } else if let Some(at) = sections.iter().position(|(known, _)| known == name) {
                let section = sections.remove(at);
                sections.push(section);
            }
            continue;
        }
        let Some((_, entries)) = sections.last_mut() else {
            return Err(TemplateError::runtime("File contains no section headers."));
        };
        let (key, value) = match trimmed.find(['=', ':']) {
            Some(at) => (trimmed[..at].trim(), Some(trimmed[at + 1..].trim().to_owned())),
            None if allow_no_value => (trimmed, None),
            None => return Err(TemplateError::runtime(format!("Source contains parsing errors: {trimmed:?}"))),
        };
        let key = if case { key.to_owned() } else { key.to_lowercase() };
        if entries.iter().any(|(known, _)| *known == key) {
            return Err(TemplateError::runtime(format!("Duplicate option '{key}'.")));
        }
        entries.push((key, value));
    }
    Ok(sections)
}

/// Replaces `%(name)s` and `%%`.
fn interpolated(text: &str, entries: &[&Entry], depth: usize) -> Result<String> {
    if depth > 10 {
        return Err(TemplateError::runtime("Recursion limit exceeded in value substitution"));
    }
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('%') {
            out.push('%');
            rest = after;
            continue;
        }
        let Some((name, after)) = rest.strip_prefix('(').and_then(|rest| rest.split_once(")s")) else {
            return Err(TemplateError::runtime(format!(
                "'%' must be followed by '%' or '(', found: {}",
                Value::str(format!("%{rest}")).repr()
            )));
        };
        let found = entries.iter().find(|(known, _)| *known == name.to_lowercase());
        let Some((_, Some(value))) = found else {
            return Err(TemplateError::runtime(format!("Bad value substitution: no option '{name}'")));
        };
        out.push_str(&interpolated(value, entries, depth + 1)?);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}
