//! Reads plays, blocks and tasks from YAML nodes, collecting everything that is wrong.

mod action;
mod keywords;
mod play;
mod role;
mod task;

use super::{Attributes, Role};
use crate::module::{ArgSpec, Rule};
use crate::source::{Diagnostic, Diagnostics, Span};
use crate::value::Map;
use crate::yaml::Node;
use std::path::PathBuf;
use std::sync::Arc;

/// What the reader must know of a module.
#[derive(Debug, Clone)]
pub struct ModuleInfo {
    /// The canonical name.
    pub name: Arc<str>,
    /// Whether its text is taken as it is.
    pub free_form: bool,
    /// Its arguments.
    pub args: &'static [ArgSpec],
    /// Rules between arguments.
    pub rules: &'static [Rule],
    /// Whether arguments of any name are taken.
    pub any_args: bool,
    /// Why it cannot be run, for a module of the project's own that rplay cannot run.
    pub refused: Option<String>,
}

/// Finds modules by any of their names.
pub trait ModuleCatalog {
    /// The module of this name.
    fn find(&self, name: &str) -> Option<ModuleInfo>;
    /// Every name, for suggestions.
    fn names(&self) -> Vec<String>;
}

/// What surrounds the items that are read.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// Keywords to inherit.
    pub attributes: Attributes,
    /// Variables of the blocks around, outermost first.
    pub vars: Vec<Arc<Map>>,
    /// Parameters of the includes around.
    pub include_vars: Vec<Arc<Map>>,
    /// The role.
    pub role: Option<Arc<Role>>,
    /// The file.
    pub file: Arc<PathBuf>,
    /// Whether the items are handlers.
    pub handlers: bool,
    /// Whether a rescue takes care of failures: then wrong arguments are the task's failure, as under Ansible.
    pub rescued: bool,
}

/// Reads the language; what is wrong gathers in `diagnostics`.
pub struct Reader<'a> {
    /// Finds modules.
    pub modules: &'a dyn ModuleCatalog,
    /// What was wrong so far.
    pub diagnostics: &'a mut Diagnostics,
}

impl Reader<'_> {
    fn error(&mut self, code: &'static str, span: Span, message: impl Into<String>) {
        self.diagnostics.push(Diagnostic::error(code, span, message));
    }

    /// The entries of a map of variables; anything else is an error.
    fn read_vars(&mut self, node: &Node) -> Map {
        match node.to_value() {
            crate::value::Value::Map(map) => {
                self.check_names(node);
                map.as_ref().clone()
            }
            crate::value::Value::Null => Map::new(),
            // Ansible takes a list of maps too, and merges them.
            crate::value::Value::List(items) if items.iter().all(|item| item.as_map().is_some()) => {
                items.iter().filter_map(|item| item.as_map().cloned()).flatten().collect()
            }
            _ => {
                self.error("vars-not-a-map", node.span, format!("`vars` takes a map, not {}", node.describe_kind()));
                Map::new()
            }
        }
    }

    fn check_names(&mut self, node: &Node) {
        for entry in node.as_map().into_iter().flatten() {
            let valid = entry.name().is_some_and(is_variable_name);
            if !valid {
                let shown = entry.key.to_value();
                self.diagnostics.push(
                    Diagnostic::error("bad-variable-name", entry.key.span, format!("`{shown}` is not a variable name"))
                        .with_help("letters, digits and underscores, not beginning with a digit"),
                );
            }
        }
    }
}

/// Whether text can name a variable: letters, digits and underscores, no digit first, and no word
/// that stands for a value in templates.
pub fn is_variable_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !RESERVED.contains(&text)
}

const RESERVED: &[&str] = &["False", "None", "True", "false", "none", "true"];
