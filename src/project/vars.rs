//! Files and folders of variables, and `--extra-vars`.

use super::{Files, ProjectError};
use crate::playbook::parse_key_values;
use crate::source::{Diagnostic, Diagnostics};
use crate::value::{Map, Value};
use crate::yaml;
use std::path::{Path, PathBuf};

/// Endings of files of variables in a folder, as Ansible knows them.
const ENDINGS: &[&str] = &["yml", "yaml", "json"];

/// Reads one file of variables. An empty file has none.
pub fn load_vars_file(files: &Files, path: &Path, diagnostics: &mut Diagnostics) -> Map {
    let Some(node) = files.read_yaml(path, diagnostics) else { return Map::new() };
    match node.to_value() {
        Value::Map(map) => map.as_ref().clone(),
        Value::Null => Map::new(),
        _ => {
            diagnostics.push(Diagnostic::error(
                "vars-not-a-map",
                node.span,
                format!("a file of variables is a map, not {}", node.describe_kind()),
            ));
            Map::new()
        }
    }
}

/// The files that `base` stands for: `base`, `base.yml`, `base.yaml`, `base.json`, or all files
/// below the folder `base`, in order of their names.
pub fn vars_files(base: &Path) -> Vec<PathBuf> {
    if base.is_dir() {
        let mut found = Vec::new();
        collect(base, &mut found);
        return found;
    }
    let with = |ending: &&str| PathBuf::from(format!("{}.{ending}", base.display()));
    let candidates = std::iter::once(base.to_path_buf()).chain(ENDINGS.iter().map(with));
    candidates.filter(|path| path.is_file()).collect()
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let ending = path.extension().map(|ending| ending.to_string_lossy().into_owned());
        if name.starts_with('.') || name.ends_with('~') {
            continue;
        }
        if path.is_dir() {
            collect(&path, found);
        } else if ending.is_none_or(|ending| ENDINGS.contains(&ending.as_str())) {
            found.push(path);
        }
    }
}

/// The variables of what `base` stands for; later files win.
pub fn load_vars_folder(files: &Files, base: &Path, diagnostics: &mut Diagnostics) -> Map {
    let mut merged = Map::new();
    for path in vars_files(base) {
        merged.extend(load_vars_file(files, &path, diagnostics));
    }
    merged
}

/// Reads one `--extra-vars`: `@file`, YAML or JSON text of a map, or `key=value` words.
pub fn parse_extra_vars(files: &Files, text: &str, diagnostics: &mut Diagnostics) -> Result<Map, ProjectError> {
    if let Some(path) = text.strip_prefix('@') {
        return Ok(load_vars_file(files, &super::search::expand_home(path), diagnostics));
    }
    let trimmed = text.trim_start();
    if trimmed.starts_with(['{', '[']) || trimmed.starts_with("---") {
        let file = files.map.add("<extra vars>", text);
        let documents = yaml::parse(file, text, diagnostics).unwrap_or_default();
        return match documents.first().map(|node| node.to_value()) {
            Some(Value::Map(map)) => Ok(map.as_ref().clone()),
            None => Ok(Map::new()),
            Some(_) => Err(ProjectError::Invalid("--extra-vars takes a map, key=value words or @file".into())),
        };
    }
    match parse_key_values(text, false, None) {
        Ok(map) if !map.contains_key("_raw_params") => Ok(map),
        Ok(_) | Err(_) => Err(ProjectError::Invalid(format!(
            "--extra-vars takes key=value words, a YAML or JSON map, or @file; not {text:?}"
        ))),
    }
}
