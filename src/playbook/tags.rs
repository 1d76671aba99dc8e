//! Which tasks `--tags` and `--skip-tags` choose.

use std::collections::BTreeSet;

/// The tags asked for on the command line.
#[derive(Debug, Clone, Default)]
pub struct TagFilter {
    /// `--tags`; empty means `all`.
    pub only: BTreeSet<String>,
    /// `--skip-tags`.
    pub skip: BTreeSet<String>,
}

impl TagFilter {
    /// Whether something with these tags runs. The special words are Ansible's: `always`, `never`,
    /// `tagged`, `untagged`, `all`.
    pub fn chooses(&self, tags: &BTreeSet<String>) -> bool {
        let untagged = tags.is_empty() || (tags.len() == 1 && tags.contains("untagged"));
        self.wants(tags, untagged) && !self.skips(tags, untagged)
    }

    fn wants(&self, tags: &BTreeSet<String>, untagged: bool) -> bool {
        let asked = |word: &str| self.only.contains(word);
        if self.only.is_empty() || asked("all") {
            return !tags.contains("never") || self.only.intersection(tags).next().is_some();
        }
        tags.contains("always")
            || self.only.intersection(tags).next().is_some()
            || (asked("tagged") && !untagged && !tags.contains("never"))
            || (asked("untagged") && untagged)
    }

    fn skips(&self, tags: &BTreeSet<String>, untagged: bool) -> bool {
        let asked = |word: &str| self.skip.contains(word);
        if asked("all") {
            return !tags.contains("always") || asked("always");
        }
        self.skip.intersection(tags).next().is_some()
            || (asked("tagged") && !untagged)
            || (asked("untagged") && untagged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(words: &[&str]) -> BTreeSet<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    fn chooses(only: &[&str], skip: &[&str], tags: &[&str]) -> bool {
        TagFilter { only: set(only), skip: set(skip) }.chooses(&set(tags))
    }

    #[test]
    fn follows_the_special_words() {
        assert!(chooses(&[], &[], &[]) && chooses(&[], &[], &["a"]));
        assert!(!chooses(&[], &[], &["never"]) && chooses(&["never"], &[], &["never"]));
        assert!(chooses(&["a"], &[], &["never", "a"]) && !chooses(&["a"], &[], &["b"]));
        assert!(chooses(&["a"], &[], &["always"]) && !chooses(&["a"], &["always"], &["always"]));
        assert!(chooses(&["tagged"], &[], &["b"]) && !chooses(&["tagged"], &[], &[]));
        assert!(chooses(&["untagged"], &[], &[]) && !chooses(&["untagged"], &[], &["b"]));
        assert!(!chooses(&[], &["all"], &["b"]) && chooses(&[], &["all"], &["always"]));
    }
}
