//! Tests with regular expressions, and of URIs.

use super::Test;
use crate::template::error::{Result, TemplateError};
use crate::template::filters::{regex_flags, url_split};
use crate::template::python::Regex;
use crate::template::runtime::{Args, Context, Object};

pub const TESTS: &[(&str, Test)] = &[
    ("match", |context, value, args| regex(context, value, args, Some("match"))),
    ("search", |context, value, args| regex(context, value, args, Some("search"))),
    ("regex", |context, value, args| regex(context, value, args, None)),
    ("uri", |context, value, args| uri(context, value, args)),
    ("url", |context, value, args| {
        let fits = uri(context, value, args)?;
        let url = url_split(value.as_str().unwrap_or(""));
        Ok(fits && (!url.netloc.is_empty() || url.scheme == "file"))
    }),
    ("urn", |_, value, args| {
        args.none()?;
        Ok(value.as_str().is_some_and(|text| url_split(text).scheme == "urn"))
    }),
];

fn regex(context: &Context<'_>, value: &Object, args: Args, fixed: Option<&str>) -> Result<bool> {
    let [pattern, ignorecase, multiline, kind] = args.bind(["pattern", "ignorecase", "multiline", "match_type"])?;
    if fixed.is_some() && kind.is_some() {
        return Err(TemplateError::runtime("got an unexpected keyword argument 'match_type'"));
    }
    let kind = match fixed {
        Some(kind) => kind.to_owned(),
        None => context.text_or(&kind, "search")?,
    };
    let flags = regex_flags(context, &ignorecase, &multiline)?;
    let text = context.text(value)?;
    let pattern = context.text_or(&pattern, "")?;
    let pattern = match kind.as_str() {
        "match" => format!(r"\A(?:{pattern})"),
        "fullmatch" => format!(r"\A(?:{pattern})\Z"),
        "search" => pattern,
        _ => return Err(TemplateError::runtime("Invalid match_type specified.")),
    };
    Ok(Regex::new(&pattern, flags)?.search(&text)?.is_some())
}

fn uri(context: &Context<'_>, value: &Object, args: Args) -> Result<bool> {
    let [schemes] = args.bind(["schemes"])?;
    let Some(text) = value.as_str() else { return Ok(value.is_none()) };
    match schemes.filter(|schemes| !schemes.is_none()) {
        Some(schemes) => context.contains(&schemes, &Object::str(url_split(text).scheme)),
        None => Ok(true),
    }
}
