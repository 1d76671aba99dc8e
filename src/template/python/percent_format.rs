//! `'%s of %05.2f' % (a, b)`.

use super::number_format::{fixed, general, scientific};
use crate::template::error::{Result, TemplateError};
use crate::template::runtime::{Context, Object, type_name};
use crate::value::{Key, Value};

/// Formats text with a value, a tuple of values, or a mapping.
///
/// # Errors
/// Python's, in its words.
pub fn percent_format(context: &Context<'_>, format: &str, values: &Object) -> Result<String> {
    let mut values = Values {
        items: match values {
            Object::Tuple(items) => items.to_vec(),
            other => vec![other.clone()],
        },
        next: 0,
        used_names: false,
        mapping: values,
    };
    let mut out = String::new();
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut named = None;
        if chars.next_if_eq(&'(').is_some() {
            let mut name = String::new();
            let mut depth = 1;
            for c in chars.by_ref() {
                match c {
                    '(' => depth += 1,
                    ')' => depth -= 1,
                    _ => {}
                }
                if depth == 0 {
                    break;
                }
                name.push(c);
            }
            if depth != 0 {
                return Err(TemplateError::runtime("incomplete format key"));
            }
            named = Some(name);
        }
        let mut spec = Spec::default();
        while let Some(flag) = chars.next_if(|c| "#0- +".contains(*c)) {
            match flag {
                '#' => spec.alternate = true,
                '0' => spec.zero = true,
                '-' => spec.left = true,
                ' ' => spec.blank = true,
                _ => spec.plus = true,
            }
        }
        if chars.next_if_eq(&'*').is_some() {
            let width = values.next(None, context)?.as_int().ok_or_else(|| TemplateError::runtime("* wants int"))?;
            spec.left |= width < 0;
            spec.width = width.unsigned_abs() as usize;
        } else {
            while let Some(digit) = chars.next_if(char::is_ascii_digit) {
                spec.width = spec.width * 10 + digit as usize - '0' as usize;
            }
        }
        if chars.next_if_eq(&'.').is_some() {
            let mut precision = 0;
            if chars.next_if_eq(&'*').is_some() {
                precision =
                    values.next(None, context)?.as_int().ok_or_else(|| TemplateError::runtime("* wants int"))?.max(0)
                        as usize;
            } else {
                while let Some(digit) = chars.next_if(char::is_ascii_digit) {
                    precision = precision * 10 + digit as usize - '0' as usize;
                }
            }
            spec.precision = Some(precision);
        }
        if spec.width > 1 << 20 || spec.precision.is_some_and(|precision| precision > 1 << 20) {
            return Err(TemplateError::runtime("format width is too large"));
        }
        while chars.next_if(|c| "hlL".contains(*c)).is_some() {}
        let Some(conversion) = chars.next() else { return Err(TemplateError::runtime("incomplete format")) };
        if conversion == '%' {
            out.push('%');
            continue;
        }
        let value = values.next(named.as_deref(), context)?;
        out.push_str(&spec.convert(context, conversion, &value)?);
    }
    // Python takes everything with items for a mapping, lists too.
    let subscriptable = matches!(values.mapping, Object::Undefined(_))
        || values.mapping.is_mapping()
        || (values.mapping.is_list() && !matches!(values.mapping, Object::Tuple(_)));
    if !values.used_names && values.next < values.items.len() && !subscriptable {
        return Err(TemplateError::runtime("not all arguments converted during string formatting"));
    }
    Ok(out)
}

struct Values<'a> {
    items: Vec<Object>,
    next: usize,
    used_names: bool,
    mapping: &'a Object,
}

impl Values<'_> {
    fn next(&mut self, name: Option<&str>, context: &Context<'_>) -> Result<Object> {
        if let Some(name) = name {
            self.used_names = true;
            if !self.mapping.is_mapping() {
                return Err(TemplateError::runtime("format requires a mapping"));
            }
            return context
                .entry(self.mapping, &Key::from(name))
                .ok_or_else(|| TemplateError::runtime(Value::str(name).repr()));
        }
        let item = self.items.get(self.next).cloned();
        self.next += 1;
        item.ok_or_else(|| TemplateError::runtime("not enough arguments for format string"))
    }
}

