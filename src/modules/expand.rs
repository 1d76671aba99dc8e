//! `~`, `~user` and `$VARIABLES` in text that a task gives for the host, as Python's os.path expands them.

use crate::module::Host;
use std::path::PathBuf;

/// Text with a leading `~` or `~user` and with variables replaced; what is unknown stays as it is.
pub fn expand(host: &dyn Host, text: &str) -> String {
    home(host, &variables(host, text))
}

/// A path argument as the host's file system knows it.
pub fn path(host: &dyn Host, text: &str) -> PathBuf {
    PathBuf::from(expand(host, text))
}

/// Replaces `$NAME` and `${NAME}`.
fn variables(host: &dyn Host, text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let (name, length) = match after.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            Some((name, _)) => (name, name.len() + 2),
            None => {
                let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
                (&after[..end], end)
            }
        };
        match (name.is_empty(), host.env(name)) {
            (false, Some(value)) => out.push_str(&value),
            _ => out.push_str(&rest[at..at + 1 + length]),
        }
        rest = &after[length..];
    }
    out + rest
}

/// Replaces a leading `~` or `~user`.
fn home(host: &dyn Host, text: &str) -> String {
    let Some(after) = text.strip_prefix('~') else { return text.to_owned() };
    let (name, rest) = after.split_at(after.find('/').unwrap_or(after.len()));
    let folder = match name {
        "" => host.env("HOME").or_else(|| {
            let user = host.user_by_id(host.euid()).ok().flatten()?;
            Some(user.home.to_string_lossy().into_owned())
        }),
        name => host.user(name).ok().flatten().map(|user| user.home.to_string_lossy().into_owned()),
    };
    folder.map_or_else(|| text.to_owned(), |folder| folder.trim_end_matches('/').to_owned() + rest)
}
