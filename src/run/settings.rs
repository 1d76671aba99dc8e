//! What a run is started with.

use crate::agent::{BlobStore, Payload};
use crate::playbook::{ModuleCatalog, TagFilter};
use crate::project::{Config, FactCache, Files, InventoryVars};
use crate::template::Engine;
use crate::transport::Secret;
use crate::value::Map;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

/// Passwords from the command line.
#[derive(Default, Clone)]
pub struct Passwords {
    /// `-k`.
    pub connection: Option<Secret>,
    /// `-K`.
    pub become_password: Option<Secret>,
}

/// Asks the person at the terminal.
pub trait Interaction: Send + Sync {
    /// A line of text; None when nobody can be asked.
    fn prompt(&self, text: &str, secret: bool) -> Option<String>;
    /// `--step`: whether to run a task; None means this one and all after it.
    fn confirm_task(&self, name: &str) -> Option<bool>;
}

/// The command line's and the configuration's part.
pub struct Settings {
    /// Tasks at once.
    pub forks: usize,
    /// Predict only.
    pub check: bool,
    /// Show differences.
    pub diff: bool,
    /// `-v` count.
    pub verbosity: u8,
    /// `--tags`, `--skip-tags`.
    pub tags: TagFilter,
    /// `--limit`, split.
    pub limit: Vec<String>,
    /// `--extra-vars`.
    pub extra_vars: Arc<Map>,
    /// `-u`.
    pub remote_user: Option<String>,
    /// `-c`.
    pub connection: Option<String>,
    /// `--private-key`.
    pub private_key: Option<PathBuf>,
    /// `-T`.
    pub timeout: Option<u64>,
    /// `-b`.
    pub become_: bool,
    /// `--become-user`.
    pub become_user: Option<String>,
    /// `--become-method`.
    pub become_method: Option<String>,
    /// `--ssh-common-args`.
    pub ssh_common_args: Option<String>,
    /// `--ssh-extra-args`.
    pub ssh_extra_args: Option<String>,
    /// Passwords.
    pub passwords: Passwords,
    /// `--force-handlers`.
    pub force_handlers: bool,
    /// Facts of earlier runs.
    pub fact_cache: Option<FactCache>,
    /// `--flush-cache`.
    pub flush_cache: bool,
    /// `--start-at-task`.
    pub start_at_task: Option<String>,
    /// `--step`.
    pub step: bool,
    /// Inventory sources as given.
    pub inventory_sources: Vec<String>,
    /// Names of hosts that failed or were unreachable in plays before are kept by the run itself.
    pub config: Config,
}

/// The project's side: everything that tasks are made from.
pub struct Project {
    /// Reads files.
    pub files: Files,
    /// Renders.
    pub engine: Engine,
    /// Finds modules.
    pub modules: Arc<dyn ModuleCatalog + Send + Sync>,
    /// Folders of roles.
    pub role_paths: Vec<PathBuf>,
    /// Folders of modules of the project's own, after those beside playbooks and in roles.
    pub library_paths: Vec<PathBuf>,
    /// The folder of the first playbook.
    pub playbook_dir: PathBuf,
    /// Variables of hosts and groups.
    pub inventory_vars: InventoryVars,
    /// Content offered to hosts.
    pub blobs: Arc<BlobStore>,
    /// The agent's binaries.
    pub payload: Arc<Payload>,
    /// Asks.
    pub interaction: Arc<dyn Interaction>,
}

/// Sorted text of a set, for magic variables.
pub(super) fn sorted(set: &BTreeSet<String>) -> Vec<String> {
    set.iter().cloned().collect()
}
