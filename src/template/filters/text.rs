//! Filters on text: letter case, padding, cutting.

use super::Filter;
use crate::template::error::{Result, TemplateError};
use crate::template::methods::text as methods;
use crate::template::python::percent_format;
use crate::template::runtime::{Args, Context, Entries, Object};
use crate::value::Key;

pub const FILTERS: &[(&str, Filter)] = &[
    ("upper", |context, value, _| Ok(Object::str(context.text(&value)?.to_uppercase()))),
    ("lower", |context, value, _| Ok(Object::str(context.text(&value)?.to_lowercase()))),
    ("capitalize", |context, value, _| Ok(Object::str(methods::cased(&context.text(&value)?, "capitalize")))),
    ("title", title),
    ("trim", trim),
    ("replace", replace),
    ("center", center),
    ("indent", indent),
    ("truncate", truncate),
    ("wordcount", wordcount),
    ("string", |context, value, _| Ok(Object::str(context.text(&value)?))),
    ("format", format),
    ("split", split),
    ("comment", comment),
    ("quote", quote),
];

/// Words start after blanks, hyphens and opening brackets only.
fn title(context: &Context<'_>, value: Object, _: Args) -> Result<Object> {
    let text = context.text(&value)?;
    let mut out = String::new();
    let mut start = true;
    for c in text.chars() {
        let separator = c.is_whitespace() || "-({[<".contains(c);
        match start && !separator {
            true => out.extend(c.to_uppercase()),
            false => out.extend(c.to_lowercase()),
        }
        start = separator;
    }
    Ok(Object::str(out))
}

fn trim(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    let [chars] = args.bind(["chars"])?;
    let text = context.text(&value)?;
    match chars.filter(|chars| !chars.is_none()) {
        Some(chars) => {
            let chars = context.text(&chars)?;
            Ok(Object::str(text.trim_matches(|c| chars.contains(c))))
        }
        None => Ok(Object::str(text.trim())),
    }
}

fn replace(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    let [old, new, count] = args.bind_required(["old", "new", "count"], 2)?;
    let text = context.text(&value)?;
    let old = context.text(&old.unwrap_or(Object::NONE))?;
    let new = context.text(&new.unwrap_or(Object::NONE))?;
    Ok(Object::str(match usize::try_from(context.int_or(&count, -1)?) {
        Ok(count) => text.replacen(&old, &new, count),
        Err(_) => text.replace(&old, &new),
    }))
}

fn center(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    let [width] = args.bind(["width"])?;
    let text = context.text(&value)?;
    let width = Object::int(context.int_or(&width, 80)?);
    methods::call(context, &text, "center", Args::positional(vec![width]))
}

fn indent(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    let [width, first, blank] = args.bind(["width", "first", "blank"])?;
    let Some(text) = value.as_str() else {
        return Err(TemplateError::runtime("unsupported operand type(s) for +=: not a string"));
    };
    let indentation = match &width {
        Some(width) if width.as_str().is_some() => context.text(width)?,
        other => " ".repeat(context.int_or(other, 4)?.clamp(0, 10_000) as usize),
    };
    let blank = context.truth_or(&blank, false)?;
    let with_end = format!("{text}\n");
    let mut out = String::new();
    for (index, line) in methods::lines(&with_end, false).into_iter().enumerate() {
        if index > 0 {
            out.push('\n');
            if blank || !line.is_empty() {
                out.push_str(&indentation);
            }
        }
        out.push_str(line);
    }
    if context.truth_or(&first, false)? {
        out.insert_str(0, &indentation);
    }
    Ok(Object::str(out))
}

fn truncate(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    let [length, killwords, end, leeway] = args.bind(["length", "killwords", "end", "leeway"])?;
    if value.as_str().is_none() {
        let name = crate::template::runtime::type_name(&value);
        return match context.length(&value) {
            Some(count) if count as i64 <= context.int_or(&length, 255)? + context.int_or(&leeway, 5)? => Ok(value),
            Some(_) => Err(TemplateError::runtime(format!("can only concatenate {name} (not \"str\") to {name}"))),
            None => Err(TemplateError::runtime(format!("object of type '{name}' has no len()"))),
        };
    }
    let text = context.text(&value)?;
    let end = context.text_or(&end, "...")?;
    let length = context.int_or(&length, 255)?;
    let leeway = context.int_or(&leeway, 5)?;
    let end_length = end.chars().count() as i64;
    if length < end_length {
        return Err(TemplateError::runtime(format!("expected length >= {end_length}, got {length}")));
    }
    if text.chars().count() as i64 <= length + leeway {
        return Ok(Object::str(text));
    }
    let cut: String = text.chars().take((length - end_length) as usize).collect();
    if context.truth_or(&killwords, false)? {
        return Ok(Object::str(cut + &end));
    }
    let cut = cut.rsplit_once(' ').map_or(cut.as_str(), |(before, _)| before);
    Ok(Object::str(format!("{cut}{end}")))
}

