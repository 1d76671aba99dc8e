//! Words of a line as a POSIX shell and Python's `shlex` split them.

/// A word without its quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// What it says.
    pub text: String,
    /// The column of its first character, from 0, in characters.
    pub column: usize,
}

/// The words of a line. White space separates; single quotes take everything as it is; in double
/// quotes a backslash escapes `"` and itself, outside of quotes any character. With `comments`, a
/// `#` outside of quotes ends the line, even inside a word.
///
/// The error says which quote or backslash lacks its partner.
pub fn split_words(line: &str, comments: bool) -> Result<Vec<Word>, &'static str> {
    let mut words = Vec::new();
    let mut word: Option<Word> = None;
    let mut chars = line.chars().enumerate();
    while let Some((column, c)) = chars.next() {
        if c.is_ascii_whitespace() {
            words.extend(word.take());
            continue;
        }
        if c == '#' && comments {
            break;
        }
        let word = word.get_or_insert_with(|| Word { text: String::new(), column });
        match c {
            '\\' => word.text.push(chars.next().ok_or("there is nothing after the backslash")?.1),
            '\'' => loop {
                match chars.next().ok_or("a single quote is not closed")?.1 {
                    '\'' => break,
                    c => word.text.push(c),
                }
            },
            '"' => loop {
                match chars.next().ok_or("a double quote is not closed")?.1 {
                    '"' => break,
                    '\\' => {
                        let escaped = chars.next().ok_or("a double quote is not closed")?.1;
                        if !matches!(escaped, '"' | '\\') {
                            word.text.push('\\');
                        }
                        word.text.push(escaped);
                    }
                    c => word.text.push(c),
                }
            },
            c => word.text.push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn texts(line: &str) -> Vec<String> {
        split_words(line, true).unwrap().into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn splits_as_shlex_does() {
        assert_eq!(texts("a  b='c d' e=\"f g\"h # i"), ["a", "b=c d", "e=f gh"]);
        assert_eq!(texts(r#"a\ b "c\"d" "\n" '\n' ''"#), ["a b", "c\"d", "\\n", "\\n", ""]);
        assert_eq!(texts("p=abc#def x=1"), ["p=abc"]);
        assert_eq!(texts("p='abc#def' x=1"), ["p=abc#def", "x=1"]);
        assert_eq!(split_words("ab  cd", true).unwrap()[1].column, 4);
        assert!(split_words("a 'b", true).is_err());
        assert!(split_words("a \\", true).is_err());
    }
}
