//! Text from hosts made fit for a terminal.

use std::borrow::Cow;

/// The text with control characters spelled out, so that a host cannot drive the terminal. Line
/// breaks and tabs stay.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\r' => out.push_str("\\r"),
            c if is_harmful(c) && (c as u32) < 0x100 => out.push_str(&format!("\\x{:02x}", c as u32)),
            c if is_harmful(c) => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// As [`visible`], on one line.
pub fn visible_line(text: &str) -> String {
    visible(text).replace('\n', "\\n")
}

/// Control characters, and those that turn the direction of writing around.
pub(super) fn is_harmful(c: char) -> bool {
    let control = c.is_control() && !matches!(c, '\n' | '\t');
    control || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spells_out_what_drives_a_terminal() {
        assert_eq!(visible("a\x1b[2Jb\r\n\tc\u{9b}"), "a\\x1b[2Jb\\r\n\tc\\x9b");
        assert_eq!(visible("\u{202e}abc"), "\\u202eabc");
        assert_eq!(visible_line("a\nb"), "a\\nb");
        assert!(matches!(visible("plain ä"), Cow::Borrowed(_)));
    }
}
