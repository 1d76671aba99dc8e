//! YAML 1.1 as Ansible reads it: text to [`Node`]s with a place on every key and value.
//!
//! The events come from libyaml (see `events`), which is the parser that Ansible itself runs on; what
//! a scalar, a tag, an alias or a merge key means is decided here as PyYAML's safe loader does.

mod compose;
mod data;
mod events;
mod json;
mod node;
mod scalar;
mod syntax;

pub use data::{parse_data_all, parse_value};
pub use node::{Entry, Kind, Node};

use crate::source::{Diagnostics, FileId};

/// The documents of a text; none for a text without content.
///
/// Gives None after a syntax error. Other mistakes (an unknown tag, a map as a key, a key given
/// twice) are reported and what remains is given.
pub fn parse(file: FileId, text: &str, diagnostics: &mut Diagnostics) -> Option<Vec<Node>> {
    let is_json = json::is_json(text);
    match compose::documents(file, text, is_json, diagnostics) {
        Ok(documents) => Some(documents),
        // JSON that YAML 1.1 cannot spell, such as surrogate escapes, is legal for Ansible too.
        Err(_) if is_json => json::document(file, text).map(|document| vec![document]),
        Err(error) => {
            diagnostics.push(syntax::diagnose(file, text, &error));
            None
        }
    }
}

#[cfg(test)]
mod tests;
