//! Colours of a terminal, by what they mean. The codes are Ansible's defaults.

/// What a piece of text says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Colour {
    /// All is as wanted.
    Ok,
    /// Something was changed.
    Changed,
    /// Skipped, included, ignored.
    Skipped,
    /// Failed.
    Failed,
    /// Out of reach.
    Unreachable,
    /// A warning.
    Warning,
    /// A detail, such as a place.
    Detail,
    /// An added line.
    Added,
    /// A removed line.
    Removed,
    /// A place in a difference.
    Hunk,
}

impl Colour {
    fn code(self) -> &'static str {
        match self {
            Colour::Ok | Colour::Added => "0;32",
            Colour::Changed => "0;33",
            Colour::Skipped | Colour::Hunk => "0;36",
            Colour::Failed | Colour::Removed => "0;31",
            Colour::Unreachable => "1;31",
            Colour::Warning => "1;35",
            Colour::Detail => "1;30",
        }
    }
}

/// Paints text, or leaves it as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paint(pub bool);

impl Paint {
    /// The text in a colour, each line by itself, so that a pager may cut anywhere.
    pub fn text(self, colour: Colour, text: &str) -> String {
        if !self.0 {
            return text.to_owned();
        }
        let line = |line: &str| match line.is_empty() {
            true => String::new(),
            false => format!("\x1b[{}m{line}\x1b[0m", colour.code()),
        };
        text.split('\n').map(line).collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paints_line_by_line() {
        assert_eq!(Paint(true).text(Colour::Ok, "a\n\nb"), "\x1b[0;32ma\x1b[0m\n\n\x1b[0;32mb\x1b[0m");
        assert_eq!(Paint(false).text(Colour::Ok, "a"), "a");
    }
}