fn wordcount(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    args.none()?;
    let text = context.text(&value)?;
    let words = text.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| !word.is_empty()).count();
    Ok(Object::int(words as i64))
}

fn format(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    let format = context.text(&value)?;
    if args.named.is_empty() {
        return Ok(Object::str(percent_format(context, &format, &Object::tuple(args.positional))?));
    }
    if !args.positional.is_empty() {
        return Err(TemplateError::runtime("can't handle positional and keyword arguments at the same time"));
    }
    let entries: Entries = args.named.into_iter().map(|(name, object)| (Key::Str(name), object)).collect();
    Ok(Object::str(percent_format(context, &format, &Object::dict(entries))?))
}

/// ansible-core's `split`: `str.split` with a list as its result.
fn split(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    match value.as_str() {
        Some(text) => methods::call(context, text, "split", args),
        None => Err(TemplateError::runtime(format!(
            "descriptor 'split' for 'str' objects doesn't apply to a '{}' object",
            crate::template::runtime::type_name(&value)
        ))),
    }
}

/// The styles of `comment`: beginning, decoration, end.
const STYLES: [(&str, &str, &str, &str); 5] = [
    ("plain", "", "# ", ""),
    ("erlang", "", "% ", ""),
    ("c", "", "// ", ""),
    ("cblock", "/*", " * ", " */"),
    ("xml", "<!--", " - ", "-->"),
];

fn comment(context: &Context<'_>, value: Object, mut args: Args) -> Result<Object> {
    let text = context.text(&value)?;
    let option = |args: &mut Args, name: &str| args.take(name).map(|object| context.text(&object)).transpose();
    let beginning = option(&mut args, "beginning")?;
    let decoration = option(&mut args, "decoration")?;
    let end = option(&mut args, "end")?;
    let prefix = option(&mut args, "prefix")?;
    let postfix = option(&mut args, "postfix")?;
    let newline = option(&mut args, "newline")?.unwrap_or_else(|| "\n".into());
    let count = |args: &mut Args, name: &str| -> Result<usize> {
        let given = args.take(name);
        Ok(context.int_or(&given, 1)?.clamp(0, 10_000) as usize)
    };
    let prefix_count = count(&mut args, "prefix_count")?;
    let postfix_count = count(&mut args, "postfix_count")?;
    let [style] = args.bind(["style"])?;
    let style = context.text_or(&style, "plain")?;
    let Some((_, style_beginning, style_decoration, style_end)) = STYLES.iter().find(|known| known.0 == style) else {
        return Err(TemplateError::runtime(format!("Invalid style '{style}'.")));
    };
    let beginning = beginning.unwrap_or_else(|| (*style_beginning).to_owned());
    let end = end.unwrap_or_else(|| (*style_end).to_owned());
    let decoration = decoration.unwrap_or_else(|| (*style_decoration).to_owned());
    let prefix = prefix.unwrap_or_else(|| decoration.trim_end().to_owned());
    let postfix = postfix.unwrap_or_else(|| decoration.trim_end().to_owned());

    let mut out = String::new();
    if !beginning.is_empty() {
        out.push_str(&beginning);
        out.push_str(&newline);
    }
    if !prefix.is_empty() {
        let line = if prefix == newline { newline.clone() } else { format!("{prefix}{newline}") };
        out.push_str(&line.repeat(prefix_count));
    }
    let body = format!("{decoration}{}", text.replace(&newline, &format!("{newline}{decoration}")));
    // A line that is nothing but decoration loses its trailing blanks.
    let bare = format!("{decoration}{newline}");
    out.push_str(&body.replace(&bare, &format!("{}{newline}", decoration.trim_end())));
    for _ in 0..postfix_count {
        out.push_str(&newline);
        out.push_str(&postfix);
    }
    if !end.is_empty() {
        out.push_str(&newline);
        out.push_str(&end);
    }
    Ok(Object::str(out))
}

fn quote(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    args.none()?;
    let text = if value.is_none() { String::new() } else { context.text(&value)? };
    Ok(Object::str(shell_quote(&text)))
}

/// Quotes for a POSIX shell.
fn shell_quote(text: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    if !text.is_empty() && text.chars().all(safe) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\"'\"'"))
}
