//! Methods of strings.

use crate::template::error::{Result, TemplateError};
use crate::template::python::brace_format;
use crate::template::runtime::{Args, Context, Object, type_name};
use crate::value::Key;
use std::rc::Rc;

pub const NAMES: &[&str] = &[
    "capitalize",
    "casefold",
    "center",
    "count",
    "encode",
    "endswith",
    "expandtabs",
    "find",
    "format",
    "format_map",
    "index",
    "isalnum",
    "isalpha",
    "isascii",
    "isdecimal",
    "isdigit",
    "isidentifier",
    "islower",
    "isnumeric",
    "isprintable",
    "isspace",
    "istitle",
    "isupper",
    "join",
    "ljust",
    "lower",
    "lstrip",
    "maketrans",
    "partition",
    "removeprefix",
    "removesuffix",
    "replace",
    "rfind",
    "rindex",
    "rjust",
    "rpartition",
    "rsplit",
    "rstrip",
    "split",
    "splitlines",
    "startswith",
    "strip",
    "swapcase",
    "title",
    "translate",
    "upper",
    "zfill",
];

pub fn call(context: &Context<'_>, text: &str, name: &str, args: Args) -> Result<Object> {
    let string = |object: &Option<Object>, what: &str| -> Result<Option<String>> {
        match object {
            None => Ok(None),
            Some(object) if object.is_none() => Ok(None),
            Some(object) => match object.as_str() {
                Some(text) => Ok(Some(text.to_owned())),
                None => Err(TemplateError::runtime(format!("{what} must be str, not {}", type_name(object)))),
            },
        }
    };
    let whole = |object: &Option<Object>, default: i64| -> Result<i64> {
        match object {
            None => Ok(default),
            Some(object) => object.as_int().ok_or_else(|| {
                TemplateError::runtime(format!("'{}' object cannot be interpreted as an integer", type_name(object)))
            }),
        }
    };
    Ok(match name {
        "capitalize" | "casefold" | "lower" | "swapcase" | "title" | "upper" => {
            args.none()?;
            Object::str(cased(text, name))
        }
        "isalnum" | "isalpha" | "isascii" | "isdecimal" | "isdigit" | "isidentifier" | "islower" | "isnumeric"
        | "isprintable" | "isspace" | "istitle" | "isupper" => {
            args.none()?;
            Object::bool(is(text, name))
        }
        "center" | "ljust" | "rjust" => {
            let [width, fill] = args.bind_required(["width", "fillchar"], 1)?;
            let width = whole(&width, 0)?.clamp(0, 1 << 24) as usize;
            let fill = string(&fill, "the fill character")?.unwrap_or_else(|| " ".into());
            if fill.chars().count() != 1 {
                return Err(TemplateError::runtime("The fill character must be exactly one character long"));
            }
            let length = text.chars().count();
            let missing = width.saturating_sub(length);
            let left = match name {
                "ljust" => 0,
                "rjust" => missing,
                _ => missing / 2 + (missing & width & 1),
            };
            Object::str(format!("{}{text}{}", fill.repeat(left), fill.repeat(missing - left)))
        }
        "zfill" => {
            let [width] = args.bind_required(["width"], 1)?;
            let missing = (whole(&width, 0)?.clamp(0, 1 << 24) as usize).saturating_sub(text.chars().count());
            let sign = usize::from(text.starts_with(['+', '-']));
            let (head, tail) = text.split_at(sign);
            Object::str(format!("{head}{}{tail}", "0".repeat(missing)))
        }
        "count" | "find" | "index" | "rfind" | "rindex" => {
            let [wanted, start, end] = args.bind_required(["sub", "start", "end"], 1)?;
            let wanted = string(&wanted, "the substring")?.unwrap_or_default();
            let length = text.chars().count() as i64;
            let bound = |number: i64| if number < 0 { (number + length).max(0) } else { number.min(length) };
            let (start, end) = (bound(whole(&start, 0)?), bound(whole(&end, length)?));
            let part: String = text.chars().skip(start as usize).take((end - start).max(0) as usize).collect();
            if name == "count" {
                let count = if wanted.is_empty() { part.chars().count() + 1 } else { part.matches(&*wanted).count() };
                return Ok(Object::int(count as i64));
            }
            let found = if name.starts_with('r') { part.rfind(&*wanted) } else { part.find(&*wanted) };
            match found {
                Some(at) if start <= end => Object::int(start + part[..at].chars().count() as i64),
                _ if name.ends_with("find") => Object::int(-1),
                _ => return Err(TemplateError::runtime("substring not found")),
            }
        }
        "startswith" | "endswith" => {
            let [wanted, start, end] =
                args.bind_required([if name == "startswith" { "prefix" } else { "suffix" }, "start", "end"], 1)?;
            let length = text.chars().count() as i64;
            let bound = |number: i64| if number < 0 { (number + length).max(0) } else { number.min(length) };
            let (start, end) = (bound(whole(&start, 0)?), bound(whole(&end, length)?));
            let part: String = text.chars().skip(start as usize).take((end - start).max(0) as usize).collect();
            let wanted = wanted.unwrap_or(Object::NONE);
            let all = match &wanted {
                Object::Tuple(items) => items.to_vec(),
                one if one.as_str().is_some() => vec![wanted],
                other => {
                    return Err(TemplateError::runtime(format!(
                        "{name} first arg must be str or a tuple of str, not {}",
                        type_name(other)
                    )));
                }
            };
            let fits = |word: &str| if name == "startswith" { part.starts_with(word) } else { part.ends_with(word) };
            Object::bool(all.iter().filter_map(Object::as_str).any(fits))
        }
        "strip" | "lstrip" | "rstrip" => {
            let [chars] = args.bind(["chars"])?;
            let chars = string(&chars, &format!("{name} arg"))?;
            let drop = |c: char| match &chars {
                Some(chars) => chars.contains(c),
                None => c.is_whitespace() || ('\x1c'..='\x1f').contains(&c),
            };
            Object::str(match name {
                "strip" => text.trim_matches(drop),
                "lstrip" => text.trim_start_matches(drop),
                _ => text.trim_end_matches(drop),
            })
        }
        "removeprefix" => {
            let [prefix] = args.bind_required(["prefix"], 1)?;
            let prefix = string(&prefix, "removeprefix() argument")?.unwrap_or_default();
            Object::str(text.strip_prefix(&*prefix).unwrap_or(text))
        }
        "removesuffix" => {
            let [suffix] = args.bind_required(["suffix"], 1)?;
            let suffix = string(&suffix, "removesuffix() argument")?.unwrap_or_default();
            Object::str(text.strip_suffix(&*suffix).unwrap_or(text))
        }
        "replace" => {
            let [old, new, count] = args.bind_required(["old", "new", "count"], 2)?;
            let old = string(&old, "replace() argument 1")?.unwrap_or_default();
            let new = string(&new, "replace() argument 2")?.unwrap_or_default();
            match usize::try_from(whole(&count, -1)?) {
                Ok(count) => Object::str(text.replacen(&*old, &new, count)),
                Err(_) => Object::str(text.replace(&*old, &new)),
            }
        }
        "split" | "rsplit" => {
            let [separator, limit] = args.bind(["sep", "maxsplit"])?;
            let separator = string(&separator, "sep")?;
            let limit = usize::try_from(whole(&limit, -1)?).unwrap_or(usize::MAX);
            if separator.as_deref() == Some("") {
                return Err(TemplateError::runtime("empty separator"));
            }
            let parts = split(text, separator.as_deref(), limit, name == "rsplit");
            Object::list(parts.into_iter().map(Object::str).collect())
        }
        "splitlines" => {
            let [keep] = args.bind(["keepends"])?;
            let keep = match keep {
                Some(keep) => context.truth(&keep)?,
                None => false,
            };
            Object::list(lines(text, keep).into_iter().map(Object::str).collect())
        }
        "partition" | "rpartition" => {
            let [separator] = args.bind_required(["sep"], 1)?;
            let separator = string(&separator, "sep")?.unwrap_or_default();
            if separator.is_empty() {
                return Err(TemplateError::runtime("empty separator"));
            }
            let parts = match name {
                "partition" => text.split_once(&*separator).map_or([text, "", ""], |(a, b)| [a, &separator, b]),
                _ => text.rsplit_once(&*separator).map_or(["", "", text], |(a, b)| [a, &separator, b]),
            };
            Object::tuple(parts.into_iter().map(Object::str).collect())
        }
        "join" => {
            let [items] = args.bind_required(["iterable"], 1)?;
            let mut out = String::new();
            for (index, item) in context.iterate(&items.unwrap_or(Object::NONE))?.iter().enumerate() {
                if index > 0 {
                    out.push_str(text);
                }
                match item {
                    Object::Undefined(error) => return Err(error.raised()),
                    other => match other.as_str() {
                        Some(part) => out.push_str(part),
                        None => {
                            return Err(TemplateError::runtime(format!(
                                "sequence item {index}: expected str instance, {} found",
                                type_name(other)
                            )));
                        }
                    },
                }
            }
            Object::str(out)
        }
        "expandtabs" => {
            let [size] = args.bind(["tabsize"])?;
            Object::str(expand_tabs(text, whole(&size, 8)?.clamp(0, 1000) as usize))
        }
        "encode" => Object::Bytes(Rc::new(text.as_bytes().to_vec())),
        "format" => Object::str(brace_format(context, text, &args)?),
        "format_map" => {
            let [mapping] = args.bind_required(["mapping"], 1)?;
            let named = context.entries(&mapping.unwrap_or(Object::NONE))?;
            let named = named.into_iter().map(|(key, value)| (key.to_string().into(), value)).collect();
            Object::str(brace_format(context, text, &Args { positional: Vec::new(), named })?)
        }
        "maketrans" => {
            let [from, to, delete] = args.bind_required(["x", "y", "z"], 1)?;
            make_translation(
                context,
                from,
                string(&to, "maketrans() argument")?,
                string(&delete, "maketrans() argument")?,
            )?
        }
        "translate" => {
            let [table] = args.bind_required(["table"], 1)?;
            let table = table.unwrap_or(Object::NONE);
            let mut out = String::new();
            for c in text.chars() {
                match context.entry(&table, &Key::Int(i64::from(c as u32))) {
                    None => out.push(c),
                    Some(object) if object.is_none() => {}
                    Some(object) => match object.as_int() {
                        Some(code) => out.extend(u32::try_from(code).ok().and_then(char::from_u32)),
                        None => out.push_str(&context.text(&object)?),
                    },
                }
            }
            Object::str(out)
        }
        _ => return Err(TemplateError::runtime(format!("str.{name}() is not supported"))),
    })
}

