//! `wordwrap` and `pprint`.

use super::Filter;
use crate::template::error::{Result, TemplateError};
use crate::template::methods::text::lines;
use crate::template::python::{Flags, Regex};
use crate::template::runtime::{Args, Context, Object};

pub const FILTERS: &[(&str, Filter)] = &[("wordwrap", wordwrap), ("pprint", pprint)];

fn wordwrap(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    let names = ["width", "break_long_words", "wrapstring", "break_on_hyphens"];
    let [width, break_long, between, hyphens] = args.bind(names)?;
    let width = context.int_or(&width, 79)?;
    if width <= 0 {
        return Err(TemplateError::runtime(format!("invalid width {width} (must be > 0)")));
    }
    let between = context.text_or(&between, "\n")?;
    let (break_long, hyphens) = (context.truth_or(&break_long, true)?, context.truth_or(&hyphens, true)?);
    let text = context.text(&value)?;
    let mut out = Vec::new();
    for line in lines(&text, false) {
        out.push(wrap(line, width as usize, break_long, hyphens)?.join(&between));
    }
    Ok(Object::str(out.join(&between)))
}

/// Where a line may be broken: at blanks, after hyphens inside words, around dashes.
const CHUNKS: &str = r#"([\t\n\x0b\x0c\r ]+|(?<=[\w!"'&.,?])-{2,}(?=\w)|[^\t\n\x0b\x0c\r ]+?(?:-(?:(?<=[^\d\W][^\d\W]-)|(?<=[^\d\W]-[\w!"'&.,?]-))(?=[^\d\W]-?[^\d\W])|(?=[\t\n\x0b\x0c\r ]|\Z)|(?<=[\w!"'&.,?])(?=-{2,}\w)))"#;

fn chunks(line: &str, hyphens: bool) -> Result<Vec<String>> {
    let pattern = if hyphens { CHUNKS } else { r"([\t\n\x0b\x0c\r ]+)" };
    let mut out = Vec::new();
    let mut last = 0;
    for found in Regex::new(pattern, Flags::default())?.find_all(line)? {
        let (from, to) = found.span();
        out.extend((from > last).then(|| line[last..from].to_owned()));
        out.extend((to > from).then(|| line[from..to].to_owned()));
        last = to;
    }
    out.extend((last < line.len()).then(|| line[last..].to_owned()));
    Ok(out)
}

/// Python's `textwrap.wrap` without tab expansion.
fn wrap(line: &str, width: usize, break_long: bool, hyphens: bool) -> Result<Vec<String>> {
    let mut chunks = chunks(line, hyphens)?;
    chunks.reverse();
    let length = |text: &str| text.chars().count();
    let mut out: Vec<String> = Vec::new();
    while let Some(top) = chunks.last() {
        if top.trim().is_empty() && !out.is_empty() {
            chunks.pop();
            if chunks.is_empty() {
                break;
            }
        }
        let mut current: Vec<String> = Vec::new();
        let mut used = 0;
        while let Some(chunk) = chunks.last() {
            if used + length(chunk) > width {
                break;
            }
            used += length(chunk);
            current.extend(chunks.pop());
        }
        if let Some(chunk) = chunks.last_mut()
            && length(chunk) > width
        {
            let left = if width < 1 { 1 } else { width - used };
            if break_long {
                let mut cut = left;
                if hyphens && length(chunk) > left {
                    let head: String = chunk.chars().take(left).collect();
                    if let Some(at) = head.rfind('-').filter(|at| *at > 0 && !head[..*at].chars().all(|c| c == '-')) {
                        cut = head[..=at].chars().count();
                    }
                }
                let head: String = chunk.chars().take(cut).collect();
                let tail: String = chunk.chars().skip(cut).collect();
                current.push(head);
                *chunk = tail;
            } else if current.is_empty() {
                current.extend(chunks.pop());
            }
        }
        if current.last().is_some_and(|chunk| chunk.trim().is_empty()) {
            current.pop();
        }
        if !current.is_empty() {
            out.push(current.concat());
        }
    }
    Ok(out)
}

/// Lazy containers are no plain ones to Python's `pprint`: it prints them on one line.
fn pprint(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    args.none()?;
    Ok(Object::str(context.repr(&value)?))
}
