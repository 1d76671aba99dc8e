//! Python's regular expressions: its syntax translated for the engine at hand, its templates, its `sub`.

use fancy_regex::{Captures, Regex};
use std::fmt::Write;

/// What a pattern is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flags {
    /// `^` and `$` fit at every line.
    pub multi_line: bool,
    /// `.` fits a newline.
    pub dot_all: bool,
    /// The text is bytes, each as the character of its number: classes know ASCII only.
    pub bytes: bool,
}

/// A compiled pattern.
#[derive(Debug)]
pub struct Pattern {
    regex: Regex,
    multi_line: bool,
}

impl Pattern {
    /// Compiles Python's syntax. The error is one line.
    pub fn new(pattern: &str, flags: Flags) -> Result<Pattern, String> {
        let mut reader = Reader::new(pattern, flags);
        let translated = reader.translate().map_err(|reason| format!("{reason} in regular expression {pattern:?}"))?;
        let mut letters = String::new();
        letters.push_str(if reader.multi_line { "m" } else { "" });
        letters.push_str(if reader.dot_all { "s" } else { "" });
        letters.push_str(if reader.ignore_case { "i" } else { "" });
        let whole = if letters.is_empty() { translated } else { format!("(?{letters}){translated}") };
        let regex = Regex::new(&whole).map_err(|error| format!("{error} in regular expression {pattern:?}"))?;
        Ok(Pattern { regex, multi_line: reader.multi_line })
    }

    /// The groups that have names, with their numbers.
    pub fn group_names(&self) -> Vec<(usize, &str)> {
        self.regex.capture_names().enumerate().filter_map(|(index, name)| Some((index, name?))).collect()
    }

    /// Whether the pattern itself says that `^` and `$` fit at every line.
    pub fn is_multi_line(&self) -> bool {
        self.multi_line
    }

    /// Whether it fits somewhere.
    pub fn fits(&self, text: &str) -> Result<bool, String> {
        self.regex.is_match(text).map_err(|error| error.to_string())
    }

    /// The first place where it fits.
    pub fn search<'t>(&self, text: &'t str) -> Result<Option<Captures<'t, str>>, String> {
        self.regex.captures(text).map_err(|error| error.to_string())
    }

    /// Replaces every place where it fits. The number says how many there were.
    pub fn replace_all(&self, text: &str, template: &Template) -> Result<(String, usize), String> {
        let mut out = String::with_capacity(text.len());
        let (mut at, mut copied, mut count) = (0, 0, 0);
        while at <= text.len() {
            let Some(found) = self.regex.captures_from_pos(text, at).map_err(|error| error.to_string())? else { break };
            let Some(whole) = found.get(0) else { break };
            out.push_str(&text[copied..whole.start()]);
            template.expand(&found, &mut out);
            copied = whole.end();
            count += 1;
            at = whole.end();
            if whole.start() == whole.end() {
                // An empty fit must not be found again.
                at += text[at..].chars().next().map_or(1, char::len_utf8);
            }
        }
        out.push_str(&text[copied.min(text.len())..]);
        Ok((out, count))
    }
}

/// A replacement with `\1`, `\g<name>` and escapes.
#[derive(Debug)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Debug)]
enum Part {
    Text(String),
    Group(usize),
    Named(String),
}

