//! Python's `re` on top of the fancy-regex crate.

use crate::template::error::{Result, TemplateError};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// Python's flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Flags {
    pub ignore_case: bool,
    pub multiline: bool,
    pub dot_all: bool,
    pub verbose: bool,
}

/// A compiled pattern.
pub struct Regex {
    regex: fancy_regex::Regex,
}

/// One match: for every group, where it is.
pub struct Match {
    pub groups: Vec<Option<(usize, usize)>>,
}

impl Match {
    /// Where the whole match is.
    pub fn span(&self) -> (usize, usize) {
        self.groups.first().copied().flatten().unwrap_or((0, 0))
    }

    /// The text of a group.
    pub fn group<'t>(&self, text: &'t str, number: usize) -> Option<&'t str> {
        let (start, end) = (*self.groups.get(number)?)?;
        text.get(start..end)
    }
}

thread_local! {
    /// Patterns are few and used over and over.
    static CACHE: RefCell<HashMap<(String, Flags), Rc<Regex>>> = RefCell::default();
}

impl Regex {
    /// Compiles a Python pattern.
    ///
    /// # Errors
    /// When the pattern is none.
    pub fn new(pattern: &str, flags: Flags) -> Result<Rc<Regex>> {
        let key = (pattern.to_owned(), flags);
        if let Some(regex) = CACHE.with_borrow(|cache| cache.get(&key).cloned()) {
            return Ok(regex);
        }
        let translated = translate(pattern, flags);
        let regex =
            fancy_regex::Regex::new(&translated).map_err(|error| TemplateError::runtime(describe(pattern, &error)))?;
        let regex = Rc::new(Regex { regex });
        CACHE.with_borrow_mut(|cache| {
            if cache.len() > 1000 {
                cache.clear();
            }
            cache.insert(key, regex.clone());
        });
        Ok(regex)
    }

    /// How many groups the pattern has.
    pub fn group_count(&self) -> usize {
        self.regex.captures_len().saturating_sub(1)
    }

    /// The number of a named group.
    pub fn group_number(&self, name: &str) -> Option<usize> {
        self.regex.capture_names().position(|known| known == Some(name))
    }

    /// The first match at or after a position.
    ///
    /// # Errors
    /// When matching takes too many steps.
    pub fn search_from(&self, text: &str, start: usize) -> Result<Option<Match>> {
        let found = self
            .regex
            .captures_from_pos(text, start)
            .map_err(|error| TemplateError::runtime(format!("regular expression failed: {error}")))?;
        Ok(found.map(|captures| Match {
            groups: (0..captures.len())
                .map(|index| captures.get(index).map(|group| (group.start(), group.end())))
                .collect(),
        }))
    }

    /// `re.search`.
    ///
    /// # Errors
    /// When matching takes too many steps.
    pub fn search(&self, text: &str) -> Result<Option<Match>> {
        self.search_from(text, 0)
    }

    /// All matches, as `re.finditer` finds them: an empty one may follow a match directly.
    ///
    /// # Errors
    /// When matching takes too many steps.
    pub fn find_all(&self, text: &str) -> Result<Vec<Match>> {
        let mut out = Vec::new();
        let mut start = 0;
        while start <= text.len() {
            let Some(found) = self.search_from(text, start)? else { break };
            let (from, to) = found.span();
            out.push(found);
            start = if to > from { to } else { to + text[to..].chars().next().map_or(1, char::len_utf8) };
        }
        Ok(out)
    }

    /// `re.sub`: the new text and how often something was replaced.
    ///
    /// # Errors
    /// When the replacement refers to a group that does not exist.
    pub fn replace(&self, text: &str, replacement: &str, limit: usize) -> Result<(String, usize)> {
        let parts = self.read_replacement(replacement)?;
        let mut out = String::new();
        let mut last = 0;
        let mut count = 0;
        for found in self.find_all(text)? {
            if limit > 0 && count >= limit {
                break;
            }
            let (from, to) = found.span();
            out.push_str(&text[last..from]);
            for part in &parts {
                match part {
                    Part::Text(part) => out.push_str(part),
                    Part::Group(number) => out.push_str(found.group(text, *number).unwrap_or("")),
                }
            }
            last = to;
            count += 1;
        }
        out.push_str(&text[last..]);
        Ok((out, count))
    }

