//! YAML as PyYAML writes it on top of libyaml.

use crate::template::error::Result;
use crate::template::filters::sort_entries;
use crate::value::{Key, Map, Value, python_float};
use std::fmt::Write;

/// The options of `yaml.dump`.
#[derive(Debug, Clone)]
pub struct YamlStyle {
    /// How much deeper a level is.
    pub indent: usize,
    /// Lines are broken at the first blank after this column.
    pub width: usize,
    /// Whether keys are sorted.
    pub sort_keys: bool,
    /// Whether collections are written in braces; None: those that hold only scalars.
    pub flow: Option<bool>,
    /// Whether `---` comes first.
    pub explicit_start: bool,
    /// Whether `...` comes last.
    pub explicit_end: bool,
    /// The style of all scalars, such as `"`.
    pub scalar: Option<char>,
    /// Whether characters outside ASCII are written as they are.
    pub unicode: bool,
    /// Whether every node has its tag and nothing is abbreviated.
    pub canonical: bool,
}

impl Default for YamlStyle {
    fn default() -> YamlStyle {
        YamlStyle {
            indent: 2,
            width: 80,
            sort_keys: true,
            flow: None,
            explicit_start: false,
            explicit_end: false,
            scalar: None,
            unicode: true,
            canonical: false,
        }
    }
}

/// One document.
pub fn dump(value: &Value, style: &YamlStyle) -> Result<String> {
    if style.canonical {
        return super::yaml_canonical::dump(value, style);
    }
    let indent = if (2..10).contains(&style.indent) { style.indent } else { 2 };
    let width = if style.width <= indent * 2 { 80 } else { style.width };
    let mut emitter = Emitter {
        style,
        step: indent,
        width,
        out: String::new(),
        column: 0,
        whitespace: true,
        indention: true,
        indent: None,
        flow_level: 0,
    };
    if style.explicit_start {
        emitter.indicator("---", true, false, false);
        // A block collection starts on a line of its own.
        if emitter.is_block(value) {
            emitter.write_indent();
        }
    }
    emitter.node(value, Place::Root)?;
    if emitter.column > 0 {
        emitter.line_break();
    }
    if style.explicit_end {
        emitter.out.push_str("...\n");
    }
    Ok(emitter.out)
}

#[derive(Clone, Copy, PartialEq)]
enum Place {
    Root,
    Sequence,
    Value,
    /// A key that stands on one line before its colon.
    SimpleKey,
    Key,
}

struct Emitter<'s> {
    style: &'s YamlStyle,
    step: usize,
    width: usize,
    out: String,
    column: usize,
    whitespace: bool,
    indention: bool,
    indent: Option<usize>,
    flow_level: usize,
}

