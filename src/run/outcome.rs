//! How a task ended on one host: what the worker hands back to the dispatcher.

use super::event::Status;
use crate::module::Effect;
use crate::value::{Map, Value};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// What an include asks for, once its names are rendered.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Include {
    /// A file of tasks.
    Tasks { path: PathBuf },
    /// A role, with the files chosen in it.
    Role {
        name: String,
        tasks_from: Option<String>,
        vars_from: Option<String>,
        defaults_from: Option<String>,
        handlers_from: Option<String>,
        /// `allow_duplicates`, `public` and `rolespec_validate`, where they are given.
        flags: [Option<bool>; 3],
    },
}

/// An include with the variables of its loop item.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct IncludeRequest {
    pub include: Include,
    /// Loop variables and rendered parameters.
    pub vars: Map,
}

/// A task's result on one host.
#[derive(Debug, Clone)]
pub(super) struct TaskOutcome {
    pub status: Status,
    /// The result with everything in it; never shown when `no_log`.
    pub result: Map,
    pub no_log: bool,
    /// A failure that does not count.
    pub ignored: bool,
    pub effects: Vec<EffectFor>,
    /// Rendered names of handlers.
    pub notify: Vec<String>,
    pub includes: Vec<IncludeRequest>,
    pub delegated: Option<Arc<str>>,
    pub took: Duration,
    pub looped: bool,
}

/// An effect, and whether it is for the host that the task was delegated to.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct EffectFor {
    pub effect: Effect,
    pub delegated: Option<String>,
}

impl TaskOutcome {
    pub fn failed(&self) -> bool {
        self.status == Status::Failed && !self.ignored
    }

    pub fn unreachable(&self) -> bool {
        self.status == Status::Unreachable && !self.ignored
    }
}

/// What is shown of a result that must not be shown.
pub(super) fn censored(result: &Map) -> Map {
    let mut shown = Map::from([(
        "censored".into(),
        Value::str("the output has been hidden due to the fact that 'no_log: true' was specified for this result"),
    )]);
    for key in ["changed", "failed", "unreachable", "attempts", "retries", "_ansible_delegated_vars"] {
        if let Some(value) = result.get(key) {
            shown.insert(key.into(), value.clone());
        }
    }
    shown
}
