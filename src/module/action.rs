//! Actions: modules that run beside the executor, on the controller, and may send steps to the host.

use super::{ArgSpec, BlobRef, Failure, ModuleSpec, Output, Run, RunFlags};
use crate::template::{Engine, Scope};
use crate::value::{Map, Value};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What an action changes in the run itself.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Facts of the host (`ansible_facts`), at the precedence of facts.
    Facts(Map),
    /// `set_fact`: host variables above play and role variables; kept for later runs when cacheable.
    SetFact {
        /// Names and values.
        facts: Map,
        /// Keep them in the fact cache as facts too.
        cacheable: bool,
    },
    /// `include_vars`: variables with templates still in them.
    IncludeVars(Map),
    /// `add_host`.
    AddHost {
        /// The host's name.
        name: String,
        /// The groups that it joins; made when missing.
        groups: Vec<String>,
        /// Its variables.
        vars: Map,
    },
    /// `group_by`: the current host joins.
    GroupBy {
        /// The group; made when missing.
        group: String,
        /// The groups that it becomes a child of.
        parents: Vec<String>,
    },
    /// `set_stats`.
    Stats {
        /// Names and values.
        data: Map,
        /// Under the host's name, not for the whole run.
        per_host: bool,
        /// Add to earlier values where they can be added.
        aggregate: bool,
    },
}

/// The controller's side of one task on one host (one loop item).
pub trait TaskDoor: Send + Sync {
    /// The inventory's name of the host.
    fn host(&self) -> &str;
    /// The task's variables.
    fn scope(&self) -> &Arc<dyn Scope>;
    /// The template engine.
    fn engine(&self) -> &Engine;
    /// Check mode and diff mode of this task.
    fn flags(&self) -> RunFlags;
    /// `-v` count.
    fn verbosity(&self) -> u8;
    /// The file that the task is written in.
    fn task_file(&self) -> PathBuf;
    /// Finds a file as Ansible does for this task: role's `kind` folder (files, templates, vars,
    /// tasks), role, play's folder. Absolute and `~` paths as they are.
    fn find_file(&self, kind: &str, name: &str) -> Result<PathBuf, Failure>;
    /// Reads a controller's file; a vault file is decrypted.
    fn read_file(&self, path: &Path) -> Result<Vec<u8>, Failure>;
    /// Reads a file of variables (YAML or JSON), with its templates kept.
    fn load_vars(&self, path: &Path) -> Result<Map, Failure>;
    /// Offers content to the host.
    fn offer(&self, content: Vec<u8>) -> Result<BlobRef, Failure>;
    /// Offers a controller's file to the host, without reading it whole.
    fn offer_file(&self, path: &Path) -> Result<BlobRef, Failure>;
    /// Runs a module on the task's host with the task's become and environment.
    fn remote(&self, module: &str, args: &Map, flags: RunFlags) -> Result<Run, Failure>;
    /// Runs a command on the host through the transport alone, without the agent (`raw`).
    fn raw(&self, command: &str, executable: Option<&str>) -> Result<Output, Failure>;
    /// Drops the connection (`meta: reset_connection`, reboots) so that the next step makes a new one.
    fn reset_connection(&self) -> Result<(), Failure>;
    /// Opens the connection and says why when it cannot (`wait_for_connection`).
    fn try_connect(&self) -> Result<(), Failure>;
    /// Asks at the terminal; None when there is none. `secret` hides what is typed.
    fn prompt(&self, text: &str, secret: bool) -> Option<String>;
    /// Sleeps, ending early with a failure when the run is interrupted.
    fn sleep(&self, time: std::time::Duration) -> Result<(), Failure>;
    /// Records what the action changes in the run.
    fn effect(&self, effect: Effect);
    /// Shows a message beside the task (debug-like output, warnings).
    fn warn(&self, message: &str);
    /// Runs a module on the controller itself, in this process (the whole modules).
    fn local(&self, module: &str, args: &Map, flags: RunFlags) -> Result<Run, Failure>;
}

/// A module that runs on the controller.
pub trait Action: Send + Sync {
    /// Names and documentation.
    fn spec(&self) -> ModuleSpec;
    /// Its arguments; empty with [`Action::any_args`].
    fn args(&self) -> &'static [ArgSpec];
    /// Whether arguments of any name are taken (`set_fact`).
    fn any_args(&self) -> bool {
        false
    }
    /// Arguments that must reach [`Action::run`] unrendered (`debug`'s `var`, `assert`'s `that`).
    fn raw_args(&self) -> &'static [&'static str] {
        &[]
    }
    /// Does the work; the returned map is the task's result, `changed` included when true.
    fn run(&self, args: &Map, task: &dyn TaskDoor) -> Result<Map, Failure>;
}

/// The value of a result that says nothing changed.
pub fn unchanged() -> Map {
    Map::from([("changed".into(), Value::Bool(false))])
}
