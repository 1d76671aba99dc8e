//! Why the command line cannot be carried out.

use super::Exit;
use crate::inventory::PatternError;
use crate::project::{FactCacheError, ProjectError};
use crate::run::RunError;
use crate::vault::VaultError;
use std::path::PathBuf;

/// rplay cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// No such playbook.
    #[error("the playbook: {} could not be found", .0.display())]
    NoPlaybook(PathBuf),
    /// A playbook that is a folder, say.
    #[error("the playbook: {} does not appear to be a file", .0.display())]
    NotAFile(PathBuf),
    /// The limit leaves no host.
    #[error("Specified inventory, host pattern and/or --limit leaves us with no hosts to target.{0}")]
    NoHosts(String),
    /// A wrong option.
    #[error("{0}")]
    Option(String),
    /// A file that an option names.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A program that gives a password.
    #[error("the password script {} {reason}", path.display())]
    Script {
        /// The program.
        path: PathBuf,
        /// Why; never what it printed.
        reason: String,
    },
    /// A password that cannot be used.
    #[error("vault secret of {place}: {source}")]
    Secret {
        /// Where it comes from.
        place: String,
        /// Why.
        source: VaultError,
    },
    /// Nobody can be asked.
    #[error("cannot ask for a password: {0}")]
    Prompt(std::io::Error),
    /// The controller's files.
    #[error(transparent)]
    Project(#[from] ProjectError),
    /// The fact cache.
    #[error(transparent)]
    FactCache(#[from] FactCacheError),
    /// A wrong `--limit`.
    #[error("--limit: {0}")]
    Limit(#[from] PatternError),
    /// The run cannot go on.
    #[error("{0}")]
    Run(#[from] RunError),
    /// A file cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl CliError {
    /// The exit code.
    pub fn exit(&self) -> Exit {
        match self {
            CliError::Option(_) => Exit::Options,
            CliError::Run(RunError::Include(_)) => Exit::Unreachable,
            CliError::Project(ProjectError::Invalid(_)) => Exit::Options,
            _ => Exit::Error,
        }
    }
}
