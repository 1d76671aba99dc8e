//! Small files of /proc, /sys and /etc, read forgivingly: facts leave out what cannot be read.

use crate::module::Host;
use std::path::Path;

/// The whole file as text; None when it is missing, unreadable or blank.
pub fn text(host: &dyn Host, path: impl AsRef<Path>) -> Option<String> {
    let bytes = host.read(path.as_ref()).ok()?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    (!text.trim().is_empty()).then_some(text)
}

/// The file's text without blanks around it.
pub fn word(host: &dyn Host, path: impl AsRef<Path>) -> Option<String> {
    text(host, path).map(|text| text.trim().to_owned())
}

/// The names in a directory; none when there is no such directory.
pub fn names(host: &dyn Host, path: impl AsRef<Path>) -> Vec<String> {
    let names = host.list(path.as_ref()).unwrap_or_default();
    names.into_iter().map(|name| name.to_string_lossy().into_owned()).collect()
}

/// Whether something is there.
pub fn exists(host: &dyn Host, path: impl AsRef<Path>) -> bool {
    host.stat(path.as_ref()).is_ok_and(|info| info.is_some())
}

/// The last part of where a link finally leads.
pub fn link_name(host: &dyn Host, path: impl AsRef<Path>) -> Option<String> {
    let target = host.canonicalize(path.as_ref()).ok()?;
    target.file_name().map(|name| name.to_string_lossy().into_owned())
}

/// `KEY=value` lines with a shell's quotes, as in os-release.
pub fn assignments(text: &str) -> Vec<(String, String)> {
    let assignment = |line: &str| {
        let (key, value) = line.split_once('=')?;
        let value = crate::modules::words::split(value).ok()?.join(" ");
        Some((key.trim().to_owned(), value))
    };
    text.lines().map(str::trim).filter(|line| !line.starts_with('#')).filter_map(assignment).collect()
}
