//! How a template file is read: markers, whitespace rules and the `#jinja2:` header.

use super::error::{Result, TemplateError};
use std::path::PathBuf;

/// Markers and whitespace rules. The default is that of Ansible's template module.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Syntax {
    /// `{%`
    pub block_start: String,
    /// `%}`
    pub block_end: String,
    /// `{{`
    pub variable_start: String,
    /// `}}`
    pub variable_end: String,
    /// `{#`
    pub comment_start: String,
    /// `#}`
    pub comment_end: String,
    /// Whether the newline after a block is dropped.
    pub trim_blocks: bool,
    /// Whether the blanks before a block are dropped when nothing else precedes it on its line.
    pub lstrip_blocks: bool,
    /// What ends the output's lines.
    pub newline_sequence: String,
    /// Whether the last newline stays even before trailing newlines are restored.
    pub keep_trailing_newline: bool,
    /// Whether backslashes in strings inside `{{ }}` stand for themselves, as in playbooks.
    pub literal_backslashes: bool,
}

impl Default for Syntax {
    fn default() -> Syntax {
        Syntax {
            block_start: "{%".into(),
            block_end: "%}".into(),
            variable_start: "{{".into(),
            variable_end: "}}".into(),
            comment_start: "{#".into(),
            comment_end: "#}".into(),
            trim_blocks: true,
            lstrip_blocks: false,
            newline_sequence: "\n".into(),
            keep_trailing_newline: false,
            literal_backslashes: false,
        }
    }
}

/// How a file is rendered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileOptions {
    /// Markers and whitespace rules.
    pub syntax: Syntax,
    /// The folders that `include`, `import` and `extends` look into, before those of the scope's
    /// `ansible_search_path`.
    pub search: Vec<PathBuf>,
}

const HEADER: &str = "#jinja2:";

/// Whether the text holds one of Jinja's opening markers.
pub(super) fn has_marker(text: &str) -> bool {
    text.starts_with(HEADER) || crate::value::is_template(text)
}

/// Splits a `#jinja2:` header off the text and applies it.
pub(super) fn split_header<'a>(text: &'a str, syntax: &Syntax) -> Result<(&'a str, Syntax)> {
    let mut syntax = syntax.clone();
    let Some(rest) = text.strip_prefix(HEADER) else { return Ok((text, syntax)) };
    let refuse = |message: String| TemplateError::syntax(1, 1, message);
    let Some((line, body)) = rest.split_once('\n') else {
        return Err(refuse("missing newline after the '#jinja2:' header".into()));
    };
    for pair in line.split(',') {
        let Some((key, text)) = pair.split_once(':') else {
            return Err(refuse(format!("missing `:` in the '#jinja2:' header pair {pair:?}")));
        };
        let (key, text) = (key.trim(), text.trim());
        let truth = || match text {
            "True" => Ok(true),
            "False" => Ok(false),
            _ => Err(refuse(format!("'#jinja2:' header key {key:?} must be True or False, not {text}"))),
        };
        let string = || {
            literal(text).ok_or_else(|| refuse(format!("'#jinja2:' header key {key:?} must be a string, not {text}")))
        };
        match key {
            "block_start_string" => syntax.block_start = string()?,
            "block_end_string" => syntax.block_end = string()?,
            "variable_start_string" => syntax.variable_start = string()?,
            "variable_end_string" => syntax.variable_end = string()?,
            "comment_start_string" => syntax.comment_start = string()?,
            "comment_end_string" => syntax.comment_end = string()?,
            "newline_sequence" => syntax.newline_sequence = string()?,
            "trim_blocks" => syntax.trim_blocks = truth()?,
            "lstrip_blocks" => syntax.lstrip_blocks = truth()?,
            "keep_trailing_newline" => syntax.keep_trailing_newline = truth()?,
            "line_statement_prefix" | "line_comment_prefix" if text == "None" => {}
            "line_statement_prefix" | "line_comment_prefix" => {
                return Err(refuse(format!("'#jinja2:' header key {key:?} is not supported")));
            }
            _ => return Err(refuse(format!("invalid '#jinja2:' header key {key:?}"))),
        }
    }
    syntax.check()?;
    Ok((body, syntax))
}

impl Syntax {
    /// Refuses markers that cannot be told apart.
    pub(super) fn check(&self) -> Result<()> {
        let starts = [&self.block_start, &self.variable_start, &self.comment_start];
        let ends = [&self.block_end, &self.variable_end, &self.comment_end];
        if starts[0] == starts[1] || starts[1] == starts[2] || starts[0] == starts[2] {
            return Err(TemplateError::syntax(1, 1, "block, variable and comment start strings must be different"));
        }
        if starts.iter().chain(&ends).any(|marker| marker.is_empty()) {
            return Err(TemplateError::syntax(1, 1, "block, variable and comment markers must not be empty"));
        }
        if !matches!(&*self.newline_sequence, "\n" | "\r\n" | "\r") {
            return Err(TemplateError::syntax(1, 1, "newline_sequence must be '\\n', '\\r\\n' or '\\r'"));
        }
        Ok(())
    }
}

/// A quoted Python string.
fn literal(text: &str) -> Option<String> {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    let inner = text.strip_prefix(quote)?.strip_suffix(quote)?;
    super::syntax::unescape(inner).ok()
}