impl Emitter<'_> {
    fn indicator(&mut self, text: &str, need_whitespace: bool, whitespace: bool, indention: bool) {
        if need_whitespace && !self.whitespace {
            self.put(" ");
        }
        self.put(text);
        self.whitespace = whitespace;
        self.indention = self.indention && indention;
    }

    fn put(&mut self, text: &str) {
        self.out.push_str(text);
        self.column += text.chars().count();
    }

    fn line_break(&mut self) {
        self.out.push('\n');
        self.column = 0;
        self.whitespace = true;
        self.indention = true;
    }

    fn write_indent(&mut self) {
        let indent = self.indent.unwrap_or(0);
        if !self.indention || self.column > indent || (self.column == indent && !self.whitespace) {
            self.line_break();
        }
        if self.column < indent {
            self.put(&" ".repeat(indent - self.column));
            self.whitespace = true;
        }
        self.whitespace = true;
        self.indention = true;
    }

    /// Runs with a deeper indent.
    fn indented(&mut self, flow: bool, indentless: bool, run: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        let before = self.indent;
        self.indent = match before {
            None if flow => Some(self.step),
            None => Some(0),
            Some(indent) if !indentless => Some(indent + self.step),
            same => same,
        };
        let result = run(self);
        self.indent = before;
        result
    }

    fn is_scalar(value: &Value) -> bool {
        !matches!(value, Value::List(_) | Value::Map(_))
    }

    /// Whether a collection is written in braces.
    fn is_flow(&self, value: &Value) -> bool {
        // A vault's envelope has a style of its own, as every scalar when one is asked for.
        let styled = |value: &Value| self.style.scalar.is_some() || matches!(value, Value::Vault(_));
        let plain = |value: &Value| Self::is_scalar(value) && !styled(value);
        match value {
            Value::List(items) => items.is_empty() || self.style.flow.unwrap_or_else(|| items.iter().all(plain)),
            Value::Map(map) => {
                map.is_empty()
                    || self.style.flow.unwrap_or_else(|| self.style.scalar.is_none() && map.values().all(plain))
            }
            _ => true,
        }
    }

    fn is_block(&self, value: &Value) -> bool {
        !self.is_flow(value)
    }

    fn node(&mut self, value: &Value, place: Place) -> Result<()> {
        match value {
            Value::List(items) if self.flow_level > 0 || self.is_flow(value) => self.flow_sequence(items),
            Value::List(items) => {
                let indentless = matches!(place, Place::Value | Place::Key | Place::SimpleKey) && !self.indention;
                self.indented(false, indentless, |emitter| {
                    for item in items.iter() {
                        emitter.write_indent();
                        emitter.indicator("-", true, false, true);
                        emitter.node(item, Place::Sequence)?;
                    }
                    Ok(())
                })
            }
            Value::Map(map) if self.flow_level > 0 || self.is_flow(value) => self.flow_mapping(map),
            Value::Map(map) => {
                let entries = self.entries(map);
                self.indented(false, false, |emitter| {
                    for (key, value) in entries {
                        emitter.write_indent();
                        emitter.pair(key, value)?;
                    }
                    Ok(())
                })
            }
            scalar => self.indented(true, false, |emitter| {
                emitter.scalar(scalar, place);
                Ok(())
            }),
        }
    }

    fn entries<'m>(&self, map: &'m Map) -> Vec<(&'m Key, &'m Value)> {
        let mut entries: Vec<_> = map.iter().collect();
        if self.style.sort_keys {
            // Keys that have no order stay as they are.
            let _ = sort_entries(&mut entries);
        }
        entries
    }

    /// A key and its value; a long or multi-line key needs a question mark.
    fn pair(&mut self, key: &Key, value: &Value) -> Result<()> {
        let key = key.to_value();
        let text = scalar_text(&key);
        let simple = text.len() <= 128 && !text.contains(is_break);
        if simple {
            self.node(&key, Place::SimpleKey)?;
            self.indicator(":", false, false, false);
        } else {
            self.indicator("?", true, false, self.flow_level == 0);
            self.node(&key, Place::Key)?;
            if self.flow_level == 0 || self.column > self.width {
                self.write_indent();
            }
            self.indicator(":", true, false, self.flow_level == 0);
        }
        self.node(value, Place::Value)
    }

    fn flow_sequence(&mut self, items: &[Value]) -> Result<()> {
        self.indicator("[", true, true, false);
        self.flow_level += 1;
        self.indented(true, false, |emitter| {
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    emitter.indicator(",", false, false, false);
                }
                if emitter.column > emitter.width {
                    emitter.write_indent();
                }
                emitter.node(item, Place::Sequence)?;
            }
            Ok(())
        })?;
        self.flow_level -= 1;
        self.indicator("]", false, false, false);
        Ok(())
    }

    fn flow_mapping(&mut self, map: &Map) -> Result<()> {
        let entries = self.entries(map);
        self.indicator("{", true, true, false);
        self.flow_level += 1;
        self.indented(true, false, |emitter| {
            for (index, (key, value)) in entries.into_iter().enumerate() {
                if index > 0 {
                    emitter.indicator(",", false, false, false);
                }
                if emitter.column > emitter.width {
                    emitter.write_indent();
                }
                emitter.pair(key, value)?;
            }
            Ok(())
        })?;
        self.flow_level -= 1;
        self.indicator("}", false, false, false);
        Ok(())
    }

    fn scalar(&mut self, value: &Value, place: Place) {
        let text = scalar_text(value);
        let is_text = matches!(value, Value::Str(_) | Value::Template(_) | Value::Vault(_));
        let analysis = Analysis::of(&text, self.style.unicode);
        let simple_key = place == Place::SimpleKey;
        let mut style = self.style.scalar.unwrap_or(' ');
        if matches!(value, Value::Vault(_)) {
            self.indicator("!vault", true, false, false);
            style = '|';
        }
        if simple_key && analysis.multiline {
            style = '"';
        }
        if style == ' ' {
            let allowed = if self.flow_level > 0 { analysis.flow_plain } else { analysis.block_plain };
            let empty = text.is_empty() && (self.flow_level > 0 || simple_key);
            let resolves = is_text && resolves_to_other(&text);
            if !allowed || empty || resolves {
                style = '\'';
            }
        }
        if matches!(style, '|' | '>') && (!analysis.block || self.flow_level > 0 || simple_key) {
            style = '"';
        }
        if style == '\'' && !analysis.single {
            style = '"';
        }
        if style != ' ' && !is_text {
            self.indicator("!", true, false, false);
        }
        match style {
            '"' => self.double_quoted(&text, !simple_key),
            '\'' => self.single_quoted(&text, !simple_key),
            '|' | '>' => self.literal(&text, style),
            _ => {
                self.plain(&text, !simple_key);
            }
        }
    }

    fn plain(&mut self, text: &str, split: bool) {
        if !self.whitespace && (!text.is_empty() || self.flow_level > 0) {
            self.put(" ");
        }
        let mut spaces = false;
        let mut rest = text.chars().peekable();
        while let Some(c) = rest.next() {
            if c == ' ' {
                if split && !spaces && self.column > self.width && rest.peek() != Some(&' ') {
                    self.write_indent();
                } else {
                    self.put(" ");
                }
                spaces = true;
            } else {
                self.put(c.encode_utf8(&mut [0; 4]));
                self.indention = false;
                spaces = false;
            }
        }
        self.whitespace = false;
        self.indention = false;
    }

    fn single_quoted(&mut self, text: &str, split: bool) {
        self.indicator("'", true, false, false);
        let mut spaces = false;
        let mut breaks = false;
        let length = text.chars().count();
        let mut chars = text.chars().enumerate().peekable();
        while let Some((index, c)) = chars.next() {
            if c == ' ' {
                let next_blank = chars.peek().is_some_and(|(_, next)| *next == ' ');
                let inside = index > 0 && index + 1 < length;
                if split && !spaces && self.column > self.width && inside && !next_blank {
                    self.write_indent();
                } else {
                    self.put(" ");
                }
                spaces = true;
            } else if is_break(c) {
                if !breaks && c == '\n' {
                    self.line_break();
                }
                self.write_break(c);
                breaks = true;
            } else {
                if breaks {
                    self.write_indent();
                }
                match c {
                    '\'' => self.put("''"),
                    c => self.put(c.encode_utf8(&mut [0; 4])),
                }
                self.indention = false;
                spaces = false;
                breaks = false;
            }
        }
        if breaks {
            self.write_indent();
        }
        self.indicator("'", false, false, false);
        self.whitespace = false;
        self.indention = false;
    }

    fn write_break(&mut self, c: char) {
        if c == '\n' {
            self.line_break();
        } else {
            self.out.push(c);
            self.column = 0;
            self.whitespace = true;
            self.indention = true;
        }
    }

    fn double_quoted(&mut self, text: &str, split: bool) {
        self.indicator("\"", true, false, false);
        let mut spaces = false;
        let length = text.chars().count();
        let mut chars = text.chars().enumerate().peekable();
        while let Some((index, c)) = chars.next() {
            if !is_printable(c) || (!self.style.unicode && !c.is_ascii()) || is_break(c) || matches!(c, '"' | '\\') {
                let escape = match c {
                    '\0' => "\\0".to_owned(),
                    '\x07' => "\\a".to_owned(),
                    '\x08' => "\\b".to_owned(),
                    '\t' => "\\t".to_owned(),
                    '\n' => "\\n".to_owned(),
                    '\x0b' => "\\v".to_owned(),
                    '\x0c' => "\\f".to_owned(),
                    '\r' => "\\r".to_owned(),
                    '\x1b' => "\\e".to_owned(),
                    '"' => "\\\"".to_owned(),
                    '\\' => "\\\\".to_owned(),
                    '\u{85}' => "\\N".to_owned(),
                    '\u{a0}' => "\\_".to_owned(),
                    '\u{2028}' => "\\L".to_owned(),
                    '\u{2029}' => "\\P".to_owned(),
                    c if (c as u32) <= 0xff => format!("\\x{:02X}", c as u32),
                    c if (c as u32) <= 0xffff => format!("\\u{:04X}", c as u32),
                    c => format!("\\U{:08X}", c as u32),
                };
                self.put(&escape);
                spaces = false;
            } else if c == ' ' {
                if split && !spaces && self.column > self.width && index > 0 && index + 1 < length {
                    self.write_indent();
                    if chars.peek().is_some_and(|(_, next)| *next == ' ') {
                        self.put("\\");
                    }
                } else {
                    self.put(" ");
                }
                spaces = true;
            } else {
                self.put(c.encode_utf8(&mut [0; 4]));
                spaces = false;
            }
        }
        self.indicator("\"", false, false, false);
        self.whitespace = false;
        self.indention = false;
    }

    fn literal(&mut self, text: &str, style: char) {
        let mut hints = String::from(style);
        if text.starts_with([' ', '\n']) {
            let _ = write!(hints, "{}", self.step);
        }
        if !text.ends_with('\n') {
            hints.push('-');
        } else if text == "\n" || text.ends_with("\n\n") {
            hints.push('+');
        }
        self.indicator(&hints, true, false, false);
        self.line_break();
        for (index, line) in text.strip_suffix('\n').unwrap_or(text).split('\n').enumerate() {
            if index > 0 {
                self.line_break();
            }
            if !line.is_empty() {
                self.write_indent();
                self.put(line);
                self.whitespace = false;
                self.indention = false;
            }
        }
        self.line_break();
    }
}

