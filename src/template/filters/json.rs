//! JSON as Python's `json` reads and writes it.

use super::Filter;
use crate::template::error::{Result, TemplateError};
use crate::template::runtime::{Args, Context, Object};
use crate::value::{Key, Value, python_float};
use std::fmt::Write;

pub const FILTERS: &[(&str, Filter)] =
    &[("to_json", to_json), ("to_nice_json", to_nice_json), ("from_json", from_json), ("tojson", tojson)];

/// How `json.dumps` writes.
struct Style {
    indent: Option<String>,
    item: String,
    key: String,
    sort_keys: bool,
    ascii: bool,
}

impl Style {
    fn new(indent: Option<String>, sort_keys: bool) -> Style {
        let item = if indent.is_some() { "," } else { ", " };
        Style { indent, item: item.into(), key: ": ".into(), sort_keys, ascii: true }
    }
}

fn to_json(context: &Context<'_>, value: Object, mut args: Args) -> Result<Object> {
    let style = style(context, &mut args, None, false)?;
    write_object(context, &value, &style)
}

fn to_nice_json(context: &Context<'_>, value: Object, mut args: Args) -> Result<Object> {
    let [indent, sort_keys] =
        Args { positional: std::mem::take(&mut args.positional), named: Vec::new() }.bind(["indent", "sort_keys"])?;
    args.take("separators");
    args.named.extend(indent.map(|indent| ("indent".into(), indent)));
    args.named.extend(sort_keys.map(|sort_keys| ("sort_keys".into(), sort_keys)));
    let style = style(context, &mut args, Some(4), true)?;
    write_object(context, &value, &Style { item: ",".into(), ..style })
}

fn style(context: &Context<'_>, args: &mut Args, indent: Option<usize>, sort_keys: bool) -> Result<Style> {
    let indent = match args.take("indent") {
        None => indent.map(|width| " ".repeat(width)),
        Some(object) if object.is_none() => None,
        Some(object) => match object.as_int() {
            Some(width) => Some(" ".repeat(width.clamp(0, 1000) as usize)),
            None => Some(context.text(&object)?),
        },
    };
    let mut style = Style::new(indent, sort_keys);
    style.sort_keys = context.truth_or(&args.take("sort_keys"), sort_keys)?;
    style.ascii = context.truth_or(&args.take("ensure_ascii"), true)?;
    if let Some(separators) = args.take("separators").filter(|separators| !separators.is_none()) {
        match &context.iterate(&separators)?[..] {
            [item, key] => (style.item, style.key) = (context.text(item)?, context.text(key)?),
            _ => return Err(TemplateError::runtime("separators must be an (item_separator, key_separator) tuple")),
        }
    }
    for ignored in
        ["vault_to_text", "preprocess_unsafe", "profile", "default", "skipkeys", "allow_nan", "check_circular"]
    {
        args.take(ignored);
    }
    std::mem::take(args).none()?;
    Ok(style)
}

fn write_object(context: &Context<'_>, value: &Object, style: &Style) -> Result<Object> {
    let mut out = String::new();
    write(&mut out, &context.plain(value)?, style, 0)?;
    Ok(Object::str(out))
}

fn write(out: &mut String, value: &Value, style: &Style, depth: usize) -> Result<()> {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Value::Int(number) => {
            let _ = write!(out, "{number}");
        }
        Value::Float(number) => out.push_str(&float(*number)),
        Value::Str(text) => string(out, text, style.ascii),
        Value::Template(text) => string(out, &text.text, style.ascii),
        Value::Vault(_) => return Err(TemplateError::runtime("a vault value cannot be written as JSON")),
        Value::List(items) if items.is_empty() => out.push_str("[]"),
        Value::Map(map) if map.is_empty() => out.push_str("{}"),
        Value::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push_str(&style.item);
                }
                newline(out, style, depth + 1);
                write(out, item, style, depth + 1)?;
            }
            newline(out, style, depth);
            out.push(']');
        }
        Value::Map(map) => {
            out.push('{');
            let mut entries: Vec<(&Key, &Value)> = map.iter().collect();
            if style.sort_keys {
                sort(&mut entries)?;
            }
            for (index, (key, item)) in entries.into_iter().enumerate() {
                if index > 0 {
                    out.push_str(&style.item);
                }
                newline(out, style, depth + 1);
                let key = match key {
                    Key::Str(text) => text.to_string(),
                    Key::Null => "null".into(),
                    Key::Bool(truth) => truth.to_string(),
                    Key::Int(number) => number.to_string(),
                    Key::Float(bits) => float(f64::from_bits(*bits)),
                };
                string(out, &key, style.ascii);
                out.push_str(&style.key);
                write(out, item, style, depth + 1)?;
            }
            newline(out, style, depth);
            out.push('}');
        }
    }
    Ok(())
}

