//! Filters with regular expressions.

use super::Filter;
use crate::template::error::{Result, TemplateError};
use crate::template::python::{Flags, Regex, regex_escape as escape};
use crate::template::runtime::{Args, Context, Object};

pub const FILTERS: &[(&str, Filter)] = &[
    ("regex_search", regex_search),
    ("regex_findall", regex_findall),
    ("regex_replace", regex_replace),
    ("regex_escape", regex_escape),
];

/// The flags that the filters' arguments set.
pub fn flags(context: &Context<'_>, ignorecase: &Option<Object>, multiline: &Option<Object>) -> Result<Flags> {
    Ok(Flags {
        ignore_case: context.truth_or(ignorecase, false)?,
        multiline: context.truth_or(multiline, false)?,
        ..Flags::default()
    })
}

fn regex_search(context: &Context<'_>, value: Object, mut args: Args) -> Result<Object> {
    let (ignorecase, multiline) = (args.take("ignorecase"), args.take("multiline"));
    let flags = flags(context, &ignorecase, &multiline)?;
    if args.positional.is_empty() {
        let regex = args.take("regex").ok_or_else(|| TemplateError::runtime("missing a required argument: 'regex'"))?;
        args.positional.push(regex);
    }
    let text = context.text(&value)?;
    let regex = Regex::new(&context.text(&args.positional.remove(0))?, flags)?;
    let mut groups = Vec::new();
    for group in &args.positional {
        let group = context.text(group)?;
        let number = match group.strip_prefix("\\g<").and_then(|rest| rest.strip_suffix('>')) {
            Some(name) => name.parse().ok().or_else(|| regex.group_number(name)),
            None => match group.strip_prefix('\\') {
                Some(digits) => digits.parse().ok(),
                None => return Err(TemplateError::runtime("Unknown argument")),
            },
        };
        let number = number.filter(|number| *number <= regex.group_count());
        groups.push(number.ok_or_else(|| TemplateError::runtime("no such group"))?);
    }
    let Some(found) = regex.search(&text)? else { return Ok(Object::NONE) };
    let group = |number: usize| found.group(&text, number).map_or(Object::NONE, Object::str);
    Ok(if groups.is_empty() { group(0) } else { Object::list(groups.into_iter().map(group).collect()) })
}

fn regex_findall(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    let [regex, multiline, ignorecase] = args.bind_required(["regex", "multiline", "ignorecase"], 1)?;
    let flags = flags(context, &ignorecase, &multiline)?;
    let text = context.text(&value)?;
    let regex = Regex::new(&context.text(&regex.unwrap_or(Object::NONE))?, flags)?;
    let mut out = Vec::new();
    for found in regex.find_all(&text)? {
        let group = |number: usize| Object::str(found.group(&text, number).unwrap_or(""));
        out.push(match regex.group_count() {
            0 => group(0),
            1 => group(1),
            count => Object::tuple((1..=count).map(group).collect()),
        });
    }
    Ok(Object::list(out))
}

fn regex_replace(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    let names = ["pattern", "replacement", "ignorecase", "multiline", "count", "mandatory_count"];
    let [pattern, replacement, ignorecase, multiline, count, mandatory] = args.bind(names)?;
    let flags = flags(context, &ignorecase, &multiline)?;
    let text = context.text(&value)?;
    let pattern = context.text_or(&pattern, "")?;
    let replacement = context.text_or(&replacement, "")?;
    let count = context.int_or(&count, 0)?;
    let mandatory = context.int_or(&mandatory, 0)?;
    let (out, replaced) = Regex::new(&pattern, flags)?.replace(&text, &replacement, count.max(0) as usize)?;
    if mandatory != 0 && mandatory != replaced as i64 {
        return Err(TemplateError::runtime(format!(
            "'{pattern}' should match {mandatory} times, but matches {count} times in '{text}'"
        )));
    }
    Ok(Object::str(out))
}

fn regex_escape(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    let [kind] = args.bind(["re_type"])?;
    let text = context.text(&value)?;
    match context.text_or(&kind, "python")?.as_str() {
        "python" => Ok(Object::str(escape(&text))),
        "posix_basic" => {
            let escaped = text.chars().flat_map(|c| "].[^$*\\".contains(c).then_some('\\').into_iter().chain([c]));
            Ok(Object::str(escaped.collect::<String>()))
        }
        "posix_extended" => Err(TemplateError::runtime("Regex type (posix_extended) not yet implemented")),
        other => Err(TemplateError::runtime(format!("Invalid regex type ({other})"))),
    }
}
