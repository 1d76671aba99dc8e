//! Paths as a task gives them: `~` and `$NAME` are expanded on the host.

use crate::module::Host;
use std::path::{Path, PathBuf};

/// Expands `~`, `~user`, `$NAME` and `${NAME}`, as Ansible does for arguments of type path. A
/// trailing slash stays: some modules give it a meaning.
pub fn expand(host: &dyn Host, path: &Path) -> PathBuf {
    let Some(text) = path.to_str() else { return path.to_owned() };
    if !text.starts_with('~') && !text.contains('$') {
        return path.to_owned();
    }
    PathBuf::from(with_variables(host, &with_home(host, text)))
}

fn with_home(host: &dyn Host, text: &str) -> String {
    let Some(rest) = text.strip_prefix('~') else { return text.to_owned() };
    let (name, rest) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let home = match name {
        "" => host.env("HOME").or_else(|| {
            let user = host.user_by_id(host.euid()).ok().flatten()?;
            Some(user.home.to_string_lossy().into_owned())
        }),
        name => host.user(name).ok().flatten().map(|user| user.home.to_string_lossy().into_owned()),
    };
    match home {
        Some(home) => format!("{}{rest}", home.trim_end_matches('/')),
        None => text.to_owned(),
    }
}

/// Unknown variables stay as they are written.
fn with_variables(host: &dyn Host, text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out += &rest[..at];
        rest = &rest[at..];
        let braced = rest[1..].strip_prefix('{').and_then(|inner| inner.split_once('}')).map(|(name, _)| (name, 3));
        let (name, marks) = braced.unwrap_or_else(|| {
            let word = &rest[1..];
            (&word[..word.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(word.len())], 1)
        });
        let written = &rest[..name.len() + marks];
        match host.env(name).filter(|_| !name.is_empty()) {
            Some(value) => out += &value,
            None => out += written,
        }
        rest = &rest[written.len()..];
    }
    out + rest
}

/// Whether the path names a directory by its spelling alone.
pub fn has_trailing_slash(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().ends_with(b"/")
}

/// The path as text for a result.
pub fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::module::fake::FakeHost;

    #[test]
    fn expands_homes_and_variables() {
        let host = FakeHost::new().with_user("bob", 7, 7).with_env("A_B", "x");
        let expanded = |path: &str| text(&expand(&host, Path::new(path)));
        assert_eq!(expanded("~/a/"), "/root/a/");
        assert_eq!(expanded("~bob"), "/home/bob");
        assert_eq!(expanded("~nobody/x"), "~nobody/x");
        assert_eq!(expanded("/$A_B/${A_B}c/$NO/$"), "/x/xc/$NO/$");
    }
}