#[derive(Default)]
struct Spec {
    alternate: bool,
    zero: bool,
    left: bool,
    blank: bool,
    plus: bool,
    width: usize,
    precision: Option<usize>,
}

impl Spec {
    fn convert(&self, context: &Context<'_>, conversion: char, value: &Object) -> Result<String> {
        let float = |value: &Object| {
            value
                .as_float()
                .ok_or_else(|| TemplateError::runtime(format!("must be real number, not {}", type_name(value))))
        };
        let precision = self.precision.unwrap_or(6);
        let text = match conversion {
            's' | 'r' | 'a' => {
                let text = if conversion == 's' { context.text(value)? } else { context.repr(value)? };
                let text = match self.precision {
                    Some(precision) => text.chars().take(precision).collect(),
                    None => text,
                };
                return Ok(self.pad(text, false));
            }
            'c' => {
                let c = match (value.as_int(), value.as_str()) {
                    (Some(number), _) => u32::try_from(number).ok().and_then(char::from_u32).map(String::from),
                    (None, Some(text)) if text.chars().count() == 1 => Some(text.to_owned()),
                    _ => None,
                };
                let c = c.ok_or_else(|| TemplateError::runtime("%c requires int or char"))?;
                return Ok(self.pad(c, false));
            }
            'd' | 'i' | 'u' | 'o' | 'x' | 'X' => self.whole(conversion, value)?,
            'e' => scientific(float(value)?, precision),
            'E' => scientific(float(value)?, precision).to_uppercase(),
            'f' => fixed(float(value)?, precision),
            'F' => fixed(float(value)?, precision).to_uppercase(),
            'g' => general(float(value)?, precision, self.alternate),
            'G' => general(float(value)?, precision, self.alternate).to_uppercase(),
            other => {
                return Err(TemplateError::runtime(format!(
                    "unsupported format character '{other}' (0x{:x})",
                    other as u32
                )));
            }
        };
        Ok(self.pad(self.signed(text), true))
    }

    fn whole(&self, conversion: char, value: &Object) -> Result<String> {
        let number = match (conversion, value) {
            ('d' | 'i' | 'u', Object::Value(Value::Float(number))) if number.is_finite() => Some(number.trunc() as i64),
            _ => value.as_int(),
        };
        let Some(number) = number else {
            let wanted = if matches!(conversion, 'd' | 'i' | 'u') { "a real number" } else { "an integer" };
            let name = type_name(value);
            return Err(TemplateError::runtime(format!("%{conversion} format: {wanted} is required, not {name}")));
        };
        let magnitude = number.unsigned_abs();
        let (prefix, digits) = match conversion {
            'o' => ("0o", format!("{magnitude:o}")),
            'x' => ("0x", format!("{magnitude:x}")),
            'X' => ("0X", format!("{magnitude:X}")),
            _ => ("", magnitude.to_string()),
        };
        let digits = format!("{digits:0>width$}", width = self.precision.unwrap_or(0));
        let prefix = if self.alternate { prefix } else { "" };
        Ok(format!("{}{prefix}{digits}", if number < 0 { "-" } else { "" }))
    }

    fn signed(&self, text: String) -> String {
        match text.starts_with('-') {
            true => text,
            false if self.plus => format!("+{text}"),
            false if self.blank => format!(" {text}"),
            false => text,
        }
    }

    fn pad(&self, text: String, number: bool) -> String {
        let missing = self.width.saturating_sub(text.chars().count());
        if self.left {
            text + &" ".repeat(missing)
        } else if self.zero && number {
            let sign = usize::from(text.starts_with(['-', '+', ' ']));
            let prefix = if text[sign..].starts_with("0x") || text[sign..].starts_with("0o") { sign + 2 } else { sign };
            let (head, tail) = text.split_at(prefix);
            format!("{head}{}{tail}", "0".repeat(missing))
        } else {
            " ".repeat(missing) + &text
        }
    }
}
