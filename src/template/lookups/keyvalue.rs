//! `key=value` terms of older lookups.

/// Splits at blanks outside quotes; quotes around values are dropped. The first part holds what has
/// no `=`, joined by blanks.
pub fn parse(text: &str) -> (String, Vec<(String, String)>) {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match quote {
            Some(open) if c == open => {
                quote = None;
                word.push(c);
            }
            Some(_) => word.push(c),
            None if c == '"' || c == '\'' => {
                quote = Some(c);
                word.push(c);
            }
            None if c == '\\' && chars.peek().is_some() => {
                word.push(c);
                word.extend(chars.next());
            }
            None if c.is_whitespace() => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            None => word.push(c),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    let mut raw = Vec::new();
    let mut pairs = Vec::new();
    for word in words {
        match word.split_once('=').filter(|(key, _)| !key.is_empty() && !key.contains(['"', '\''])) {
            Some((key, value)) => pairs.push((key.trim().to_owned(), unquote(value.trim()).to_owned())),
            None => raw.push(word),
        }
    }
    (raw.join(" "), pairs)
}

fn unquote(text: &str) -> &str {
    ['"', '\''].into_iter().find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_pairs() {
        let (raw, pairs) = parse("some key file='a b.csv' col=2 more");
        assert_eq!(raw, "some key more");
        assert_eq!(pairs, [("file".into(), "a b.csv".into()), ("col".into(), "2".to_owned())]);
    }
}
