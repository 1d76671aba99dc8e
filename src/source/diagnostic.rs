//! What is wrong with the project's files: many at once, each with its place and help.

use super::{SourceMap, Span};
use std::fmt::Write;

/// How bad a diagnostic is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The run does not start.
    Error,
    /// The run goes on.
    Warning,
}

/// One thing that is wrong with the project's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Whether it stops the run.
    pub severity: Severity,
    /// A stable kebab-case name, such as `unknown-keyword`.
    pub code: &'static str,
    /// One sentence without a full stop.
    pub message: String,
    /// The place, when it has one.
    pub span: Option<Span>,
    /// What to do about it.
    pub help: Option<String>,
    /// Further places, each with what it has to do with it.
    pub notes: Vec<(Option<Span>, String)>,
}

impl Diagnostic {
    /// A diagnostic that stops the run.
    pub fn error(code: &'static str, span: impl Into<Option<Span>>, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            severity: Severity::Error,
            code,
            message: message.into(),
            span: span.into(),
            help: None,
            notes: Vec::new(),
        }
    }

    /// A diagnostic that does not stop the run.
    pub fn warning(code: &'static str, span: impl Into<Option<Span>>, message: impl Into<String>) -> Diagnostic {
        Diagnostic { severity: Severity::Warning, ..Diagnostic::error(code, span, message) }
    }

    /// Adds help.
    pub fn with_help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help = Some(help.into());
        self
    }

    /// Adds «did you mean `x`?» when a candidate is near.
    pub fn with_nearest<'a>(self, word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Diagnostic {
        match super::nearest(word, candidates) {
            Some(near) => self.with_help(format!("did you mean `{near}`?")),
            None => self,
        }
    }

    /// Adds a further place.
    pub fn with_note(mut self, span: impl Into<Option<Span>>, note: impl Into<String>) -> Diagnostic {
        self.notes.push((span.into(), note.into()));
        self
    }

    /// The text for a terminal: message, place, the line itself with a marker, help and notes.
    pub fn render(&self, map: &SourceMap) -> String {
        let word = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let mut out = format!("{word}[{}]: {}\n", self.code, self.message);
        if let Some(span) = self.span {
            render_place(&mut out, map, span);
        }
        for (span, note) in &self.notes {
            let _ = match span {
                Some(span) => writeln!(out, "  = {note}: {}", map.describe(*span)),
                None => writeln!(out, "  = {note}"),
            };
        }
        if let Some(help) = &self.help {
            let _ = writeln!(out, "  = help: {help}");
        }
        out
    }
}

/// Writes `--> place` and the line with a marker below the span.
fn render_place(out: &mut String, map: &SourceMap, span: Span) {
    let _ = writeln!(out, "  --> {}", map.describe(span));
    let line = map.get(span.file).and_then(|file| file.line(span.line).map(str::to_owned));
    if let Some(line) = line {
        let number = span.line.to_string();
        let gap = " ".repeat(number.len());
        let before: String = line
            .chars()
            .take(span.column.saturating_sub(1) as usize)
            .map(|c| if c == '\t' { '\t' } else { ' ' })
            .collect();
        let marker = "^".repeat(span.length.max(1) as usize);
        let _ = writeln!(out, "{gap} |\n{number} | {line}\n{gap} | {before}{marker}");
    }
}

/// A list of diagnostics that grows while files are read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl Diagnostics {
    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    /// Adds all of another list.
    pub fn append(&mut self, mut other: Diagnostics) {
        self.0.append(&mut other.0);
    }

    /// Whether one of them stops the run.
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renders_the_line_and_the_help() {
        let map = SourceMap::default();
        let file = map.add("a.yml", "- hosts: all\n  taks: []\n");
        let text = Diagnostic::error(
            "unknown-keyword",
            Span { file, line: 2, column: 3, length: 4 },
            "unknown keyword `taks`",
        )
        .with_nearest("taks", ["tasks"])
        .render(&map);
        assert_eq!(
            text,
            "error[unknown-keyword]: unknown keyword `taks`\n  --> a.yml:2:3\n  |\n2 |   taks: []\n  |   ^^^^\n  = help: did you mean `tasks`?\n"
        );
    }
}
