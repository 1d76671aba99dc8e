//! Pieces of Python's library that templates meet.

mod brace_format;
mod calendar;
pub mod crypt;
mod datetime;
mod number_format;
mod percent_format;
mod random;
mod regex;
mod strftime;
mod yaml;
mod yaml_canonical;

pub use brace_format::brace_format;
pub use datetime::{DateTime, TimeDelta};
pub use number_format::round_half_even;
pub use percent_format::percent_format;
pub use random::Random;
pub use regex::{Flags, Regex, escape as regex_escape};
pub use strftime::{parse as strptime, strftime};

pub use yaml::{YamlStyle, dump as yaml_dump};

use std::fmt::Write;

/// `repr()` of bytes.
pub fn bytes_repr(bytes: &[u8]) -> String {
    let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') { '"' } else { '\'' };
    let mut out = format!("b{quote}");
    for byte in bytes {
        match byte {
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            0x20..0x7f if *byte as char == quote => {
                let _ = write!(out, "\\{quote}");
            }
            0x20..0x7f => out.push(*byte as char),
            _ => {
                let _ = write!(out, "\\x{byte:02x}");
            }
        }
    }
    out.push(quote);
    out
}
