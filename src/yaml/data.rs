//! YAML texts that are data, as for the filters `from_yaml` and `from_yaml_all`.

use super::Kind;
use crate::source::{Diagnostics, FileId, Severity};
use crate::value::Value;

/// The one document of a text as data: no string in it is a template. Null for an empty text.
///
/// The error names the line and the column.
pub fn parse_value(text: &str) -> Result<Value, String> {
    let mut documents = parse_data_all(text)?;
    match documents.len() {
        0 => Ok(Value::Null),
        1 => Ok(documents.swap_remove(0)),
        count => Err(format!("expected a single document, found {count}")),
    }
}

/// All documents of a text as data.
pub fn parse_data_all(text: &str) -> Result<Vec<Value>, String> {
    let mut diagnostics = Diagnostics::default();
    let documents = super::parse(FileId(u32::MAX), text, &mut diagnostics);
    let mistake = diagnostics.0.into_iter().find(|diagnostic| diagnostic.severity == Severity::Error);
    match (mistake, documents) {
        (None, Some(documents)) => Ok(documents.iter().map(super::Node::to_data).collect()),
        (None, None) => Err("cannot be read as YAML".into()),
        (Some(mistake), _) => {
            let place = mistake.span.map(|span| format!("line {}, column {}: ", span.line, span.column));
            Err(format!("{}{}", place.unwrap_or_default(), mistake.message))
        }
    }
}

impl Kind {
    /// Text that was not written plain.
    pub(super) fn text(text: impl Into<std::sync::Arc<str>>) -> Kind {
        Kind::Str { text: text.into(), plain: false }
    }
}
