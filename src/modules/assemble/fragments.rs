//! Joining fragments: what stands between them, and which count.

use crate::module::Failure;
use crate::modules::python_regex::{Flags, Pattern};

/// Fragments as they are joined.
pub struct Fragments {
    delimiter: Vec<u8>,
    regexp: Option<Pattern>,
    ignore_hidden: bool,
    out: Vec<u8>,
    // Whether there was a fragment, and whether the last one ended its line.
    started: bool,
    ended: bool,
}

impl Fragments {
    /// Nothing joined yet.
    pub fn new(delimiter: Option<&str>, regexp: Option<&str>, ignore_hidden: bool) -> Result<Fragments, Failure> {
        let compile = |text: &str| {
            let pattern = Pattern::new(text, Flags::default());
            pattern.map_err(|reason| Failure::new(format!("Invalid Regexp ({reason}) in \"{text}\"")))
        };
        let delimiter = delimiter.map(unescape).unwrap_or_default();
        Ok(Fragments {
            delimiter,
            regexp: regexp.map(compile).transpose()?,
            ignore_hidden,
            out: Vec::new(),
            started: false,
            ended: true,
        })
    }

    /// Whether a fragment of that name counts.
    pub fn takes(&self, name: &str) -> Result<bool, Failure> {
        if self.ignore_hidden && name.starts_with('.') {
            return Ok(false);
        }
        self.regexp.as_ref().map_or(Ok(true), |regexp| regexp.fits(name).map_err(Failure::new))
    }

    /// Adds one. Fragments and delimiters start on lines of their own.
    pub fn add(&mut self, fragment: &[u8]) {
        if !self.ended {
            self.out.push(b'\n');
        }
        if self.started && !self.delimiter.is_empty() {
            self.out.extend_from_slice(&self.delimiter);
            if !self.delimiter.ends_with(b"\n") {
                self.out.push(b'\n');
            }
        }
        self.out.extend_from_slice(fragment);
        self.started = true;
        self.ended = fragment.ends_with(b"\n");
    }

    /// The whole.
    pub fn finish(self) -> Vec<u8> {
        self.out
    }
}

/// Python's escapes in a delimiter.
fn unescape(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        let Some((escape, after)) = after.split_first().filter(|_| *byte == b'\\') else {
            out.push(*byte);
            continue;
        };
        rest = after;
        match escape {
            b'n' => out.push(b'\n'),
            b't' => out.push(b'\t'),
            b'r' => out.push(b'\r'),
            b'a' => out.push(7),
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'v' => out.push(11),
            b'\\' | b'\'' | b'"' => out.push(*escape),
            b'x' => {
                let digits = rest.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
                match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
                    Some(code) => {
                        out.push(code);
                        rest = &rest[2..];
                    }
                    None => out.extend_from_slice(b"\\x"),
                }
            }
            b'0'..=b'7' => {
                let mut code = u32::from(escape - b'0');
                for _ in 0..2 {
                    if let Some((digit @ b'0'..=b'7', after)) = rest.split_first() {
                        code = code * 8 + u32::from(digit - b'0');
                        rest = after;
                    }
                }
                out.push((code & 0xff) as u8);
            }
            other => out.extend([b'\\', *other]),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes() {
        assert_eq!(unescape("a\\n\\x41\\101\\q\\"), b"a\nAA\\q\\");
    }
}