/// Sorts by keys, which must be of one kind.
pub fn sort<V>(entries: &mut [(&Key, V)]) -> Result<()> {
    let kind = |key: &Key| match key {
        Key::Str(_) => "str",
        Key::Null => "NoneType",
        _ => "int",
    };
    if let Some(pair) = entries.windows(2).find(|pair| kind(pair[0].0) != kind(pair[1].0)) {
        return Err(TemplateError::runtime(format!(
            "'<' not supported between instances of '{}' and '{}'",
            kind(pair[1].0),
            kind(pair[0].0)
        )));
    }
    entries.sort_by_key(|(key, _)| *key);
    Ok(())
}

fn newline(out: &mut String, style: &Style, depth: usize) {
    if let Some(indent) = &style.indent {
        out.push('\n');
        out.push_str(&indent.repeat(depth));
    }
}

fn float(number: f64) -> String {
    if number.is_nan() {
        "NaN".into()
    } else if number.is_infinite() {
        if number > 0.0 { "Infinity" } else { "-Infinity" }.into()
    } else {
        python_float(number)
    }
}

fn string(out: &mut String, text: &str, ascii: bool) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\x08' => out.push_str("\\b"),
            '\x0c' => out.push_str("\\f"),
            c if (c as u32) < 0x20 || (ascii && !c.is_ascii()) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

fn from_json(context: &Context<'_>, value: Object, mut args: Args) -> Result<Object> {
    args.take("profile");
    let text = match &value {
        Object::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        other => match other.as_str() {
            Some(text) => text.to_owned(),
            None => {
                return Err(TemplateError::runtime(format!(
                    "the JSON object must be str, bytes or bytearray, not {}",
                    crate::template::runtime::type_name(other)
                )));
            }
        },
    };
    let _ = context;
    Reader { text: &text, pos: 0, depth: 0 }.document().map(Object::Value)
}

/// Jinja's own filter: JSON that is safe inside HTML.
fn tojson(context: &Context<'_>, value: Object, args: Args) -> Result<Object> {
    let [indent] = args.bind(["indent"])?;
    let indent = match indent.filter(|indent| !indent.is_none()) {
        Some(indent) => Some(" ".repeat(context.int_or(&Some(indent), 0)?.clamp(0, 1000) as usize)),
        None => None,
    };
    let mut out = String::new();
    write(&mut out, &context.plain(&value)?, &Style::new(indent, true), 0)?;
    Ok(Object::str(
        out.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026").replace('\'', "\\u0027"),
    ))
}

/// Reads JSON with Python's leniency: NaN and Infinity count.
struct Reader<'a> {
    text: &'a str,
    pos: usize,
    depth: usize,
}

