//! The `key=value` shorthand of tasks: `copy: src=a dest="b c"`, and free-form commands.

use crate::source::Span;
use crate::value::{Key, Map, Value};

/// Splits text at blanks, keeping quotes and template expressions whole. Quotes stay in the words.
pub fn split_words(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote: Option<char> = None;
    let mut depth = 0usize;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('\\', Some(&next)) if quote.is_some() || next == '"' || next == '\'' => {
                word.push(c);
                word.push(next);
                chars.next();
                continue;
            }
            ('{', Some('{' | '%' | '#')) if quote.is_none() => depth += 1,
            ('}' | '%' | '#', Some('}')) if depth > 0 => depth -= 1,
            ('"' | '\'', _) if depth == 0 => match quote {
                None => quote = Some(c),
                Some(open) if open == c => quote = None,
                Some(_) => {}
            },
            (c, _) if c.is_whitespace() && quote.is_none() && depth == 0 => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                continue;
            }
            _ => {}
        }
        word.push(c);
    }
    if quote.is_some() || depth > 0 {
        return Err("unbalanced quotes or template braces".into());
    }
    if !word.is_empty() {
        words.push(word);
    }
    Ok(words)
}

/// Parameters that a free-form command may carry inside its text.
const FREE_FORM_OPTIONS: &[&str] =
    &["creates", "removes", "chdir", "executable", "stdin", "stdin_add_newline", "strip_empty_ends"];

/// Reads `key=value` words into a map. With `free_form`, words that are no known option stay
/// together, as written, in `_raw_params`. Values are authored text.
pub fn parse_key_values(text: &str, free_form: bool, span: Option<Span>) -> Result<Map, String> {
    let mut map = Map::new();
    if free_form {
        let (options, rest) = free_form_options(text);
        for (key, value) in options {
            map.insert(Key::from(key), Value::authored(unquote(&value), span));
        }
        map.insert("_raw_params".into(), Value::authored(rest, span));
        return Ok(map);
    }
    for word in split_words(text)? {
        match word.split_once('=') {
            Some((key, value)) if is_name(key) => {
                map.insert(Key::from(key), Value::authored(unquote(value), span));
            }
            _ => {
                let raw = map.entry("_raw_params".into()).or_insert_with(|| Value::str(""));
                let joined = format!("{} {}", raw.as_str().unwrap_or(""), unquote(&word));
                *raw = Value::authored(joined.trim(), span);
            }
        }
    }
    Ok(map)
}

/// Takes known options out of a command's text. Everything else stays byte for byte, except that a
/// backslash that stands alone at the end of a line joins it with the next.
fn free_form_options(text: &str) -> (Vec<(String, String)>, String) {
    let mut options = Vec::new();
    let Ok(words) = split_words(text) else { return (options, text.to_owned()) };
    let mut rest = String::with_capacity(text.len());
    let mut left = text;
    for word in words {
        let Some(at) = left.find(&word) else { break };
        let (gap, from) = left.split_at(at);
        left = &from[word.len()..];
        let continued = word == "\\" && left.starts_with('\n');
        match word.split_once('=') {
            _ if continued => {
                rest += gap;
                left = &left[1..];
            }
            // The option goes with the blank behind it.
            Some((key, value)) if FREE_FORM_OPTIONS.contains(&key) => {
                options.push((key.to_owned(), value.to_owned()));
                rest += gap;
                left = left.strip_prefix([' ', '\n']).unwrap_or(left);
            }
            _ => {
                rest += gap;
                rest += &word;
            }
        }
    }
    rest += left;
    // Text without options stays as it is, ends included: a shell may be told of it. An option at the
    // start leaves nothing before the command, one at the end no blank behind it.
    let rest = if options.is_empty() { rest.as_str() } else { rest.trim_start().trim_end_matches(' ') };
    (options, rest.to_owned())
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-' || c == '.')
}

/// Takes one pair of quotes away, and the backslashes before quotes inside.
fn unquote(text: &str) -> String {
    let inner = ['"', '\''].iter().find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote));
    match inner {
        Some(inner) => inner.replace("\\\"", "\"").replace("\\'", "'"),
        None => text.to_owned(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn keeps_quotes_and_templates_whole() {
        let map = parse_key_values("src={{ a | default('x y') }} dest='/b c' n=1", false, None).unwrap();
        assert_eq!(map.get("src").and_then(Value::as_str), Some("{{ a | default('x y') }}"));
        assert_eq!(map.get("dest"), Some(&Value::str("/b c")));
        assert!(parse_key_values("a='b", false, None).is_err());
    }

    #[test]
    fn free_form_text_survives() {
        let map = parse_key_values("echo  \"a  b\" x=1 creates=/tmp/f chdir='/a b'", true, None).unwrap();
        assert_eq!(map.get("_raw_params"), Some(&Value::str("echo  \"a  b\" x=1")));
        assert_eq!(map.get("creates"), Some(&Value::str("/tmp/f")));
        assert_eq!(map.get("chdir"), Some(&Value::str("/a b")));
        let raw = |text: &str| parse_key_values(text, true, None).unwrap()["_raw_params"].to_string();
        assert_eq!(raw("echo a \\\n\"b c\" \\\n | cat\necho 'x \\\n'\n"), "echo a \"b c\"  | cat\necho 'x \\\n'\n");
        assert_eq!(raw("creates=/f\nexecutable=/bin/sh\ncat <<E\n  x\nE\n"), "cat <<E\n  x\nE\n");
        assert_eq!(raw("a creates=/f b"), "a b");
    }
}
