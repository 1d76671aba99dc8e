//! System errors in Ansible's spelling.

use crate::module::Failure;
use std::io;
use std::path::Path;

/// The error as Python prints it: `[Errno 2] No such file or directory`.
pub fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    match error.raw_os_error() {
        Some(code) => format!("[Errno {code}] {}", text.trim_end_matches(&format!(" (os error {code})"))),
        None => text,
    }
}

/// Turns an error into a failure that says what could not be done, and where.
pub fn failed<'a>(what: &'a str, path: &'a Path) -> impl Fn(io::Error) -> Failure + 'a {
    move |error| {
        let path = path.display().to_string();
        Failure::new(format!("{what}: {}: '{path}'", reason(&error))).with("path", path)
    }
}
