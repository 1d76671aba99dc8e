//! Names and values as SQL text.

/// A name in double quotes. Names of several parts are one name here: dots mean nothing.
pub fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A value in single quotes, right with and without `standard_conforming_strings`.
pub fn literal(value: &str) -> String {
    let quoted = value.replace('\'', "''");
    match quoted.contains('\\') {
        true => format!(" E'{}'", quoted.replace('\\', "\\\\")),
        false => format!("'{quoted}'"),
    }
}

/// Whether a value could end a statement or start another one where it is not quoted.
pub fn looks_dangerous(value: &str) -> bool {
    ["'", "\"", ";", "--", "/*"].iter().any(|mark| value.contains(mark))
}

/// The first of the values that looks dangerous.
pub fn first_dangerous<'a>(values: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    values.into_iter().find(|value| looks_dangerous(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_survive() {
        assert_eq!(identifier("we\"ird.x"), "\"we\"\"ird.x\"");
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal("a\\'b"), " E'a\\\\''b'");
    }

    #[test]
    fn knows_what_ends_a_statement() {
        assert_eq!(first_dangerous(["fine", "a; drop table b"]), Some("a; drop table b"));
        assert!(!looks_dangerous("de_DE.UTF-8"));
    }
}
