//! `'{0[a]!r:>10}'.format(x)` and `format(x, '>10')`.

use super::number_format::{fixed, general, group, scientific};
use crate::template::error::{Result, TemplateError};
use crate::template::runtime::{Args, Context, Object, type_name};
use crate::value::Value;

/// `str.format`.
///
/// # Errors
/// Python's, in its words.
pub fn brace_format(context: &Context<'_>, format: &str, args: &Args) -> Result<String> {
    let mut formatter = Formatter { context, args, next: 0, manual: false };
    formatter.format(format, 2)
}

struct Formatter<'a, 'c> {
    context: &'a Context<'c>,
    args: &'a Args,
    /// The next number of a field without one.
    next: usize,
    /// Whether a field had a number.
    manual: bool,
}

impl Formatter<'_, '_> {
    fn format(&mut self, format: &str, depth: usize) -> Result<String> {
        let mut out = String::new();
        let mut rest = format;
        while let Some(at) = rest.find(['{', '}']) {
            out.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                out.push_str(brace);
                rest = after;
                continue;
            }
            if brace == "}" {
                return Err(TemplateError::runtime("Single '}' encountered in format string"));
            }
            let end = closing(rest).ok_or_else(|| TemplateError::runtime("expected '}' before end of string"))?;
            out.push_str(&self.field(&rest[..end], depth)?);
            rest = &rest[end + 1..];
        }
        out.push_str(rest);
        Ok(out)
    }

    fn field(&mut self, field: &str, depth: usize) -> Result<String> {
        let Some(depth) = depth.checked_sub(1) else {
            return Err(TemplateError::runtime("Max string recursion exceeded"));
        };
        let name_end = name_end(field);
        let (name, rest) = field.split_at(name_end);
        let (conversion, spec) = match rest.strip_prefix('!') {
            Some(rest) => {
                let (conversion, spec) = rest.split_once(':').unwrap_or((rest, ""));
                (Some(conversion), spec)
            }
            None => (None, rest.strip_prefix(':').unwrap_or("")),
        };
        let mut object = self.resolve(name)?;
        match conversion {
            None => {}
            Some("s") => object = Object::str(self.context.text(&object)?),
            Some("r" | "a") => object = Object::str(self.context.repr(&object)?),
            Some(other) => {
                return Err(TemplateError::runtime(format!("Unknown conversion specifier {other}")));
            }
        }
        let spec = if spec.contains('{') { self.format(spec, depth)? } else { spec.to_owned() };
        format_with_spec(self.context, &object, &spec)
    }

    fn resolve(&mut self, name: &str) -> Result<Object> {
        let first_end = name.find(['.', '[']).unwrap_or(name.len());
        let (first, mut rest) = name.split_at(first_end);
        let numbered = first.parse::<usize>().is_ok();
        if (numbered && self.next > 0) || (first.is_empty() && self.manual) {
            return Err(TemplateError::runtime(match numbered {
                true => "cannot switch from automatic field numbering to manual field specification",
                false => "cannot switch from manual field specification to automatic field numbering",
            }));
        }
        self.manual |= numbered;
        let index = if first.is_empty() {
            self.next += 1;
            Some(self.next - 1)
        } else {
            first.parse().ok()
        };
        let found = match index {
            Some(index) => self.args.positional.get(index),
            None => self.args.named.iter().find(|(known, _)| &**known == first).map(|(_, object)| object),
        };
        let Some(found) = found else {
            return Err(TemplateError::runtime(match index {
                Some(index) => format!("Replacement index {index} out of range for positional args tuple"),
                None => Value::str(first).repr(),
            }));
        };
        let mut object = found.clone();
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix('.') {
                let end = after.find(['.', '[']).unwrap_or(after.len());
                object = self.context.attribute(&object, &after[..end])?;
                rest = &after[end..];
            } else {
                let after = &rest[1..];
                let end = after.find(']').ok_or_else(|| TemplateError::runtime("Missing ']' in format string"))?;
                let key = match after[..end].parse() {
                    Ok(number) => Object::int(number),
                    Err(_) => Object::str(&after[..end]),
                };
                object = self.context.item(&object, &key)?;
                rest = &after[end + 1..];
            }
        }
        Ok(object)
    }
}

