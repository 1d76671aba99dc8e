//! What a scalar means: YAML 1.1's implicit types as PyYAML resolves them, and the standard tags.

use super::Kind;
use std::sync::Arc;

/// The type of a plain scalar by its text. Timestamps stay text as written.
pub(super) fn resolve(text: &Arc<str>) -> Kind {
    match text.as_ref() {
        "" | "~" | "null" | "Null" | "NULL" => Kind::Null,
        "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Kind::Bool(true),
        "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Kind::Bool(false),
        other => number(other).unwrap_or_else(|| Kind::Str { text: text.clone(), plain: true }),
    }
}

/// A plain scalar of a JSON text: its numbers are JSON's, so that `1e3` is one.
pub(super) fn resolve_json(text: &Arc<str>) -> Kind {
    match text.parse::<i64>() {
        Ok(number) => Kind::Int(number),
        Err(_) if is_whole(text) => Kind::text(text.clone()),
        Err(_) if text.starts_with(|c: char| c == '-' || c.is_ascii_digit()) => {
            text.parse::<f64>().map_or_else(|_| resolve(text), Kind::Float)
        }
        Err(_) => resolve(text),
    }
}

fn is_whole(text: &str) -> bool {
    only(text.strip_prefix('-').unwrap_or(text), |c| c.is_ascii_digit())
}

/// Stands for binary data that is no text: nothing in rplay holds it, so whoever uses it fails and says why.
const BINARY: &str = "{{ undef(hint='binary data that is not UTF-8 text is not supported') }}";

/// A scalar with one of the standard tags; `name` is the tag without `tag:yaml.org,2002:`.
/// The error says what is wrong; `Ok(None)` is a tag that is not known.
pub(super) fn tagged(name: &str, text: &Arc<str>) -> Result<Option<Kind>, String> {
    let wrong = || format!("`{text}` is not a value for the tag `!!{name}`");
    Ok(Some(match name {
        "str" | "timestamp" => Kind::text(text.clone()),
        "null" => Kind::Null,
        "bool" => match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" => Kind::Bool(true),
            "false" | "no" | "off" => Kind::Bool(false),
            _ => return Err(wrong()),
        },
        "int" => match integer(text).or_else(|| decimal(text)) {
            Some(kind) => kind,
            None => return Err(wrong()),
        },
        "float" => match float(text).or_else(|| any_float(text)) {
            Some(number) => Kind::Float(number),
            None => return Err(wrong()),
        },
        "binary" => {
            let bytes = decode_base64(text).ok_or_else(wrong)?;
            Kind::text(String::from_utf8(bytes).unwrap_or_else(|_| BINARY.into()))
        }
        _ => return Ok(None),
    }))
}

fn number(text: &str) -> Option<Kind> {
    if !text.starts_with(|c: char| matches!(c, '-' | '+' | '.') || c.is_ascii_digit()) {
        return None;
    }
    integer(text).or_else(|| float(text).map(Kind::Float))
}

/// Whether the text is not empty and holds only characters for which `allowed` is true.
fn only(text: &str, allowed: impl Fn(u8) -> bool) -> bool {
    !text.is_empty() && text.bytes().all(allowed)
}

fn split_sign(text: &str) -> (bool, &str) {
    match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    }
}

/// `0b1`, `017`, `10_000`, `0x1F` and `1:30`, with a sign.
fn integer(text: &str) -> Option<Kind> {
    let (negative, digits) = split_sign(text);
    let parsed = |digits: &str, radix: u32| {
        let digits = digits.replace('_', "");
        whole(negative, &digits, radix)
    };
    if let Some(bits) = digits.strip_prefix("0b") {
        return if only(bits, |c| matches!(c, b'0' | b'1' | b'_')) { parsed(bits, 2) } else { None };
    }
    if let Some(hex) = digits.strip_prefix("0x") {
        return if only(hex, |c| c == b'_' || c.is_ascii_hexdigit()) { parsed(hex, 16) } else { None };
    }
    if digits == "0" {
        return Some(Kind::Int(0));
    }
    if digits.starts_with('0') {
        let octal = only(digits, |c| matches!(c, b'0'..=b'7' | b'_'));
        return if octal { parsed(digits, 8) } else { None };
    }
    if !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    match digits.split_once(':') {
        None if only(digits, |c| c == b'_' || c.is_ascii_digit()) => parsed(digits, 10),
        None => None,
        Some((first, rest)) => {
            let valid = only(first, |c| c == b'_' || c.is_ascii_digit()) && rest.split(':').all(is_sixtieth);
            if !valid {
                return None;
            }
            let mut total: i64 = first.replace('_', "").parse().ok()?;
            for part in rest.split(':') {
                total = total.checked_mul(60)?.checked_add(part.parse().ok()?)?;
            }
            Some(Kind::Int(if negative { -total } else { total }))
        }
    }
}

