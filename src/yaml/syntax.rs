//! Syntax errors as diagnostics: what was expected, and a hint for the classic mistakes.

use super::events::{Mark, SyntaxError};
use crate::source::{Diagnostic, FileId, Span};

/// The diagnostic for a syntax error of libyaml.
pub(super) fn diagnose(file: FileId, text: &str, error: &SyntaxError) -> Diagnostic {
    let lines: Vec<&str> = text.lines().collect();
    let view = View { lines: &lines, error };
    let span = |mark: Mark| Span::at(file, mark.line as u32 + 1, mark.column as u32 + 1);
    let unclosed = error.problem.contains("unexpected end of stream") || error.problem.contains("document indicator");
    if let (true, Some((_, start))) = (unclosed, &error.context) {
        return Diagnostic::error("yaml-syntax", span(*start), "this quoted string is never closed")
            .with_help("a quote inside single quotes is written `''`, inside double quotes `\\\"`");
    }
    let message = match &error.context {
        Some((context, _)) => format!("{} {context}", error.problem),
        None => error.problem.clone(),
    };
    let mut diagnostic = Diagnostic::error("yaml-syntax", span(error.mark), message);
    if let Some((_, start)) = error.context.as_ref().filter(|(_, start)| start.line != error.mark.line) {
        diagnostic = diagnostic.with_note(span(*start), "it began here");
    }
    match view.hint() {
        Some((Some(line), help)) => diagnostic.with_note(Span::at(file, line as u32 + 1, 0), "see").with_help(help),
        Some((None, help)) => diagnostic.with_help(help),
        None => diagnostic,
    }
}

struct View<'a> {
    lines: &'a [&'a str],
    error: &'a SyntaxError,
}

impl View<'_> {
    fn line(&self, number: usize) -> &str {
        self.lines.get(number).copied().unwrap_or_default()
    }

    /// The nearest line above with content, with its number.
    fn line_above(&self, number: usize) -> Option<(usize, &str)> {
        (0..number.min(self.lines.len()))
            .rev()
            .map(|above| (above, self.lines[above]))
            .find(|(_, line)| !line.trim().is_empty() && !line.trim_start().starts_with('#'))
    }

    /// What to do about it, and the line to blame when it is another one.
    fn hint(&self) -> Option<(Option<usize>, String)> {
        let problem = self.error.problem.as_str();
        let mark = self.error.mark;
        let line = self.line(mark.line);
        let at_mark = line.chars().nth(mark.column);
        let here = |help: &str| Some((None, help.to_owned()));
        if problem.contains("tab character") || at_mark == Some('\t') {
            return here("indent with spaces: YAML takes no tabs there");
        }
        if let Some(help) = template_hint(line) {
            return Some((None, help));
        }
        if problem.contains("cannot start any token") {
            let c = at_mark.unwrap_or(' ');
            return Some((None, format!("a value that starts with `{c}` has to be quoted")));
        }
        if problem.contains("unknown escape") {
            return here("a backslash in double quotes starts an escape: use single quotes, or write `\\\\`");
        }
        if problem.contains("alphabetic or numeric") {
            return here("`*` starts an alias and `&` an anchor: quote a value that begins with one of them");
        }
        if problem.contains("mapping values are not allowed") {
            return self.mapping_value_hint(mark, line);
        }
        if problem.contains("could not find expected ':'") {
            let start = self.error.context.as_ref().map_or(mark, |(_, start)| *start);
            return Some(match missing_space(self.line(start.line)) {
                Some(key) => (Some(start.line), missing_space_help(key)),
                None => (Some(start.line), "each line of a mapping has the form `key: value`".into()),
            });
        }
        if problem.contains("block sequence entries are not allowed") {
            return here("start the list on the next line, below the key");
        }
        if problem.contains("expected comment or line break") {
            return here("the text of a `|` or `>` block starts on the next line; quote a value that begins with them");
        }
        if problem.contains("',' or") {
            return here(
                "a `[` or `{` before it is not closed, or a comma is missing; quote text that starts with them",
            );
        }
        if problem.contains("expected key") || problem.contains("'-' indicator") {
            return self.block_hint(mark, line);
        }
        None
    }

    fn mapping_value_hint(&self, mark: Mark, line: &str) -> Option<(Option<usize>, String)> {
        let before: String = line.chars().take(mark.column).collect();
        if let Some((key, value)) = split_entry(&before)
            && !value.is_empty()
        {
            return Some((None, format!("a value with `: ` inside has to be quoted: `{}: \"...\"`", key.trim())));
        }
        let (above, text) = self.line_above(mark.line)?;
        if let Some(key) = missing_space(text) {
            return Some((Some(above), missing_space_help(key)));
        }
        if indent(line) > indent(text) {
            let text = "it is indented deeper than the line above, which is complete: line the keys up";
            return Some((Some(above), text.into()));
        }
        Some((Some(above), "check the indentation and the end of the line above".into()))
    }

    fn block_hint(&self, mark: Mark, line: &str) -> Option<(Option<usize>, String)> {
        let value = split_entry(line).map_or(line, |(_, value)| value).trim_start_matches("- ").trim();
        let column = line.chars().take_while(|c| c.is_whitespace()).count();
        if let (Some(quote @ ('"' | '\'')), true) = (value.chars().next(), mark.column > column) {
            let other = if quote == '"' { '\'' } else { '"' };
            return Some((
                None,
                format!(
                    "the string ends at its second {quote}: quote the whole value, with {other} if it holds {quote}"
                ),
            ));
        }
        let start = self.error.context.as_ref().map(|(_, start)| *start)?;
        if line.trim_start().starts_with("- ") && mark.column == start.column {
            return Some((None, "a list item stands among the keys of a mapping: indent it below its key".into()));
        }
        if mark.column != start.column {
            let text = format!(
                "the entries began in column {}, this one is in column {}: line them up",
                start.column + 1,
                mark.column + 1
            );
            return Some((None, text));
        }
        None
    }
}

/// For a value that begins with `{{` or `{%` and is not quoted.
fn template_hint(line: &str) -> Option<String> {
    let value = match split_entry(line) {
        Some((_, value)) => value,
        None => line.trim_start().strip_prefix("- ")?,
    };
    let value = value.trim();
    if !value.starts_with("{{") && !value.starts_with("{%") {
        return None;
    }
    let quote = if value.contains('"') { '\'' } else { '"' };
    Some(format!("a value that starts with a template has to be quoted as a whole: {quote}{value}{quote}"))
}

/// `key: value` in its two parts.
fn split_entry(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.split_once(": ")?;
    Some((key.trim_start().trim_start_matches("- "), value.trim_start()))
}

/// The key of a line like `name:value` or `- name:value`.
fn missing_space(line: &str) -> Option<&str> {
    let line = line.trim_start().trim_start_matches("- ");
    let (key, value) = line.split_once(':')?;
    let word = !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
    (word && value.chars().next().is_some_and(|c| !c.is_whitespace() && c != '/')).then_some(key)
}

fn missing_space_help(key: &str) -> String {
    format!("put a space after the colon: `{key}: ...`")
}

fn indent(line: &str) -> usize {
    line.chars().take_while(|c| *c == ' ').count()
}
