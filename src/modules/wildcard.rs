//! Shell wildcards: `*`, `?` and `[...]`, for names (as Python's fnmatch) and for paths (as its glob).

use crate::module::Host;
use std::path::{Path, PathBuf};

/// Whether the whole of `name` fits `pattern`. Case counts; `*` matches anything, `/` included.
pub fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    fits(&pattern, &name)
}

/// Whether the text holds a wildcard.
pub fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

fn fits(pattern: &[char], name: &[char]) -> bool {
    // Where to go on after the last star, when what follows it does not fit.
    let mut retry: Option<(usize, usize)> = None;
    let (mut p, mut n) = (0, 0);
    loop {
        let step = match pattern.get(p) {
            Some('*') => {
                retry = Some((p + 1, n));
                p += 1;
                continue;
            }
            None if n == name.len() => return true,
            None => None,
            Some(_) if n == name.len() => None,
            Some('?') => Some(1),
            Some('[') => match set(&pattern[p..], name[n]) {
                Some((true, length)) => Some(length),
                Some((false, _)) => None,
                None => (name[n] == '[').then_some(1),
            },
            Some(c) => (*c == name[n]).then_some(1),
        };
        match (step, &mut retry) {
            (Some(length), _) => {
                p += length;
                n += 1;
            }
            (None, Some((after, start))) if *start < name.len() => {
                *start += 1;
                p = *after;
                n = *start;
            }
            _ => return false,
        }
    }
}

/// Whether `c` is in the set at the start of `pattern`, and the set's length; None without a closing bracket.
fn set(pattern: &[char], c: char) -> Option<(bool, usize)> {
    let negated = matches!(pattern.get(1), Some('!'));
    let first = 1 + usize::from(negated);
    // A bracket right at the start is a member.
    let end = (first + 1..pattern.len()).find(|at| pattern[*at] == ']')?;
    let members = &pattern[first..end];
    let mut found = false;
    let mut at = 0;
    while at < members.len() {
        match (members.get(at + 1), members.get(at + 2)) {
            (Some('-'), Some(last)) => {
                found |= (members[at]..=*last).contains(&c);
                at += 3;
            }
            _ => {
                found |= members[at] == c;
                at += 1;
            }
        }
    }
    Some((found != negated, end + 1))
}

/// The paths that fit `pattern`, sorted. Hidden names fit only a pattern that starts with a dot.
/// A pattern without wildcards is there or is not; relative patterns start at `base`.
pub fn glob(host: &dyn Host, base: &Path, pattern: &str) -> Vec<PathBuf> {
    let absolute = base.join(pattern);
    let mut found = vec![PathBuf::new()];
    for part in absolute.components() {
        let text = part.as_os_str().to_string_lossy();
        if !is_pattern(&text) {
            found.iter_mut().for_each(|path| path.push(part));
            continue;
        }
        found = found
            .iter()
            .flat_map(|folder| {
                let names = host.list(folder).unwrap_or_default();
                let fits = |name: &str| (!name.starts_with('.') || text.starts_with('.')) && matches(&text, name);
                names
                    .into_iter()
                    .filter(|name| fits(&name.to_string_lossy()))
                    .map(|name| folder.join(name))
                    .collect::<Vec<_>>()
            })
            .collect();
    }
    found.retain(|path| host.lstat(path).is_ok_and(|info| info.is_some()));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fits_as_fnmatch_does() {
        let yes = [
            ("*", ""),
            ("a*c", "abbc"),
            ("a?c", "abc"),
            ("[a-c]x", "bx"),
            ("[!a]x", "bx"),
            ("*b*b", "abbb"),
            ("[]]", "]"),
            ("[", "["),
        ];
        let no = [("a*c", "abd"), ("?", ""), ("[!a]", "a"), ("A", "a"), ("ansible_e*", "ansible_date")];
        yes.iter().for_each(|(pattern, name)| assert!(matches(pattern, name), "{pattern} {name}"));
        no.iter().for_each(|(pattern, name)| assert!(!matches(pattern, name), "{pattern} {name}"));
    }
}