/// Where the field that starts here ends.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0;
    let mut bracket = false;
    for (index, c) in text.char_indices() {
        match c {
            '[' => bracket = true,
            ']' => bracket = false,
            '{' if !bracket => depth += 1,
            '}' if depth == 0 && !bracket => return Some(index),
            '}' if !bracket => depth -= 1,
            _ => {}
        }
    }
    None
}

fn name_end(field: &str) -> usize {
    let mut bracket = false;
    for (index, c) in field.char_indices() {
        match c {
            '[' => bracket = true,
            ']' => bracket = false,
            '!' | ':' if !bracket => return index,
            _ => {}
        }
    }
    field.len()
}

#[derive(Default)]
struct Spec {
    fill: Option<char>,
    align: Option<char>,
    sign: Option<char>,
    alternate: bool,
    zero: bool,
    width: usize,
    grouping: Option<char>,
    precision: Option<usize>,
    kind: Option<char>,
}

impl Spec {
    fn read(text: &str) -> Result<Spec> {
        let invalid = || TemplateError::runtime(format!("Invalid format specifier '{text}'"));
        let chars: Vec<char> = text.chars().collect();
        let mut spec = Spec::default();
        let mut at = 0;
        let peek = |at: usize| chars.get(at).copied();
        let is_align = |c: Option<char>| c.is_some_and(|c| "<>=^".contains(c));
        if is_align(peek(1)) {
            spec.fill = peek(0);
            spec.align = peek(1);
            at = 2;
        } else if is_align(peek(0)) {
            spec.align = peek(0);
            at = 1;
        }
        if let Some(sign) = peek(at).filter(|c| "+- ".contains(*c)) {
            spec.sign = Some(sign);
            at += 1;
        }
        if peek(at) == Some('z') {
            at += 1;
        }
        if peek(at) == Some('#') {
            spec.alternate = true;
            at += 1;
        }
        if peek(at) == Some('0') {
            spec.zero = true;
            at += 1;
        }
        let number = |at: &mut usize| {
            let mut number = None;
            while let Some(digit) = peek(*at).and_then(|c| c.to_digit(10)) {
                number = Some(number.unwrap_or(0usize).saturating_mul(10).saturating_add(digit as usize));
                *at += 1;
            }
            number
        };
        spec.width = number(&mut at).unwrap_or(0);
        if let Some(grouping) = peek(at).filter(|c| ",_".contains(*c)) {
            spec.grouping = Some(grouping);
            at += 1;
        }
        if peek(at) == Some('.') {
            at += 1;
            spec.precision =
                Some(number(&mut at).ok_or_else(|| TemplateError::runtime("Format specifier missing precision"))?);
        }
        spec.kind = peek(at);
        if chars.len() > at + 1 {
            return Err(invalid());
        }
        if spec.width > 1 << 20 || spec.precision.is_some_and(|precision| precision > 1 << 20) {
            return Err(TemplateError::runtime("Too many decimal digits in format string"));
        }
        Ok(spec)
    }

    fn pad(&self, text: String, default_align: char) -> String {
        let zero_fill = self.zero && self.align.is_none();
        let fill = self.fill.unwrap_or(if self.zero { '0' } else { ' ' });
        let align = self.align.unwrap_or(if zero_fill && default_align == '>' { '=' } else { default_align });
        let missing = self.width.saturating_sub(text.chars().count());
        let padding = |count: usize| fill.to_string().repeat(count);
        match align {
            '<' => text + &padding(missing),
            '^' => format!("{}{text}{}", padding(missing / 2), padding(missing - missing / 2)),
            '=' => {
                let sign = usize::from(text.starts_with(['-', '+', ' ']));
                let prefix = ["0x", "0X", "0o", "0b"].iter().any(|prefix| text[sign..].starts_with(prefix));
                let (head, tail) = text.split_at(if prefix && self.alternate { sign + 2 } else { sign });
                format!("{head}{}{tail}", padding(missing))
            }
            _ => padding(missing) + &text,
        }
    }

