//! Inventory sources, and the variables in `group_vars` and `host_vars` beside them and the playbook.

use super::vars::load_vars_folder;
use super::{Files, ProjectError};
use crate::inventory::{Builder, HostId, Inventory, Options, is_ignored};
use crate::source::{Diagnostic, Diagnostics, FileId};
use crate::value::{Key, Map};
use crate::vars::Precedence;
use std::collections::HashMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};

/// Reads inventory sources in order: files, folders, executable scripts, and lists with commas.
pub fn load_inventory(files: &Files, sources: &[String], options: Options, diagnostics: &mut Diagnostics) -> Inventory {
    let mut builder = Builder::new(options);
    for source in sources {
        let path = super::search::expand_home(source);
        if source.contains(',') && !path.exists() {
            builder.add_host_list(source, diagnostics);
        } else if !path.exists() {
            let code = "no-such-inventory";
            let message = format!("the inventory {source} does not exist");
            diagnostics.push(match options.lenient {
                true => Diagnostic::warning(code, None, message),
                false => Diagnostic::error(code, None, message),
            });
        } else {
            add_path(files, &mut builder, &path, diagnostics);
        }
    }
    builder.finish(diagnostics)
}

fn add_path(files: &Files, builder: &mut Builder, path: &Path, diagnostics: &mut Diagnostics) {
    if path.is_dir() {
        let Ok(entries) = std::fs::read_dir(path) else {
            let message = format!("cannot list {}", path.display());
            return diagnostics.push(Diagnostic::error("unreadable-file", None, message));
        };
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths {
            if !is_ignored(&path.file_name().unwrap_or_default().to_string_lossy()) {
                add_path(files, builder, &path, diagnostics);
            }
        }
        return;
    }
    let added = match is_executable(path) {
        true => add_script(files, builder, path, diagnostics),
        false => add_file(files, builder, path, diagnostics),
    };
    if let Err(error) = added {
        diagnostics.push(Diagnostic::error("inventory-source", None, error.to_string()));
    }
}

fn is_executable(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|info| info.is_file() && info.permissions().mode() & 0o111 != 0)
}

fn add_file(
    files: &Files,
    builder: &mut Builder,
    path: &Path,
    diagnostics: &mut Diagnostics,
) -> Result<(), ProjectError> {
    let (file, text) = files.read_text(path)?;
    builder.add_text(file, path, &text, diagnostics);
    Ok(())
}

fn add_script(
    files: &Files,
    builder: &mut Builder,
    path: &Path,
    diagnostics: &mut Diagnostics,
) -> Result<(), ProjectError> {
    let (file, text) = run_script(files, path, &["--list"])?;
    let mut host_output = |host: &str| run_script(files, path, &["--host", host]).map_err(|error| error.to_string());
    builder.add_script_json(file, path, &text, &mut host_output, diagnostics);
    Ok(())
}

fn run_script(files: &Files, path: &Path, args: &[&str]) -> Result<(FileId, String), ProjectError> {
    let program = super::absolute(path);
    let output = Command::new(&program)
        .args(args)
        .output()
        .map_err(|source| ProjectError::Read { path: path.to_path_buf(), source })?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        let message = format!("the inventory script {} ended with {}: {stderr}", path.display(), output.status);
        return Err(ProjectError::Invalid(message));
    }
    let text = String::from_utf8(output.stdout).map_err(|_| ProjectError::NotText { path: path.to_path_buf() })?;
    let file = files.map.add(format!("<output of {} {}>", path.display(), args.join(" ")), text.as_str());
    Ok((file, text))
}

/// One folder that may hold `group_vars` and `host_vars`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct VarsFolder {
    path: PathBuf,
    /// Beside the playbook, not the inventory.
    playbook: bool,
}

/// Variables of hosts and groups from the inventory and the folders. Read when first asked for.
pub struct InventoryVars {
    files: Files,
    folders: Vec<VarsFolder>,
    read: Mutex<HashMap<PathBuf, Arc<Map>>>,
    found: Mutex<Diagnostics>,
}

impl InventoryVars {
    /// The folders that belong to inventory sources and a playbook.
    pub fn new(files: Files, sources: &[String], playbook_dir: &Path) -> InventoryVars {
        let mut folders: Vec<VarsFolder> = Vec::new();
        for source in sources {
            let path = super::search::expand_home(source);
            let folder =
                if path.is_dir() { Some(path) } else { path.parent().filter(|_| path.exists()).map(Path::to_path_buf) };
            let Some(folder) = folder else { continue };
            let folder = VarsFolder { path: super::absolute(&folder), playbook: false };
            if !folders.contains(&folder) {
                folders.push(folder);
            }
        }
        folders.push(VarsFolder { path: super::absolute(playbook_dir), playbook: true });
        InventoryVars { files, folders, read: Mutex::default(), found: Mutex::default() }
    }

    /// What was wrong with files read so far; asking empties it.
    pub fn take_diagnostics(&self) -> Diagnostics {
        std::mem::take(&mut self.found.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn folder_vars(&self, folder: &VarsFolder, kind: &str, name: &str) -> Arc<Map> {
        let base = folder.path.join(kind).join(name);
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(map) = read.get(&base) {
            return map.clone();
        }
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let map = Arc::new(load_vars_folder(&self.files, &base, &mut found));
        read.insert(base, map.clone());
        map
    }

    /// A host's variables by precedence, lowest first.
    pub fn layers(&self, inventory: &Inventory, host: HostId) -> Vec<(Precedence, Arc<Map>)> {
        let mut layers = Vec::new();
        let mut in_files = Map::new();
        for group in inventory.groups_of(host) {
            for definition in inventory.group(*group).vars.iter() {
                in_files.insert(Key::Str(definition.name.clone()), definition.value.clone());
            }
        }
        layers.push((Precedence::InventoryGroupVars, Arc::new(in_files)));
        for group in inventory.groups_of(host) {
            let name = inventory.group(*group).name.clone();
            for folder in &self.folders {
                let precedence = match (*group == Inventory::ALL, folder.playbook) {
                    (true, false) => Precedence::InventoryGroupVarsAll,
                    (true, true) => Precedence::PlaybookGroupVarsAll,
                    (false, false) => Precedence::InventoryGroupVarsFiles,
                    (false, true) => Precedence::PlaybookGroupVarsFiles,
                };
                layers.push((precedence, self.folder_vars(folder, "group_vars", &name)));
            }
        }
        let of_host = inventory.host(host);
        let own = of_host.vars.iter().map(|one| (Key::Str(one.name.clone()), one.value.clone())).collect::<Map>();
        layers.push((Precedence::InventoryHostVars, Arc::new(own)));
        for folder in &self.folders {
            let precedence = match folder.playbook {
                false => Precedence::InventoryHostVarsFiles,
                true => Precedence::PlaybookHostVarsFiles,
            };
            layers.push((precedence, self.folder_vars(folder, "host_vars", &of_host.name)));
        }
        layers
    }
}