impl Template {
    /// Reads a replacement; the pattern's groups must have what it names.
    pub fn new(text: &str, pattern: &Pattern) -> Result<Template, String> {
        let mut template = Template { parts: Vec::new() };
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            if c != '\\' {
                template.push(c);
                continue;
            }
            match chars.next().ok_or("bad escape (end of pattern)")? {
                'g' => {
                    let mut name = String::new();
                    if chars.next() != Some('<') {
                        return Err("missing < in group reference".into());
                    }
                    loop {
                        match chars.next().ok_or("missing >, unterminated name")? {
                            '>' => break,
                            c => name.push(c),
                        }
                    }
                    match name.parse() {
                        Ok(number) => template.group(number, pattern)?,
                        Err(_) if pattern.regex.capture_names().flatten().any(|known| known == name) => {
                            template.parts.push(Part::Named(name));
                        }
                        Err(_) => return Err(format!("unknown group name '{name}'")),
                    }
                }
                '0' => {
                    let mut code = 0;
                    for _ in 0..2 {
                        if let Some(digit) = chars.peek().and_then(|c| c.to_digit(8)) {
                            chars.next();
                            code = code * 8 + digit;
                        }
                    }
                    template.push(char::from_u32(code).unwrap_or('\0'));
                }
                c @ '1'..='9' => {
                    let mut digits = c.to_string();
                    if let Some(c) = chars.next_if(char::is_ascii_digit) {
                        digits.push(c);
                    }
                    let octal = digits.chars().all(|c| c.is_digit(8)) && digits.len() == 2;
                    if let Some(c) = chars.next_if(|c| octal && c.is_digit(8)) {
                        digits.push(c);
                        let code = u32::from_str_radix(&digits, 8).unwrap_or(0);
                        template.push(char::from_u32(code & 0xff).unwrap_or('\0'));
                        continue;
                    }
                    template.group(digits.parse().unwrap_or(usize::MAX), pattern)?;
                }
                'n' => template.push('\n'),
                't' => template.push('\t'),
                'r' => template.push('\r'),
                'a' => template.push('\u{7}'),
                'b' => template.push('\u{8}'),
                'f' => template.push('\u{c}'),
                'v' => template.push('\u{b}'),
                '\\' => template.push('\\'),
                c if c.is_ascii_alphabetic() => return Err(format!("bad escape \\{c}")),
                c => {
                    template.push('\\');
                    template.push(c);
                }
            }
        }
        Ok(template)
    }

    fn push(&mut self, c: char) {
        match self.parts.last_mut() {
            Some(Part::Text(text)) => text.push(c),
            _ => self.parts.push(Part::Text(c.to_string())),
        }
    }

    fn group(&mut self, number: usize, pattern: &Pattern) -> Result<(), String> {
        if number >= pattern.regex.captures_len() {
            return Err(format!("invalid group reference {number}"));
        }
        self.parts.push(Part::Group(number));
        Ok(())
    }

    /// Appends the replacement of one fit. A group that took no part is empty.
    pub fn expand(&self, found: &Captures<'_, str>, out: &mut String) {
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Group(number) => out.push_str(found.get(*number).map_or("", |group| group.as_str())),
                Part::Named(name) => out.push_str(found.name(name).map_or("", |group| group.as_str())),
            }
        }
    }
}

