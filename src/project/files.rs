//! Reads the controller's files, decrypting vault files, and remembers texts for messages.

use super::ProjectError;
use crate::source::{Diagnostic, Diagnostics, FileId, SourceMap};
use crate::vault::{self, Secrets};
use crate::yaml::{self, Node};
use std::path::Path;
use std::sync::Arc;

/// The door to the controller's files. Clones share texts and secrets.
#[derive(Clone)]
pub struct Files {
    /// Every text that was read.
    pub map: SourceMap,
    /// Vault passwords.
    pub secrets: Arc<Secrets>,
}

impl Files {
    /// A door with these vault passwords.
    pub fn new(map: SourceMap, secrets: Arc<Secrets>) -> Files {
        Files { map, secrets }
    }

    /// A file's bytes; a vault file is decrypted.
    pub fn read(&self, path: &Path) -> Result<Vec<u8>, ProjectError> {
        let bytes = std::fs::read(path).map_err(|source| ProjectError::Read { path: path.to_path_buf(), source })?;
        match std::str::from_utf8(&bytes) {
            Ok(text) if vault::is_vault(text) => vault::decrypt(text, &self.secrets)
                .map_err(|error| ProjectError::Vault { path: path.to_path_buf(), reason: error.to_string() }),
            _ => Ok(bytes),
        }
    }

    /// A file's text, added to the source map. The text of a vault file is not shown in messages.
    pub fn read_text(&self, path: &Path) -> Result<(FileId, Arc<str>), ProjectError> {
        let bytes = std::fs::read(path).map_err(|source| ProjectError::Read { path: path.to_path_buf(), source })?;
        let text = String::from_utf8(bytes).map_err(|_| ProjectError::NotText { path: path.to_path_buf() })?;
        if vault::is_vault(&text) {
            let clear = vault::decrypt_text(&text, &self.secrets)
                .map_err(|error| ProjectError::Vault { path: path.to_path_buf(), reason: error.to_string() })?;
            return Ok((self.map.add(path, ""), Arc::from(clear)));
        }
        let text: Arc<str> = Arc::from(text);
        Ok((self.map.add(path, text.clone()), text))
    }

    /// The one document of a YAML file; None for an empty one, and after a mistake, which is noted.
    pub fn read_yaml(&self, path: &Path, diagnostics: &mut Diagnostics) -> Option<Node> {
        let (file, text) = match self.read_text(path) {
            Ok(read) => read,
            Err(error) => {
                diagnostics.push(Diagnostic::error("unreadable-file", None, error.to_string()));
                return None;
            }
        };
        let mut documents = yaml::parse(file, &text, diagnostics)?;
        if documents.len() > 1 {
            let span = documents[1].span;
            diagnostics.push(Diagnostic::error(
                "several-documents",
                span,
                "one YAML document is expected, here begins a second",
            ));
        }
        (!documents.is_empty()).then(|| documents.swap_remove(0))
    }
}