/// `0` to `59`, one or two digits.
fn is_sixtieth(part: &str) -> bool {
    match part.as_bytes() {
        [one] => one.is_ascii_digit(),
        [ten, one] => matches!(ten, b'0'..=b'5') && one.is_ascii_digit(),
        _ => false,
    }
}

/// The number. A decimal one that does not fit stays text, which prints as Python's would, where a
/// float would lose digits; others become floats.
fn whole(negative: bool, digits: &str, radix: u32) -> Option<Kind> {
    if digits.is_empty() {
        return None;
    }
    let signed = if negative { format!("-{digits}") } else { digits.to_owned() };
    match i64::from_str_radix(&signed, radix) {
        Ok(number) => Some(Kind::Int(number)),
        Err(_) if radix == 10 => Some(Kind::text(signed)),
        Err(_) => {
            let mut total = 0.0;
            for digit in digits.chars() {
                total = total * f64::from(radix) + f64::from(digit.to_digit(radix)?);
            }
            Some(Kind::Float(if negative { -total } else { total }))
        }
    }
}

/// What Python's `int()` takes for a text with the tag `!!int`.
fn decimal(text: &str) -> Option<Kind> {
    let (negative, digits) = split_sign(text.trim());
    if only(digits, |c| c.is_ascii_digit()) { whole(negative, digits, 10) } else { None }
}

/// `1.5`, `1.`, `.5`, `1.0e+3`, `1:30.5`, `.inf` and `.nan`. An exponent needs a sign and a dot.
fn float(text: &str) -> Option<f64> {
    let (negative, rest) = split_sign(text);
    let signed = |number: f64| if negative { -number } else { number };
    match rest {
        ".inf" | ".Inf" | ".INF" => return Some(signed(f64::INFINITY)),
        ".nan" | ".NaN" | ".NAN" if rest.len() == text.len() => return Some(f64::NAN),
        _ => {}
    }
    let (head, tail) = rest.split_once('.')?;
    let digit_or_line = |c: u8| c == b'_' || c.is_ascii_digit();
    if let Some((first, sixtieths)) = head.split_once(':') {
        let valid = first.starts_with(|c: char| c.is_ascii_digit())
            && only(first, digit_or_line)
            && sixtieths.split(':').all(is_sixtieth)
            && tail.bytes().all(digit_or_line);
        if !valid {
            return None;
        }
        let mut total: f64 = first.replace('_', "").parse().ok()?;
        let mut parts = sixtieths.split(':').peekable();
        while let Some(part) = parts.next() {
            let part = if parts.peek().is_none() { format!("{part}.{}", tail.replace('_', "")) } else { part.into() };
            total = total * 60.0 + part.parse::<f64>().ok()?;
        }
        return Some(signed(total));
    }
    let (fraction, exponent) = match tail.split_once(['e', 'E']) {
        Some((fraction, exponent)) => (fraction, Some(exponent)),
        None => (tail, None),
    };
    let exponent_valid = exponent
        .is_none_or(|exponent| exponent.starts_with(['+', '-']) && only(&exponent[1..], |c| c.is_ascii_digit()));
    let mantissa_valid = match head {
        // Without a digit before the dot PyYAML takes no sign.
        "" => rest.len() == text.len() && fraction.starts_with(|c: char| c.is_ascii_digit()),
        head => head.starts_with(|c: char| c.is_ascii_digit()) && only(head, digit_or_line),
    };
    if !exponent_valid || !mantissa_valid || !fraction.bytes().all(digit_or_line) {
        return None;
    }
    rest.replace('_', "").parse().ok().map(signed)
}

/// What Python's `float()` takes for a text with the tag `!!float`.
fn any_float(text: &str) -> Option<f64> {
    let text = text.trim().replace('_', "");
    if text.chars().all(|c| c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | 'e' | 'E')) {
        text.parse().ok()
    } else {
        None
    }
}

/// The bytes of base64 text, white space aside.
fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count, mut padding) = (0u32, 0u32, 0u32);
    for c in text.bytes().filter(|c| !c.is_ascii_whitespace()) {
        let six = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => {
                padding += 1;
                continue;
            }
            _ => return None,
        };
        if padding > 0 {
            return None;
        }
        bits = bits << 6 | u32::from(six);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    let whole = matches!((count, padding), (0, 0) | (4, 2) | (2, 1));
    whole.then_some(bytes)
}
