//! Filters for HTML and URLs in text.

use super::Filter;
use crate::template::error::{Result, TemplateError};
use crate::template::python::{Flags, Regex};
use crate::template::runtime::{Args, Context, Object};
use std::fmt::Write;

pub const FILTERS: &[(&str, Filter)] = &[
    ("escape", |context, value, _| Ok(Object::str(escape(&context.text(&value)?)))),
    ("e", |context, value, _| Ok(Object::str(escape(&context.text(&value)?)))),
    ("forceescape", |context, value, _| Ok(Object::str(escape(&context.text(&value)?)))),
    ("safe", |context, value, _| Ok(Object::str(context.text(&value)?))),
    ("striptags", striptags),
    ("xmlattr", xmlattr),
    ("urlize", urlize),
];

/// Escapes as markupsafe does.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\'' => out.push_str("&#39;"),
            '"' => out.push_str("&#34;"),
            c => out.push(c),
        }
    }
    out
}

fn striptags(context: &Context<'_>, value: Object, _: Args) -> Result<Object> {
    let mut text = context.text(&value)?;
    for (start, end) in [("<!--", "-->"), ("<", ">")] {
        while let Some(from) = text.find(start) {
            let Some(length) = text[from..].find(end) else { break };
            text.replace_range(from..from + length + end.len(), "");
        }
    }
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    Ok(Object::str(unescape(&text)))
}

fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let Some(end) = rest.find(';').filter(|end| *end <= 10) else {
            out.push('&');
            rest = &rest[1..];
            continue;
        };
        let decoded = match &rest[1..end] {
            "amp" => Some('&'),
            "lt" => Some('<'),
            "gt" => Some('>'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            "nbsp" => Some('\u{a0}'),
            name => name
                .strip_prefix('#')
                .and_then(|number| match number.strip_prefix(['x', 'X']) {
                    Some(hex) => u32::from_str_radix(hex, 16).ok(),
                    None => number.parse().ok(),
                })
                .and_then(char::from_u32),
        };
        match decoded {
            Some(c) => {
                out.push(c);
                rest = &rest[end + 1..];
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

fn xmlattr(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    let [space] = args.bind(["autospace"])?;
    let mut parts = Vec::new();
    for (key, value) in context.entries(&value)? {
        if value.is_none() || matches!(value, Object::Undefined(_)) {
            continue;
        }
        let key = key.to_string();
        if key.contains(|c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>' | '=')) {
            return Err(TemplateError::runtime(format!("Invalid character in attribute name: '{key}'")));
        }
        parts.push(format!("{}=\"{}\"", escape(&key), escape(&context.text(&value)?)));
    }
    let text = parts.join(" ");
    let space = context.truth_or(&space, true)? && !text.is_empty();
    Ok(Object::str(if space { format!(" {text}") } else { text }))
}

const HTTP: &str = r"^((https?://|www\.)(([\w%-]+\.)+)?([a-z]{2,63}|xn--[\w%]{2,59})|([\w%-]{2,63}\.)+(com|net|int|edu|gov|org|info|mil)|(https?://)((([\d]{1,3})(\.[\d]{1,3}){3})|(\[([\da-f]{0,4}:){2}([\da-f]{0,4}:?){1,6}])))(?::[\d]{1,5})?(?:[/?#]\S*)?$";
const EMAIL: &str = r"^\S+@\w[\w.-]*\.\w+$";

fn urlize(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    let names = ["trim_url_limit", "nofollow", "target", "rel", "extra_schemes"];
    let [limit, nofollow, target, rel, schemes] = args.bind(names)?;
    let limit = usize::try_from(context.int_or(&limit, -1)?).ok();
    let mut rels: Vec<String> = context.text_or(&rel, "")?.split_whitespace().map(str::to_owned).collect();
    if context.truth_or(&nofollow, false)? {
        rels.push("nofollow".into());
    }
    rels.push("noopener".into());
    rels.sort();
    rels.dedup();
    let mut attributes = format!(" rel=\"{}\"", escape(&rels.join(" ")));
    if let Some(target) = target.filter(|target| !target.is_none()) {
        let _ = write!(attributes, " target=\"{}\"", escape(&context.text(&target)?));
    }
    let schemes = match schemes.filter(|schemes| !schemes.is_none()) {
        Some(schemes) => {
            context.iterate(&schemes)?.iter().map(|scheme| context.text(scheme)).collect::<Result<Vec<_>>>()?
        }
        None => Vec::new(),
    };
    let shown = |url: &str| match limit {
        Some(limit) if url.chars().count() > limit => format!("{}...", url.chars().take(limit).collect::<String>()),
        _ => url.to_owned(),
    };
    let http = Regex::new(HTTP, Flags { ignore_case: true, ..Flags::default() })?;
    let email = Regex::new(EMAIL, Flags::default())?;
    let text = escape(&context.text(&value)?);
    let mut out = String::new();
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let blank = rest.len() - rest.trim_start().len();
        out.push_str(&rest[..blank]);
        rest = &rest[blank..];
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        rest = after;
        let (head, middle, tail) = bare(word);
        out.push_str(head);
        let link = if http.search(&middle)?.is_some() {
            let scheme = if middle.starts_with("http://") || middle.starts_with("https://") { "" } else { "https://" };
            Some(format!("<a href=\"{scheme}{middle}\"{attributes}>{}</a>", shown(&middle)))
        } else if let Some(address) = middle.strip_prefix("mailto:").filter(|_| true)
            && email.search(address)?.is_some()
        {
            Some(format!("<a href=\"{middle}\">{address}</a>"))
        } else if middle.contains('@')
            && !middle.starts_with("www.")
            && !middle.starts_with('@')
            && !middle.contains(':')
            && email.search(&middle)?.is_some()
        {
            Some(format!("<a href=\"mailto:{middle}\">{middle}</a>"))
        } else {
            let scheme = schemes.iter().find(|scheme| middle != **scheme && middle.starts_with(scheme.as_str()));
            scheme.map(|_| format!("<a href=\"{middle}\"{attributes}>{middle}</a>"))
        };
        out.push_str(&link.unwrap_or(middle));
        out.push_str(&tail);
    }
    Ok(Object::str(out))
}

/// A word without the brackets before it and the punctuation after it.
fn bare(word: &str) -> (&str, String, String) {
    let mut start = 0;
    loop {
        let rest = &word[start..];
        let Some(length) = ["(", "<", "&lt;"].iter().find(|open| rest.starts_with(**open)).map(|open| open.len())
        else {
            break;
        };
        start += length;
    }
    let mut end = word.len();
    loop {
        let rest = &word[start..end];
        let closers = [")", ">", ".", ",", "&gt;"];
        let Some(length) = closers.iter().find(|close| rest.ends_with(**close)).map(|close| close.len()) else {
            break;
        };
        end -= length;
    }
    let mut middle = word[start..end].to_owned();
    let mut tail = word[end..].to_owned();
    // A closing bracket belongs to the address when an opening one does.
    for (open, close) in [("(", ")"), ("<", ">"), ("&lt;", "&gt;")] {
        let opened = middle.matches(open).count();
        if opened <= middle.matches(close).count() {
            continue;
        }
        for _ in 0..opened.min(tail.matches(close).count()) {
            if let Some(at) = tail.find(close) {
                middle.push_str(&tail[..at + close.len()]);
                tail.replace_range(..at + close.len(), "");
            }
        }
    }
    (&word[..start], middle, tail)
}
