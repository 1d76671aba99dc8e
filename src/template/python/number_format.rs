//! Numbers as text: the conversions that `%` and `format()` share.

/// A float with so many digits after the point, halves to even as the exact value says.
pub fn fixed(number: f64, digits: usize) -> String {
    special(number).unwrap_or_else(|| format!("{number:.digits$}"))
}

/// `inf`, `-inf` and `nan`.
fn special(number: f64) -> Option<String> {
    if number.is_nan() {
        Some("nan".into())
    } else if number.is_infinite() {
        Some(if number > 0.0 { "inf" } else { "-inf" }.into())
    } else {
        None
    }
}

/// A float with an exponent of at least two digits.
pub fn scientific(number: f64, digits: usize) -> String {
    if let Some(text) = special(number) {
        return text;
    }
    let text = format!("{number:.digits$e}");
    match text.split_once('e') {
        Some((mantissa, exponent)) => {
            let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |rest| ('-', rest));
            format!("{mantissa}e{sign}{exponent:0>2}")
        }
        None => text,
    }
}

/// `%g`: so many significant digits, without trailing zeros unless `keep_zeros`.
pub fn general(number: f64, digits: usize, keep_zeros: bool) -> String {
    if let Some(text) = special(number) {
        return text;
    }
    let digits = digits.max(1);
    let probe = format!("{number:.*e}", digits - 1);
    let exponent: i32 = probe.split_once('e').and_then(|(_, exponent)| exponent.parse().ok()).unwrap_or(0);
    if exponent < -4 || exponent >= digits as i32 {
        let text = scientific(number, digits - 1);
        if keep_zeros {
            return text;
        }
        return match text.split_once('e') {
            Some((mantissa, exponent)) => format!("{}e{exponent}", strip_zeros(mantissa)),
            None => text,
        };
    }
    let text = fixed(number, (digits as i32 - 1 - exponent).max(0) as usize);
    if keep_zeros { text } else { strip_zeros(&text).to_owned() }
}

fn strip_zeros(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

/// Python's `round()` of a float to so many digits; negative digits round to tens, hundreds, ...
pub fn round_half_even(number: f64, digits: i64) -> f64 {
    if !number.is_finite() || digits > 300 {
        return number;
    }
    match usize::try_from(digits) {
        Ok(digits) => format!("{number:.digits$}").parse().unwrap_or(number),
        Err(_) => {
            let unit = 10f64.powi(digits.unsigned_abs().min(400) as i32);
            (number / unit).round_ties_even() * unit
        }
    }
}

/// Puts a separator between groups of digits, counted from the point.
pub fn group(text: &str, separator: char, size: usize) -> String {
    let (sign, rest) = match text.strip_prefix(['-', '+', ' ']) {
        Some(rest) => text.split_at(text.len() - rest.len()),
        None => ("", text),
    };
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() || c == 'e').unwrap_or(rest.len());
    let (whole, tail) = rest.split_at(end);
    let mut out = String::from(sign);
    for (index, c) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index) % size == 0 {
            out.push(separator);
        }
        out.push(c);
    }
    out.push_str(tail);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_python_does() {
        assert_eq!(general(0.0001, 6, false), "0.0001");
        assert_eq!(general(1234567.0, 6, false), "1.23457e+06");
        assert_eq!(general(100000.0, 6, false), "100000");
        assert_eq!(fixed(2.5, 0), "2");
        assert_eq!(round_half_even(2.675, 2), 2.67);
        assert_eq!(round_half_even(1234.0, -2), 1200.0);
        assert_eq!(group("-1234567.891", ',', 3), "-1,234,567.891");
    }
}