fn make_translation(
    context: &Context<'_>,
    from: Option<Object>,
    to: Option<String>,
    delete: Option<String>,
) -> Result<Object> {
    let mut entries = crate::template::runtime::Entries::new();
    let code = |c: char| Key::Int(i64::from(c as u32));
    let from = from.unwrap_or(Object::NONE);
    match (from.as_str(), to) {
        (Some(from), Some(to)) => {
            if from.chars().count() != to.chars().count() {
                return Err(TemplateError::runtime("the first two maketrans arguments must have equal length"));
            }
            for (a, b) in from.chars().zip(to.chars()) {
                entries.insert(code(a), Object::int(i64::from(b as u32)));
            }
        }
        _ => {
            for (key, value) in context.entries(&from)? {
                let key = match key.as_str().map(|text| text.chars().collect::<Vec<_>>()) {
                    Some(chars) if chars.len() == 1 => code(chars[0]),
                    Some(_) => {
                        return Err(TemplateError::runtime("string keys in translate table must be of length 1"));
                    }
                    None => key,
                };
                entries.insert(key, value);
            }
        }
    }
    for c in delete.unwrap_or_default().chars() {
        entries.insert(code(c), Object::NONE);
    }
    Ok(Object::dict(entries))
}

/// `capitalize`, `title` and so on.
pub fn cased(text: &str, how: &str) -> String {
    match how {
        "lower" | "casefold" => text.to_lowercase().replace('ß', if how == "casefold" { "ss" } else { "ß" }),
        "upper" => text.to_uppercase(),
        "capitalize" => {
            let mut chars = text.chars();
            match chars.next() {
                Some(first) => first.to_uppercase().chain(chars.as_str().to_lowercase().chars()).collect(),
                None => String::new(),
            }
        }
        "swapcase" => text
            .chars()
            .flat_map(
                |c| if c.is_uppercase() { c.to_lowercase().collect::<Vec<_>>() } else { c.to_uppercase().collect() },
            )
            .collect(),
        _ => {
            let mut out = String::new();
            let mut inside = false;
            for c in text.chars() {
                let alphabetic = c.is_alphabetic();
                if alphabetic && !inside {
                    out.extend(c.to_uppercase())
                } else {
                    out.extend(c.to_lowercase())
                }
                inside = alphabetic;
            }
            out
        }
    }
}

