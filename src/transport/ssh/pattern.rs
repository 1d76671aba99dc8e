//! Patterns of ssh: `*`, `?`, `!` and comma-separated lists.

/// Whether the text matches one pattern of `*` and `?`, without regard to case.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    fn go(pattern: &[u8], text: &[u8]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some((b'*', rest)) => (0..=text.len()).any(|skip| go(rest, &text[skip..])),
            Some((b'?', rest)) => text.split_first().is_some_and(|(_, text)| go(rest, text)),
            Some((wanted, rest)) => {
                text.split_first().is_some_and(|(byte, text)| byte.eq_ignore_ascii_case(wanted) && go(rest, text))
            }
        }
    }
    let mut short = pattern.to_owned();
    // Runs of stars mean one star; without this they would cost exponential time.
    while short.contains("**") {
        short = short.replace("**", "*");
    }
    go(short.as_bytes(), text.as_bytes())
}

/// Whether the text matches a list: one pattern must match, and none with `!` before it.
pub(super) fn list_matches<'p>(patterns: impl IntoIterator<Item = &'p str>, text: &str) -> bool {
    let mut found = false;
    for pattern in patterns {
        match pattern.strip_prefix('!') {
            Some(pattern) if matches(pattern, text) => return false,
            Some(_) => {}
            None => found |= matches(pattern, text),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_marks_and_negation() {
        assert!(matches("*.Example.org", "a.b.example.ORG"));
        assert!(matches("10.0.?.*", "10.0.3.77") && !matches("10.0.?.*", "10.0.33.77"));
        assert!(matches("a***b", "ab") && !matches("", "x"));
        assert!(list_matches(["*.org", "!bad.org"], "good.org") && !list_matches(["*.org", "!bad.org"], "bad.org"));
    }
}