    fn signed(&self, text: String) -> String {
        match self.sign {
            Some(sign @ ('+' | ' ')) if !text.starts_with('-') => format!("{sign}{text}"),
            _ => text,
        }
    }

    fn unknown(&self, object: &Object) -> Box<TemplateError> {
        TemplateError::runtime(format!(
            "Unknown format code '{}' for object of type '{}'",
            self.kind.unwrap_or(' '),
            type_name(object)
        ))
    }
}

/// `format(object, spec)`.
///
/// # Errors
/// Python's, in its words.
pub fn format_with_spec(context: &Context<'_>, object: &Object, spec: &str) -> Result<String> {
    if spec.is_empty() {
        return context.text(object);
    }
    if let Object::Time(time) = object {
        return Ok(super::strftime(time, spec, time.seconds - i64::from(time.offset.unwrap_or(0))));
    }
    let parsed = Spec::read(spec)?;
    match object {
        Object::Value(Value::Str(text)) => {
            if parsed.kind.is_some_and(|kind| kind != 's') {
                return Err(parsed.unknown(object));
            }
            let text = match parsed.precision {
                Some(precision) => text.chars().take(precision).collect(),
                None => text.to_string(),
            };
            Ok(parsed.pad(text, '<'))
        }
        Object::Value(Value::Bool(truth)) if parsed.kind.is_none() => {
            Ok(parsed.pad(if *truth { "True" } else { "False" }.into(), '>'))
        }
        Object::Value(Value::Int(_) | Value::Bool(_)) => {
            let number = object.as_int().unwrap_or(0);
            let magnitude = number.unsigned_abs();
            let (prefix, digits, size) = match parsed.kind {
                None | Some('d' | 'n') => ("", magnitude.to_string(), 3),
                Some('b') => ("0b", format!("{magnitude:b}"), 4),
                Some('o') => ("0o", format!("{magnitude:o}"), 4),
                Some('x') => ("0x", format!("{magnitude:x}"), 4),
                Some('X') => ("0X", format!("{magnitude:X}"), 4),
                Some('c') => {
                    let c = u32::try_from(number).ok().and_then(char::from_u32);
                    let c = c.ok_or_else(|| TemplateError::runtime("%c arg not in range(0x110000)"))?;
                    return Ok(parsed.pad(c.to_string(), '<'));
                }
                Some('e' | 'E' | 'f' | 'F' | 'g' | 'G' | '%') => return float(number as f64, &parsed, object),
                Some(_) => return Err(parsed.unknown(object)),
            };
            let digits = match parsed.grouping {
                Some(separator) => group(&digits, separator, size),
                None => digits,
            };
            let prefix = if parsed.alternate { prefix } else { "" };
            let text = format!("{}{prefix}{digits}", if number < 0 { "-" } else { "" });
            Ok(parsed.pad(parsed.signed(text), '>'))
        }
        Object::Value(Value::Float(number)) => float(*number, &parsed, object),
        other => {
            Err(TemplateError::runtime(format!("unsupported format string passed to {}.__format__", type_name(other))))
        }
    }
}

fn float(number: f64, spec: &Spec, object: &Object) -> Result<String> {
    let precision = spec.precision.unwrap_or(6);
    let text = match spec.kind {
        None => match spec.precision {
            None => crate::value::python_float(number),
            Some(precision) => {
                let text = general(number, precision, false);
                if text.contains(['.', 'e', 'n', 'i']) { text } else { text + ".0" }
            }
        },
        Some('e') => scientific(number, precision),
        Some('E') => scientific(number, precision).to_uppercase(),
        Some('f') => fixed(number, precision),
        Some('F') => fixed(number, precision).to_uppercase(),
        Some('g' | 'n') => general(number, precision, spec.alternate),
        Some('G') => general(number, precision, spec.alternate).to_uppercase(),
        Some('%') => fixed(number * 100.0, precision) + "%",
        Some(_) => return Err(spec.unknown(object)),
    };
    let text = match spec.grouping {
        Some(separator) => group(&text, separator, 3),
        None => text,
    };
    Ok(spec.pad(spec.signed(text), '>'))
}
