//! Shell patterns over the controller's files: `*`, `?`, `[…]` in each part of a path.

use regex::Regex;
use std::path::{Component, Path, PathBuf};

/// Every path that a pattern matches, unsorted. Names that begin with a dot match only a pattern that does.
pub fn glob(pattern: &Path) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::new()];
    for component in pattern.components() {
        let Component::Normal(part) = component else {
            found.iter_mut().for_each(|path| path.push(component));
            continue;
        };
        let part = part.to_string_lossy();
        if !part.contains(['*', '?', '[']) {
            found.iter_mut().for_each(|path| path.push(part.as_ref()));
            continue;
        }
        let Ok(matcher) = Regex::new(&to_regex(&part)) else { return Vec::new() };
        let hidden = part.starts_with('.');
        let mut next = Vec::new();
        for folder in &found {
            let folder_path = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            for entry in std::fs::read_dir(folder_path).into_iter().flatten().flatten() {
                let name = entry.file_name().to_string_lossy().into_owned();
                if (hidden || !name.starts_with('.')) && matcher.is_match(&name) {
                    next.push(folder.join(name));
                }
            }
        }
        found = next;
    }
    found.retain(|path| path.symlink_metadata().is_ok());
    found
}

fn to_regex(part: &str) -> String {
    let mut out = String::from("^");
    let mut chars = part.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '*' => out.push_str(".*"),
            '?' => out.push('.'),
            '[' => {
                let class: String = chars.by_ref().take_while(|c| *c != ']').collect();
                let class = class.strip_prefix('!').map_or(class.clone(), |rest| format!("^{rest}"));
                out.push_str(&format!("[{}]", class.replace('\\', "\\\\")));
            }
            c => out.push_str(&regex::escape(&c.to_string())),
        }
    }
    out + "$"
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn matches_names_but_not_hidden_ones() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.conf", "b.conf", ".c.conf", "d.txt"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let mut names: Vec<_> = glob(&folder.path().join("[!b]*.conf"));
        names.sort();
        assert_eq!(names, [folder.path().join("a.conf")]);
    }
}
