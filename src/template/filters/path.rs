//! Filters on paths, as `os.path` and `ntpath` have them.

use super::Filter;
use crate::template::error::{Result, TemplateError};
use crate::template::runtime::{Args, Context, Object};
use std::path::PathBuf;

pub const FILTERS: &[(&str, Filter)] = &[
    ("basename", |context, value, args| text(context, &value, args, |path| split(path).1.to_owned())),
    ("dirname", |context, value, args| text(context, &value, args, |path| split(path).0.to_owned())),
    ("normpath", |context, value, args| text(context, &value, args, normalize)),
    ("realpath", |context, value, _| {
        let path = absolute(context, path_text(&value)?);
        Ok(Object::str(context.controller().real_path(&path).to_string_lossy()))
    }),
    ("relpath", relpath),
    ("expanduser", |context, value, _| Ok(Object::str(expand_user(context, path_text(&value)?)))),
    ("expandvars", |context, value, _| Ok(Object::str(expand_vars(context, path_text(&value)?)))),
    ("path_join", path_join),
    ("splitext", splitext),
    ("commonpath", commonpath),
    ("fileglob", |context, value, _| {
        let found = context.controller().glob(&context.text(&value)?);
        Ok(Object::list(found.iter().map(|path| Object::str(path.to_string_lossy())).collect()))
    }),
    ("win_basename", |context, value, args| text(context, &value, args, |path| win_split(path).1.to_owned())),
    ("win_dirname", |context, value, args| text(context, &value, args, |path| win_split(path).0)),
    ("win_splitdrive", |_, value, _| {
        let (drive, rest) = split_drive(path_text(&value)?);
        Ok(Object::tuple(vec![Object::str(drive), Object::str(rest)]))
    }),
];

fn text(_: &Context<'_>, value: &Object, args: Args, change: fn(&str) -> String) -> Result<Object> {
    args.none()?;
    Ok(Object::str(change(path_text(value)?)))
}

/// A path must be a string.
fn path_text(value: &Object) -> Result<&str> {
    value.as_str().ok_or_else(|| {
        let name = crate::template::runtime::type_name(value);
        TemplateError::runtime(format!("expected str, bytes or os.PathLike object, not {name}"))
    })
}

/// `os.path.split`.
pub fn split(path: &str) -> (&str, &str) {
    let at = path.rfind('/').map_or(0, |slash| slash + 1);
    let (head, tail) = path.split_at(at);
    let stripped = head.trim_end_matches('/');
    (if stripped.is_empty() { head } else { stripped }, tail)
}

/// `os.path.normpath`.
pub fn normalize(path: &str) -> String {
    if path.is_empty() {
        return ".".into();
    }
    // Two leading slashes mean something of their own, three do not.
    let slashes = match path.len() - path.trim_start_matches('/').len() {
        0 => "",
        2 => "//",
        _ => "/",
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if slashes.is_empty() && parts.last().is_none_or(|last| *last == "..") => parts.push(part),
            ".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    let joined = format!("{slashes}{}", parts.join("/"));
    if joined.is_empty() { ".".into() } else { joined }
}

fn absolute(context: &Context<'_>, path: &str) -> PathBuf {
    context.controller().working_folder().join(path)
}

fn relpath(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    let [start] = args.bind(["start"])?;
    let path = path_text(&value)?;
    if path.is_empty() {
        return Err(TemplateError::runtime("no path specified"));
    }
    let start = context.text_or(&start, ".")?;
    let full = |path: &str| normalize(&absolute(context, path).to_string_lossy());
    let (path, start) = (full(path), full(&start));
    let parts = |path: &str| path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    let (path, start) = (parts(&path), parts(&start));
    let common = path.iter().zip(&start).take_while(|(a, b)| a == b).count();
    let mut out = vec!["..".to_owned(); start.len() - common];
    out.extend_from_slice(&path[common..]);
    Ok(Object::str(if out.is_empty() { ".".into() } else { out.join("/") }))
}

/// `os.path.expanduser`.
pub fn expand_user(context: &Context<'_>, path: &str) -> String {
    let Some(rest) = path.strip_prefix('~') else { return path.to_owned() };
    let end = rest.find('/').unwrap_or(rest.len());
    let (user, tail) = rest.split_at(end);
    match context.controller().home((!user.is_empty()).then_some(user)) {
        Some(home) => {
            let home = home.to_string_lossy();
            let joined = format!("{}{tail}", home.trim_end_matches('/'));
            if joined.is_empty() { "/".into() } else { joined }
        }
        None => path.to_owned(),
    }
}

fn expand_vars(context: &Context<'_>, path: &str) -> String {
    let mut out = String::new();
    let mut rest = path;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let (name, length) = match after.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            Some((name, _)) => (name, name.len() + 2),
            None => {
                let end = after.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(after.len());
                (&after[..end], end)
            }
        };
        match context.controller().env(name).filter(|_| !name.is_empty()) {
            Some(value) => out.push_str(&value),
            None => out.push_str(&rest[at..at + 1 + length]),
        }
        rest = &after[length..];
    }
    out.push_str(rest);
    out
}

