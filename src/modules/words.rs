//! Text as words and words as text, by a POSIX shell's quoting (as Python's shlex reads and writes it).

/// Splits text into words; quotes and backslashes as in a POSIX shell, no expansion, no comments.
///
/// The error is Python's: `No closing quotation` or `No escaped character`.
pub fn split(text: &str) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            '\\' => word.get_or_insert_default().push(chars.next().ok_or("No escaped character")?),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next().ok_or("No closing quotation")? {
                        '\'' => break,
                        inner => word.push(inner),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next().ok_or("No closing quotation")? {
                        '"' => break,
                        '\\' => match chars.next().ok_or("No escaped character")? {
                            quoted @ ('"' | '\\') => word.push(quoted),
                            other => word.extend(['\\', other]),
                        },
                        inner => word.push(inner),
                    }
                }
            }
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    Ok(words)
}

/// A word that a shell reads back as it is.
pub fn quote(word: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    match !word.is_empty() && word.chars().all(safe) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\"'\"'")),
    }
}

/// Words that a shell reads back as they are.
pub fn join<S: AsRef<str>>(words: &[S]) -> String {
    words.iter().map(|word| quote(word.as_ref())).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn splits_as_a_shell() {
        assert_eq!(split(r#"a  'b c' "d\"e\f" g\ h i''j"#).unwrap(), ["a", "b c", "d\"e\\f", "g h", "ij"]);
        assert_eq!(split("'' x").unwrap(), ["", "x"]);
        assert_eq!(split("'a"), Err("No closing quotation"));
        assert_eq!(split("a\\"), Err("No escaped character"));
    }

    #[test]
    fn what_is_joined_splits_the_same() {
        let words = ["plain", "", "two words", "it's", "$x", "\"q\""];
        assert_eq!(split(&join(&words)).unwrap(), words);
        assert_eq!(quote("a=/b:c,d"), "a=/b:c,d");
    }
}