/// The text of a scalar.
fn scalar_text(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(truth) => truth.to_string(),
        Value::Float(number) if number.is_nan() => ".nan".into(),
        Value::Float(number) if number.is_infinite() => if *number > 0.0 { ".inf" } else { "-.inf" }.into(),
        Value::Float(number) => {
            let text = python_float(*number);
            // Without a point YAML 1.1 would read text.
            if text.contains('.') { text } else { text.replacen('e', ".0e", 1) }
        }
        Value::Vault(vault) => vault.envelope.to_string(),
        other => other.to_string(),
    }
}

fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn is_printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}') && c != '\u{feff}'
}

/// In which styles a text can be written.
struct Analysis {
    multiline: bool,
    flow_plain: bool,
    block_plain: bool,
    single: bool,
    block: bool,
}

impl Analysis {
    fn of(text: &str, unicode: bool) -> Analysis {
        if text.is_empty() {
            return Analysis { multiline: false, flow_plain: false, block_plain: true, single: true, block: false };
        }
        let chars: Vec<char> = text.chars().collect();
        let blank_or_end = |at: usize| chars.get(at).is_none_or(|c| matches!(c, '\0' | ' ' | '\t') || is_break(*c));
        let document = text.starts_with("---") || text.starts_with("...");
        let (mut flow_indicator, mut block_indicator) = (document, document);
        let (mut breaks, mut special) = (false, false);
        let (mut break_space, mut space_break) = (false, false);
        let mut previous = 'x';
        for (index, c) in chars.iter().copied().enumerate() {
            let followed = blank_or_end(index + 1);
            let preceded = index == 0 || blank_or_end(index - 1);
            match c {
                '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`'
                    if index == 0 =>
                {
                    (flow_indicator, block_indicator) = (true, true);
                }
                '?' | ':' if index == 0 => {
                    flow_indicator = true;
                    block_indicator |= followed;
                }
                '-' if index == 0 && followed => (flow_indicator, block_indicator) = (true, true),
                ',' | '?' | '[' | ']' | '{' | '}' => flow_indicator = true,
                ':' => {
                    flow_indicator = true;
                    block_indicator |= followed;
                }
                '#' if preceded => (flow_indicator, block_indicator) = (true, true),
                _ => {}
            }
            special |= !is_printable(c) || (!unicode && !c.is_ascii());
            breaks |= is_break(c);
            break_space |= c == ' ' && is_break(previous);
            space_break |= is_break(c) && previous == ' ';
            previous = c;
        }
        let edge = |c: Option<&char>| c.is_some_and(|c| *c == ' ' || is_break(*c));
        let plain = !edge(chars.first()) && !edge(chars.last()) && !break_space && !space_break && !special && !breaks;
        Analysis {
            multiline: breaks,
            flow_plain: plain && !flow_indicator,
            block_plain: plain && !block_indicator,
            single: !break_space && !space_break && !special,
            block: !space_break && !special && chars.last() != Some(&' '),
        }
    }
}

