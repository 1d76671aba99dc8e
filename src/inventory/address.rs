//! Host names and addresses as inventories write them: ports and ranges such as `www[01:50:2].x`.

use super::subscript::find_ranges;
use std::net::Ipv6Addr;

/// Whether the text is a host name, an IPv4 or an IPv6 address; each part may be a range.
pub fn is_address(text: &str) -> bool {
    is_ipv4(text) || is_ipv6(text) || is_hostname(text)
}

/// `name:port` in its parts. Text that is no address with a port is given back whole.
pub fn split_port(text: &str) -> (&str, Option<u16>) {
    if let Some((host, port)) = text.rsplit_once(':')
        && let Some(port) = parse_port(port)
    {
        let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        // `[2001:db8::1]:22`, but also `[1:3]:22`, whose brackets are a range.
        if let Some(inner) = bracketed.filter(|inner| is_address(inner)) {
            return (inner, Some(port));
        }
        if colons_outside_brackets(host) == 0 && is_address(host) {
            return (host, Some(port));
        }
    }
    (text, None)
}

/// Whether the text is one address, with or without a port, and not a list of patterns.
pub(super) fn is_host_pattern(text: &str) -> bool {
    is_address(split_port(text).0)
}

fn parse_port(text: &str) -> Option<u16> {
    let digits = !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

fn colons_outside_brackets(text: &str) -> usize {
    let (mut inside, mut count) = (false, 0);
    for c in text.bytes() {
        match c {
            b'[' => inside = true,
            b']' => inside = false,
            b':' if !inside => count += 1,
            _ => {}
        }
    }
    count
}

/// The text with each range that `valid` takes replaced; None when a bracket is something else.
fn without_ranges(text: &str, by: &str, valid: impl Fn(&str, &str) -> bool) -> Option<String> {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(['[', ']']) {
        let end = start + rest[start..].find(']')?;
        let mut bounds = rest.get(start + 1..end)?.splitn(3, ':');
        let (first, last) = (bounds.next()?, bounds.next()?);
        let step = bounds.next().is_none_or(|step| !step.is_empty() && step.bytes().all(|c| c.is_ascii_digit()));
        if !step || first.is_empty() || last.is_empty() || !valid(first, last) {
            return None;
        }
        plain.push_str(&rest[..start]);
        plain.push_str(by);
        rest = &rest[end + 1..];
    }
    plain.push_str(rest);
    Some(plain)
}

fn all_digits(text: &str) -> bool {
    text.bytes().all(|c| c.is_ascii_digit())
}

fn is_ipv4(text: &str) -> bool {
    let Some(plain) = without_ranges(text, "0", |first, last| all_digits(first) && all_digits(last)) else {
        return false;
    };
    let parts: Vec<&str> = plain.split('.').collect();
    let valid = |part: &&str| {
        (1..=3).contains(&part.len()) && all_digits(part) && part.parse::<u16>().is_ok_and(|number| number < 256)
    };
    parts.len() == 4 && parts.iter().all(valid)
}

fn is_ipv6(text: &str) -> bool {
    let hex = |text: &str| text.bytes().all(|c| c.is_ascii_hexdigit());
    without_ranges(text, "0", |first, last| hex(first) && hex(last))
        .is_some_and(|plain| plain.parse::<Ipv6Addr>().is_ok())
}

/// Labels of letters, digits, `-` and `_` that neither begin with `-` nor end with `-` or `_`.
fn is_hostname(text: &str) -> bool {
    let letter = |text: &str| text.len() == 1 && text.bytes().all(|c| c.is_ascii_alphabetic());
    let valid = |first: &str, last: &str| (letter(first) && letter(last)) || (all_digits(first) && all_digits(last));
    let Some(plain) = without_ranges(text, "0", valid) else { return false };
    plain.split('.').all(|label| {
        !label.is_empty()
            && label.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'))
            && !label.starts_with('-')
            && !label.ends_with(['-', '_'])
    })
}

/// The hosts that a name of an inventory stands for, and the port behind it.
///
/// The error says what is wrong with a range.
pub(super) fn expand(text: &str) -> Result<(Vec<String>, Option<u16>), String> {
    let (name, port) = split_port(text);
    if text.trim_end().ends_with(':') && port.is_none() {
        return Err("a name may not end with `:`, which stands before a port".into());
    }
    Ok((find_ranges(name)?, port))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_split_off_addresses_only() {
        assert_eq!(split_port("web:22"), ("web", Some(22)));
        assert_eq!(split_port("10.0.0.1:22"), ("10.0.0.1", Some(22)));
        assert_eq!(split_port("[2001:db8::1]:22"), ("2001:db8::1", Some(22)));
        assert_eq!(split_port("2001:db8::1"), ("2001:db8::1", None));
        assert_eq!(split_port("::1"), ("::1", None));
        assert_eq!(split_port("web[1:3]:22"), ("web[1:3]", Some(22)));
        assert_eq!(split_port("web[1:3]"), ("web[1:3]", None));
        assert_eq!(split_port("web_:22"), ("web_:22", None));
    }

    #[test]
    fn addresses_are_told_from_patterns() {
        for address in ["a", "a.b-c", "_a", "10.0.0.[1:9]", "::1", "fe80::[1:f]", "[a:f]", "a[01:10:2]b", "ü"] {
            assert!(is_address(address), "{address}");
        }
        for other in ["a:b", "a:!b", "*.x", "web[0]", "a_", "-a", "a..b", "10.0.0.1:x", "[1:3", ""] {
            assert!(!is_address(other), "{other}");
        }
    }
}