/// Bytes as text of characters of the same numbers.
pub fn from_bytes(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

/// The bytes of text made by [`from_bytes`]; other characters become UTF-8.
pub fn to_bytes(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    for c in text.chars() {
        match u8::try_from(u32::from(c)) {
            Ok(byte) => bytes.push(byte),
            Err(_) => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    bytes
}

/// Reads Python's syntax and writes the engine's.
struct Reader {
    chars: Vec<char>,
    at: usize,
    out: String,
    multi_line: bool,
    dot_all: bool,
    ignore_case: bool,
    verbose: bool,
    bytes: bool,
}

impl Reader {
    fn new(pattern: &str, flags: Flags) -> Reader {
        let text = if flags.bytes { from_bytes(pattern.as_bytes()) } else { pattern.to_owned() };
        let mut reader = Reader {
            chars: text.chars().collect(),
            at: 0,
            out: String::new(),
            multi_line: flags.multi_line,
            dot_all: flags.dot_all,
            ignore_case: false,
            verbose: false,
            bytes: flags.bytes,
        };
        reader.global_flags();
        reader
    }

    /// `(?im)` at the start.
    fn global_flags(&mut self) {
        let rest: String = self.chars.iter().take(12).collect();
        let Some((letters, _)) = rest.strip_prefix("(?").and_then(|rest| rest.split_once(')')) else { return };
        if letters.is_empty() || !letters.chars().all(|c| "aiLmsux".contains(c)) {
            return;
        }
        self.multi_line |= letters.contains('m');
        self.dot_all |= letters.contains('s');
        self.ignore_case |= letters.contains('i');
        self.verbose |= letters.contains('x');
        self.at = letters.len() + 3;
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek();
        self.at += 1;
        c
    }

    fn starts_with(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(index, c)| self.chars.get(self.at + index) == Some(&c))
    }

    fn translate(&mut self) -> Result<String, String> {
        while let Some(c) = self.next() {
            match c {
                '\\' => self.escape()?,
                '[' => self.set()?,
                '(' => self.group()?,
                '{' => self.braces(),
                '}' => self.out.push_str("\\}"),
                // Python's $ fits before a last newline too.
                '$' if !self.multi_line => self.out.push_str("(?=\\n?\\z)"),
                c if self.verbose && c.is_whitespace() => {}
                '#' if self.verbose => while self.next().is_some_and(|c| c != '\n') {},
                ']' => self.out.push_str("\\]"),
                c if "^$.|?*+)".contains(c) => self.out.push(c),
                c => self.literal(c),
            }
        }
        Ok(std::mem::take(&mut self.out))
    }

    fn literal(&mut self, c: char) {
        write_literal(&mut self.out, c);
    }

    fn escape(&mut self) -> Result<(), String> {
        let c = self.next().ok_or("bad escape (end of pattern)")?;
        match c {
            'A' | 'B' | 'b' if self.bytes && c != 'A' => {
                let _ = write!(self.out, "(?-u:\\{c})");
            }
            'A' | 'B' | 'b' => self.out.extend(['\\', c]),
            'Z' => self.out.push_str("\\z"),
            'd' | 'D' | 'w' | 'W' | 's' | 'S' => {
                let class = self.class(c, false);
                self.out.push_str(&class);
            }
            '1'..='9' => {
                self.out.extend(['\\', c]);
                if let Some(digit) = self.peek().filter(char::is_ascii_digit) {
                    self.at += 1;
                    self.out.push(digit);
                }
            }
            _ => {
                let c = self.character(c)?;
                self.literal(c);
            }
        }
        Ok(())
    }

    fn class(&self, c: char, inside: bool) -> String {
        let ascii = match c {
            'd' | 'D' => "0-9",
            'w' | 'W' => "0-9A-Za-z_",
            _ => " \\t\\n\\r\\x0b\\x0c",
        };
        match (self.bytes, c.is_ascii_uppercase(), inside) {
            (false, ..) => format!("\\{c}"),
            (true, false, true) => ascii.to_owned(),
            (true, negative, _) => format!("[{}{ascii}]", if negative { "^" } else { "" }),
        }
    }

    /// The character that an escape means, outside and inside of sets.
    fn character(&mut self, c: char) -> Result<char, String> {
        Ok(match c {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'a' => '\u{7}',
            'f' => '\u{c}',
            'v' => '\u{b}',
            'x' => self.code(2)?,
            'u' if !self.bytes => self.code(4)?,
            'U' if !self.bytes => self.code(8)?,
            '0' => {
                let mut code = 0;
                for _ in 0..2 {
                    if let Some(digit) = self.peek().and_then(|c| c.to_digit(8)) {
                        self.at += 1;
                        code = code * 8 + digit;
                    }
                }
                char::from_u32(code).unwrap_or('\0')
            }
            c if c.is_ascii_alphabetic() => return Err(format!("bad escape \\{c}")),
            c => c,
        })
    }

    fn code(&mut self, digits: usize) -> Result<char, String> {
        let text: String = self.chars.iter().skip(self.at).take(digits).collect();
        self.at += digits;
        let code = u32::from_str_radix(&text, 16).ok().filter(|_| text.len() == digits);
        code.and_then(char::from_u32).ok_or_else(|| format!("incomplete escape {text}"))
    }

    /// `[...]`: no nesting and no set operations in Python.
    fn set(&mut self) -> Result<(), String> {
        self.out.push('[');
        if self.peek() == Some('^') {
            self.at += 1;
            self.out.push('^');
        }
        let mut first = true;
        loop {
            let c = self.next().ok_or("unterminated character set")?;
            if c == ']' && !first {
                break;
            }
            first = false;
            match self.item(c)? {
                Err(class) => self.out.push_str(&class),
                Ok(low) => {
                    self.literal(low);
                    let range = self.peek() == Some('-') && self.chars.get(self.at + 1).is_some_and(|c| *c != ']');
                    if range {
                        self.at += 1;
                        let c = self.next().ok_or("unterminated character set")?;
                        match self.item(c)? {
                            Ok(high) if high < low => return Err(format!("bad character range {low}-{high}")),
                            Ok(high) => {
                                self.out.push('-');
                                self.literal(high);
                            }
                            Err(class) => return Err(format!("bad character range {low}-{class}")),
                        }
                    }
                }
            }
        }
        self.out.push(']');
        Ok(())
    }

    /// One item of a set: a character, or a class as text.
    fn item(&mut self, c: char) -> Result<Result<char, String>, String> {
        if c != '\\' {
            return Ok(Ok(c));
        }
        let c = self.next().ok_or("bad escape (end of pattern)")?;
        match c {
            'd' | 'D' | 'w' | 'W' | 's' | 'S' => Ok(Err(self.class(c, true))),
            'b' => Ok(Ok('\u{8}')),
            '1'..='7' => {
                let mut code = c.to_digit(8).unwrap_or(0);
                for _ in 0..2 {
                    if let Some(digit) = self.peek().and_then(|c| c.to_digit(8)) {
                        self.at += 1;
                        code = code * 8 + digit;
                    }
                }
                Ok(Ok(char::from_u32(code).unwrap_or('\0')))
            }
            c => self.character(c).map(Ok),
        }
    }

    /// After an opening bracket.
    fn group(&mut self) -> Result<(), String> {
        if self.starts_with("?#") {
            while self.next().ok_or("missing ), unterminated comment")? != ')' {}
            return Ok(());
        }
        if self.starts_with("?(") {
            // A condition: the engine wants names in angle brackets.
            self.at += 2;
            let mut name = String::new();
            loop {
                match self.next().ok_or("missing ), unterminated name")? {
                    ')' => break,
                    c => name.push(c),
                }
            }
            let number = name.chars().all(|c| c.is_ascii_digit());
            let _ = if number { write!(self.out, "(?({name})") } else { write!(self.out, "(?(<{name}>)") };
            return Ok(());
        }
        self.out.push('(');
        if self.peek() != Some('?') {
            return Ok(());
        }
        self.at += 1;
        self.out.push('?');
        // Names, look-around and flags are spelt alike, but for flags that have no meaning here.
        loop {
            match self.next().ok_or("unexpected end of pattern")? {
                'a' | 'u' | 'L' => {}
                c @ (':' | '=' | '!' | '>' | ')') => {
                    self.out.push(c);
                    return Ok(());
                }
                'P' => {
                    self.out.push('P');
                    let end = if self.peek() == Some('<') { '>' } else { ')' };
                    loop {
                        let c = self.next().ok_or("missing >, unterminated name")?;
                        self.out.push(c);
                        if c == end {
                            return Ok(());
                        }
                    }
                }
                c => self.out.push(c),
            }
        }
    }

    /// A repetition, or a brace that stands for itself.
    fn braces(&mut self) {
        let inside: String = self.chars.iter().skip(self.at).take_while(|c| **c != '}').take(32).collect();
        let closed = self.chars.get(self.at + inside.chars().count()) == Some(&'}');
        let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
        let repetition = match inside.split_once(',') {
            Some(("", "")) => None,
            Some((low, high)) if digits(low) && digits(high) => {
                Some(format!("{{{},{high}}}", if low.is_empty() { "0" } else { low }))
            }
            None if !inside.is_empty() && digits(&inside) => Some(format!("{{{inside}}}")),
            _ => None,
        };
        match repetition.filter(|_| closed) {
            Some(repetition) => {
                self.out.push_str(&repetition);
                self.at += inside.chars().count() + 1;
            }
            None => self.out.push_str("\\{"),
        }
    }
}

fn write_literal(out: &mut String, c: char) {
    // Numbers have no second meaning, in sets neither.
    if c.is_ascii_alphanumeric() || c == '_' || (!c.is_ascii() && !c.is_whitespace() && !c.is_control()) {
        out.push(c);
    } else {
        // Writing to a String cannot fail.
        let _ = write!(out, "\\x{{{:x}}}", u32::from(c));
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn found(pattern: &str, text: &str) -> Option<String> {
        let pattern = Pattern::new(pattern, Flags::default()).unwrap();
        pattern.search(text).unwrap().map(|found| found.get(0).unwrap().as_str().to_owned())
    }

    #[test]
    fn python_syntax() {
        for (pattern, text, expected) in [
            ("a$", "ba\n", Some("a")),
            ("a\\Z", "ba\n", None),
            ("x{", "x{", Some("x{")),
            ("{{ x }}", "{{ x }}", Some("{{ x }}")),
            ("a{,2}b", "aaab", Some("aab")),
            ("[]a[]+", "][a", Some("][a")),
            ("[[:alpha:]]", "a]", Some("a]")),
            ("[a&&b]+", "&b", Some("&b")),
            ("[\\w.-]+", "a.b-c d", Some("a.b-c")),
            ("\\<a\\>\\ \\-", "<a> -", Some("<a> -")),
            ("(?P<q>['\"]).*?(?P=q)", "x'a\"b'", Some("'a\"b'")),
            ("(?i)ABC", "xabc", Some("abc")),
            ("(a)?(?(1)b|c)", "ab", Some("ab")),
            ("(?x) a b # c\n c", "abc", Some("abc")),
            ("a(?#x)b", "ab", Some("ab")),
            ("^#?\\s*Port\\s", "#Port 22", Some("#Port ")),
            ("(?<!x)y", "y", Some("y")),
            ("\\x41\\u00e9", "Aé", Some("Aé")),
        ] {
            assert_eq!(found(pattern, text).as_deref(), expected, "{pattern}");
        }
        assert!(Pattern::new("\\h", Flags::default()).is_err());
        assert!(Pattern::new("(a", Flags::default()).is_err());
    }

    #[test]
    fn bytes_know_ascii_only() {
        let pattern = Pattern::new("é\\w+", Flags { bytes: true, ..Flags::default() }).unwrap();
        let text = from_bytes("éaé".as_bytes());
        assert_eq!(to_bytes(pattern.search(&text).unwrap().unwrap().get(0).unwrap().as_str()), "éa".as_bytes());
    }

    #[test]
    fn substitution() {
        let sub = |pattern: &str, template: &str, text: &str| {
            let pattern = Pattern::new(pattern, Flags { multi_line: true, ..Flags::default() })?;
            pattern.replace_all(text, &Template::new(template, &pattern)?).map(|(text, count)| format!("{text}{count}"))
        };
        assert_eq!(sub("(a)(?P<n>b)?", "\\2\\g<n>\\g<1>\\n\\.", "abac").unwrap(), "bba\n\\.a\n\\.c2");
        assert_eq!(sub("x*", "-", "abxd").unwrap(), "-a-b--d-5");
        assert_eq!(sub("^", "#", "a\nb").unwrap(), "#a\n#b2");
        assert_eq!(sub("a", "\\g<0>\\g<0>", "a").unwrap(), "aa1");
        assert!(sub("a", "\\1", "a").unwrap_err().contains("invalid group reference 1"));
        assert!(sub("a", "\\q", "a").is_err());
    }
}
