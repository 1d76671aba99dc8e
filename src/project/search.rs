//! Where a task's relative file names are looked for.

use crate::playbook::{Role, Task};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The folders that belong to a task, nearest first: `ansible_search_path`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SearchPath(pub Vec<PathBuf>);

impl SearchPath {
    /// The folders of a task: its role and the roles that pulled it in, the file's folder, the playbook's.
    pub fn of(task: &Task, playbook_dir: &Path) -> SearchPath {
        SearchPath::new(task.role.as_ref(), &task.file, playbook_dir)
    }

    /// The folders of something written in `file`, in `role`.
    pub fn new(role: Option<&Arc<Role>>, file: &Path, playbook_dir: &Path) -> SearchPath {
        let mut folders: Vec<PathBuf> = Vec::new();
        let mut add = |folder: &Path| {
            if !folders.iter().any(|known| known == folder) {
                folders.push(folder.to_path_buf());
            }
        };
        if let Some(role) = role {
            add(&role.path);
            role.parents.iter().rev().for_each(|parent| add(&parent.path));
        }
        if let Some(folder) = file.parent() {
            add(folder);
        }
        add(playbook_dir);
        SearchPath(folders)
    }

    /// The first existing file: `folder/kind/name`, then `folder/name`, for each folder.
    pub fn find(&self, kind: &str, name: &str) -> Option<PathBuf> {
        find_in(&self.0, kind, name)
    }
}

/// Finds a name in folders, trying the `kind` subfolder of each first. Absolute names and `~` stand
/// for themselves.
pub fn find_in(folders: &[PathBuf], kind: &str, name: &str) -> Option<PathBuf> {
    let expanded = expand_home(name);
    if expanded.is_absolute() {
        return expanded.exists().then_some(expanded);
    }
    let candidates = folders.iter().flat_map(|folder| {
        // A task file in `tasks/` may name a file of its role's or play's subfolder.
        let above = folder.parent().filter(|_| folder.ends_with("tasks") || folder.ends_with("handlers"));
        let above = above.map(|above| above.join(kind).join(name));
        [Some(folder.join(kind).join(name)), above, Some(folder.join(name))]
    });
    candidates.flatten().find(|path| path.exists())
}

/// Replaces a leading `~` by the home folder.
pub fn expand_home(name: &str) -> PathBuf {
    match (name.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
        (None, Some(home)) if name == "~" => PathBuf::from(home),
        _ => PathBuf::from(name),
    }
}
