//! Escapes in string constants, as Python's `unicode-escape` codec reads them.

/// Resolves escapes. An unknown escape keeps its backslash, so `'\d'` is two characters.
pub fn unescape(text: &str) -> Result<String, &'static str> {
    if !text.contains('\\') {
        return Ok(text.to_owned());
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        let Some(escape) = chars.next() else { return Err("\\ at end of string") };
        match escape {
            '\n' => {}
            '\\' | '\'' | '"' => out.push(escape),
            'a' => out.push('\x07'),
            'b' => out.push('\x08'),
            'f' => out.push('\x0c'),
            'n' => out.push('\n'),
            'r' => out.push('\r'),
            't' => out.push('\t'),
            'v' => out.push('\x0b'),
            'x' => out.push(hex(&mut chars, 2).ok_or("truncated \\xXX escape")?),
            'u' => {
                let first = hex_number(&mut chars, 4).ok_or("truncated \\uXXXX escape")?;
                out.push(surrogates(first, &mut chars));
            }
            'U' => out.push(hex(&mut chars, 8).ok_or("truncated \\UXXXXXXXX escape")?),
            'N' => return Err("named characters (\\N{...}) are not supported"),
            '0'..='7' => {
                let mut number = escape as u32 - '0' as u32;
                for _ in 0..2 {
                    match chars.peek().and_then(|c| c.to_digit(8)) {
                        Some(digit) => {
                            number = number * 8 + digit;
                            chars.next();
                        }
                        None => break,
                    }
                }
                out.push(char::from_u32(number).unwrap_or('\u{fffd}'));
            }
            // A character outside ASCII was itself written as an escape before the codec saw it.
            other => {
                out.push('\\');
                out.push(other);
            }
        }
    }
    Ok(out)
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn hex_number(chars: &mut Chars<'_>, digits: usize) -> Option<u32> {
    let mut number = 0;
    for _ in 0..digits {
        number = number * 16 + chars.peek()?.to_digit(16)?;
        chars.next();
    }
    Some(number)
}

fn hex(chars: &mut Chars<'_>, digits: usize) -> Option<char> {
    char::from_u32(hex_number(chars, digits)?)
}

/// Joins two escapes that are one character outside the basic plane. Python would keep them apart,
/// which no text that can be written to a file survives.
fn surrogates(first: u32, chars: &mut Chars<'_>) -> char {
    if (0xd800..0xdc00).contains(&first) {
        let mut ahead = chars.clone();
        if ahead.next() == Some('\\')
            && ahead.next() == Some('u')
            && let Some(second) = hex_number(&mut ahead, 4).filter(|second| (0xdc00..0xe000).contains(second))
        {
            *chars = ahead;
            let joined = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
            return char::from_u32(joined).unwrap_or('\u{fffd}');
        }
    }
    char::from_u32(first).unwrap_or('\u{fffd}')
}