fn path_join(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    args.none()?;
    if value.as_str().is_some() {
        return Ok(value);
    }
    if !value.is_list() {
        let name = crate::template::runtime::type_name(&value);
        return Err(TemplateError::runtime(format!("|path_join expects string or sequence, got {name} instead.")));
    }
    let mut out = String::new();
    for (index, part) in context.iterate(&value)?.iter().enumerate() {
        if let Object::Undefined(error) = part {
            return Err(error.raised());
        }
        let Some(part) = part.as_str() else {
            let name = crate::template::runtime::type_name(part);
            return Err(TemplateError::runtime(format!(
                "join() argument must be str, bytes, or os.PathLike object, not '{name}'"
            )));
        };
        if part.starts_with('/') {
            out.clear();
        } else if index > 0 && !out.is_empty() && !out.ends_with('/') {
            out.push('/');
        }
        out.push_str(part);
    }
    Ok(Object::str(out))
}

fn splitext(_: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    args.none()?;
    let path = path_text(&value)?;
    let name_start = path.rfind('/').map_or(0, |slash| slash + 1);
    let name = &path[name_start..];
    // Leading dots belong to the name.
    let dots = name.len() - name.trim_start_matches('.').len();
    let at = name[dots..].rfind('.').map_or(path.len(), |dot| name_start + dots + dot);
    Ok(Object::tuple(vec![Object::str(&path[..at]), Object::str(&path[at..])]))
}

fn commonpath(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    args.none()?;
    if !value.is_list() {
        let name = crate::template::runtime::type_name(&value);
        return Err(TemplateError::runtime(format!("|commonpath expects sequence, got {name} instead.")));
    }
    let mut paths = Vec::new();
    for path in context.iterate(&value)? {
        paths.push(path_text(&path)?.to_owned());
    }
    let Some(first) = paths.first() else {
        return Err(TemplateError::runtime("commonpath() arg is an empty sequence"));
    };
    let rooted = first.starts_with('/');
    if paths.iter().any(|path| path.starts_with('/') != rooted) {
        return Err(TemplateError::runtime("Can't mix absolute and relative paths"));
    }
    let parts = |path: &str| {
        path.split('/').filter(|part| !part.is_empty() && *part != ".").map(str::to_owned).collect::<Vec<_>>()
    };
    let mut common = parts(first);
    for path in &paths[1..] {
        let other = parts(path);
        let length = common.iter().zip(&other).take_while(|(a, b)| a == b).count();
        common.truncate(length);
    }
    Ok(Object::str(format!("{}{}", if rooted { "/" } else { "" }, common.join("/"))))
}

fn split_drive(path: &str) -> (&str, &str) {
    let is_separator = |c: char| c == '\\' || c == '/';
    if path.len() >= 2 && path.chars().take(2).all(is_separator) && !path[2..].starts_with(is_separator) {
        // A share: \\server\name.
        let server = path[2..].find(is_separator).map(|at| at + 2);
        let Some(server) = server else { return (path, "") };
        let name = path[server + 1..].find(is_separator).map_or(path.len(), |at| at + server + 1);
        return path.split_at(name);
    }
    let colon = path.char_indices().nth(1).filter(|(_, c)| *c == ':').map(|(at, _)| at + 1);
    path.split_at(colon.unwrap_or(0))
}

fn win_split(path: &str) -> (String, &str) {
    let (drive, rest) = split_drive(path);
    let is_separator = |c: char| c == '\\' || c == '/';
    let at = rest.rfind(is_separator).map_or(0, |slash| slash + 1);
    let (head, tail) = rest.split_at(at);
    let stripped = head.trim_end_matches(is_separator);
    (format!("{drive}{}", if stripped.is_empty() { head } else { stripped }), tail)
}