fn is(text: &str, what: &str) -> bool {
    let all = |test: fn(char) -> bool| !text.is_empty() && text.chars().all(test);
    match what {
        "isalnum" => all(char::is_alphanumeric),
        "isalpha" => all(char::is_alphabetic),
        "isascii" => text.is_ascii(),
        "isdecimal" | "isdigit" => {
            all(|c| c.is_ascii_digit() || (!c.is_ascii() && c.is_numeric() && !c.is_alphabetic()))
        }
        "isnumeric" => all(char::is_numeric),
        "isidentifier" => {
            let mut chars = text.chars();
            chars.next().is_some_and(|c| c == '_' || c.is_alphabetic())
                && chars.all(|c| c == '_' || c.is_alphanumeric())
        }
        "islower" => text.chars().any(char::is_lowercase) && !text.chars().any(char::is_uppercase),
        "isupper" => text.chars().any(char::is_uppercase) && !text.chars().any(char::is_lowercase),
        "isprintable" => text.chars().all(|c| !c.is_control() && (c == ' ' || !c.is_whitespace())),
        "isspace" => all(char::is_whitespace),
        _ => text.chars().any(char::is_alphabetic) && cased(text, "title") == text,
    }
}

/// Python's `split`: without a separator at runs of blanks.
pub fn split(text: &str, separator: Option<&str>, limit: usize, from_right: bool) -> Vec<String> {
    let Some(separator) = separator else { return split_blanks(text, limit, from_right) };
    let limit = limit.saturating_add(1);
    if from_right {
        let mut parts: Vec<String> = text.rsplitn(limit, separator).map(str::to_owned).collect();
        parts.reverse();
        return parts;
    }
    text.splitn(limit, separator).map(str::to_owned).collect()
}

