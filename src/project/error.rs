//! Why the controller's files could not be read.

use std::path::PathBuf;

/// rplay cannot go on with the controller's files.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// A file could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is not text.
    #[error("{} is not UTF-8 text", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
    },
    /// A vault file could not be decrypted.
    #[error("cannot decrypt {}: {reason}", path.display())]
    Vault {
        /// The file.
        path: PathBuf,
        /// Why, without secrets.
        reason: String,
    },
    /// A file holds what it must not hold; the diagnostics say what.
    #[error("{0}")]
    Invalid(String),
}
