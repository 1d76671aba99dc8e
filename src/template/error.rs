//! Why a template could not be read or rendered.

use crate::source::Span;
use std::fmt;

/// What kind of mistake it is; the message says the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErrorKind {
    /// A name, attribute or item that does not exist was used.
    Undefined {
        /// The variable, attribute or item; empty for `undef()` and the like.
        name: String,
    },
    /// The text is not a template.
    Syntax {
        /// The line in the template's text, from 1.
        line: u32,
        /// The column in that line, from 1.
        column: u32,
    },
    /// A filter, test or lookup of this name does not exist.
    Unknown {
        /// `filter`, `test` or `lookup`.
        what: &'static str,
        /// The name as written.
        name: String,
        /// The line in the template's text, from 1; 0 when it is not known.
        line: u32,
        /// The column in that line, from 1; 0 when it is not known.
        column: u32,
    },
    /// A variable is rendered from itself.
    Cycle,
    /// A condition is not one: it is empty, not text, or its result is not a truth value.
    Condition,
    /// A vault value could not be decrypted.
    Vault,
    /// The whole value is `omit` where a value is needed.
    Omitted,
    /// A filter, test or lookup refused what it was given; the message names it.
    Plugin,
    /// An operator, method or statement refused what it was given.
    Runtime,
}

/// Why a template could not be read or rendered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateError {
    /// One sentence, as ansible-core's users know it.
    pub message: String,
    /// The template's place in the project, when its text has one.
    pub span: Option<Span>,
    /// What kind of mistake it is.
    pub kind: ErrorKind,
}

/// The result of everything that can refuse.
pub type Result<T, E = Box<TemplateError>> = std::result::Result<T, E>;

impl TemplateError {
    /// A mistake of this kind.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Box<TemplateError> {
        Box::new(TemplateError { message: message.into(), span: None, kind })
    }

    /// A refusal at run time.
    pub fn runtime(message: impl Into<String>) -> Box<TemplateError> {
        TemplateError::new(ErrorKind::Runtime, message)
    }

    /// Text that is not a template.
    pub(super) fn syntax(line: u32, column: u32, message: impl fmt::Display) -> Box<TemplateError> {
        TemplateError::new(ErrorKind::Syntax { line, column }, format!("Syntax error in template: {message}"))
    }

    /// Says that rendering failed, unless the message says what did.
    pub(super) fn while_rendering(mut self: Box<Self>, what: &str) -> Box<TemplateError> {
        if self.kind == ErrorKind::Runtime {
            self.kind = ErrorKind::Plugin;
            self.message = format!("Error rendering {what}: {}", self.message);
        }
        self
    }

    /// The error that waits in an undefined object.
    pub(super) fn raised(&self) -> Box<TemplateError> {
        Box::new(self.clone())
    }

    /// Whether it is about something undefined.
    pub fn is_undefined(&self) -> bool {
        matches!(self.kind, ErrorKind::Undefined { .. })
    }

    /// Sets the place unless it has one: the innermost template is where the mistake is.
    pub(super) fn at(mut self: Box<Self>, span: Option<Span>) -> Box<TemplateError> {
        if self.span.is_none() {
            self.span = span;
        }
        self
    }
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.kind {
            ErrorKind::Syntax { line, column } if *line > 0 => write!(f, " (line {line}, column {column})"),
            _ => Ok(()),
        }
    }
}

impl std::error::Error for TemplateError {}
