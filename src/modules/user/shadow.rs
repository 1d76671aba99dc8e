//! /etc/shadow, as shadow(5) describes it, and what hashes look like.

/// A user's entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shadow {
    /// The hash, with `!` before it when it is locked.
    pub hash: String,
    /// Days before a password may be changed.
    pub min: Option<i64>,
    /// Days that a password is good for.
    pub max: Option<i64>,
    /// Days of warning.
    pub warn: Option<i64>,
    /// Days until a user with an expired password is disabled.
    pub inactive: Option<i64>,
    /// The day on which the account expires, counted from the epoch.
    pub expires: Option<i64>,
}

/// Finds a user's entry.
pub fn find(text: &str, name: &str) -> Option<Shadow> {
    let line = text.lines().find(|line| line.split(':').next() == Some(name))?;
    let fields: Vec<&str> = line.split(':').collect();
    let number = |at: usize| fields.get(at).and_then(|text| text.parse().ok());
    Some(Shadow {
        hash: (*fields.get(1)?).to_owned(),
        min: number(3),
        max: number(4),
        warn: number(5),
        inactive: number(6),
        expires: number(7),
    })
}

/// Whether the text can be a hash of crypt(5), or one of the marks for «no password».
pub fn looks_hashed(text: &str) -> bool {
    let hash = text.trim_start_matches('!');
    if hash.is_empty() || hash == "*" {
        return true;
    }
    if hash.contains([':', '*', '!', ' ']) {
        return false;
    }
    let fields = hash.split('$').count();
    let plain = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '/'));
    (hash.starts_with('$') && fields >= 4)
        || (hash.len() == 13 && plain(hash))
        || hash.strip_prefix('_').is_some_and(|rest| rest.len() == 19 && plain(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_and_hashes() {
        let text = "root:*:19000:0:99999:7:::\nx:!$6$s$h:19000:1:90:5:3:21915:\n";
        let entry = find(text, "x").unwrap_or_default();
        assert_eq!(
            (entry.hash.as_str(), entry.max, entry.inactive, entry.expires),
            ("!$6$s$h", Some(90), Some(3), Some(21915))
        );
        assert_eq!(find(text, "root").unwrap_or_default().expires, None);
        assert_eq!(find(text, "oo"), None);
        ["!", "*", "$6$salt$hash", "!$y$j9T$a$b", "ab01234567890"]
            .iter()
            .for_each(|text| assert!(looks_hashed(text), "{text}"));
        ["plain text", "secret", "a:b"].iter().for_each(|text| assert!(!looks_hashed(text), "{text}"));
    }
}