/// Whether a plain text would be read as something else than text.
fn resolves_to_other(text: &str) -> bool {
    let words = [
        "", "~", "null", "Null", "NULL", "yes", "Yes", "YES", "no", "No", "NO", "true", "True", "TRUE", "false",
        "False", "FALSE", "on", "On", "ON", "off", "Off", "OFF", "<<", "=",
    ];
    words.contains(&text) || is_number(text) || is_timestamp(text)
}

fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let all = |text: &str, test: fn(char) -> bool| !text.is_empty() && text.chars().all(test);
    let digit_run =
        |text: &str| text.starts_with(|c: char| c.is_ascii_digit()) && all(text, |c| c.is_ascii_digit() || c == '_');
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    // Whole numbers.
    if let Some(rest) = unsigned.strip_prefix("0b") {
        return all(rest, |c| matches!(c, '0' | '1' | '_'));
    }
    if let Some(rest) = unsigned.strip_prefix("0x") {
        return all(rest, |c| c.is_ascii_hexdigit() || c == '_');
    }
    if unsigned == "0" || unsigned.strip_prefix('0').is_some_and(|rest| all(rest, |c| matches!(c, '0'..='7' | '_'))) {
        return true;
    }
    if digit_run(unsigned) && !unsigned.starts_with('0') {
        return true;
    }
    // Numbers to the base of sixty.
    if let Some((first, rest)) = unsigned.split_once(':') {
        let (rest, fraction) = match rest.split_once('.') {
            Some((rest, fraction)) => (rest, Some(fraction)),
            None => (rest, None),
        };
        let sixty = rest.split(':').all(|part| {
            all(part, |c| c.is_ascii_digit()) && (part.len() == 1 || (part.len() == 2 && part.as_bytes()[0] < b'6'))
        });
        return match fraction {
            Some(fraction) => digit_run(first) && sixty && fraction.chars().all(|c| c.is_ascii_digit() || c == '_'),
            None => digit_run(first) && !first.starts_with('0') && sixty,
        };
    }
    // Floats: the exponent needs a sign.
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (&unsigned[..at], Some(&unsigned[at + 1..])),
        None => (unsigned, None),
    };
    let exponent_fits = exponent.is_none_or(|exponent| {
        exponent.strip_prefix(['-', '+']).is_some_and(|digits| all(digits, |c| c.is_ascii_digit()))
    });
    match mantissa.split_once('.') {
        Some(("", fraction)) => text == unsigned && digit_run(fraction) && exponent_fits,
        Some((whole, fraction)) => {
            digit_run(whole) && fraction.chars().all(|c| c.is_ascii_digit() || c == '_') && exponent_fits
        }
        None => false,
    }
}