    fn read_replacement(&self, replacement: &str) -> Result<Vec<Part>> {
        let mut parts = Vec::new();
        let mut text = String::new();
        let mut rest = replacement;
        while let Some(at) = rest.find('\\') {
            text.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            let Some(c) = rest.chars().next() else {
                return Err(TemplateError::runtime("bad escape (end of pattern)"));
            };
            rest = &rest[c.len_utf8()..];
            let group = match c {
                'g' => {
                    let name = rest.strip_prefix('<').and_then(|rest| rest.split_once('>'));
                    let Some((name, after)) = name else { return Err(TemplateError::runtime("missing <")) };
                    rest = after;
                    let number = name.parse().ok().or_else(|| self.group_number(name));
                    Some(number.ok_or_else(|| TemplateError::runtime(format!("unknown group name '{name}'")))?)
                }
                '0' => {
                    let digits = rest.bytes().take(2).take_while(|byte| (b'0'..b'8').contains(byte)).count();
                    let code = u32::from_str_radix(&rest[..digits], 8).unwrap_or(0);
                    text.extend(char::from_u32(code));
                    rest = &rest[digits..];
                    None
                }
                '1'..='9' => {
                    let mut number = c as usize - '0' as usize;
                    if let Some(digit) = rest.chars().next().and_then(|c| c.to_digit(10)) {
                        number = number * 10 + digit as usize;
                        rest = &rest[1..];
                    }
                    Some(number)
                }
                'n' => push(&mut text, '\n'),
                'r' => push(&mut text, '\r'),
                't' => push(&mut text, '\t'),
                'a' => push(&mut text, '\x07'),
                'b' => push(&mut text, '\x08'),
                'f' => push(&mut text, '\x0c'),
                'v' => push(&mut text, '\x0b'),
                '\\' => push(&mut text, '\\'),
                c if c.is_ascii_alphabetic() => return Err(TemplateError::runtime(format!("bad escape \\{c}"))),
                c => {
                    text.push('\\');
                    push(&mut text, c)
                }
            };
            if let Some(number) = group {
                if number > self.group_count() {
                    return Err(TemplateError::runtime(format!("invalid group reference {number}")));
                }
                if !text.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut text)));
                }
                parts.push(Part::Group(number));
            }
        }
        text.push_str(rest);
        if !text.is_empty() {
            parts.push(Part::Text(text));
        }
        Ok(parts)
    }
}

/// The error in one line; what Python's users know best in Python's words.
fn describe(pattern: &str, error: &fancy_regex::Error) -> String {
    let text = error.to_string();
    if text.contains("repetition operator missing expression") || text.contains("not repeatable") {
        return format!("nothing to repeat in the regular expression {pattern:?}");
    }
    let last = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    format!("invalid regular expression {pattern:?}: {}", last.trim_start_matches("error: ").trim())
}

enum Part {
    Text(String),
    Group(usize),
}

fn push(text: &mut String, c: char) -> Option<usize> {
    text.push(c);
    None
}

/// Rewrites what Python spells differently.
pub fn translate(pattern: &str, mut flags: Flags) -> String {
    let chars: Vec<char> = pattern.chars().collect();
    let mut body = String::new();
    let mut at = 0;
    // Leading global flags: `(?im)`.
    while let Some(end) = leading_flags(&chars, at, &mut flags) {
        at = end;
    }
    while at < chars.len() {
        let c = chars[at];
        match c {
            '\\' => {
                let next = chars.get(at + 1).copied();
                at += 2;
                match next {
                    Some('Z') => body.push_str(r"\z"),
                    Some(c) if c.is_ascii_alphanumeric() => {
                        body.push('\\');
                        body.push(c);
                    }
                    Some(c) => literal(&mut body, c),
                    None => body.push('\\'),
                }
                continue;
            }
            '[' => {
                at = class(&chars, at, &mut body);
                continue;
            }
            '$' if !flags.multiline => body.push_str(r"(?=\n?\z)"),
            '{' => match quantifier(&chars, at) {
                Some((text, end)) => {
                    body.push_str(&text);
                    at = end;
                    continue;
                }
                None => body.push_str(r"\{"),
            },
            '}' => body.push_str(r"\}"),
            '(' if chars[at..].starts_with(&['(', '?', '#']) => {
                while at < chars.len() && chars[at] != ')' {
                    at += 1;
                }
            }
            ']' => body.push_str(r"\]"),
            c => body.push(c),
        }
        at += 1;
    }
    let mut set = String::new();
    for (on, letter) in [(flags.ignore_case, 'i'), (flags.multiline, 'm'), (flags.dot_all, 's'), (flags.verbose, 'x')] {
        if on {
            set.push(letter);
        }
    }
    if set.is_empty() { body } else { format!("(?{set}){body}") }
}