fn split_blanks(text: &str, limit: usize, from_right: bool) -> Vec<String> {
    let mut parts = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        if parts.len() == limit {
            parts.push(rest.to_owned());
            break;
        }
        let found = if from_right { rest.rfind(char::is_whitespace) } else { rest.find(char::is_whitespace) };
        let Some(at) = found else {
            parts.push(rest.to_owned());
            break;
        };
        if from_right {
            let next = at + rest[at..].chars().next().map_or(1, char::len_utf8);
            parts.push(rest[next..].to_owned());
            rest = rest[..at].trim_end();
        } else {
            parts.push(rest[..at].to_owned());
            rest = rest[at..].trim_start();
        }
    }
    if from_right {
        parts.reverse();
    }
    parts
}

/// Python's `splitlines`.
pub fn lines(text: &str, keep_ends: bool) -> Vec<&str> {
    let mut out = Vec::new();
    let mut start = 0;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if !matches!(c, '\n' | '\r' | '\x0b' | '\x0c' | '\x1c' | '\x1d' | '\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}') {
            continue;
        }
        let mut end = at + c.len_utf8();
        if c == '\r' && chars.next_if(|(_, next)| *next == '\n').is_some() {
            end += 1;
        }
        out.push(if keep_ends { &text[start..end] } else { &text[start..at] });
        start = end;
    }
    if start < text.len() {
        out.push(&text[start..]);
    }
    out
}

fn expand_tabs(text: &str, size: usize) -> String {
    let mut out = String::new();
    let mut column = 0;
    for c in text.chars() {
        match c {
            '\t' if size > 0 => {
                let blanks = size - column % size;
                out.push_str(&" ".repeat(blanks));
                column += blanks;
            }
            '\t' => {}
            '\n' | '\r' => {
                out.push(c);
                column = 0;
            }
            _ => {
                out.push(c);
                column += 1;
            }
        }
    }
    out
}
