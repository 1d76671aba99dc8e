//! Python literals, as Ansible reads the values of INI inventories: `1`, `'a'`, `[1, {'b': None}]`.

use crate::value::{Key, Map, Value};

/// How deep a literal may be nested.
const MAX_DEPTH: usize = 60;

/// The value of a text that is a Python literal (what `ast.literal_eval` takes); None for any other.
///
/// Tuples and sets are lists. Whole numbers beyond 64 bits stay text.
pub fn parse_literal(text: &str) -> Option<Value> {
    let mut parser = Parser { rest: text.trim_start_matches([' ', '\t']), depth: 0 };
    // Python takes an indented first line for an error, but `literal_eval` strips it before.
    let first = parser.value()?;
    if !parser.take(',') {
        return parser.at_end().then_some(first);
    }
    // A tuple without parentheses, such as `80,443`.
    let mut items = vec![first];
    while !parser.at_end() {
        items.push(parser.value()?);
        if !parser.take(',') {
            break;
        }
    }
    parser.at_end().then(|| Value::list(items))
}

struct Parser<'a> {
    rest: &'a str,
    depth: usize,
}

impl Parser<'_> {
    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start();
        if self.rest.starts_with('#') {
            self.rest = "";
        }
    }

    fn at_end(&mut self) -> bool {
        self.skip_space();
        self.rest.is_empty()
    }

    /// Takes `c`, after white space, if it is next.
    fn take(&mut self, c: char) -> bool {
        self.skip_space();
        match self.rest.strip_prefix(c) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn value(&mut self) -> Option<Value> {
        self.skip_space();
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        let value = match self.rest.chars().next()? {
            '[' => self.list(']').map(|(items, _)| Value::list(items)),
            '(' => self.parentheses(),
            '{' => self.braces(),
            's' if self.rest.starts_with("set()") => {
                self.rest = &self.rest["set()".len()..];
                Some(Value::list(Vec::new()))
            }
            '-' | '+' => self.signed(),
            c if c.is_ascii_digit() || c == '.' => self.number(),
            _ => self.word_or_string(),
        };
        self.depth -= 1;
        value
    }

    /// Items up to `close`, and whether a comma stood among them.
    fn list(&mut self, close: char) -> Option<(Vec<Value>, bool)> {
        self.rest = &self.rest[1..];
        let (mut items, mut comma) = (Vec::new(), false);
        loop {
            if self.take(close) {
                return Some((items, comma));
            }
            items.push(self.value()?);
            if self.take(',') {
                comma = true;
            } else {
                return self.take(close).then_some((items, comma));
            }
        }
    }

    fn parentheses(&mut self) -> Option<Value> {
        let (mut items, comma) = self.list(')')?;
        Some(if items.len() == 1 && !comma { items.swap_remove(0) } else { Value::list(items) })
    }

    /// A dict or a set.
    fn braces(&mut self) -> Option<Value> {
        self.rest = &self.rest[1..];
        if self.take('}') {
            return Some(Value::map(Map::new()));
        }
        let first = self.value()?;
        if !self.take(':') {
            return self.set(first);
        }
        let mut map = Map::new();
        map.insert(Key::from_value(&first)?, self.value()?);
        loop {
            let more = self.take(',');
            if self.take('}') {
                return Some(Value::map(map));
            }
            if !more {
                return None;
            }
            let key = Key::from_value(&self.value()?)?;
            if !self.take(':') {
                return None;
            }
            map.insert(key, self.value()?);
        }
    }

    fn set(&mut self, first: Value) -> Option<Value> {
        let mut items = vec![first];
        loop {
            // What cannot be a key cannot be in a set; this is also how `{{ x }}` stays a template.
            Key::from_value(items.last()?)?;
            let more = self.take(',');
            if self.take('}') {
                break;
            }
            if !more {
                return None;
            }
            let item = self.value()?;
            if !items.contains(&item) {
                items.push(item);
            }
        }
        Some(Value::list(items))
    }

    fn signed(&mut self) -> Option<Value> {
        let negative = self.rest.starts_with('-');
        self.rest = &self.rest[1..];
        self.skip_space();
        let value = match self.rest.chars().next()? {
            '-' | '+' => self.signed(),
            c if c.is_ascii_digit() || c == '.' => self.number(),
            _ => None,
        }?;
        match value {
            Value::Int(number) if negative => number.checked_neg().map(Value::Int),
            Value::Float(number) if negative => Some(Value::Float(-number)),
            Value::Str(digits) if negative => Some(Value::from(format!("-{digits}"))),
            other => Some(other),
        }
    }

    fn number(&mut self) -> Option<Value> {
        if let Some(rest) = self.rest.strip_prefix("...") {
            self.rest = rest;
            return Some(Value::str("..."));
        }
        let is_hex = self.rest.starts_with("0x") || self.rest.starts_with("0X");
        let mut end = 0;
        let mut previous = ' ';
        for c in self.rest.chars() {
            let sign = matches!(c, '+' | '-') && matches!(previous, 'e' | 'E') && !is_hex;
            if !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.') || sign) {
                break;
            }
            end += 1;
            previous = c;
        }
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest;
        let lines_between_digits = !text.ends_with('_') && !text.contains("__") && !text.contains("_.");
        if !lines_between_digits {
            return None;
        }
        let digits = text.replace('_', "");
        let lower = digits.to_ascii_lowercase();
        for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
            if let Some(digits) = lower.strip_prefix(prefix) {
                return i64::from_str_radix(digits, radix).ok().map(Value::Int);
            }
        }
        if digits.bytes().all(|c| c.is_ascii_digit()) {
            let leading_zero = digits.starts_with('0') && digits.bytes().any(|c| c != b'0');
            return match digits.parse() {
                _ if leading_zero => None,
                Ok(number) => Some(Value::Int(number)),
                Err(_) => Some(Value::from(digits)),
            };
        }
        // A complex number is kept as Python prints it.
        if let Some(imaginary) = lower.strip_suffix('j') {
            let number: f64 = imaginary.parse().ok()?;
            let text = Value::Float(number).to_string();
            return Some(Value::from(format!("{}j", text.strip_suffix(".0").unwrap_or(&text))));
        }
        let float = lower.bytes().all(|c| c.is_ascii_digit() || matches!(c, b'.' | b'e' | b'+' | b'-'));
        if float { lower.parse().ok().map(Value::Float) } else { None }
    }

    /// `True`, `False`, `None`, or strings, of which several in a row are one.
    fn word_or_string(&mut self) -> Option<Value> {
        for (word, value) in [("True", Value::Bool(true)), ("False", Value::Bool(false)), ("None", Value::Null)] {
            if let Some(rest) = self.rest.strip_prefix(word)
                && !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_')
            {
                self.rest = rest;
                return Some(value);
            }
        }
        let mut text = self.string()?;
        loop {
            self.skip_space();
            if !self.rest.starts_with(['\'', '"']) && string_prefix(self.rest).is_none() {
                return Some(Value::from(text));
            }
            text += &self.string()?;
        }
    }

    fn string(&mut self) -> Option<String> {
        let prefix = string_prefix(self.rest).unwrap_or_default();
        let raw = prefix.contains(['r', 'R']);
        self.rest = &self.rest[prefix.len()..];
        let quote = self.rest.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
        let triple = [quote; 3].iter().collect::<String>();
        let close = if self.rest.starts_with(&triple) { triple } else { quote.to_string() };
        self.rest = &self.rest[close.len()..];
        let mut text = String::new();
        loop {
            if let Some(rest) = self.rest.strip_prefix(close.as_str()) {
                self.rest = rest;
                return Some(text);
            }
            let c = self.next()?;
            match c {
                '\\' if raw => {
                    text.push('\\');
                    text.push(self.next()?);
                }
                '\\' => self.escape(&mut text)?,
                c => text.push(c),
            }
        }
    }

    fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    fn escape(&mut self, text: &mut String) -> Option<()> {
        let c = self.next()?;
        let meant = match c {
            '\n' => return Some(()),
            '\\' | '\'' | '"' => c,
            'a' => '\u{7}',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            'x' => self.code(2, 16)?,
            'u' => self.code(4, 16)?,
            'U' => self.code(8, 16)?,
            '0'..='7' => {
                let more = self.rest.bytes().take(2).take_while(|c| matches!(c, b'0'..=b'7')).count();
                let digits = format!("{c}{}", &self.rest[..more]);
                self.rest = &self.rest[more..];
                char::from_u32(u32::from_str_radix(&digits, 8).ok()?)?
            }
            // By name, which needs Unicode's list of names.
            'N' => return None,
            other => {
                text.push('\\');
                other
            }
        };
        text.push(meant);
        Some(())
    }

    fn code(&mut self, count: usize, radix: u32) -> Option<char> {
        let digits = self.rest.get(..count)?;
        let c = char::from_u32(u32::from_str_radix(digits, radix).ok()?)?;
        self.rest = &self.rest[count..];
        Some(c)
    }
}

/// The letters before a string's quote that may stand there: `r`, `b`, `u`, `rb`.
fn string_prefix(text: &str) -> Option<&str> {
    let letters = text.bytes().take_while(u8::is_ascii_alphabetic).count();
    let prefix = &text[..letters];
    let known = matches!(prefix.to_ascii_lowercase().as_str(), "r" | "b" | "u" | "rb" | "br");
    (known && text[letters..].starts_with(['\'', '"'])).then_some(prefix)
}