fn leading_flags(chars: &[char], at: usize, flags: &mut Flags) -> Option<usize> {
    if !chars[at..].starts_with(&['(', '?']) {
        return None;
    }
    let end = at + chars[at..].iter().position(|c| *c == ')')?;
    let letters = &chars[at + 2..end];
    if letters.is_empty() || !letters.iter().all(|c| "imsxauL".contains(*c)) {
        return None;
    }
    for letter in letters {
        match letter {
            'i' => flags.ignore_case = true,
            'm' => flags.multiline = true,
            's' => flags.dot_all = true,
            'x' => flags.verbose = true,
            _ => {}
        }
    }
    Some(end + 1)
}

/// A quantifier in braces; anything else in braces is literal.
fn quantifier(chars: &[char], at: usize) -> Option<(String, usize)> {
    let end = at + chars[at..].iter().position(|c| *c == '}')?;
    let inner: String = chars[at + 1..end].iter().collect();
    let (least, most) = inner.split_once(',').unwrap_or((&inner, &inner));
    let is_number = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    if !is_number(least) || !is_number(most) || inner.is_empty() {
        return None;
    }
    let text = match (least, inner.contains(',')) {
        ("", true) => format!("{{0,{most}}}"),
        (_, true) => format!("{{{least},{most}}}"),
        _ => format!("{{{least}}}"),
    };
    Some((text, end + 1))
}

/// Writes a character that stands for itself.
fn literal(body: &mut String, c: char) {
    if c.is_ascii_punctuation() && !matches!(c, '<' | '>' | '"' | '\'' | '/' | '_' | ':' | ';' | '%' | '=' | ',' | '`')
    {
        body.push('\\');
    }
    if c == ' ' || c == '\n' {
        // Stands for itself even in verbose patterns.
        body.push_str(if c == ' ' { r"\x20" } else { r"\n" });
    } else {
        body.push(c);
    }
}

/// A character class, where the regex crate knows nested classes and set operators and Python does not.
fn class(chars: &[char], start: usize, body: &mut String) -> usize {
    body.push('[');
    let mut at = start + 1;
    if chars.get(at) == Some(&'^') {
        body.push('^');
        at += 1;
    }
    let first = at;
    while let Some(c) = chars.get(at).copied() {
        match c {
            ']' if at > first => {
                body.push(']');
                return at + 1;
            }
            '\\' => {
                match chars.get(at + 1) {
                    Some('b') => body.push_str(r"\x08"),
                    Some(c) if c.is_ascii_alphanumeric() => {
                        body.push('\\');
                        body.push(*c);
                    }
                    Some(c) => literal(body, *c),
                    None => {}
                }
                at += 2;
                continue;
            }
            '[' | ']' | '&' | '~' | ' ' | '#' => {
                body.push('\\');
                body.push(c);
            }
            c => body.push(c),
        }
        at += 1;
    }
    at
}

/// `re.escape`.
pub fn escape(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if "()[]{}?*+-|^$\\.&~# \t\n\r\x0b\x0c".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn sub(pattern: &str, replacement: &str, text: &str) -> String {
        Regex::new(pattern, Flags::default()).unwrap().replace(text, replacement, 0).unwrap().0
    }

    #[test]
    fn substitutes_as_python_does() {
        assert_eq!(sub("x*", "-", "abxd"), "-a-b--d-");
        assert_eq!(sub(r"(?P<a>\w+) (?P<b>\w+)", r"\g<b> \1", "one two"), "two one");
        assert_eq!(sub(r"^(.*)$", r"[\1]", "one"), "[one]");
        assert_eq!(sub(r"a\-b\/c\_d", "!", "a-b/c_d"), "!");
        assert_eq!(sub(r"[[\]x]", "!", "[x]"), "!!!");
        assert_eq!(sub(r"(?<=a)b(?!c)", "!", "ab abc"), "a! abc");
        assert_eq!(sub(r"{{x}}", "!", "a{{x}}"), "a!");
        assert_eq!(sub(r"(a)\1", "!", "aab"), "!b");
    }
}