impl Reader<'_> {
    fn document(mut self) -> Result<Value> {
        self.blanks();
        let value = self.value()?;
        self.blanks();
        if self.pos < self.text.len() { self.fail("Extra data") } else { Ok(value) }
    }

    fn fail<T>(&self, message: &str) -> Result<T> {
        let before = &self.text[..self.pos.min(self.text.len())];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        let place = before.chars().count();
        Err(TemplateError::runtime(format!("{message}: line {line} column {column} (char {place})")))
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.pos).copied()
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.pos += 1;
        }
    }

    fn value(&mut self) -> Result<Value> {
        self.depth += 1;
        if self.depth > 200 {
            return self.fail("nested too deeply");
        }
        let value = match self.peek() {
            Some(b'"') => self.string().map(Value::from),
            Some(b'[') => self.list(),
            Some(b'{') => self.map(),
            _ => self.word(),
        };
        self.depth -= 1;
        value
    }

    fn word(&mut self) -> Result<Value> {
        let rest = &self.text[self.pos..];
        let words = [
            ("null", Value::Null),
            ("true", Value::Bool(true)),
            ("false", Value::Bool(false)),
            ("NaN", Value::Float(f64::NAN)),
            ("Infinity", Value::Float(f64::INFINITY)),
            ("-Infinity", Value::Float(f64::NEG_INFINITY)),
        ];
        if let Some((word, value)) = words.into_iter().find(|(word, _)| rest.starts_with(word)) {
            self.pos += word.len();
            return Ok(value);
        }
        let bytes = rest.as_bytes();
        let digits = |from: usize| bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let sign = usize::from(bytes.first() == Some(&b'-'));
        let whole = digits(sign.min(bytes.len()));
        if whole == 0 {
            return self.fail("Expecting value");
        }
        let mut end = sign + if bytes.get(sign) == Some(&b'0') { 1 } else { whole };
        let mut is_float = false;
        if bytes.get(end) == Some(&b'.') && digits(end + 1) > 0 {
            end += 1 + digits(end + 1);
            is_float = true;
        }
        if matches!(bytes.get(end), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            let count = bytes.get(end + 1 + sign..).map_or(0, |_| digits(end + 1 + sign));
            if count > 0 {
                end += 1 + sign + count;
                is_float = true;
            }
        }
        let number = &rest[..end];
        self.pos += end;
        let whole = if is_float { None } else { number.parse().ok().map(Value::Int) };
        match whole.or_else(|| number.parse().ok().map(Value::Float)) {
            Some(value) => Ok(value),
            None => self.fail("Expecting value"),
        }
    }

    fn string(&mut self) -> Result<String> {
        let start = self.pos;
        self.pos += 1;
        let mut out = String::new();
        loop {
            let rest = &self.text[self.pos..];
            let Some(at) = rest.find(|c: char| c == '"' || c == '\\' || (c as u32) < 0x20) else {
                self.pos = start;
                return self.fail("Unterminated string starting at");
            };
            out.push_str(&rest[..at]);
            self.pos += at;
            match self.peek() {
                Some(b'"') => {
                    self.pos += 1;
                    return Ok(out);
                }
                Some(b'\\') => self.escape(&mut out)?,
                _ => return self.fail("Invalid control character at"),
            }
        }
    }

    fn escape(&mut self, out: &mut String) -> Result<()> {
        let code = self.text.as_bytes().get(self.pos + 1).copied();
        let c = match code {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\x08',
            Some(b'f') => '\x0c',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let unit =
                    |at: usize| self.text.get(at..at + 4).and_then(|digits| u16::from_str_radix(digits, 16).ok());
                let Some(first) = unit(self.pos + 2) else { return self.fail("Invalid \\uXXXX escape") };
                let mut units = vec![first];
                if (0xd800..0xdc00).contains(&first)
                    && self.text.get(self.pos + 6..self.pos + 8) == Some("\\u")
                    && let Some(second) = unit(self.pos + 8)
                {
                    units.push(second);
                }
                self.pos += 6 * units.len();
                out.push_str(&String::from_utf16_lossy(&units));
                return Ok(());
            }
            _ => return self.fail("Invalid \\escape"),
        };
        out.push(c);
        self.pos += 2;
        Ok(())
    }

    fn list(&mut self) -> Result<Value> {
        self.pos += 1;
        let mut items = Vec::new();
        self.blanks();
        if self.peek() == Some(b']') {
            self.pos += 1;
            return Ok(Value::list(items));
        }
        loop {
            self.blanks();
            items.push(self.value()?);
            self.blanks();
            match self.peek() {
                Some(b',') => self.pos += 1,
                Some(b']') => {
                    self.pos += 1;
                    return Ok(Value::list(items));
                }
                _ => return self.fail("Expecting ',' delimiter"),
            }
        }
    }

    fn map(&mut self) -> Result<Value> {
        self.pos += 1;
        let mut map = crate::value::Map::new();
        self.blanks();
        if self.peek() == Some(b'}') {
            self.pos += 1;
            return Ok(Value::map(map));
        }
        loop {
            self.blanks();
            if self.peek() != Some(b'"') {
                return self.fail("Expecting property name enclosed in double quotes");
            }
            let key = self.string()?;
            self.blanks();
            if self.peek() != Some(b':') {
                return self.fail("Expecting ':' delimiter");
            }
            self.pos += 1;
            self.blanks();
            let value = self.value()?;
            map.insert(Key::from(key), value);
            self.blanks();
            match self.peek() {
                Some(b',') => self.pos += 1,
                Some(b'}') => {
                    self.pos += 1;
                    return Ok(Value::map(map));
                }
                _ => return self.fail("Expecting ',' delimiter"),
            }
        }
    }
}
