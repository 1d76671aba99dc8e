//! Filters on URLs.

use super::Filter;
use crate::template::error::{Result, TemplateError};
use crate::template::runtime::{Args, Context, Entries, Object};
use crate::value::Key;

pub const FILTERS: &[(&str, Filter)] = &[("urlencode", urlencode), ("urldecode", urldecode), ("urlsplit", urlsplit)];

/// Percent-encodes all but letters, digits, `_.-~` and the `safe` ones.
fn encode(text: &str, safe: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        let c = byte as char;
        if byte.is_ascii_alphanumeric() || "_.-~".contains(c) || (byte.is_ascii() && safe.contains(c)) {
            out.push(c);
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn urlencode(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    args.none()?;
    if value.as_str().is_some() || !context.is_iterable(&value) {
        return Ok(Object::str(encode(&context.text(&value)?, "/")));
    }
    let pairs: Vec<(String, String)> = if value.is_mapping() {
        let entries = context.entries(&value)?.into_iter();
        entries.map(|(key, value)| Ok((key.to_string(), context.text(&value)?))).collect::<Result<_>>()?
    } else {
        let mut pairs = Vec::new();
        for pair in context.iterate(&value)? {
            match &context.iterate(&pair)?[..] {
                [key, value] => pairs.push((context.text(key)?, context.text(value)?)),
                _ => return Err(TemplateError::runtime("not enough values to unpack (expected 2)")),
            }
        }
        pairs
    };
    let query = |text: &str| encode(text, "").replace("%20", "+");
    let parts: Vec<String> = pairs.iter().map(|(key, value)| format!("{}={}", query(key), query(value))).collect();
    Ok(Object::str(parts.join("&")))
}

fn urldecode(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    args.none()?;
    let text = context.text(&value)?.replace('+', " ");
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let decoded = (bytes[at] == b'%')
            .then(|| text.get(at + 1..at + 3))
            .flatten()
            .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match decoded {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    Ok(Object::str(String::from_utf8_lossy(&out)))
}

/// The parts of a URL.
pub struct Url {
    pub scheme: String,
    pub netloc: String,
    pub path: String,
    pub query: String,
    pub fragment: String,
}

/// Python's `urlsplit`.
pub fn split(text: &str) -> Url {
    let text = text.trim_start_matches(|c: char| c as u32 <= 0x20);
    let mut rest = text;
    let mut scheme = String::new();
    if let Some((head, tail)) = text.split_once(':')
        && head.starts_with(|c: char| c.is_ascii_alphabetic())
        && head.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    {
        scheme = head.to_ascii_lowercase();
        rest = tail;
    }
    let mut netloc = "";
    if let Some(after) = rest.strip_prefix("//") {
        let end = after.find(['/', '?', '#']).unwrap_or(after.len());
        (netloc, rest) = after.split_at(end);
    }
    let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    Url { scheme, netloc: netloc.into(), path: path.into(), query: query.into(), fragment: fragment.into() }
}

fn urlsplit(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    let [query, _alias] = args.bind(["query", "alias"])?;
    let url = split(&context.text(&value)?);
    let (login, host) = url.netloc.rsplit_once('@').map_or((None, url.netloc.as_str()), |(a, b)| (Some(a), b));
    let (username, password) = match login {
        Some(login) => match login.split_once(':') {
            Some((user, password)) => (Some(user), Some(password)),
            None => (Some(login), None),
        },
        None => (None, None),
    };
    let (hostname, port) = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, rest)) => (host, rest.strip_prefix(':').unwrap_or("")),
        None => host.split_once(':').unwrap_or((host, "")),
    };
    let port = match port {
        "" => Object::NONE,
        port => match port.parse::<u16>() {
            Ok(port) => Object::int(i64::from(port)),
            Err(_) => {
                return Err(TemplateError::runtime(format!("Port could not be cast to integer value as '{port}'")));
            }
        },
    };
    let optional = |part: Option<&str>| part.map_or(Object::NONE, Object::str);
    let hostname = if hostname.is_empty() { Object::NONE } else { Object::str(hostname.to_lowercase()) };
    let parts = Entries::from_iter([
        (Key::from("fragment"), Object::str(&url.fragment)),
        (Key::from("hostname"), hostname),
        (Key::from("netloc"), Object::str(&url.netloc)),
        (Key::from("password"), optional(password)),
        (Key::from("path"), Object::str(&url.path)),
        (Key::from("port"), port),
        (Key::from("query"), Object::str(&url.query)),
        (Key::from("scheme"), Object::str(&url.scheme)),
        (Key::from("username"), optional(username)),
    ]);
    match query.filter(|query| context.truth(query).unwrap_or(false)) {
        None => Ok(Object::dict(parts)),
        Some(query) => {
            let query = context.text(&query)?;
            parts
                .get(&Key::from(query.as_str()))
                .cloned()
                .ok_or_else(|| TemplateError::runtime(format!("urlsplit: unknown URL component: {query}")))
        }
    }
}
