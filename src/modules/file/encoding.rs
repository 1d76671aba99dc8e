//! Text files in other encodings than UTF-8, by the names that Python gives them.

use crate::module::Failure;
use std::collections::HashMap;

/// The tables, see the text itself.
const CHARSETS: &str = include_str!("charsets.txt");

/// How the characters of a file are written.
#[derive(Debug, Clone)]
pub enum Encoding {
    /// UTF-8.
    Utf8,
    /// Seven bits.
    Ascii,
    /// The first 256 characters of Unicode.
    Latin1,
    /// Another set of at most 256 characters, one byte each.
    Table(Box<[char; 256]>),
}

impl Encoding {
    /// The encoding of a name.
    ///
    /// # Errors
    /// When rplay does not know it.
    pub fn named(name: &str) -> Result<Encoding, Failure> {
        let name = name.to_lowercase().replace('_', "-");
        match name.as_str() {
            "utf-8" | "utf8" => return Ok(Encoding::Utf8),
            "ascii" | "us-ascii" => return Ok(Encoding::Ascii),
            "latin-1" | "latin1" | "iso-8859-1" | "iso8859-1" => return Ok(Encoding::Latin1),
            _ => {}
        }
        let rows = CHARSETS.lines().filter_map(|line| line.split_once(" = "));
        let mut found = rows.filter(|(names, _)| names.split(' ').any(|known| known == name));
        match found.next().and_then(|(_, codes)| table(codes)) {
            Some(table) => Ok(Encoding::Table(Box::new(table))),
            None => Err(Failure::new(format!("encoding {name} is not supported: {} are", known().join(", ")))),
        }
    }

    /// Bytes to text.
    ///
    /// # Errors
    /// When the bytes are not of this encoding.
    pub fn decode(&self, bytes: &[u8]) -> Result<String, Failure> {
        match self {
            Encoding::Utf8 => {
                String::from_utf8(bytes.to_vec()).map_err(|_| Failure::new("the file is not written in utf-8"))
            }
            Encoding::Ascii if !bytes.is_ascii() => Err(Failure::new("the file is not written in ascii")),
            Encoding::Ascii | Encoding::Latin1 => Ok(bytes.iter().map(|byte| char::from(*byte)).collect()),
            Encoding::Table(table) => {
                let text: String = bytes.iter().map(|byte| table[usize::from(*byte)]).collect();
                match text.contains(char::REPLACEMENT_CHARACTER) {
                    true => Err(Failure::new("the file has bytes that its encoding does not use")),
                    false => Ok(text),
                }
            }
        }
    }

    /// Text to bytes.
    ///
    /// # Errors
    /// When a character is missing in this encoding.
    pub fn encode(&self, text: &str) -> Result<Vec<u8>, Failure> {
        let lacks = |c: char| Failure::new(format!("the file's encoding lacks the character {c:?}"));
        let narrow = |limit: u32| {
            let byte =
                |c: char| u8::try_from(u32::from(c)).ok().filter(|_| u32::from(c) < limit).ok_or_else(|| lacks(c));
            text.chars().map(byte).collect()
        };
        match self {
            Encoding::Utf8 => Ok(text.as_bytes().to_vec()),
            Encoding::Ascii => narrow(128),
            Encoding::Latin1 => narrow(256),
            Encoding::Table(table) => {
                let bytes: HashMap<char, u8> = table.iter().copied().zip(0..=255).collect();
                text.chars().map(|c| bytes.get(&c).copied().ok_or_else(|| lacks(c))).collect()
            }
        }
    }

    /// Whether it is UTF-8.
    pub fn is_utf8(&self) -> bool {
        matches!(self, Encoding::Utf8)
    }
}

/// The first name of each encoding.
fn known() -> Vec<&'static str> {
    let tables = CHARSETS.lines().filter(|line| line.contains(" = "));
    ["utf-8", "ascii", "latin-1"].into_iter().chain(tables.filter_map(|line| line.split(' ').next())).collect()
}

/// A row's characters; a row of 128 is ASCII below.
fn table(codes: &str) -> Option<[char; 256]> {
    let mut table = [char::REPLACEMENT_CHARACTER; 256];
    let given: Vec<char> = codes
        .as_bytes()
        .chunks(4)
        .map(|digits| char::from_u32(u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?))
        .collect::<Option<_>>()?;
    let first = table.len().checked_sub(given.len())?;
    for (place, byte) in table.iter_mut().zip(0..=255_u8).take(first) {
        *place = char::from(byte);
    }
    table[first..].copy_from_slice(&given);
    Some(table)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_table_reads_and_writes() {
        for name in known().into_iter().skip(3) {
            let encoding = Encoding::named(name).unwrap();
            let bytes = encoding.encode("Line 1\n").unwrap();
            assert_eq!(encoding.decode(&bytes).unwrap(), "Line 1\n", "{name}");
        }
        // EBCDIC of Germany, and what Python says of it.
        let german = Encoding::named("IBM273").unwrap();
        assert_eq!(german.encode("Ä{~1").unwrap(), [0x4a, 0x43, 0x59, 0xf1]);
        assert_eq!(Encoding::named("cp1252").unwrap().encode("€").unwrap(), [0x80]);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert!(Encoding::named("utf-7").unwrap_err().msg.contains("cp1252"));
        assert!(Encoding::named("latin-1").unwrap().encode("€").is_err());
        assert!(Encoding::Ascii.decode(b"\xe4").is_err());
        assert!(Encoding::named("cp1252").unwrap().decode(b"\x81").is_err());
    }
}
