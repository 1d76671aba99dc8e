//! The task's own check of a new file, before it takes the old one's place.

use super::errno::failed;
use crate::module::{Command, Failure, Host, Output};
use std::path::Path;

/// Runs `command` with `%s` replaced by the new file. The output, when it did not succeed.
pub fn refused(host: &dyn Host, command: &str, new: &Path) -> Result<Option<Output>, Failure> {
    if !command.contains("%s") {
        return Err(Failure::new(format!("validate must contain %s: {command}")));
    }
    let line = command.replace("%s", &new.to_string_lossy());
    let words = words(&line).ok_or_else(|| Failure::new(format!("validate has an open quotation: {command}")))?;
    let output = host.run(&Command::new(words)).map_err(failed("validate could not be run", new))?;
    Ok((!output.success()).then_some(output))
}

/// Splits a line as a POSIX shell does, without expansions. None when a quotation is not closed.
fn words(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            ('\\', Some('"')) => match chars.next()? {
                c @ ('"' | '\\') => word.get_or_insert_default().push(c),
                c => word.get_or_insert_default().extend(['\\', c]),
            },
            (c, Some(_)) => word.get_or_insert_default().push(c),
            ('\'' | '"', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            ('\\', None) => word.get_or_insert_default().push(chars.next()?),
            (c, None) if c.is_whitespace() => words.extend(word.take()),
            (c, None) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn splits_like_a_shell() {
        assert_eq!(words(r#"a 'b "c' "d\" e" f\ g ''"#).unwrap(), ["a", "b \"c", "d\" e", "f g", ""]);
        assert_eq!(words("a 'b"), None);
    }
}
