//! Requirements as pip takes them, and versions by PEP 440's order of releases.

use super::State;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// `name[extras]specifiers`, or an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    text: String,
    bare: String,
    specifiers: Vec<(String, String)>,
    address: bool,
}

/// A project's name as PEP 503 normalises it.
pub fn normalise(name: &str) -> String {
    let mut out = String::new();
    for c in name.trim().chars() {
        match c {
            '-' | '_' | '.' if out.ends_with('-') => {}
            '-' | '_' | '.' => out.push('-'),
            c => out.extend(c.to_lowercase()),
        }
    }
    out
}

impl Requirement {
    /// Reads a requirement; what is no plain name is taken for an address.
    pub fn new(text: String) -> Requirement {
        let end = text.find(|c: char| !(c.is_alphanumeric() || "-_.".contains(c))).unwrap_or(text.len());
        let (bare, mut rest) = text.split_at(end);
        let address =
            text.contains("://") || text.contains('/') || bare.is_empty() || rest.trim_start().starts_with('@');
        if let Some(extras_end) =
            rest.trim_start().strip_prefix('[').and_then(|inner| inner.find(']').map(|at| &inner[at + 1..]))
        {
            rest = extras_end;
        }
        // What follows a semicolon is a marker for pip.
        let specifiers = rest.split(';').next().unwrap_or_default().split(',').filter_map(specifier).collect();
        Requirement { bare: bare.to_owned(), specifiers, address, text }
    }

    /// As it was given.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The name alone.
    pub fn bare(&self) -> &str {
        if self.address { &self.text } else { &self.bare }
    }

    /// Whether only pip can know what it means.
    pub fn is_address(&self) -> bool {
        self.address
    }

    /// Whether pip has to do something about it.
    pub fn is_wanted(&self, state: State, packages: &BTreeMap<String, String>) -> bool {
        let installed = packages.get(&normalise(&self.bare));
        match state {
            State::Latest | State::Forcereinstall => true,
            State::Absent => self.address || installed.is_some(),
            State::Present => {
                self.address
                    || !installed
                        .is_some_and(|version| self.specifiers.iter().all(|(op, wanted)| fits(version, op, wanted)))
            }
        }
    }
}

fn specifier(text: &str) -> Option<(String, String)> {
    let text = text.trim();
    let end = text.find(|c: char| !"<>=!~".contains(c))?;
    (end > 0).then(|| (text[..end].to_owned(), text[end..].trim().to_owned()))
}

fn fits(version: &str, op: &str, wanted: &str) -> bool {
    let order = || compare(version, wanted);
    match op {
        "===" => version == wanted,
        "==" | "!=" => {
            let same = match wanted.strip_suffix(".*") {
                Some(prefix) => version == prefix || version.starts_with(&format!("{prefix}.")),
                None => order() == Ordering::Equal,
            };
            same == (op == "==")
        }
        ">=" => order() != Ordering::Less,
        "<=" => order() != Ordering::Greater,
        ">" => order() == Ordering::Greater,
        "<" => order() == Ordering::Less,
        "~=" => {
            let prefix = wanted.rsplit_once('.').map_or(wanted, |(prefix, _)| prefix);
            order() != Ordering::Less && (version == prefix || version.starts_with(&format!("{prefix}.")))
        }
        _ => false,
    }
}

/// Compares releases number by number; a pre-release comes before its release. Local parts are ignored.
fn compare(a: &str, b: &str) -> Ordering {
    let parts = |text: &str| -> (Vec<u64>, bool) {
        let text = text.split('+').next().unwrap_or_default().trim_start_matches('v');
        let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
        let mut numbers: Vec<u64> = text[..end].split('.').filter_map(|part| part.parse().ok()).collect();
        while numbers.last() == Some(&0) {
            numbers.pop();
        }
        let suffix = text[end..].trim_start_matches(['.', '-', '_']);
        (numbers, !suffix.is_empty() && !suffix.starts_with("post"))
    };
    let ((a, a_early), (b, b_early)) = (parts(a), parts(b));
    a.cmp(&b).then(b_early.cmp(&a_early))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        assert_eq!(compare("1.10", "1.9"), Ordering::Greater);
        assert_eq!(compare("1.0.0", "1"), Ordering::Equal);
        assert_eq!(compare("2.0rc1", "2.0"), Ordering::Less);
        assert!(fits("1.4.5", "~=", "1.4.2") && !fits("1.5.0", "~=", "1.4.2"));
        assert!(fits("2.10.5", "==", "2.10.*") && !fits("2.1", "==", "2.10.*"));
    }

    #[test]
    fn addresses_are_left_to_pip() {
        assert!(Requirement::new("git+https://x/y.git".into()).is_address());
        assert!(!Requirement::new("a.b-c[x,y]>=1".into()).is_address());
    }
}