fn is_timestamp(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digits = |from: usize| bytes[from.min(bytes.len())..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits(0) != 4 || bytes.get(4) != Some(&b'-') {
        return false;
    }
    let month = digits(5);
    let day_at = 5 + month + 1;
    if !(1..=2).contains(&month) || bytes.get(5 + month) != Some(&b'-') {
        return false;
    }
    let day = digits(day_at);
    if !(1..=2).contains(&day) {
        return false;
    }
    let rest = &text[day_at + day..];
    if rest.is_empty() {
        return month == 2 && day == 2;
    }
    let time = match rest.strip_prefix(['T', 't']) {
        Some(time) => time,
        None => {
            let time = rest.trim_start_matches([' ', '\t']);
            if time.len() == rest.len() {
                return false;
            }
            time
        }
    };
    let (clock, zone) = match time.find(['Z', '+', '-', ' ', '\t']) {
        Some(at) => (&time[..at], time[at..].trim_start_matches([' ', '\t'])),
        None => (time, ""),
    };
    let mut parts = clock.split(':');
    let number = |part: Option<&str>, short: bool| {
        part.is_some_and(|part| {
            part.bytes().all(|byte| byte.is_ascii_digit()) && (part.len() == 2 || (short && part.len() == 1))
        })
    };
    let clock_fits = number(parts.next(), true)
        && number(parts.next(), false)
        && parts.next().is_some_and(|second| {
            let (whole, fraction) = second.split_once('.').unwrap_or((second, ""));
            number(Some(whole), false) && fraction.bytes().all(|byte| byte.is_ascii_digit())
        })
        && parts.next().is_none();
    let zone_fits = match zone.strip_prefix(['+', '-']) {
        Some(offset) => {
            let (hours, minutes) = offset.split_once(':').unwrap_or((offset, "00"));
            number(Some(hours), true) && number(Some(minutes), false)
        }
        None => matches!(zone, "" | "Z"),
    };
    clock_fits && zone_fits
}
